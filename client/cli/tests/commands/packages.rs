//! `lexecon verify` of evidence packages, with the second verifier beside it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use client::package::{Builder, EXPORT, LEDGER, RECORDS};
use types::{Json, Object};

use crate::shell::run;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/package")
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

/// Packs the small package into a file, and leaves it unpacked beside it.
fn packed(place: &Path) -> (PathBuf, PathBuf) {
    let (folder, zip) = (place.join("package"), place.join("package.zip"));
    fs::create_dir(&folder).unwrap();
    let builder = Builder::new(&folder).unwrap();
    copy(&fixture().join("ledger"), &folder.join(LEDGER));
    let records: Object =
        serde_json::from_slice(&fs::read(fixture().join("records.json")).unwrap()).unwrap();
    let mut counts = Object::new();
    for (kind, list) in records.iter() {
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
    let mut file = fs::File::create(&zip).unwrap();
    builder.pack(&mut file, &|| ()).unwrap();
    (folder, zip)
}

/// What the second verifier says: the one in the package, with an empty
/// environment but for where Python is.
fn second(script: &Path, of: &Path, dir: &Path) -> (Option<i32>, Object) {
    let python = std::env::var_os("PATH").unwrap_or_default();
    let ran = Command::new("python3")
        .env_clear()
        .env("PATH", python)
        .current_dir(dir)
        .args([script.as_os_str(), of.as_os_str(), OsStr::new("--json")])
        .output()
        .unwrap();
    let said = serde_json::from_slice(&ran.stdout);
    (ran.status.code(), said.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ran.stderr))))
}

fn word<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Json::as_str)
}

/// Both verdicts as code and path; `None` where it holds.
async fn verdicts(of: &Path, script: &Path, dir: &Path) -> [Option<(String, String)>; 2] {
    let ran = run(&["verify", "--json", of.to_str().unwrap()]).await;
    let first: Object = serde_json::from_str(&ran.out).unwrap();
    let (status, second) = second(script, of, dir);
    assert_eq!((ran.exit == 0, ran.exit <= 1), (status == Some(0), true), "{} {second:?}", ran.out);
    let named = |said: &Object, code: &str| {
        let path = word(said, "path").unwrap_or_default().to_owned();
        word(said, code).filter(|code| *code != "ok").map(|code| (code.to_owned(), path))
    };
    [named(&first, "reason_code"), named(&second, "code")]
}

#[tokio::test]
async fn both_verifiers_hold_a_package_packed_and_unpacked_in_another_directory() {
    let (made, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (folder, zip) = packed(made.path());
    let moved = elsewhere.path().join("moved.zip");
    fs::rename(&zip, &moved).unwrap();
    copy(&folder, &elsewhere.path().join("moved"));
    fs::remove_dir_all(&folder).unwrap();
    let script = elsewhere.path().join("moved/verify.py");
    for of in ["moved.zip", "moved"] {
        let of = elsewhere.path().join(of);
        assert_eq!(
            verdicts(&of, &script, elsewhere.path()).await,
            [None, None],
            "{}",
            of.display()
        );
    }
    let text = run(&["verify", moved.to_str().unwrap(), "--actor", "ai_agent:triage"]).await;
    assert_eq!(text.exit, 0, "{}", text.err);
    for said in ["decisions 2", "the first 11", "entries about `ai_agent:triage`", "trusted"] {
        assert!(text.out.contains(said), "{said} is not in {}", text.out);
    }
}

#[tokio::test]
async fn both_verifiers_name_the_same_path_whatever_was_done_to_a_package() {
    let made = tempfile::tempdir().unwrap();
    let (folder, _) = packed(made.path());
    let script = fixture().join("../../verifiers/verify.py");
    let mut files = Vec::new();
    walk(&folder, "", &mut files);
    for name in &files {
        let path = folder.join(name);
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        fs::write(&path, bad).unwrap();
        let [first, second] = verdicts(&folder, &script, made.path()).await;
        // In a manifest a flipped bit changes a name or a hash, so that the file
        // it is about is named.
        if name != "manifest.json" {
            assert_eq!(first, Some(("file_changed".to_owned(), name.clone())));
        }
        assert!(first.is_some());
        assert_eq!(first, second, "{name}");
        fs::remove_file(&path).unwrap();
        let missing = Some(("file_missing".to_owned(), name.clone()));
        assert_eq!(verdicts(&folder, &script, made.path()).await, [missing.clone(), missing]);
        fs::write(&path, good).unwrap();
    }
    fs::write(folder.join("ledger/tile/0/001"), "x").unwrap();
    let added = Some(("file_added".to_owned(), "ledger/tile/0/001".to_owned()));
    assert_eq!(verdicts(&folder, &script, made.path()).await, [added.clone(), added]);
}

fn walk(dir: &Path, below: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        match entry.path().is_dir() {
            true => walk(&entry.path(), &format!("{name}/"), files),
            false => files.push(name),
        }
    }
}

#[tokio::test]
async fn what_is_no_archive_does_not_hold_and_what_is_not_there_is_unreadable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.zip");
    fs::write(&path, "PK\x03\x04 and nothing else").unwrap();
    let ran = run(&["verify", path.to_str().unwrap()]).await;
    assert_eq!(ran.exit, 1, "{}", ran.err);
    assert!(ran.out.contains("archive_malformed"), "{}", ran.out);
    let ran = run(&["verify", dir.path().join("y.zip").to_str().unwrap()]).await;
    assert_eq!(ran.exit, 3, "{}", ran.out);
    let ran = run(&["verify", path.to_str().unwrap(), "--export", "e"]).await;
    assert_eq!(ran.exit, 2, "{}", ran.out);
}

/// A status of an export, signed with a key of the vectors.
fn status(zip: &Path, node_key: &str, kid: &str) -> Object {
    use ed25519_dalek::Signer as _;
    let seed = ledger::hash::sha256(format!("lexecon vector {node_key}").as_bytes());
    let key = ed25519_dalek::SigningKey::from_bytes(&seed.0);
    let sha256 = ledger::hash::sha256(&fs::read(zip).unwrap()).to_string();
    let value = key.sign(format!("lexecon/export/v1\n{sha256}\n").as_bytes()).to_bytes();
    let signature = Json::object([
        ("algorithm", "Ed25519".into()),
        ("key_id", kid.into()),
        ("value", ledger::signature::to_text(&value).into()),
    ]);
    let mut status = Object::new();
    status.insert("sha256", sha256);
    status.insert("signature", signature);
    status
}

/// The id of the fixture's key of that use.
fn kid(usage: &str) -> String {
    let keys = fs::read(fixture().join("ledger/keys.json")).unwrap();
    let keys: Object = serde_json::from_slice(&keys).unwrap();
    let rows = keys.get("keys").unwrap().as_array().unwrap().iter();
    let mut rows = rows.map(|row| row.as_object().unwrap());
    let row = rows.find(|row| word(row, "use") == Some(usage)).unwrap();
    word(row, "kid").unwrap().to_owned()
}

#[tokio::test]
async fn the_signature_of_a_status_is_over_the_archive_and_by_a_key_for_exports() {
    let made = tempfile::tempdir().unwrap();
    let (folder, zip) = packed(made.path());
    let script = fixture().join("../../verifiers/verify.py");
    let good = status(&zip, "n1 1 export", &kid("export"));
    let other = status(&script, "n1 1 export", &kid("export"));
    let mut broken = good.clone();
    broken.insert("signature", other.get("signature").unwrap().clone());
    let unknown = status(&zip, "n1 1 decision", &kid("decision"));
    for (status, code) in [
        (good.clone(), "ok"),
        (other, "sha256_mismatch"),
        (broken, "signature_invalid"),
        (unknown, "key_unknown"),
        (Object::new(), "status_malformed"),
    ] {
        let path = made.path().join("status.json");
        fs::write(&path, Json::Object(status).to_canonical()).unwrap();
        let words = ["--status", path.to_str().unwrap()];
        let ran = run(&["verify", "--json", zip.to_str().unwrap(), words[0], words[1]]).await;
        let said: Object = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(word(&said, "reason_code"), Some(code), "{}", ran.out);
        assert_eq!(ran.exit, u8::from(code != "ok"));
        let python = Command::new("python3")
            .args([script.as_os_str(), zip.as_os_str(), OsStr::new("--json")])
            .args(words)
            .output()
            .unwrap();
        let said: Object = serde_json::from_slice(&python.stdout).unwrap();
        assert_eq!(word(&said, "code").unwrap_or("ok"), code);
    }
    let of_folder = run(&["verify", folder.to_str().unwrap(), "--status", "s.json"]).await;
    assert_eq!(of_folder.exit, 2, "{}", of_folder.out);
}
