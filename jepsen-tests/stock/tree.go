package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/tlog"
)

// verifyLog checks a whole ledger: its checkpoint, every entry, every tile, and
// proofs made from the tiles by two implementations.
func verifyLog(ctx context.Context, source fsck.Fetcher, trusted []trustedKey, out io.Writer) error {
	source = &memo{source: source, read: map[string][]byte{}}
	raw, err := source.ReadCheckpoint(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the checkpoint: %w", err)
	}
	head, err := openCheckpoint(raw, trusted)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "checkpoint %s\n", head)
	hashes, err := hashEntries(ctx, source, head.size)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(head.size, hashes)
	if err != nil {
		return err
	}
	if root != head.root {
		return fmt.Errorf("the entries have root %s, the checkpoint says %s", root, head.root)
	}
	fmt.Fprintf(out, "root as recomputed; entries: %d\n", head.size)
	tiles, err := checkTiles(ctx, source, head.size, hashes)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "tiles as recomputed: %d\n", tiles)
	shown := sample(head.size)
	if err := proveWithTlog(ctx, source, head, hashes, shown); err != nil {
		return err
	}
	if err := proveWithTessera(ctx, source, head, hashes, shown); err != nil {
		return err
	}
	fmt.Fprintf(out, "proofs of inclusion and of consistency, each by tlog and by tessera: %d\n", len(shown))
	if err := runFsck(ctx, source, head, uint(tiles)); err != nil {
		return err
	}
	fmt.Fprintf(out, "fsck passes; keys, each alone: %d\n", len(head.signers))
	return nil
}

// stored holds the hashes of a tree in the order of package tlog.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		if index < 0 || int64(len(s)) <= index {
			return nil, fmt.Errorf("there is no hash %d", index)
		}
		hashes[at] = s[index]
	}
	return hashes, nil
}

// hashEntries builds the tree from the entry bundles and from nothing else.
func hashEntries(ctx context.Context, source fsck.Fetcher, size int64) (stored, error) {
	var hashes stored
	for first := int64(0); first < size; first += layout.EntryBundleWidth {
		at := uint64(first) / layout.EntryBundleWidth
		name := layout.EntriesPath(at, layout.PartialTileSize(0, at, uint64(size)))
		bundle, err := client.GetEntryBundle(ctx, source.ReadEntryBundle, at, uint64(size))
		if err != nil {
			return nil, fmt.Errorf("cannot read `%s`: %w", name, err)
		}
		if there := min(layout.EntryBundleWidth, size-first); int64(len(bundle.Entries)) != there {
			return nil, fmt.Errorf("`%s` has %d entries", name, len(bundle.Entries))
		}
		for within, entry := range bundle.Entries {
			added, err := tlog.StoredHashes(first+int64(within), entry, hashes)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, added...)
		}
	}
	return hashes, nil
}

// checkTiles compares every tile of the tree with what the entries make of it.
func checkTiles(ctx context.Context, source fsck.Fetcher, size int64, hashes stored) (int, error) {
	tiles := tlog.NewTiles(layout.TileHeight, 0, size)
	for _, tile := range tiles {
		expected, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return 0, err
		}
		found, err := readTile(ctx, source, tile)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(found, expected) {
			return 0, fmt.Errorf("`%s` is not the tile of the entries", tilePath(tile))
		}
	}
	return len(tiles), nil
}

// proveWithTlog makes proofs from tiles alone, which TileHashReader first ties
// to the root.
func proveWithTlog(ctx context.Context, source fsck.Fetcher, head head, hashes stored, shown []int64) error {
	reader := tlog.TileHashReader(head.tree(), tileReader{ctx, source})
	for _, at := range shown {
		path, err := tlog.ProveRecord(head.size, at, reader)
		if err != nil {
			return fmt.Errorf("tlog makes no proof of entry %d: %w", at, err)
		}
		leaf := hashes[tlog.StoredHashIndex(0, at)]
		if err := tlog.CheckRecord(path, head.size, head.root, at, leaf); err != nil {
			return fmt.Errorf("tlog refuses the proof of entry %d: %w", at, err)
		}
		smaller := at + 1
		older, err := tlog.TreeHash(smaller, hashes)
		if err != nil {
			return err
		}
		grown, err := tlog.ProveTree(head.size, smaller, reader)
		if err != nil {
			return fmt.Errorf("tlog makes no proof from size %d: %w", smaller, err)
		}
		if err := tlog.CheckTree(grown, head.size, head.root, smaller, older); err != nil {
			return fmt.Errorf("tlog refuses the proof from size %d: %w", smaller, err)
		}
	}
	return nil
}

// proveWithTessera makes the same proofs by another implementation.
func proveWithTessera(ctx context.Context, source fsck.Fetcher, head head, hashes stored, shown []int64) error {
	size, root, hasher := uint64(head.size), head.root[:], rfc6962.DefaultHasher
	builder, err := client.NewProofBuilder(ctx, size, source.ReadTile)
	if err != nil {
		return fmt.Errorf("tessera makes no proofs: %w", err)
	}
	for _, at := range shown {
		path, err := builder.InclusionProof(ctx, uint64(at))
		if err != nil {
			return fmt.Errorf("tessera makes no proof of entry %d: %w", at, err)
		}
		leaf := hashes[tlog.StoredHashIndex(0, at)]
		if err := proof.VerifyInclusion(hasher, uint64(at), size, leaf[:], path, root); err != nil {
			return fmt.Errorf("tessera refuses the proof of entry %d: %w", at, err)
		}
		smaller := at + 1
		older, err := tlog.TreeHash(smaller, hashes)
		if err != nil {
			return err
		}
		grown, err := builder.ConsistencyProof(ctx, uint64(smaller), size)
		if err != nil {
			return fmt.Errorf("tessera makes no proof from size %d: %w", smaller, err)
		}
		if err := proof.VerifyConsistency(hasher, uint64(smaller), size, grown, older[:], root); err != nil {
			return fmt.Errorf("tessera refuses the proof from size %d: %w", smaller, err)
		}
	}
	return nil
}

// runFsck runs Tessera's own check with each key that signed, alone. A worker
// of it ends at the first bad tile, and with fewer places than tiles the rest
// would wait for ever, so there is a place for each.
func runFsck(ctx context.Context, source fsck.Fetcher, head head, tiles uint) error {
	for _, key := range head.signers {
		check := fsck.New(head.origin, key.verifier, source, hashBundle, fsck.Opts{N: tiles})
		if err := check.Check(ctx); err != nil {
			return fmt.Errorf("fsck with `%s` alone: %w", key.kid, err)
		}
	}
	return nil
}

func hashBundle(raw []byte) ([][]byte, error) {
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(raw); err != nil {
		return nil, err
	}
	leaves := make([][]byte, len(bundle.Entries))
	for at, entry := range bundle.Entries {
		leaves[at] = rfc6962.DefaultHasher.HashLeaf(entry)
	}
	return leaves, nil
}

// sample names the entries to be proved, and with each the size that ends with
// it: all of a small ledger, of a large one those about powers of two, where
// trees and tiles change their form, and some between.
func sample(size int64) []int64 {
	const all, between = 512, 64
	var shown []int64
	for at := int64(0); at < min(size, all); at++ {
		shown = append(shown, at)
	}
	for power := int64(all); power < size; power *= 2 {
		for _, at := range []int64{power, power + 1, 2*power - 1} {
			if at < size {
				shown = append(shown, at)
			}
		}
	}
	if all < size {
		for part := int64(0); part < between; part++ {
			shown = append(shown, all+(size-all)/between*part)
		}
		shown = append(shown, size-1)
	}
	return shown
}

// tileReader gives package tlog our tiles, which lie under other paths than
// those of a checksum database.
type tileReader struct {
	ctx    context.Context
	source fsck.Fetcher
}

func (r tileReader) Height() int { return layout.TileHeight }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(tiles))
	for at, tile := range tiles {
		data, err := readTile(r.ctx, r.source, tile)
		if err != nil {
			return nil, err
		}
		read[at] = data
	}
	return read, nil
}

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func readTile(ctx context.Context, source fsck.Fetcher, tile tlog.Tile) ([]byte, error) {
	data, err := source.ReadTile(ctx, uint64(tile.L), uint64(tile.N), partial(tile))
	if err != nil {
		return nil, fmt.Errorf("cannot read `%s`: %w", tilePath(tile), err)
	}
	return data, nil
}

func tilePath(tile tlog.Tile) string {
	return layout.TilePath(uint64(tile.L), uint64(tile.N), partial(tile))
}

// partial is the width as Tessera counts it, where a full tile has 0.
func partial(tile tlog.Tile) uint8 { return uint8(tile.W % layout.TileWidth) }

// memo keeps what was read, so that every client judges the same bytes.
type memo struct {
	source fsck.Fetcher
	mutex  sync.Mutex
	read   map[string][]byte
}

func (m *memo) ReadCheckpoint(ctx context.Context) ([]byte, error) {
	return m.once(layout.CheckpointPath, func() ([]byte, error) { return m.source.ReadCheckpoint(ctx) })
}

func (m *memo) ReadTile(ctx context.Context, level, index uint64, width uint8) ([]byte, error) {
	return m.once(layout.TilePath(level, index, width), func() ([]byte, error) {
		return m.source.ReadTile(ctx, level, index, width)
	})
}

func (m *memo) ReadEntryBundle(ctx context.Context, index uint64, width uint8) ([]byte, error) {
	return m.once(layout.EntriesPath(index, width), func() ([]byte, error) {
		return m.source.ReadEntryBundle(ctx, index, width)
	})
}

func (m *memo) once(name string, read func() ([]byte, error)) ([]byte, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if data, ok := m.read[name]; ok {
		return data, nil
	}
	data, err := read()
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, errors.New("it is empty")
	}
	m.read[name] = data
	return data, nil
}
