//! Changing ledgers: bytes of their files, or entries that are then linked anew
//! as an attacker without keys would, so that only signatures stand in the way.

use ledger::export::ENTRIES_MAX;
use ledger::hash::entry_hash;
use ledger::tile::{self, Resource, TileId};
use ledger::{Checkpoint, EntryType, Frontier, Note, Part, StoredEntry, line};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use types::{Digest, EntryId, Json, Timestamp};

use crate::ledgers::Export;

const CHANGES_MAX: usize = 16;

/// Replaces some bytes of some files.
///
/// # Errors
/// Where the input ends too soon.
pub fn change_files(export: &mut Export, input: &mut Unstructured<'_>) -> Result<()> {
    let count = export.0.len();
    for _ in 0..CHANGES_MAX {
        if input.is_empty() {
            break;
        }
        let at = usize::from(input.arbitrary::<u8>()?) % count;
        if let Some(bytes) = export.0.values_mut().nth(at) {
            splice(bytes, input)?;
        }
    }
    Ok(())
}

/// Replaces some bytes by others.
fn splice(bytes: &mut Vec<u8>, input: &mut Unstructured<'_>) -> Result<()> {
    let at = usize::from(input.arbitrary::<u16>()?) % (bytes.len() + 1);
    let gone = usize::from(input.arbitrary::<u8>()?).min(bytes.len() - at);
    let added = usize::from(input.arbitrary::<u8>()?).min(input.len());
    bytes.splice(at..at + gone, input.bytes(added)?.iter().copied());
    Ok(())
}

/// Changes some entries and makes the rest fit: hashes, links, counts, tiles
/// and the checkpoint. The signatures stay as they are.
///
/// # Errors
/// Where the input ends too soon.
pub fn change_entries(export: &mut Export, input: &mut Unstructured<'_>) -> Result<()> {
    let mut entries = export.entries();
    let before = entries.clone();
    for _ in 0..CHANGES_MAX {
        if input.is_empty() || entries.is_empty() {
            break;
        }
        let at = usize::from(input.arbitrary::<u8>()?) % entries.len();
        let change = input.arbitrary::<u8>()?;
        change_entry(&mut entries, at, change, input)?;
    }
    if entries != before {
        link(&mut entries);
        write(export, &entries);
    }
    Ok(())
}

fn change_entry(
    entries: &mut Vec<StoredEntry>,
    at: usize,
    change: u8,
    input: &mut Unstructured<'_>,
) -> Result<()> {
    let entry = &mut entries[at];
    match change % 10 {
        0..3 => change_part(&mut entry.data, input)?,
        3 => change_part(&mut entry.personal, input)?,
        4 => {
            let which = usize::from(input.arbitrary::<u8>()?);
            entry.header.entry_type = EntryType::ALL[which % EntryType::ALL.len()];
        }
        5 => entry.data = None,
        6 => entry.personal = None,
        7 => entry.header.actor_seq = u64::from(input.arbitrary::<u8>()?),
        8 => {
            let copy = entry.clone();
            let to = usize::from(input.arbitrary::<u8>()?) % (entries.len() + 1);
            entries.insert(to, copy);
        }
        _ => {
            entries.remove(at);
        }
    }
    Ok(())
}

/// What is JSON after the change is written as it has to be.
fn change_part(part: &mut Option<Part>, input: &mut Unstructured<'_>) -> Result<()> {
    let part = part.get_or_insert_with(|| Part { salt: [7; 32], text: "{}".to_owned() });
    let mut bytes = part.text.clone().into_bytes();
    splice(&mut bytes, input)?;
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(());
    };
    part.text = match serde_json::from_str::<Json>(&text) {
        Ok(json) => json.to_canonical(),
        Err(_) => text,
    };
    Ok(())
}

/// An erased part keeps the hash that the header had.
fn link(entries: &mut [StoredEntry]) {
    let mut previous = Digest::ZERO;
    let mut last = Timestamp(0);
    let mut counts = std::collections::BTreeMap::new();
    for (id, entry) in (0..).zip(entries) {
        let header = &mut entry.header;
        header.id = EntryId(id);
        header.previous_hash = previous;
        let count = counts.entry(header.entry_type).or_insert(0);
        *count += 1;
        header.type_seq = *count;
        header.timestamp = header.timestamp.max(last);
        last = header.timestamp;
        if let Some(data) = &entry.data {
            header.data_hash = data.hash();
        }
        if let Some(personal) = &entry.personal {
            header.personal_hash = Some(personal.hash());
        }
        entry.header_text = header.to_canonical();
        previous = entry_hash(entry.header_text.as_bytes());
    }
}

fn write(export: &mut Export, entries: &[StoredEntry]) {
    export.0.retain(|path, _| !path.starts_with("tile/"));
    let lines: String = entries.iter().map(line::write).collect();
    export.0.insert("entries.jsonl".to_owned(), lines.into_bytes());
    let size = entries.len() as u64;
    assert!(size <= ENTRIES_MAX);
    let (mut tree, mut hashes, mut bundle) = (Frontier::default(), Vec::new(), Vec::new());
    for entry in entries {
        tree.append(entry.hash());
        hashes.push(entry.hash());
        tile::append_bundle(&mut bundle, entry.header_text.as_bytes());
    }
    if let Some(id) = TileId::of_tree(0, 0, size).filter(|id| u64::from(id.width) == size) {
        let bundles = Resource::Entries { index: 0, width: id.width };
        export.0.insert(format!("tile/{}", id.path()), tile::to_bytes(&hashes));
        export.0.insert(format!("tile/{}", bundles.path()), bundle);
    }
    let note = std::str::from_utf8(export.file("checkpoint")).ok();
    let Some(mut note) = note.and_then(|note| Note::parse(note).ok()) else {
        return;
    };
    let Ok(mut checkpoint) = Checkpoint::parse(&note.text) else {
        return;
    };
    checkpoint.size = size;
    checkpoint.root = tree.root();
    let voters = entries.iter().rfind(|entry| {
        matches!(entry.header.entry_type, EntryType::Genesis | EntryType::MembershipChanged)
    });
    checkpoint.membership_hash = voters.map(StoredEntry::hash).unwrap_or_default();
    note.text = checkpoint.to_text();
    export.0.insert("checkpoint".to_owned(), note.to_string().into_bytes());
}
