package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/transparency-dev/tessera/api/layout"
	"golang.org/x/mod/sumdb/note"
)

const vectors = "../../node/core/ledger/tests/vectors"

func TestMain(m *testing.M) {
	silence()
	os.Exit(m.Run())
}

// directory is an export in memory: path to bytes.
type directory map[string][]byte

func (d directory) get(path string) ([]byte, error) {
	data, ok := d[path]
	if !ok {
		return nil, fmt.Errorf("`%s`: %w", path, os.ErrNotExist)
	}
	return data, nil
}

func (d directory) ReadCheckpoint(context.Context) ([]byte, error) {
	return d.get(layout.CheckpointPath)
}

func (d directory) ReadTile(_ context.Context, level, index uint64, width uint8) ([]byte, error) {
	return d.get(layout.TilePath(level, index, width))
}

func (d directory) ReadEntryBundle(_ context.Context, index uint64, width uint8) ([]byte, error) {
	return d.get(layout.EntriesPath(index, width))
}

// with is a copy in which one file is another.
func (d directory) with(path string, data []byte) directory {
	changed := maps.Clone(d)
	changed[path] = data
	return changed
}

func (d directory) verify() error {
	trusted, err := parseKeys(d["keys.json"])
	if err != nil {
		return err
	}
	return verifyLog(context.Background(), d, trusted, io.Discard)
}

func load(t *testing.T, root string) directory {
	t.Helper()
	read := directory{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		read[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func export(t *testing.T, name string) directory {
	return load(t, filepath.Join(vectors, "exports", name))
}

// vector is a row of exports.json: a whole directory, or files to be laid over
// another one.
type vector struct {
	Name, Kind, Path, Base, Keys string
	OK                           bool
	Remove                       []string
	Replace                      map[string]string
}

func rows(t *testing.T, kinds string) []vector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, "exports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all, wanted []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, row := range all {
		if strings.Contains(kinds, row.Kind) {
			wanted = append(wanted, row)
		}
	}
	if len(wanted) == 0 {
		t.Fatalf("exports.json has no row of kind %s", kinds)
	}
	return wanted
}

func (v vector) load(t *testing.T) directory {
	t.Helper()
	if v.Base == "" {
		return export(t, v.Path)
	}
	laid := export(t, v.Base)
	for _, path := range v.Remove {
		delete(laid, path)
	}
	for path, from := range v.Replace {
		data, err := os.ReadFile(filepath.Join(vectors, "exports", from))
		if err != nil {
			t.Fatal(err)
		}
		laid[path] = data
	}
	return laid
}

func TestWhatOurVerifiersAcceptAStockClientAccepts(t *testing.T) {
	for _, row := range rows(t, "export tiles") {
		if !row.OK {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			if err := row.load(t).verify(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Of what our verifiers refuse, this is what C2SP speaks of too.
func TestVectorsOfDamageAreRefused(t *testing.T) {
	sentences := map[string]string{
		"bad_signature":           "does not open with `key_",
		"edited_note":             "does not open with `key_",
		"strangers_signed":        "no trusted key signed",
		"note_no_last_newline":    "malformed note",
		"wrong_root":              "the checkpoint says",
		"tile_flipped":            "is not the tile of the entries",
		"tile_cut":                "is not the tile of the entries",
		"bundle_flipped":          "the checkpoint says",
		"bundle_cut":              "cannot read `tile/entries/",
		"bundle_one_less":         "has 28 entries",
		"tiles_only_tile_flipped": "is not the tile of the entries",
		"tiles_only_last_flipped": "the checkpoint says",
		"tiles_only_strangers":    "no trusted key signed",
	}
	for _, row := range rows(t, "export tiles") {
		expected, ok := sentences[row.Name]
		if !ok {
			continue
		}
		delete(sentences, row.Name)
		t.Run(row.Name, func(t *testing.T) { refused(t, row.load(t).verify(), expected) })
	}
	if len(sentences) != 0 {
		t.Errorf("exports.json has no rows for %v", sentences)
	}
}

func refused(t *testing.T, err error, expected string) {
	t.Helper()
	if err == nil {
		t.Errorf("it is accepted; expected: %s", expected)
	} else if !strings.Contains(err.Error(), expected) {
		t.Errorf("refused with %q; expected: %s", err, expected)
	}
}

func TestAFlippedBitInATileOrABundleIsRefused(t *testing.T) {
	// A ledger of two tiles takes longer, so fewer of its bits are tried; the
	// distances are primes, so that no structure is passed over.
	for name, distance := range map[string]int{"one_node": 5, "wide": 211} {
		whole := export(t, name)
		for path, data := range whole {
			if !strings.HasPrefix(path, "tile/") {
				continue
			}
			tried := 0
			for bit := 0; bit < 8*len(data); bit += min(distance, len(data)+1) {
				if whole.with(path, flip(data, bit)).verify() == nil {
					t.Errorf("%s: bit %d of %s may be another", name, bit, path)
				}
				tried++
			}
			t.Logf("%s: %d bits of %s", name, tried, path)
		}
	}
}

func TestEachFlippedBitOfACheckpointIsRefused(t *testing.T) {
	whole := export(t, "good")
	raw := whole[layout.CheckpointPath]
	text := bytes.LastIndex(raw, []byte("\n\n")) + 2
	for bit := range 8 * text {
		if whole.with(layout.CheckpointPath, flip(raw, bit)).verify() == nil {
			t.Errorf("bit %d of the text may be another", bit)
		}
	}
	t.Logf("%d bits of the text", 8*text)
	trusted, err := parseKeys(whole["keys.json"])
	if err != nil {
		t.Fatal(err)
	}
	head, err := openCheckpoint(raw, trusted)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range head.signers {
		opened, err := note.Open(raw, note.VerifierList(key.verifier))
		if err != nil {
			t.Fatal(err)
		}
		line := opened.Sigs[0].Base64
		value, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(value) {
			changed := base64.StdEncoding.EncodeToString(flip(value, bit))
			changedRaw := bytes.Replace(raw, []byte(line), []byte(changed), 1)
			// The first 32 bits are the key id: then it is a stranger's line, and
			// whoever trusts this key alone finds no signature of it.
			if _, err := openCheckpoint(changedRaw, []trustedKey{key}); err == nil {
				t.Errorf("bit %d of the signature of %s may be another", bit, key.kid)
			}
		}
		t.Logf("%d bits of the signature of %s", 8*len(value), key.kid)
	}
}

func flip(data []byte, bit int) []byte {
	changed := bytes.Clone(data)
	changed[bit/8] ^= 1 << (bit % 8)
	return changed
}

// What fsck alone makes of damage, without the checks that come before it.
func TestFsckAloneRefusesAFlippedTile(t *testing.T) {
	whole := export(t, "wide")
	trusted, err := parseKeys(whole["keys.json"])
	if err != nil {
		t.Fatal(err)
	}
	head, err := openCheckpoint(whole[layout.CheckpointPath], trusted)
	if err != nil {
		t.Fatal(err)
	}
	if err := runFsck(context.Background(), whole, head, 3); err != nil {
		t.Error(err)
	}
	for path, data := range whole {
		if strings.HasPrefix(path, "tile/") {
			changed := whole.with(path, flip(data, 8*len(data)-1))
			refused(t, runFsck(context.Background(), changed, head, 3), "fsck with `key_")
		}
	}
}

func TestAnyOneSignerSuffices(t *testing.T) {
	whole := export(t, "good")
	trusted, err := parseKeys(whole["keys.json"])
	if err != nil {
		t.Fatal(err)
	}
	head, err := openCheckpoint(whole[layout.CheckpointPath], trusted)
	if err != nil {
		t.Fatal(err)
	}
	if len(head.signers) < 2 {
		t.Fatalf("%d keys signed, which says nothing of any one", len(head.signers))
	}
	for _, key := range head.signers {
		if err := verifyLog(context.Background(), whole, []trustedKey{key}, io.Discard); err != nil {
			t.Errorf("%s alone: %v", key.kid, err)
		}
	}
}

func TestAWrongKeyIsRefused(t *testing.T) {
	whole := export(t, "good")
	trusted, err := parseKeys(whole["keys.json"])
	if err != nil {
		t.Fatal(err)
	}
	// Another key under the right name.
	_, vkey, err := note.GenerateKey(zeros{}, trusted[0].verifier.Name())
	if err != nil {
		t.Fatal(err)
	}
	refused(t, whole.with("keys.json", keys(vkey)).verify(), "no trusted key signed")
	// Another key under the right name and the right key id.
	parts := strings.Split(vkey, "+")
	parts[1] = fmt.Sprintf("%08x", trusted[0].verifier.KeyHash())
	forged := keys(strings.Join(parts, "+"))
	refused(t, whole.with("keys.json", forged).verify(), "the vkey of `key_X` is none")
	stranger, err := os.ReadFile(filepath.Join(vectors, "exports/keys/stranger.json"))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, whole.with("keys.json", stranger).verify(), "no trusted key signed")
	refused(t, whole.with("keys.json", []byte(`{"keys":[]}`)).verify(), "name no key")
	revoked := bytes.ReplaceAll(whole["keys.json"], []byte(`"active"`), []byte(`"revoked"`))
	refused(t, whole.with("keys.json", revoked).verify(), "no trusted key signed")
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}

func keys(vkey string) []byte {
	return fmt.Appendf(nil, `{"keys":[{"kid":"key_X","use":"checkpoint","status":"active","vkey":%q}]}`, vkey)
}

func TestProofsOfTheVectors(t *testing.T) {
	for _, row := range rows(t, "tlog-proof") {
		// Those with a ledger at hand are judged by more than the proof says.
		if row.Keys == "" {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			err := run(context.Background(), options{
				proof: filepath.Join(vectors, "exports", row.Path),
				keys:  filepath.Join(vectors, "exports", row.Keys),
			}, io.Discard)
			if (err == nil) != row.OK {
				t.Errorf("accepted: %v (%v), expected: %v", err == nil, err, row.OK)
			}
		})
	}
}

func TestANodeIsReadOverHTTP(t *testing.T) {
	for _, name := range []string{"good", "wide"} {
		whole := export(t, name)
		whole["keys"] = whole["keys.json"]
		hold := httptest.NewServer(whole)
		defer hold.Close()
		for _, address := range []string{hold.URL, hold.URL + "/"} {
			if err := run(context.Background(), options{url: address}, io.Discard); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		pinned := options{url: hold.URL, keys: filepath.Join(vectors, "exports/keys/stranger.json")}
		refused(t, run(context.Background(), pinned, io.Discard), "no trusted key signed")
		for path, data := range whole {
			if strings.HasPrefix(path, "tile/") {
				changed := httptest.NewServer(whole.with(path, flip(data, 4*len(data))))
				err := run(context.Background(), options{url: changed.URL}, io.Discard)
				changed.Close()
				if err == nil {
					t.Errorf("%s: `%s` may be another", name, path)
				}
			}
		}
	}
	refused(t, run(context.Background(), options{url: "127.0.0.1:8000"}, io.Discard), "not the URL")
	empty := httptest.NewServer(directory{"keys": keysOf(t, "good")})
	defer empty.Close()
	refused(t, run(context.Background(), options{url: empty.URL}, io.Discard), "cannot read the checkpoint")
}

func keysOf(t *testing.T, name string) []byte { return export(t, name)["keys.json"] }

func (d directory) ServeHTTP(reply http.ResponseWriter, request *http.Request) {
	data, err := d.get(strings.TrimPrefix(request.URL.Path, "/"))
	if err != nil {
		http.NotFound(reply, request)
		return
	}
	_, _ = reply.Write(data)
}

func TestTheCommandLineNamesOneTarget(t *testing.T) {
	for line, expected := range map[string]bool{
		"-url http://127.0.0.1:8000":   true,
		"-dir export":                  true,
		"-dir export -keys keys.json":  true,
		"-proof a.tlog-proof -keys k":  true,
		"-proof a.tlog-proof":          false,
		"-url http://127.0.0.1 -dir x": false,
		"-keys keys.json":              false,
		"-dir export more":             false,
		"-unknown":                     false,
	} {
		if _, ok := parse(strings.Fields(line)); ok != expected {
			t.Errorf("`%s`: %v", line, ok)
		}
	}
}

func TestASampleIsInTheLedgerAndHasItsEnds(t *testing.T) {
	for _, size := range []int64{1, 2, 255, 256, 257, 511, 512, 513, 514, 70000, 1 << 20} {
		shown := sample(size)
		for _, at := range shown {
			if at < 0 || size <= at {
				t.Errorf("entry %d of %d", at, size)
			}
		}
		if shown[0] != 0 || shown[len(shown)-1] != size-1 {
			t.Errorf("size %d: %v", size, shown)
		}
	}
}
