//! `lexecon verify` of exports, receipts and proofs, against the vectors of the
//! ledger's format.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use types::{Json, Object};

use crate::shell::{Ran, run};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node/core/ledger/tests/vectors")
}

fn path(name: &str) -> String {
    vectors().join("exports").join(name).to_str().unwrap().to_owned()
}

fn text<'a>(row: &'a Object, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Json::as_str)
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

/// Puts the files of a vector together: its own, or another's with files
/// replaced and removed.
fn lay_out(rows: &BTreeMap<&str, &Object>, name: &str, to: &Path) {
    let row = rows[name];
    let Some(base) = text(row, "base") else {
        return copy(Path::new(&path(text(row, "path").unwrap())), to);
    };
    lay_out(rows, base, to);
    for file in row.get("remove").unwrap().as_array().unwrap() {
        fs::remove_file(to.join(file.as_str().unwrap())).unwrap();
    }
    for (file, from) in row.get("replace").unwrap().as_object().unwrap().iter() {
        copy(Path::new(&path(from.as_str().unwrap())), &to.join(file));
    }
}

/// What a vector is verified with; `None` for replies with keys alone, of which
/// the contract asks more than the format does.
fn words(rows: &BTreeMap<&str, &Object>, name: &str, dir: &Path) -> Option<Vec<String>> {
    let row = rows[name];
    let mut words = vec!["verify".to_owned(), "--json".to_owned()];
    if matches!(text(row, "kind"), Some("export" | "tiles")) {
        lay_out(rows, name, dir);
        words.push(dir.to_str().unwrap().to_owned());
    } else {
        words.push(path(text(row, "path").unwrap()));
    }
    let keys = text(row, "keys").map(|keys| ["--keys".to_owned(), path(keys)]);
    let export = text(row, "export").map(|export| ["--export".to_owned(), path(export)]);
    if text(row, "kind") == Some("decision") && export.is_none() {
        return None;
    }
    words.extend(keys.into_iter().chain(export).flatten());
    Some(words)
}

fn found(ran: &Ran) -> (u8, Option<String>, Option<u64>) {
    let said = if ran.out.is_empty() { &ran.err } else { &ran.out };
    let said: Object = serde_json::from_str(said).unwrap();
    let code = text(&said, "reason_code").or(text(&said, "code")).map(str::to_owned);
    (ran.exit, code.filter(|code| code != "ok"), said.get("entry").and_then(Json::as_u64))
}

#[tokio::test]
async fn every_vector_gets_its_code_and_its_entry() {
    let listed = fs::read_to_string(vectors().join("exports.json")).unwrap();
    let listed: Json = serde_json::from_str(&listed).unwrap();
    let listed = listed.as_array().unwrap().iter().map(|row| row.as_object().unwrap());
    let rows: BTreeMap<&str, &Object> =
        listed.map(|row| (text(row, "name").unwrap(), row)).collect();
    let mut wrong = Vec::new();
    for (name, row) in &rows {
        let dir = tempfile::tempdir().unwrap();
        let Some(words) = words(&rows, name, &dir.path().join("export")) else { continue };
        let ran = run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let code = text(row, "code").map(str::to_owned);
        let entry = row.get("entry").and_then(Json::as_u64);
        let (exit, said, at) = found(&ran);
        let holds = (exit == 0) == code.is_none() && said == code && exit < 2;
        if !holds || (code.is_some() && at != entry) {
            wrong.push(format!("{name}: {exit} {said:?} {at:?} and not {code:?} {entry:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[tokio::test]
async fn an_export_that_holds_is_said_to() {
    let ran = run(&["verify", &path("good"), "--keys", &path("good/keys.json")]).await;
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let out: Vec<&str> = ran.out.lines().collect();
    let ledger = "ledger     lexecon.local/clu_01K1R0C9N5T8Z4W2Y6V3Q7M1HD";
    assert_eq!(out[..2], ["export     holds", ledger]);
    assert!(out.contains(&"erased     6 entries, each by a recorded run"), "{out:?}");
    assert!(out.contains(&"gaps       3 in actors' numbers, each in an erased entry"), "{out:?}");
    assert_eq!(out.last(), Some(&"trusted    yes, by a key you gave"));
}

#[tokio::test]
async fn the_first_fault_is_named_with_its_entry() {
    let dir = tempfile::tempdir().unwrap();
    copy(Path::new(&path("good")), dir.path());
    let entries = dir.path().join("entries.jsonl");
    let text = fs::read_to_string(&entries).unwrap();
    fs::write(&entries, text.replace("\\\"denied\\\"", "\\\"allowed\\\"")).unwrap();
    let ran = run(&["verify", dir.path().to_str().unwrap()]).await;
    let out = "verdict  DOES NOT HOLD
entry    9
fault    its data or salt was changed: the header commits to another
code     data_hash_mismatch
";
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (1, out, ""));
}

/// The line that says what is complete.
async fn complete(words: &[&str]) -> String {
    let good = path("good");
    let words: Vec<&str> = ["verify", &good].into_iter().chain(words.iter().copied()).collect();
    let ran = run(&words).await;
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let line = ran.out.lines().find_map(|line| line.strip_prefix("complete   "));
    line.unwrap().to_owned()
}

#[tokio::test]
async fn entries_about_an_actor_are_said_to_be_complete() {
    let triage = "4 entries about `ai_agent:triage`, numbers 1 to 6, 2 more erased";
    assert_eq!(complete(&["--actor", "ai_agent:triage"]).await, triage);
    let nobody = "no entry is about `nobody`";
    assert_eq!(complete(&["--actor", "nobody"]).await, nobody);
}

#[tokio::test]
async fn entries_of_a_type_are_said_to_be_complete() {
    let joined = "2 entries `node_joined`, numbers 1 to 2, no gap";
    assert_eq!(complete(&["--entry-type", "node_joined"]).await, joined);
    let none = "no entry is a `recovery`";
    assert_eq!(complete(&["--entry-type", "recovery"]).await, none);
}

#[tokio::test]
async fn a_receipt_is_checked_against_what_is_given() {
    let receipt = path("receipts/receipt.json");
    let (good, keys) = (path("good"), path("good/keys.json"));
    for (words, verdict) in [
        (vec![], "agrees with itself; who signed it only --keys or --export can tell"),
        (vec!["--keys", &keys], "holds, signed by a key you gave"),
        (vec!["--export", &good], "holds, and agrees with the export"),
    ] {
        let words: Vec<&str> = ["verify", &receipt].into_iter().chain(words).collect();
        let ran = run(&words).await;
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""), "{words:?}");
        assert_eq!(ran.out.lines().next(), Some(format!("receipt    {verdict}")).as_deref());
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().to_str().unwrap();
    let ran = run(&["verify", empty]).await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""), "{}", ran.err);
    let receipt = path("receipts/receipt.json");
    let ran = run(&["verify", &receipt, "--export", empty]).await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""), "{}", ran.err);
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_wrong_usage() {
    let (good, receipt) = (path("good"), path("receipts/receipt.json"));
    let proof = path("proofs/proof.tlog-proof");
    for words in [
        vec![&good, "--export", &good],
        vec![&good, "--entry-type", "decided"],
        vec![&good, "--entry-type", "decision", "--actor", "a"],
        vec![&good, "--keys", &receipt],
        vec![&receipt, "--actor", "a"],
        vec![&proof],
    ] {
        let words: Vec<&str> = std::iter::once("verify").chain(words).collect();
        let ran = run(&words).await;
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{words:?}: {}", ran.err);
    }
}
