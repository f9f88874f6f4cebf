package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A trustedKey is one that alone makes a checkpoint acceptable.
type trustedKey struct {
	kid      string
	verifier note.Verifier
}

// parseKeys reads the verifier keys of a keys.json. Every vkey has to be one
// that stock tools take. A key that was revoked proves nothing any more.
func parseKeys(text []byte) ([]trustedKey, error) {
	var listed struct {
		Keys []struct {
			Kid, Use, Status, Vkey string
		}
	}
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, fmt.Errorf("cannot parse the keys: %w", err)
	}
	var trusted []trustedKey
	for _, row := range listed.Keys {
		if row.Use != "checkpoint" {
			continue
		}
		verifier, err := note.NewVerifier(row.Vkey)
		if err != nil {
			return nil, fmt.Errorf("the vkey of `%s` is none: %w", row.Kid, err)
		}
		if row.Status != "revoked" {
			trusted = append(trusted, trustedKey{row.Kid, verifier})
		}
	}
	if len(trusted) == 0 {
		return nil, errors.New("the keys name no key of use `checkpoint`")
	}
	return trusted, nil
}

// A head is what a checkpoint says, and who was found to have signed it.
type head struct {
	origin string
	size   int64
	root   tlog.Hash
	// The keys that signed, never none.
	signers []trustedKey
}

func (h head) tree() tlog.Tree { return tlog.Tree{N: h.size, Hash: h.root} }

func (h head) String() string {
	kids := make([]string, len(h.signers))
	for at, key := range h.signers {
		kids[at] = key.kid
	}
	return fmt.Sprintf("%s, size %d, root %s, signed by %s",
		h.origin, h.size, h.root, strings.Join(kids, " and "))
}

// openCheckpoint opens the note once with each key alone, as someone would who
// has that one only. Keys that did not sign are passed over; a signature under
// a key's name and id that does not verify is a fault.
func openCheckpoint(raw []byte, trusted []trustedKey) (head, error) {
	var found head
	for _, key := range trusted {
		_, err := note.Open(raw, note.VerifierList(key.verifier))
		var unsigned *note.UnverifiedNoteError
		if errors.As(err, &unsigned) {
			continue
		}
		if err != nil {
			return head{}, fmt.Errorf("the checkpoint does not open with `%s` alone: %w", key.kid, err)
		}
		parsed, err := parseHead(raw, key)
		if err != nil {
			return head{}, fmt.Errorf("the checkpoint does not parse with `%s` alone: %w", key.kid, err)
		}
		found.origin, found.size, found.root = parsed.origin, parsed.size, parsed.root
		found.signers = append(found.signers, key)
	}
	if len(found.signers) == 0 {
		return head{}, errors.New("no trusted key signed the checkpoint")
	}
	return found, nil
}

func parseHead(raw []byte, key trustedKey) (head, error) {
	// A key bears the name of the ledger whose checkpoints it signs.
	checkpoint, _, _, err := log.ParseCheckpoint(raw, key.verifier.Name(), key.verifier)
	if err != nil {
		return head{}, err
	}
	if len(checkpoint.Hash) != tlog.HashSize {
		return head{}, fmt.Errorf("a root of %d bytes", len(checkpoint.Hash))
	}
	// Integers of the format are below 2^53.
	if checkpoint.Size == 0 || 1<<53 <= checkpoint.Size {
		return head{}, fmt.Errorf("a size of %d", checkpoint.Size)
	}
	return head{
		origin: checkpoint.Origin,
		size:   int64(checkpoint.Size),
		root:   tlog.Hash(checkpoint.Hash),
	}, nil
}

// verifyProof checks a receipt in the form of C2SP tlog-proof: the entry's
// header is its extra data.
func verifyProof(text []byte, trusted []trustedKey, out io.Writer) error {
	var read proof.TLogProof
	if err := read.Unmarshal(text); err != nil {
		return fmt.Errorf("cannot parse the proof: %w", err)
	}
	head, err := openCheckpoint(read.Checkpoint, trusted)
	if err != nil {
		return err
	}
	if read.ExtraData == nil || uint64(head.size) <= read.Index {
		return fmt.Errorf("the proof shows no entry of a ledger of size %d", head.size)
	}
	path := make(tlog.RecordProof, len(read.Hashes))
	for at, hash := range read.Hashes {
		path[at] = hash
	}
	leaf := tlog.RecordHash(read.ExtraData)
	if err := tlog.CheckRecord(path, head.size, head.root, int64(read.Index), leaf); err != nil {
		return fmt.Errorf("the proof of entry %d does not lead to the root: %w", read.Index, err)
	}
	fmt.Fprintf(out, "proof of entry %d\ncheckpoint %s\n", read.Index, head)
	return nil
}
