//! The cluster over HTTP.

use governance::command::{
    Claim, Command, ErasedPart, Finding, RecordDivergence, RecordRecovery, ReportForgotten,
};
use serde_json::{Value, json};
use types::{EntryId, LogIndex, RaftId};

use crate::common::{Node, Server, envelope, envelope_of};

pub(crate) fn joiner(changes: Value) -> Value {
    let uses = ["decision", "token", "checkpoint", "export"];
    let keys = uses.iter().zip(1_u8..).map(|(usage, n)| {
        json!({
            "kid": format!("key_01K1R0C9N5T8Z4W2Y6V3Q7M1H{n}"),
            "use": usage,
            "x": ledger::signature::to_text(&[n; 32]),
        })
    });
    let mut node = json!({
        "name": "n4", "api_address": "http://n4.example:8000", "peer_address": "n4.example:9000",
        "keys": keys.collect::<Value>(), "nonce": "nonce-1",
    });
    for (name, value) in changes.as_object().unwrap() {
        node[name] = value.clone();
    }
    node
}

#[tokio::test]
async fn the_cluster_shows_where_it_stands() {
    let server = Server::loaded().await;
    let status = server.get("/cluster/status").await.json();
    assert_eq!(status["node_id"], "n1");
    assert_eq!(status["role"], "leader");
    assert_eq!(status["ledger_size"], 2);
    assert_eq!(status["voters"], json!(["n1", "n2"]));
    assert_eq!(status["learners"], json!(["n3"]));
    assert_eq!(status["divergence"], json!({"consistent": null, "checked_at_size": null}));
    let nodes = server.get("/cluster/nodes").await.json();
    let names: Vec<&Value> =
        nodes["nodes"].as_array().unwrap().iter().map(|n| &n["node_id"]).collect();
    assert_eq!(names, ["n1", "n2", "n3"]);
    assert_eq!(nodes["nodes"][1]["role"], "follower");
    assert_eq!(nodes["nodes"][2]["role"], "learner");
    assert_eq!(nodes["nodes"][1]["last_contact_ms"], 3);
    assert_eq!(nodes["nodes"][0]["quarantined"], false);
    assert_eq!(nodes["nodes"][1]["quarantined"], false);
}

#[tokio::test]
async fn a_node_joins_once_per_nonce() {
    let server = Server::new();
    let first = server.post("/cluster/nodes", joiner(json!({"region": "eu"}))).await;
    assert_eq!(first.outcome(), "200", "{}", first.json());
    let reply = first.json();
    assert_eq!(reply["role"], "learner");
    assert_eq!(reply["region"], "eu");
    assert_eq!(reply["incarnation"], 1);
    assert!(reply["cluster_id"].as_str().unwrap().starts_with("clu_"));
    let again = server.post("/cluster/nodes", joiner(json!({"region": "eu"}))).await;
    assert_eq!(again.json(), reply);
    let other = server.post("/cluster/nodes", joiner(json!({"nonce": "nonce-2"}))).await;
    assert_eq!(other.outcome(), "409 already_exists");
}

#[tokio::test]
async fn a_node_that_describes_itself_wrongly_is_refused() {
    let server = Server::new();
    let size = server.node.ledger_size();
    let keys = joiner(json!({}))["keys"].clone();
    let with_key = |at: usize, name: &str, value: Value| {
        let mut keys = keys.clone();
        keys[at][name] = value;
        json!({ "keys": keys })
    };
    for (changes, expect) in [
        (json!({"name": "a b"}), "/name bad_format"),
        (json!({"name": null}), "/name missing"),
        (json!({"keys": []}), "/keys out_of_range"),
        (json!({"api_address": "n4:8000"}), "/api_address bad_format"),
        (json!({"api_address": "http://n4"}), "/api_address bad_format"),
        (json!({"peer_address": "http://n4:9000"}), "/peer_address bad_format"),
        (json!({"peer_address": "n4:0"}), "/peer_address bad_format"),
        (json!({"nonce": ""}), "/nonce missing"),
        (with_key(1, "use", json!("decision")), "/keys/1/use duplicate"),
        (with_key(1, "use", json!("signing")), "/keys/1/use not_one_of"),
        (with_key(2, "kid", json!("key_1")), "/keys/2/kid bad_format"),
        (with_key(3, "x", json!("AAAA")), "/keys/3/x bad_format"),
        (with_key(3, "y", json!("AAAA")), "/keys/3/y unknown_field"),
    ] {
        let reply = server.post("/cluster/nodes", joiner(changes.clone())).await;
        assert_eq!(reply.faults(), [expect], "{changes}");
    }
    assert_eq!(server.node.ledger_size(), size);
}

#[tokio::test]
async fn members_are_changed_by_name_or_the_change_is_refused() {
    let server = Server::new();
    for (method, path, expect) in [
        ("POST", "/cluster/nodes/n9/promote", "404 unknown_node"),
        ("POST", "/cluster/nodes/n2/promote", "409 unsafe_membership_change"),
        ("POST", "/cluster/nodes/n3/promote", "200"),
        ("POST", "/cluster/nodes/n3/demote", "200"),
        ("DELETE", "/cluster/nodes/n1", "409 unsafe_membership_change"),
        ("DELETE", "/cluster/nodes/n3", "200"),
        ("DELETE", "/cluster/nodes/n3", "404 unknown_node"),
    ] {
        let reply = server.call(method, path, "", &[]).await;
        assert_eq!(reply.outcome(), expect, "{method} {path}");
    }
    for (body, expect) in [
        (json!({"to": "n9"}), "404 unknown_node"),
        (json!({"to": 1}), "422 validation_failed"),
        (json!({"to": "n2"}), "200"),
    ] {
        let reply = server.post("/cluster/transfer-leader", &body).await;
        assert_eq!(reply.outcome(), expect, "{body}");
    }
    let reply = server.call("POST", "/cluster/transfer-leader", "", &[]).await;
    assert_eq!(reply.json(), json!({"leader_id": "n2"}));
    let reply = server.call("POST", "/cluster/snapshot", "", &[]).await;
    assert_eq!(reply.json(), json!({"snapshot_id": "snap-1", "index": 1, "size_bytes": 42}));
}

#[tokio::test]
async fn a_dry_run_of_a_change_changes_nothing() {
    let server = Server::new();
    let before = server.get("/cluster/nodes").await.json();
    let voters = json!(["n1", "n2"]);
    for (method, path, body, after) in [
        ("POST", "/cluster/nodes/n3/promote", Value::Null, json!(["n1", "n2", "n3"])),
        ("POST", "/cluster/nodes/n2/demote", Value::Null, json!(["n1"])),
        ("DELETE", "/cluster/nodes/n2", Value::Null, json!(["n1"])),
        ("POST", "/cluster/transfer-leader", json!({"to": "n2"}), voters.clone()),
        ("POST", "/cluster/nodes", joiner(json!({})), voters.clone()),
    ] {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = server.call(method, &format!("{path}?dry_run=true"), &body, &[]).await.json();
        assert_eq!(
            reply,
            json!({"dry_run": true, "allowed": true, "reasons": [], "voters_before": voters, "voters_after": after}),
            "{method} {path}"
        );
    }
    let taken = joiner(json!({"name": "n2"}));
    let reply = server.post("/cluster/nodes?dry_run=1", taken).await.json();
    assert_eq!(reply["allowed"], false);
    assert_eq!(server.get("/cluster/nodes").await.json(), before);
}

fn three() -> Server {
    Server::with(Node::of_three(), api::Config::default())
}

#[tokio::test]
async fn voters_that_agree_are_consistent() {
    let server = three();
    let sealed = server.node.seal();
    for name in ["n1", "n2"] {
        server.node.cosign(&sealed, &sealed.claim, name);
    }
    let claim = &sealed.claim;
    let found = |name: &str| {
        json!({
            "node_id": name, "root_hash": claim.root.to_string(),
            "state_hash": claim.state_hash.to_string(), "policy_hash": claim.policy_hash.to_string(),
        })
    };
    let silent = json!({
        "node_id": "n3", "root_hash": null, "state_hash": null, "policy_hash": null,
    });
    let reply = server.get("/cluster/divergence").await.json();
    let expect = json!({
        "consistent": true, "size": claim.size, "nodes": [found("n1"), found("n2"), silent],
        "first_difference": null,
    });
    assert_eq!(reply, expect);
    let status = server.get("/cluster/status").await.json();
    assert_eq!(status["divergence"], json!({"consistent": true, "checked_at_size": claim.size}));
}

#[tokio::test]
async fn a_voter_that_found_something_else_is_named() {
    let server = three();
    let sealed = server.node.seal();
    let size = sealed.claim.size;
    let other = Claim { state_hash: types::Digest([7; 32]), ..sealed.claim.clone() };
    server.node.cosign(&sealed, &other, "n3");
    for name in ["n1", "n2"] {
        server.node.cosign(&sealed, &sealed.claim, name);
    }
    let reply = server.get(&format!("/cluster/divergence?size={size}")).await.json();
    assert_eq!(reply["consistent"], false);
    assert_eq!(reply["nodes"][2]["node_id"], "n3");
    assert_eq!(reply["nodes"][2]["state_hash"], types::Digest([7; 32]).to_string());
    let difference =
        |entry: Value| json!({"entry_id": entry, "node_id": "n3", "field": "state_hash"});
    assert_eq!(reply["first_difference"], difference(Value::Null));
    let status = server.get("/cluster/status").await.json();
    assert_eq!(status["divergence"], json!({"consistent": false, "checked_at_size": size}));

    let quarantined = |nodes: Value| -> Vec<Value> {
        let nodes = nodes["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["quarantined"].clone()).collect()
    };
    let nodes = server.get("/cluster/nodes").await.json();
    assert_eq!(quarantined(nodes), [false, false, false]);
    let finding = Finding::Checkpoint { size };
    let diverged = RecordDivergence { raft_id: RaftId(3), finding };
    server.node.apply(envelope(Command::RecordDivergence(Box::new(diverged))));
    let nodes = server.get("/cluster/nodes").await.json();
    assert_eq!(quarantined(nodes), [false, false, true]);
    let recovery = RecordRecovery {
        raft_id: RaftId(3),
        first_difference: Some(EntryId(2)),
        snapshot_index: LogIndex(9),
    };
    server.node.apply(envelope_of("n3", Command::RecordRecovery(recovery)));
    let nodes = server.get("/cluster/nodes").await.json();
    assert_eq!(quarantined(nodes), [false, false, false]);
    let reply = server.get("/cluster/divergence").await.json();
    assert_eq!(reply["first_difference"], difference(json!(2)));
}

#[tokio::test]
async fn a_size_without_final_checkpoint_has_no_comparison() {
    let server = three();
    let sealed = server.node.seal();
    server.node.cosign(&sealed, &sealed.claim, "n1");
    let size = sealed.claim.size;
    for (query, expect) in [
        (format!("size={size}"), "404 unknown_checkpoint"),
        ("size=1".to_owned(), "404 unknown_checkpoint"),
        (format!("size={}", size + 1), "422 validation_failed"),
        ("size=0".to_owned(), "422 validation_failed"),
        ("size=x".to_owned(), "422 validation_failed"),
        (String::new(), "503 not_final"),
    ] {
        let reply = server.get(&format!("/cluster/divergence?{query}")).await;
        assert_eq!(reply.outcome(), expect, "{query}");
    }
}

#[tokio::test]
async fn nodes_say_up_to_which_run_they_have_forgotten() {
    let server = three();
    server.post("/decide", json!({"actor": "a", "action": "read"})).await;
    let id = server.node.ledger_size() - 1;
    server.node.erase(ErasedPart::Personal, id);
    let through = ReportForgotten { raft_id: RaftId(2), through: EntryId(id + 1) };
    server.node.apply(envelope_of("n2", Command::ReportForgotten(through)));
    let nodes = server.get("/cluster/nodes").await.json();
    assert_eq!(nodes["nodes"][0]["erased_through_entry_id"], Value::Null);
    assert_eq!(nodes["nodes"][1]["erased_through_entry_id"], id + 1);
}

#[tokio::test]
async fn a_node_that_shows_no_state_still_shows_its_members() {
    let server = three();
    server.node.inner().quarantine = Some("differs".to_owned());
    let nodes = server.get("/cluster/nodes").await.json();
    assert_eq!(nodes["nodes"][0]["quarantined"], true);
    assert_eq!(nodes["nodes"][1]["quarantined"], Value::Null);
}
