// Stock verifies a ledger with clients of transparency logs that others wrote
// and that know nothing of Lexecon: the note and tree packages of the Go
// checksum database, and the client and fsck of Tessera. What they accept is a
// log by C2SP's word, not by ours.
//
// Not here: whatever C2SP does not speak of, such as majorities of voters, the
// chain and erasures. Those are for the two verifiers of the format.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/transparency-dev/tessera/client"
	"k8s.io/klog/v2"
)

const usage = `usage: stock (-url URL | -dir DIR | -proof FILE) [-keys FILE]

  -url URL     a node, such as http://127.0.0.1:8000
  -dir DIR     a directory laid out like an export
  -proof FILE  one C2SP tlog-proof; needs -keys
  -keys FILE   a keys.json to trust, instead of the one that the ledger offers

Exit: 0 holds, 1 does not, 2 wrong usage.
`

const (
	requestMax  = 10 * time.Second
	keysByteMax = 16 << 20
)

type options struct {
	url, dir, proof, keys string
}

func main() {
	silence()
	opts, ok := parse(os.Args[1:])
	if !ok {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := run(context.Background(), opts, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "does not hold: %v\n", err)
		os.Exit(1)
	}
}

// silence keeps what the libraries log from hiding our one sentence.
func silence() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
}

func parse(args []string) (options, bool) {
	var opts options
	flags := flag.NewFlagSet("stock", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&opts.url, "url", "", "")
	flags.StringVar(&opts.dir, "dir", "", "")
	flags.StringVar(&opts.proof, "proof", "", "")
	flags.StringVar(&opts.keys, "keys", "", "")
	if flags.Parse(args) != nil || flags.NArg() != 0 {
		return opts, false
	}
	given := 0
	for _, target := range []string{opts.url, opts.dir, opts.proof} {
		if target != "" {
			given++
		}
	}
	return opts, given == 1 && (opts.proof == "" || opts.keys != "")
}

func run(ctx context.Context, opts options, out io.Writer) error {
	switch {
	case opts.url != "":
		return runURL(ctx, opts, out)
	case opts.dir != "":
		keys := opts.keys
		if keys == "" {
			keys = filepath.Join(opts.dir, "keys.json")
		}
		trusted, err := keysOfFile(keys)
		if err != nil {
			return err
		}
		return verifyLog(ctx, client.FileFetcher{Root: opts.dir}, trusted, out)
	default:
		trusted, err := keysOfFile(opts.keys)
		if err != nil {
			return err
		}
		proof, err := os.ReadFile(opts.proof)
		if err != nil {
			return fmt.Errorf("cannot read the proof: %w", err)
		}
		return verifyProof(proof, trusted, out)
	}
}

func runURL(ctx context.Context, opts options, out io.Writer) error {
	base, err := url.Parse(opts.url)
	if err != nil || base.Host == "" {
		return fmt.Errorf("`%s` is not the URL of a node", opts.url)
	}
	web := &http.Client{Timeout: requestMax}
	source, err := client.NewHTTPFetcher(base, web)
	if err != nil {
		return err
	}
	var trusted []trustedKey
	if opts.keys != "" {
		trusted, err = keysOfFile(opts.keys)
	} else {
		trusted, err = keysOfNode(ctx, web, strings.TrimSuffix(base.String(), "/")+"/keys")
	}
	if err != nil {
		return err
	}
	return verifyLog(ctx, source, trusted, out)
}

func keysOfFile(path string) ([]trustedKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the keys: %w", err)
	}
	return parseKeys(text)
}

func keysOfNode(ctx context.Context, web *http.Client, address string) ([]trustedKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	reply, err := web.Do(request)
	if err != nil {
		return nil, fmt.Errorf("cannot read the keys: %w", err)
	}
	defer func() { _ = reply.Body.Close() }()
	if reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("`GET %s` answered %s", address, reply.Status)
	}
	text, err := io.ReadAll(io.LimitReader(reply.Body, keysByteMax))
	if err != nil {
		return nil, fmt.Errorf("cannot read the keys: %w", err)
	}
	return parseKeys(text)
}
