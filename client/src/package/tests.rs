//! The small package of `client/tests/package`, whole and in every way broken.

use std::collections::BTreeSet;

use types::{Json, Object};

use super::*;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/package")
}

fn json(path: &Path) -> Json {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(fs::copy(from, to).unwrap()),
        }
    }
}

/// A folder with the package's files, and the builder that packs it.
fn filled(dir: &Path) -> Builder {
    let builder = Builder::new(dir).unwrap();
    copy(&fixture().join("ledger"), &dir.join(LEDGER));
    let mut counts = Object::new();
    let records = json(&fixture().join("records.json"));
    for (kind, list) in records.as_object().unwrap().iter() {
        let lines = list.as_array().unwrap().iter().map(|record| record.to_canonical() + "\n");
        builder.put(&format!("{RECORDS}/{kind}.ndjson"), &lines.collect::<String>()).unwrap();
        counts.insert(kind, list.as_array().unwrap().len() as u64);
    }
    let export = Json::object([
        ("from", Json::Null),
        ("ledger_size", 11_u32.into()),
        ("origin", "lexecon.local/clu_01K1R0C9N5T8Z4W2Y6V3Q7M1HD".into()),
        ("scope", "all".into()),
        ("to", Json::Null),
    ]);
    let about = Json::object([("export", export), ("records", Json::Object(counts))]);
    builder.put(EXPORT, &about.to_canonical()).unwrap();
    builder.put("policies/1.json", "{}").unwrap();
    builder
}

fn packed() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    filled(dir.path()).pack(&mut bytes, &|| ()).unwrap();
    bytes
}

/// An unpacked package.
fn unpacked() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = Vec::new();
    filled(dir.path()).pack(&mut sink, &|| ()).unwrap();
    dir
}

/// The path and code that is found.
fn fault(path: &Path) -> (String, &'static str) {
    match verify(path, &Question::default()) {
        Err(PackageError::Fault(fault)) => (fault.path.clone(), fault.reason.code()),
        other => panic!("{other:?}"),
    }
}

fn fault_of_bytes(bytes: &[u8]) -> (String, &'static str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("package.zip");
    fs::write(&path, bytes).unwrap();
    fault(&path)
}

#[test]
fn an_export_directory_is_no_package() {
    assert!(!is_package(&fixture().join("ledger")));
}

fn named(path: &str, code: &'static str) -> (String, &'static str) {
    (path.to_owned(), code)
}

/// Writes the manifest anew, as whoever forges a package would.
fn remade(dir: &Path) {
    fs::write(dir.join(MANIFEST), Inventory::of(dir, &|| ()).unwrap().manifest()).unwrap();
}

fn edit(dir: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(dir.join(name)).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    fs::write(dir.join(name), text.replacen(from, to, 1)).unwrap();
    remade(dir);
}

#[test]
fn a_package_holds_as_an_archive_and_as_a_folder() {
    let dir = unpacked();
    let path = dir.path().parent().unwrap().join(format!("{}.zip", std::process::id()));
    fs::write(&path, packed()).unwrap();
    let archive = verify(&path, &Question::default()).unwrap();
    fs::remove_file(&path).unwrap();
    let folder = verify(dir.path(), &Question::default()).unwrap();
    assert_eq!(archive.ledger.checkpoint, folder.ledger.checkpoint);
    assert_eq!((archive.ledger_size, archive.files), (11, folder.files));
    assert_eq!(archive.records.get("decisions"), Some(&2));
    assert_eq!((archive.sha256.is_some(), folder.sha256.is_some()), (true, false));
    assert_eq!(archive.records.values().sum::<u64>(), 14);
}

#[test]
fn the_same_files_give_the_same_bytes() {
    assert_eq!(packed(), packed());
}

#[test]
fn a_flipped_bit_in_any_file_is_named_by_its_path() {
    let dir = unpacked();
    let files = Inventory::of(dir.path(), &|| ()).unwrap();
    let mut seen = BTreeSet::new();
    for (name, _) in files.iter().filter(|(name, _)| *name != MANIFEST) {
        let path = dir.path().join(name);
        let good = fs::read(&path).unwrap();
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert_eq!(fault(dir.path()), named(name, "file_changed"), "byte {at}");
        }
        fs::write(&path, &good).unwrap();
        seen.insert(name.split('/').next().unwrap());
    }
    let kinds = ["README.txt", "export.json", "ledger", "policies", "records", "verify.py"];
    assert_eq!(seen, BTreeSet::from(kinds));
    assert!(verify(dir.path(), &Question::default()).is_ok());
}

#[test]
fn a_flipped_bit_anywhere_in_the_archive_is_found() {
    let good = packed();
    let name_at = good.windows(10).position(|window| window == b"README.txt").unwrap();
    // Every byte of the first header, one in every member, and all of the end.
    let steps =
        (0..good.len()).step_by(997).chain(0..name_at + 10).chain(good.len() - 90..good.len());
    for at in steps {
        let mut bad = good.clone();
        bad[at] ^= 4;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("package.zip");
        fs::write(&path, bad).unwrap();
        assert!(verify(&path, &Question::default()).is_err(), "byte {at}");
    }
    let mut bad = good.clone();
    bad[name_at + 20] ^= 4;
    assert_eq!(fault_of_bytes(&bad), named("README.txt", "file_changed"));
}

#[test]
fn files_taken_out_and_put_in_are_named() {
    let dir = unpacked();
    fs::remove_file(dir.path().join("policies/1.json")).unwrap();
    assert_eq!(fault(dir.path()), named("policies/1.json", "file_missing"));
    let dir = unpacked();
    fs::write(dir.path().join("records/more.txt"), "x").unwrap();
    assert_eq!(fault(dir.path()), named("records/more.txt", "file_added"));
    let dir = unpacked();
    fs::remove_file(dir.path().join(MANIFEST)).unwrap();
    assert!(is_package(dir.path()));
    assert_eq!(fault(dir.path()), named(MANIFEST, "file_missing"));
}

#[test]
fn a_manifest_of_another_package_names_the_first_file_that_differs() {
    let (dir, other) = (unpacked(), unpacked());
    fs::write(other.path().join("policies/1.json"), "{ }").unwrap();
    remade(other.path());
    fs::copy(other.path().join(MANIFEST), dir.path().join(MANIFEST)).unwrap();
    assert_eq!(fault(dir.path()), named("policies/1.json", "file_changed"));
    fs::write(dir.path().join(MANIFEST), "[]").unwrap();
    assert_eq!(fault(dir.path()), named(MANIFEST, "manifest_malformed"));
    fs::write(dir.path().join(MANIFEST), "{\"../x\":{\"sha256\":\"00\",\"size\":1}}").unwrap();
    assert_eq!(fault(dir.path()), named(MANIFEST, "manifest_malformed"));
}

#[test]
fn a_record_that_says_something_else_than_its_entry_is_found_though_the_manifest_agrees() {
    for (name, from, to, code) in [
        ("decisions", "\"outcome\":\"denied\"", "\"outcome\":\"allowed\"", "record_mismatch"),
        ("decisions", "\"decision_id\":\"dec_", "\"decision_id\":\"dec_0", "record_mismatch"),
        ("decisions", "\"ledger_entry_hash\":\"", "\"ledger_entry_hash\":\"0", "record_mismatch"),
        ("decisions", "\"ledger_entry_id\":3", "\"ledger_entry_id\":4", "record_missing"),
        ("risks", "\"overall_score\":51", "\"overall_score\":15", "record_mismatch"),
        ("risks", "\"risk_id\":\"rsk_", "\"risk_id\":\"rsk_0", "record_mismatch"),
        ("overrides", "by hand", "by nobody", "record_mismatch"),
        ("interventions", "\"ledger_entry_id\":9", "\"ledger_entry_id\":99", "record_missing"),
        (
            "policies",
            "\"mode\":\"strict\",\"name\"",
            "\"mode\":\"permissive\",\"name\"",
            "record_mismatch",
        ),
        ("responsibility", "\"ledger_entry_id\":2", "\"ledger_entry_id\":1", "record_unfounded"),
        ("evidence", "{", "[", "record_malformed"),
        ("decisions", "\"timestamp\":\"2027", "\"timestamp\":\"2028", "record_mismatch"),
        ("decisions", "\"risk_id\":\"rsk_", "\"risk_id\":\"rsk_0", "record_mismatch"),
        ("decisions", "\"action\":\"read_claim\",", "", "record_mismatch"),
        ("decisions", "\"resource\":null", "\"resource\":\"x\"", "record_mismatch"),
        ("risks", "\"overall_score\":85", "\"overall_score\":1", "record_mismatch"),
        ("risks", "\"risk_id\":\"rsk_", "\"risk_id\":\"dec_", "record_mismatch"),
        ("escalations", "\"escalation_id\":\"esc_", "\"escalation_id\":\"esc_0", "record_mismatch"),
        ("evidence", "\"artifact_id\":\"evd_", "\"artifact_id\":\"evd_0", "record_mismatch"),
        ("responsibility", "\"record_id\":\"resp_", "\"record_id\":\"resp_0", "record_mismatch"),
        ("responsibility", "\"reasoning\":\"", "\"reasoning\":\"x", "record_mismatch"),
    ] {
        let dir = unpacked();
        let file = format!("{RECORDS}/{name}.ndjson");
        edit(dir.path(), &file, from, to);
        assert_eq!(fault(dir.path()), named(&file, code), "{from}");
    }
}

#[test]
fn records_that_were_left_out_are_missed_though_the_manifest_agrees() {
    // Of some kinds the first is made by an entry about something else.
    for kind in records_of("all") {
        let dir = unpacked();
        let file = format!("{RECORDS}/{kind}.ndjson");
        let text = fs::read_to_string(dir.path().join(&file)).unwrap();
        let (_, rest) = text.split_once('\n').unwrap();
        edit(dir.path(), &file, &text, rest);
        assert_eq!(fault(dir.path()), named(&file, "record_missing"));
    }
    let dir = unpacked();
    let file = format!("{RECORDS}/interventions.ndjson");
    fs::remove_file(dir.path().join(&file)).unwrap();
    remade(dir.path());
    assert_eq!(fault(dir.path()), named(&file, "file_missing"));
    let dir = unpacked();
    edit(dir.path(), EXPORT, "\"responsibility\":3", "\"responsibility\":4");
    assert_eq!(fault(dir.path()), named(EXPORT, "export_malformed"));
}

fn records_of(scope: &str) -> &'static [&'static str] {
    records::kinds_of(scope).unwrap()
}

#[test]
fn a_record_that_is_there_twice_or_was_invented_is_found_though_counts_agree() {
    let dir = unpacked();
    let file = format!("{RECORDS}/interventions.ndjson");
    let text = fs::read_to_string(dir.path().join(&file)).unwrap();
    edit(dir.path(), &file, &text, &format!("{text}{text}"));
    edit(dir.path(), EXPORT, "\"interventions\":1", "\"interventions\":2");
    assert_eq!(fault(dir.path()), named(&file, "record_malformed"));
    // The first decision, entry 2, names no risk.
    let dir = unpacked();
    let file = format!("{RECORDS}/risks.ndjson");
    let text = fs::read_to_string(dir.path().join(&file)).unwrap();
    let (first, _) = text.split_once('\n').unwrap();
    let invented = first.replace("\"ledger_entry_id\":3", "\"ledger_entry_id\":2");
    edit(dir.path(), &file, &text, &format!("{invented}\n{text}"));
    edit(dir.path(), EXPORT, "\"risks\":2", "\"risks\":3");
    assert_eq!(fault(dir.path()), named(&file, "record_unfounded"));
}

#[test]
fn a_scope_has_its_records_and_no_others() {
    let dir = unpacked();
    edit(dir.path(), EXPORT, "\"scope\":\"all\"", "\"scope\":\"everything\"");
    assert_eq!(fault(dir.path()), named(EXPORT, "export_malformed"));
    let dir = unpacked();
    edit(dir.path(), EXPORT, "\"scope\":\"all\"", "\"scope\":\"decision_log_only\"");
    let other = format!("{RECORDS}/escalations.ndjson");
    assert_eq!(fault(dir.path()), named(&other, "export_malformed"));
}

#[test]
fn what_is_withheld_is_no_lie() {
    let dir = unpacked();
    let file = format!("{RECORDS}/evidence.ndjson");
    edit(dir.path(), &file, "\"size_bytes\":16", "\"size_bytes\":null");
    assert!(verify(dir.path(), &Question::default()).is_ok());
    edit(dir.path(), &file, "\"source\":\"", "\"source\":null,\"was\":\"");
    assert_eq!(fault(dir.path()), named(&file, "record_mismatch"));
}

#[test]
fn a_ledger_that_does_not_hold_is_found_though_the_manifest_agrees() {
    let dir = unpacked();
    edit(dir.path(), "ledger/entries.jsonl", "read_claim", "pay_claims");
    assert_eq!(fault(dir.path()), named("ledger/entries.jsonl", "data_hash_mismatch"));
    let dir = unpacked();
    edit(dir.path(), "ledger/keys.json", "\"valid_from_index\": 0", "\"valid_from_index\": 7");
    assert_eq!(fault(dir.path()), named("ledger/keys.json", "keys_mismatch"));
    let dir = unpacked();
    edit(dir.path(), EXPORT, "lexecon.local", "lexecon.other");
    assert_eq!(fault(dir.path()), named(EXPORT, "export_malformed"));
}

#[test]
fn a_time_that_was_asked_for_bounds_what_is_missed() {
    let dir = unpacked();
    let name = format!("{RECORDS}/decisions.ndjson");
    let text = fs::read_to_string(dir.path().join(&name)).unwrap();
    let (first, _) = text.split_once('\n').unwrap();
    // The second decision is the entry 3, at 3.75 s.
    edit(dir.path(), &name, &text, &format!("{first}\n"));
    edit(dir.path(), EXPORT, "\"to\":null", "\"to\":\"2027-03-04\"");
    assert_eq!(fault(dir.path()), named(EXPORT, "export_malformed"));
    edit(dir.path(), EXPORT, "2027-03-04", "2027-03-04T05:06:10.000000Z");
    edit(dir.path(), EXPORT, "\"scope\":\"all\"", "\"scope\":\"decision_log_only\"");
    for kind in records_of("all").iter().filter(|kind| **kind != "decisions") {
        fs::remove_file(dir.path().join(format!("{RECORDS}/{kind}.ndjson"))).unwrap();
    }
    let counts = "\"records\":{";
    let about = fs::read_to_string(dir.path().join(EXPORT)).unwrap();
    let (_, counted) = about.split_once(counts).unwrap();
    edit(dir.path(), EXPORT, counted, "\"decisions\":1}}");
    let verified = verify(dir.path(), &Question::default()).unwrap();
    assert_eq!(verified.records.values().sum::<u64>(), 1);
}

#[cfg(unix)]
#[test]
fn a_link_is_refused_and_not_followed() {
    let dir = unpacked();
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("policies/2.json")).unwrap();
    assert_eq!(fault(dir.path()), named("policies/2.json", "path_refused"));
}
