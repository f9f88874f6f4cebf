//! Each call goes where the contract says, and its answer is understood.

use std::time::Duration;

use client::cluster::{Change, NewNode};
use client::decision::{BatchItem, BatchOptions, Question};
use client::ledger::VerifyRange;
use client::policy::Version;
use client::{Client, Consistency, Error};
use types::Json;

use crate::double::{Double, Said};
use crate::retry::DECIDED;

const NODE: &str = r#"{"node_id":"n4","raft_id":9,"address":"127.0.0.1:8003","peer_address":"127.0.0.1:9003","region":null,"zone":null,"role":"learner","voter":false,"reachable":true,"applied_index":9,"lag_entries":0,"erased_through_entry_id":null,"version":"1.0.0","last_contact_ms":3,"quarantined":false}"#;
const PLAN: &str = r#"{"dry_run":true,"allowed":false,"reasons":["would lose the quorum"],"voters_before":["n1","n2"],"voters_after":["n1"]}"#;

async fn node<const N: usize>(said: [Said; N]) -> (Double, Client) {
    let node = Double::start(said).await;
    let client = Client::new([&node.url]).unwrap();
    (node, client)
}

#[tokio::test]
async fn membership_is_changed_by_name() {
    let (node, client) = node([
        Said::ok(NODE),
        Said::ok(NODE),
        Said::ok(r#"{"removed":true}"#),
        Said::ok(r#"{"leader_id":"n2"}"#),
        Said::ok(r#"{"snapshot_id":"s1","index":7,"size_bytes":9}"#),
        Said::ok(NODE),
    ])
    .await;
    assert_eq!(client.promote("n4").await.unwrap().value.raft_id, 9);
    client.demote("a/b").await.unwrap();
    assert!(client.remove("n4").await.unwrap().value.removed);
    let leader = client.transfer_leader(Some("n2")).await.unwrap().value;
    assert_eq!(leader.leader_id.as_deref(), Some("n2"));
    assert_eq!(client.snapshot().await.unwrap().value.index, 7);
    let new = NewNode {
        name: "n4".to_owned(),
        api_address: "a:1".to_owned(),
        peer_address: "a:2".to_owned(),
        keys: Vec::new(),
        nonce: "x".to_owned(),
        region: None,
        zone: Some("z".to_owned()),
    };
    client.add(new).await.unwrap();
    assert_eq!(
        node.lines(),
        [
            "POST /cluster/nodes/n4/promote",
            "POST /cluster/nodes/a%2Fb/demote",
            "DELETE /cluster/nodes/n4",
            "POST /cluster/transfer-leader",
            "POST /cluster/snapshot",
            "POST /cluster/nodes",
        ]
    );
    assert_eq!(node.asked()[3].body, r#"{"to":"n2"}"#);
    let body = r#"{"api_address":"a:1","keys":[],"name":"n4","nonce":"x","peer_address":"a:2","zone":"z"}"#;
    assert_eq!(node.asked()[5].body, body);
}

#[tokio::test]
async fn a_name_that_a_url_would_drop_is_not_sent() {
    let (node, client) = node([]).await;
    for name in ["", ".", ".."] {
        assert!(matches!(client.remove(name).await, Err(Error::Misused(_))), "{name}");
    }
    assert!(node.asked().is_empty());
}

#[tokio::test]
async fn a_plan_changes_nothing_and_so_may_be_asked_again() {
    let (node, client) = node([Said::problem(503, "no_leader"), Said::ok(PLAN)]).await;
    let plan = client.plan(&Change::Remove("n2".to_owned())).await.unwrap().value;
    assert!(!plan.allowed);
    assert_eq!(plan.voters_after, ["n1"]);
    assert_eq!(node.lines(), ["DELETE /cluster/nodes/n2?dry_run=true"; 2]);
}

#[tokio::test]
async fn reads_can_ask_for_a_fresh_state() {
    let said = Said::ok(DECIDED)
        .header("x-lexecon-node", "n1")
        .header("x-lexecon-applied-index", "42")
        .header("x-lexecon-leader", "")
        .header("idempotent-replayed", "true");
    let verified = r#"{"valid":true,"entries_checked":3,"entries_erased":0,"first_invalid":null,"head":{"id":2,"hash":"c0"},"tree_size":3,"root_hash":"8a","checkpoint":null,"duration_ms":2}"#;
    let (node, client) = node([said, Said::ok(verified), Said::ok(verified)]).await;
    let meta = client.decide(&Question::new("a", "b")).await.unwrap().meta;
    assert_eq!((meta.node.as_deref(), meta.leader, meta.replayed), (Some("n1"), None, true));
    let index = meta.applied_index.unwrap();
    let range = VerifyRange { from: Some(1), to: None };
    let reading = client.at_least(index).reading(Consistency::Linearizable);
    reading.ledger_verify(range).await.unwrap();
    let bounded = client.reading(Consistency::Bounded(Duration::from_millis(500)));
    bounded.ledger_verify(range).await.unwrap();
    assert_eq!(node.asked()[0].header("x-lexecon-min-index"), None);
    assert_eq!(node.asked()[1].header("x-lexecon-min-index"), Some("42"));
    let lines = node.lines();
    assert_eq!(lines[1], "GET /ledger/verify?from=1&consistency=linearizable");
    assert_eq!(lines[2], "GET /ledger/verify?from=1&consistency=bounded&max_staleness_ms=500");
}

#[tokio::test]
async fn each_item_of_a_batch_has_its_own_request_id() {
    let results = format!(
        r#"{{"count":2,"results":[{DECIDED},{{"problem":{{"status":422,"code":"validation_failed","detail":"1 field is not valid","errors":[{{"pointer":"/actor","code":"missing","detail":"is required"}}]}}}}]}}"#
    );
    let (node, client) = node([Said::ok(&results)]).await;
    let questions = [Question::new("a", "b"), Question::new("", "b")];
    let options = BatchOptions { sign_together: true, tokens_later: true };
    let batch = client.decide_batch(&questions, options).await.unwrap().value;
    assert!(matches!(&batch.results[0], BatchItem::Decided(decision) if !decision.allowed));
    let problem = batch.results[1].problem().unwrap();
    assert_eq!((problem.status, problem.errors[0].place.as_str()), (422, "/actor"));
    assert_eq!(node.lines(), ["POST /decide/batch?signature=batch&tokens=later"]);
    let body = node.asked()[0].body.clone();
    let ids: Vec<&str> = body.split("request_id").skip(1).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0].get(..32), ids[1].get(..32));
}

#[tokio::test]
async fn a_dry_run_is_a_read() {
    let dry = DECIDED
        .replace("\"dec_1\"", "null")
        .replace(":118", ":null")
        .replace("\"dry_run\":false", "\"dry_run\":true");
    let (node, client) = node([Said::ok(&dry)]).await;
    let question = Question { dry_run: true, ..Question::new("a", "b") };
    let reply = client.at_least(7).decide(&question).await.unwrap();
    assert_eq!(reply.value.decision_id, None);
    assert_eq!(node.asked()[0].header("x-lexecon-min-index"), Some("7"));
}

#[tokio::test]
async fn a_reply_is_kept_as_it_came() {
    let more = DECIDED.replacen('{', r#"{"added_by_a_later_release":[1.5,"x"],"#, 1);
    let (_node, client) = node([Said::ok(&more)]).await;
    let raw = client.decide(&Question::new("a", "b")).await.unwrap().raw;
    assert_eq!(raw, serde_json::from_str::<Json>(&more).unwrap());
}

#[tokio::test]
async fn an_unhealthy_node_is_an_answer_and_a_starting_one_is_not() {
    let sick = r#"{"status":"unhealthy","version":"1.0.0","node_id":"n2","role":"follower","leader_id":null,"timestamp":"2027-03-04T05:06:07.000000Z"}"#;
    let (_node, client) = node([Said::ok(sick).status(503)]).await;
    assert_eq!(client.health().await.unwrap().value.status, "unhealthy");
    let starting = || Said::problem(503, "starting");
    let (_node, client) = self::node([starting(), starting(), starting()]).await;
    let error = client.health().await.unwrap_err();
    assert!(matches!(error, Error::Problem(problem) if problem.code == "starting"));
}

#[tokio::test]
async fn metrics_are_text() {
    let text = "lexecon_ledger_size 134\n";
    let (node, client) = node([Said::ok(text)]).await;
    assert_eq!(client.metrics().await.unwrap(), text);
    assert_eq!(node.lines(), ["GET /metrics"]);
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_not_understood() {
    let (_node, client) = node([
        Said::ok("<html>"),
        Said::ok(r#"{"active_version":1}"#),
        Said::ok("Bad Gateway").status(502),
        Said::ok("").status(308).header("location", "http://elsewhere/"),
    ])
    .await;
    for _ in 0..4 {
        let error = client.policy(Version::Active).await.unwrap_err();
        assert!(matches!(error, Error::NotUnderstood { .. }), "{error}");
    }
}

fn checkpoint_of_size(size: u64) -> Said {
    let note = format!("log/c1\\n{size}\\nQmFzZTY0\\n\\n— log/c1 AAAAAAA=\\n");
    Said::ok(&format!(
        r#"{{"checkpoint":"{note}","origin":"log/c1","size":{size},"root_hash":"8a","signatures":[],"state_hash":"77","policy_hash":"41","timestamp":"2027-03-04T05:06:07.123456Z"}}"#
    ))
}

#[tokio::test]
async fn a_checkpoint_is_waited_for_until_it_covers_enough() {
    let said = [Said::problem(503, "not_final"), checkpoint_of_size(3), checkpoint_of_size(7)];
    let (node, client) = node(said).await;
    let reply = client.checkpoint_of(5, Duration::from_secs(60)).await.unwrap();
    assert_eq!(reply.value.size, 7);
    assert_eq!(node.lines(), ["GET /ledger/checkpoint"; 3]);
}

#[tokio::test]
async fn a_wait_for_a_checkpoint_ends_with_its_time() {
    for said in [Said::problem(503, "not_final"), checkpoint_of_size(4)] {
        let (node, client) = node([said]).await;
        let error = client.checkpoint_of(5, Duration::ZERO).await.unwrap_err();
        assert!(matches!(error, Error::Problem(problem) if problem.code == "not_final"));
        assert_eq!(node.lines().len(), 1);
    }
}

#[tokio::test]
async fn tiles_are_named_as_the_standard_does() {
    let (node, client) = node([Said::ok("ab"), Said::ok("c")]).await;
    assert_eq!(client.tile("0/x001/234.p/7").await.unwrap(), b"ab");
    assert_eq!(client.tile("entries/000").await.unwrap(), b"c");
    for refused in ["0/0", "entries/../../keys", "", "0/000.p/256"] {
        assert!(matches!(client.tile(refused).await, Err(Error::Misused(_))), "{refused}");
    }
    assert_eq!(node.lines(), ["GET /tile/0/x001/234.p/7", "GET /tile/entries/000"]);
}

#[tokio::test]
async fn an_entry_is_made_again_from_its_members_or_refused() {
    let header = ledger::Header {
        id: types::EntryId(3),
        entry_type: ledger::EntryType::Decision,
        timestamp: types::Timestamp(0),
        actor_seq: 1,
        type_seq: 2,
        data_hash: types::Digest([7; 32]),
        personal_hash: None,
        previous_hash: types::Digest::ZERO,
    };
    let hash = ledger::hash::entry_hash(header.to_canonical().as_bytes());
    let zeros = "00".repeat(32);
    let sevens = "07".repeat(32);
    let entry = format!(
        r#"{{"id":3,"format":1,"entry_type":"decision","timestamp":"1970-01-01T00:00:00.000000Z","actor":"a","data":{{"b":1.50,"a":"é"}},"salt":"{sevens}","data_hash":"{sevens}","personal":null,"personal_salt":null,"personal_hash":null,"previous_hash":"{zeros}","current_hash":"{hash}","type_seq":2,"actor_seq":1,"erased":{{"part":"personal","at":null,"by_entry_id":9}},"proof":null}}"#
    );
    let read = |text: &str| serde_json::from_str::<client::ledger::Entry>(text).unwrap();
    let made = read(&entry);
    assert_eq!(made.erased_by(), Some(9));
    let stored = made.stored().unwrap();
    assert_eq!(stored.data.unwrap().text, r#"{"a":"é","b":1.5}"#);
    assert_eq!(stored.header, header);
    for (from, to) in [
        ("\"type_seq\":2", "\"type_seq\":3"),
        ("\"salt\":\"07", "\"salt\":\"7"),
        ("\"personal\":null", "\"personal\":{}"),
        ("decision", "surprise"),
    ] {
        let changed = entry.replacen(from, to, 1);
        assert!(read(&changed).stored().is_none(), "{changed}");
    }
}
