//! A node that runs builds what it is asked for, the same however far the ledger
//! has grown, and nothing of it outlives an erasure.

use std::io::Read as _;
use std::time::Duration;

use governance::command::{
    Command, CreateEscalation, EntryRange, Erase, ErasedPart, ErasureCause, EvidenceContent,
    RegisterEvidence, RequestExport,
};
use governance::export::{self, ExportFormat, Scope};
use governance::record::{ArtifactKind, ExportRecord, ExportStatus, Trigger};
use governance::{Outcome, view};
use storage::DataDir;
use tokio_util::sync::CancellationToken;
use types::{DecisionId, ExportId, Json, Object};

use crate::forgetting::tests::{SECRET, decide, propose, start, telling};
use crate::run::Running;
use crate::{checkpoints, exports};

const WAIT_MAX: Duration = Duration::from_secs(60);

fn asking(format: ExportFormat, ledger_size: Option<u64>) -> Command {
    Command::RequestExport(Box::new(RequestExport {
        scope: Scope::All,
        format,
        from: None,
        to: None,
        ledger_size,
        purpose: None,
    }))
}

fn known(running: &Running, id: ExportId) -> ExportRecord {
    export::export(&running.handle.view().unwrap(), id).unwrap().unwrap()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + WAIT_MAX;
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asks for an export and waits until it is there.
async fn completed(running: &Running, command: Command) -> ExportId {
    let outcome = propose(running, command).await;
    let Outcome::Recorded(recorded) = outcome else { panic!("not recorded: {outcome:?}") };
    let entry = view::entry(&running.handle.view().unwrap(), recorded.entry_id).unwrap().unwrap();
    let data: Object = serde_json::from_str(&entry.data.unwrap().text).unwrap();
    let id: ExportId = data.get("export_id").and_then(Json::as_str).unwrap().parse().unwrap();
    until("completed", || known(running, id).status == ExportStatus::Completed).await;
    id
}

/// The text of an export, which may have to be built first.
async fn file(running: &Running, id: ExportId) -> String {
    String::from_utf8(bytes(running, id).await).unwrap()
}

async fn bytes(running: &Running, id: ExportId) -> Vec<u8> {
    let file = running.exports.file(running, id, WAIT_MAX).await.unwrap().unwrap();
    let mut bytes = Vec::new();
    let mut read = &file.file;
    read.read_to_end(&mut bytes).unwrap();
    assert_eq!(file.size, bytes.len() as u64);
    assert_eq!(file.sha256, ledger::hash::sha256(&bytes));
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_the_same_as_the_ledger_grows_and_another_after_an_erasure() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path().join("n1")).unwrap();
    let (running, replica) = start(&dir).await;
    let stop = CancellationToken::new();
    let sealing = tokio::spawn(checkpoints::run(running.clone(), stop.clone()));
    let building = tokio::spawn(exports::job::run(running.clone(), stop.clone()));
    let Outcome::Decided(decided) = propose(&running, decide()).await else {
        panic!("not decided")
    };
    let entry = decided.recorded.entry_id;
    let first = completed(&running, asking(ExportFormat::Json, None)).await;
    let size = known(&running, first).ledger_size;
    let text = file(&running, first).await;
    assert!(text.contains(SECRET) && text.ends_with("\n}\n"));
    check(&text, size);

    propose(&running, decide()).await;
    let again = completed(&running, asking(ExportFormat::Json, Some(size))).await;
    assert!(file(&running, again).await == text, "the ledger has grown, and the file differs");

    let ranges = vec![EntryRange { from: entry, to: entry }];
    let (part, cause) = (ErasedPart::Personal, ErasureCause::Request);
    let outcome = propose(&running, Command::Erase(Erase { part, ranges, cause })).await;
    let Outcome::Erased(erased) = outcome else { panic!("not erased: {outcome:?}") };
    let directory = dir.path().join("exports");
    until("gone", || telling(&directory).is_empty()).await;
    let text = file(&running, first).await;
    assert!(!text.contains(SECRET), "what was erased is in the file that was built after it");
    let (built, _) = known(&running, first).built.unwrap();
    assert_eq!(built.erasures_through, Some(erased.recorded.entry_id));
    stop.cancel();
    sealing.await.unwrap();
    building.await.unwrap();
    replica.shutdown().await;
}

/// A document has what the contract names, in the order of its keys.
fn check(text: &str, size: u64) {
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    let names: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "compliance",
            "decisions",
            "does_not_establish",
            "escalations",
            "evidence",
            "export",
            "interventions",
            "ledger",
            "overrides",
            "policies",
            "responsibility",
            "risks",
            "statistics",
        ]
    );
    assert!(
        serde_json::to_string_pretty(&document).unwrap() + "\n" == text,
        "not as everybody does"
    );
    let entries = document["ledger"]["entries"].as_array().unwrap();
    let ids: Vec<u64> = entries.iter().map(|entry| entry["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (0..size).collect::<Vec<u64>>());
    let checkpoint = document["ledger"]["checkpoint"].as_str().unwrap();
    let covered: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    assert!(size <= covered);
    assert_eq!(document["ledger"]["consistency"]["to"], covered);
    assert_eq!(document["export"]["ledger_size"], size);
    assert_eq!(document["decisions"].as_array().unwrap().len(), 1);
    assert_eq!(document["statistics"]["records"]["decisions"], 1);
    assert_eq!(document["compliance"]["as_of_index"], size - 1);
}

/// What a package of a node says, verified elsewhere.
fn verified(bytes: &[u8]) -> client::package::VerifiedPackage {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("package.zip");
    std::fs::write(&path, bytes).unwrap();
    client::package::verify(&path, &client::offline::Question::default()).unwrap()
}

/// What goes in part with a decision: its evidence, and the digest that tells what
/// was decided.
fn told_of(decision: DecisionId) -> [Command; 2] {
    let evidence = RegisterEvidence {
        kind: ArtifactKind::Screenshot,
        content: EvidenceContent::Inline(b"what it was about".to_vec()),
        content_type: None,
        source: "desk".to_owned(),
        decisions: vec![decision],
        controls: Vec::new(),
        storage_uri: None,
        retention_days: None,
        metadata: None,
    };
    let escalation = CreateEscalation {
        decision,
        trigger: Trigger::ActorRequest,
        recipients: vec!["act_human_user:maria".to_owned()],
        priority: None,
        summary: Some("look".to_owned()),
        metadata: None,
    };
    [Command::RegisterEvidence(Box::new(evidence)), Command::CreateEscalation(Box::new(escalation))]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_is_built_and_a_package_verifies_before_and_after_an_erasure() {
    let root = tempfile::tempdir().unwrap();
    let dir = DataDir::open(root.path().join("n1")).unwrap();
    let (running, replica) = start(&dir).await;
    let stop = CancellationToken::new();
    let sealing = tokio::spawn(checkpoints::run(running.clone(), stop.clone()));
    let building = tokio::spawn(exports::job::run(running.clone(), stop.clone()));
    let Outcome::Decided(decided) = propose(&running, decide()).await else {
        panic!("not decided")
    };
    let told = decided.data.as_object().and_then(|data| data.get("decision_id"));
    let decision: DecisionId = told.and_then(Json::as_str).unwrap().parse().unwrap();
    for about in told_of(decision) {
        let outcome = propose(&running, about).await;
        assert!(!matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    }
    for format in ExportFormat::ALL {
        let id = completed(&running, asking(format, None)).await;
        assert!(!bytes(&running, id).await.is_empty(), "{format:?}");
    }
    let id = completed(&running, asking(ExportFormat::Zip, None)).await;
    let before = verified(&bytes(&running, id).await);
    for kind in ["decisions", "escalations", "evidence"] {
        assert_eq!(before.records.get(kind), Some(&1), "{kind}");
    }
    assert_eq!(before.ledger_size, known(&running, id).ledger_size);
    assert_eq!(before.ledger.entries_erased, 0);

    let entry = decided.recorded.entry_id;
    let ranges = vec![EntryRange { from: entry, to: entry }];
    let (part, cause) = (ErasedPart::Personal, ErasureCause::Request);
    propose(&running, Command::Erase(Erase { part, ranges, cause })).await;
    let directory = dir.path().join("exports");
    until("gone", || telling(&directory).is_empty()).await;
    let after = verified(&bytes(&running, id).await);
    assert_eq!((after.ledger_size, after.ledger.entries_erased), (before.ledger_size, 1));
    assert!(before.ledger.checkpoint.size < after.ledger.checkpoint.size);
    stop.cancel();
    sealing.await.unwrap();
    building.await.unwrap();
    replica.shutdown().await;
}
