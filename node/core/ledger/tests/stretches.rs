//! A ledger longer than a stretch, checked stretch by stretch: what lies on
//! either side of a seam is found, and tiles go on over it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use ledger::checkpoint::{Checkpoint, ed25519_line};
use ledger::export::{ENTRIES_MAX, ExportCheck, Opening, TileSource};
use ledger::tile::{self, Resource, TileId};
use ledger::{EntryType, Frontier, Header, Note, Part, StoredEntry, line, note, signature};
use types::digest::to_hex;
use types::{Digest, EntryId, Json, Timestamp};

const ORIGIN: &str = "ledger.example/clu_1";
const KID: &str = "key_00000000000000000000000001";

/// Two stretches and a bit, so that there is a tile of level 1.
const SIZE: u64 = 2 * ENTRIES_MAX + 300;

/// An export in memory.
#[derive(Clone)]
struct Export {
    lines: Vec<String>,
    tiles: BTreeMap<String, Vec<u8>>,
    checkpoint: String,
    keys: String,
}

impl TileSource for Export {
    fn read(&self, resource: Resource) -> Option<Vec<u8>> {
        self.tiles.get(&resource.path()).cloned()
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn public() -> [u8; 32] {
    key().verifying_key().to_bytes()
}

fn genesis() -> Json {
    let x = signature::to_text(&public());
    let key = Json::object([("kid", KID.into()), ("use", "checkpoint".into()), ("x", x.into())]);
    Json::object([
        ("feature_level", 1_u32.into()),
        ("keys", Json::Array(vec![key])),
        ("node_id", "n1".into()),
        ("origin", ORIGIN.into()),
        ("raft_id", 1_u32.into()),
    ])
}

fn entries() -> Vec<StoredEntry> {
    let mut entries: Vec<StoredEntry> = Vec::new();
    for id in 0..SIZE {
        let decided = || Json::object([("actor", "ai_agent:a".into())]);
        let data = Part::new([7; 32], &if id == 0 { genesis() } else { decided() });
        let header = Header {
            id: EntryId(id),
            entry_type: if id == 0 { EntryType::Genesis } else { EntryType::Decision },
            timestamp: Timestamp(id),
            actor_seq: id,
            type_seq: id.max(1),
            data_hash: data.hash(),
            personal_hash: None,
            previous_hash: entries.last().map_or(Digest::ZERO, StoredEntry::hash),
        };
        let header_text = header.to_canonical();
        entries.push(StoredEntry { header, header_text, data: Some(data), personal: None });
    }
    entries
}

fn tiles(entries: &[StoredEntry]) -> BTreeMap<String, Vec<u8>> {
    let mut tiles = BTreeMap::new();
    for (index, entries) in (0..).zip(entries.chunks(256)) {
        let mut bundle = Vec::new();
        for entry in entries {
            assert!(tile::append_bundle(&mut bundle, entry.header_text.as_bytes()));
        }
        let width = u16::try_from(entries.len()).unwrap();
        tiles.insert(Resource::Entries { index, width }.path(), bundle);
    }
    let mut nodes: Vec<Digest> = entries.iter().map(StoredEntry::hash).collect();
    for level in 0.. {
        for (index, hashes) in (0..).zip(nodes.chunks(256)) {
            let width = u16::try_from(hashes.len()).unwrap();
            tiles.insert(TileId { level, index, width }.path(), tile::to_bytes(hashes));
        }
        nodes = nodes.chunks_exact(256).map(tile::subtree_root).collect();
        if nodes.is_empty() {
            break;
        }
    }
    tiles
}

fn checkpoint(entries: &[StoredEntry]) -> String {
    let mut tree = Frontier::default();
    entries.iter().for_each(|entry| tree.append(entry.hash()));
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: SIZE,
        root: tree.root(),
        feature_level: 1,
        membership_hash: entries[0].hash(),
        policy_hash: Digest::ZERO,
        state_hash: Digest::ZERO,
        timestamp: Timestamp(SIZE),
    };
    let text = checkpoint.to_text();
    let signature = key().sign(text.as_bytes()).to_bytes();
    Note { text, signatures: vec![ed25519_line(ORIGIN, &public(), &signature)] }.to_string()
}

fn keys() -> String {
    let key_id = note::key_id(ORIGIN, &[note::ED25519], &public());
    let row = Json::object([
        ("alg", "Ed25519".into()),
        ("crv", "Ed25519".into()),
        ("kid", KID.into()),
        ("kty", "OKP".into()),
        ("name", ORIGIN.into()),
        ("note_key_id", to_hex(&key_id).into()),
        ("status", "active".into()),
        ("use", "checkpoint".into()),
        ("valid_from_index", 0_u32.into()),
        ("valid_until_index", Json::Null),
        ("vkey", note::vkey(ORIGIN, &public()).into()),
        ("x", signature::to_text(&public()).into()),
    ]);
    let list = [("keys", Json::Array(vec![row])), ("rsa_keys", Json::Array(Vec::new()))];
    Json::object(list).to_canonical()
}

fn export() -> Export {
    let entries = entries();
    let lines = entries.iter().map(line::write).collect();
    let (tiles, checkpoint) = (tiles(&entries), checkpoint(&entries));
    Export { lines, tiles, checkpoint, keys: keys() }
}

fn verify(export: &Export, has_parts: bool) -> String {
    let mut check = ExportCheck::new(Opening {
        checkpoint: export.checkpoint.as_bytes(),
        keys: export.keys.as_bytes(),
        has_parts,
        beside: Vec::new(),
        asked: None,
        trusted: None,
        actor: None,
    })
    .unwrap();
    let stretch_entries = usize::try_from(ENTRIES_MAX).unwrap();
    for (first, lines) in (0..).step_by(stretch_entries).zip(export.lines.chunks(stretch_entries)) {
        let mut stretch = check.stretch(EntryId(first));
        if has_parts {
            lines.iter().for_each(|line| stretch.line(line.as_bytes(), export));
        } else {
            for (index, width) in tile::bundles(SIZE).skip(usize::try_from(first / 256).unwrap()) {
                let bundle = export.read(Resource::Entries { index, width });
                stretch.bundle(bundle.as_deref(), width, export);
            }
        }
        stretch.end(export);
        if let Err(fault) = check.join(stretch, export) {
            return fault.to_string();
        }
    }
    let verified = check.finish(export);
    verified.map_or_else(|fault| fault.to_string(), |_| "holds".to_owned())
}

#[track_caller]
fn check(export: &Export, expect: &str, change: impl FnOnce(&mut Export)) {
    let mut changed = export.clone();
    change(&mut changed);
    assert_eq!(verify(&changed, true), expect);
}

/// A line in which a text stands instead of another.
fn replace(export: &mut Export, at: u64, from: &str, to: &str) {
    let line = &mut export.lines[usize::try_from(at).unwrap()];
    assert!(line.contains(from));
    *line = line.replacen(from, to, 1);
}

#[test]
fn a_ledger_of_many_stretches_holds() {
    let export = export();
    assert_eq!(verify(&export, true), "holds");
    assert_eq!(verify(&export, false), "holds");
}

#[test]
fn what_lies_at_a_seam_is_found() {
    let export = export();
    let seam = ENTRIES_MAX;
    check(&export, "entry 8192: broken_link", |export| {
        replace(export, seam - 1, "actor_seq\\\":8191", "actor_seq\\\":8190");
    });
    check(&export, "entry 8192: sequence_gap", |export| {
        replace(export, seam, "type_seq\\\":8192", "type_seq\\\":8193");
    });
    check(&export, "entry 8192: missing", |export| {
        export.lines.remove(usize::try_from(seam).unwrap());
    });
    check(&export, "entry 8192: data_hash_mismatch", |export| {
        replace(export, seam, "ai_agent:a", "ai_agent:b");
    });
    check(&export, "entry 8191: unrecorded_erasure", |export| {
        let salt = Digest([7; 32]).to_string();
        replace(export, seam - 1, "\"{\\\"actor\\\":\\\"ai_agent:a\\\"}\"", "null");
        replace(export, seam - 1, &format!("\"{salt}\""), "null");
    });
}

#[test]
fn the_earlier_fault_is_named_whichever_stretch_it_is_in() {
    let export = export();
    check(&export, "entry 100: data_hash_mismatch", |export| {
        replace(export, ENTRIES_MAX + 5, "ai_agent:a", "ai_agent:b");
        replace(export, 100, "ai_agent:a", "ai_agent:b");
    });
}

#[test]
fn tiles_go_on_over_a_seam() {
    let export = export();
    for path in ["0/032", "0/065.p/44", "1/000.p/65", "entries/032", "entries/065.p/44"] {
        check(&export, "tile_mismatch", |export| {
            export.tiles.get_mut(path).unwrap()[5] ^= 1;
        });
        check(&export, "tile_mismatch", |export| drop(export.tiles.remove(path).unwrap()));
    }
    for path in ["0/033", "1/000.p/65", "entries/033"] {
        check(&export, "malformed", |export| {
            export.tiles.get_mut(path).unwrap().pop();
        });
    }
}
