//! A note and the text of a checkpoint are written back byte for byte, and a
//! verifier key names exactly one key.

#![no_main]

use fuzz::seeds;
use ledger::note::{self, Line};
use ledger::{Checkpoint, Note};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: seeds::plant(notes()), |bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    check_checkpoint(text);
    check_vkey(text);
    if let Some(line) = Line::parse(text) {
        assert_eq!(line.to_string(), text);
    }
    let Ok(note) = Note::parse(text) else {
        return;
    };
    assert_eq!(note.to_string(), text);
    assert!(note.text.ends_with('\n') && note.signatures.len() <= note::LINES_MAX);
    check_checkpoint(&note.text);
    for line in &note.signatures {
        assert_eq!(Line::parse(&line.to_string()).as_ref(), Some(line));
        // Nobody's key signed this; no key is a stranger to verification.
        let key = line.signature.first_chunk::<32>().copied().unwrap_or([9; 32]);
        note::verify_ed25519(&key, line, &note.text);
        note::verify_cosignature_v1(&key, line, &note.text);
    }
});

fn check_checkpoint(text: &str) {
    let Ok(checkpoint) = Checkpoint::parse(text) else {
        return;
    };
    assert_eq!(checkpoint.to_text(), text);
    assert!(0 < checkpoint.size, "a checkpoint of nothing");
    assert!(checkpoint.size < 1 << 53, "{} is not below 2^53", checkpoint.size);
    assert_eq!(text.lines().count(), 8);
}

fn check_vkey(text: &str) {
    if let Some((name, _, key)) = note::parse_vkey(text) {
        assert_eq!(note::vkey(&name, &key), text);
    }
}

/// Notes, their texts, their lines, verifier keys, and the notes in receipts.
fn notes() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for file in seeds::files() {
        if file.path.ends_with("/checkpoint") {
            if let Some((text, lines)) =
                std::str::from_utf8(&file.bytes).ok().and_then(|note| note.rsplit_once("\n\n"))
            {
                found.push(format!("{text}\n").into_bytes());
                found.extend(lines.lines().map(|line| line.as_bytes().to_vec()));
            }
            found.push(file.bytes);
            continue;
        }
        let json: Option<serde_json::Value> = serde_json::from_slice(&file.bytes).ok();
        if let Some(note) = json.as_ref().and_then(|json| json["checkpoint"].as_str()) {
            found.push(note.as_bytes().to_vec());
        }
        let keys = json.as_ref().and_then(|json| json["keys"].as_array());
        let vkeys = keys.into_iter().flatten().filter_map(|key| key["vkey"].as_str());
        found.extend(vkeys.map(|vkey| vkey.as_bytes().to_vec()));
    }
    found.sort();
    found.dedup();
    found
}
