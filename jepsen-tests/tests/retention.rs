//! What need not be kept goes by itself on every node, what a legal hold keeps
//! stays through restarts, and what is left verifies offline.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::{Command, Output};

use jepsen_tests::binary;
use jepsen_tests::checkpoint::covering;
use jepsen_tests::cluster::{Cluster, PATIENCE};
use jepsen_tests::trial;
use jepsen_tests::wait;
use types::{Json, Object};

/// Past the 183 days for which personal parts are kept.
const AHEAD_SECONDS: &str = "16000000";

const HOLDS: &str = "/compliance/eu-ai-act/article-12/legal-holds";
const ANONYMIZE: &str = "/compliance/eu-ai-act/article-12/anonymize";
const STATUS: &str = "/compliance/eu-ai-act/article-12/status";

async fn post(cluster: &Cluster, path: &str, body: &str) -> Object {
    let body: Json = serde_json::from_str(body).unwrap();
    let reply = cluster.client(0).post_json(path, &body).await.unwrap();
    reply.as_object().unwrap().clone()
}

async fn look(cluster: &Cluster, at: usize, path: &str) -> Object {
    cluster.client(at).get_json(path).await.unwrap().as_object().unwrap().clone()
}

fn number(object: &Object, name: &str) -> u64 {
    object.get(name).and_then(Json::as_u64).unwrap()
}

/// Decides about an actor, with a context that is personal.
async fn decide(cluster: &Cluster, actor: &str) -> u64 {
    let body = format!(r#"{{"actor":"{actor}","action":"read","context":{{"patient":"Ada"}}}}"#);
    number(&post(cluster, "/decide", &body).await, "ledger_entry_id")
}

async fn is_whole(cluster: &Cluster, at: usize, entry: u64) -> bool {
    let entry = look(cluster, at, &format!("/ledger/entries/{entry}")).await;
    !entry.get("personal").unwrap().is_null() && entry.get("erased").unwrap().is_null()
}

fn lexecon(arguments: &[&str]) -> Output {
    Command::new(binary::lexecon().unwrap()).args(arguments).output().unwrap()
}

#[track_caller]
fn accepted(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// By both verifiers, of which one knows nothing of our code.
fn verifies(dir: &Path) {
    accepted(&lexecon(&["verify", dir.to_str().unwrap()]));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/verifiers/verify.py");
    accepted(&Command::new("python3").arg(script).arg(dir).output().unwrap());
}

#[tokio::test]
async fn a_hold_outlives_restarts_and_what_it_does_not_keep_goes_by_itself() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(3).await.unwrap();
    let held = decide(&cluster, "ai:held").await;
    let other = decide(&cluster, "ai:other").await;
    let hold = r#"{"hold_id":"case-1","reason":"a claim","filter":{"actor":"ai:held"}}"#;
    assert_eq!(number(&post(&cluster, HOLDS, hold).await, "records_affected"), 1);
    cluster.settle().await.unwrap();

    // Half a year passes while nobody runs.
    cluster.kill(&[0, 1, 2]);
    for at in 0..3 {
        cluster.node(at).set("FAILPOINT_CLOCK_AHEAD_S", AHEAD_SECONDS);
    }
    cluster.restart_dead().await.unwrap();
    wait::until("retention", PATIENCE, async || match is_whole(&cluster, 0, other).await {
        true => Err("it is still whole".to_owned()),
        false => Ok(()),
    })
    .await
    .unwrap();
    let subject = r#"{"subject":"ai:held","part":"all"}"#;
    let refused = post(&cluster, ANONYMIZE, subject).await;
    assert_eq!((number(&refused, "anonymized"), number(&refused, "skipped_under_hold")), (0, 1));
    let size = cluster.settle().await.unwrap()[0].ledger_size;
    for at in 0..3 {
        assert!(is_whole(&cluster, at, held).await, "node {at}");
        assert!(!is_whole(&cluster, at, other).await, "node {at}");
        let status = look(&cluster, at, STATUS).await;
        let by_status = status.get("by_status").unwrap().as_object().unwrap();
        assert_eq!((number(by_status, "legal_hold"), number(by_status, "anonymized")), (1, 1));
        covering(&cluster, at, size, PATIENCE).await.unwrap();
    }
    let url = format!("http://{}", cluster.addresses()[1]);
    let dir = cluster.root().join("kept");
    accepted(&lexecon(&["ledger", "export", dir.to_str().unwrap(), "--url", &url]));
    verifies(&dir);

    // Once it is released, what it kept may go.
    accepted(&lexecon(&["hold", "release", "case-1", "--reason", "settled", "--url", &url]));
    let arguments = ["retention", "anonymize", "--subject", "ai:held", "--part", "all"];
    accepted(&lexecon(&[&arguments[..], &["--url", &url]].concat()));
    let size = cluster.settle().await.unwrap()[0].ledger_size;
    for at in 0..3 {
        assert!(!is_whole(&cluster, at, held).await, "node {at}");
        covering(&cluster, at, size, PATIENCE).await.unwrap();
    }
    let dir = cluster.root().join("gone");
    accepted(&lexecon(&["ledger", "export", dir.to_str().unwrap(), "--url", &url]));
    verifies(&dir);
    assert!(cluster.panics().is_empty(), "{:?}", cluster.panics());
}

#[tokio::test]
async fn how_long_things_are_kept_is_told_to_the_cluster_by_whoever_leads() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start(1).await.unwrap();
    cluster.kill(&[0]);
    cluster.node(0).set("LEXECON_RETENTION_PERSONAL_DAYS", "400");
    cluster.restart_dead().await.unwrap();
    wait::until("the setting", PATIENCE, async || {
        let days = number(&look(&cluster, 0, STATUS).await, "personal_retention_days");
        if days == 400 { Ok(()) } else { Err(format!("{days} days")) }
    })
    .await
    .unwrap();
    let changed = look(&cluster, 0, "/ledger/entries?entry_type=config_changed").await;
    assert_eq!(number(&changed, "total"), 1);
    // Without the setting it stays.
    cluster.kill(&[0]);
    cluster.node(0).set("LEXECON_RETENTION_PERSONAL_DAYS", "");
    cluster.restart_dead().await.unwrap();
    let status = look(&cluster, 0, STATUS).await;
    assert_eq!(number(&status, "personal_retention_days"), 400);
}
