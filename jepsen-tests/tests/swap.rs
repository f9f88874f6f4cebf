//! Policies replaced under load: each decision names, and was made by, the
//! policy in force at its place in the ledger, whoever loaded what where.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use jepsen_tests::cluster::Cluster;
use jepsen_tests::http::Client;
use jepsen_tests::trial::{self, cluster_with_policy, judge, report};
use jepsen_tests::workload::{self, Workload};
use types::{Json, Object};

const CLIENTS: usize = 8;
/// Loads by each of the loaders, of which there is one per node.
const LOADS: u64 = 12;
/// Decisions acknowledged between two loads of one loader, at least.
const BETWEEN: u64 = 5;
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
const PAGE: u64 = 1_000;
/// Decisions that are evaluated again on every node, about.
const SAMPLES: usize = 25;

/// Policies that answer the workload's question differently, and with which
/// reason: what a decision says tells which of them made it.
fn policies() -> [(Json, &'static str, &'static str); 3] {
    let with = |justification: &str, kind: &str| {
        let mut policy = workload::policy().as_object().unwrap().clone();
        let mut relation =
            policy.get("relations").unwrap().as_array().unwrap()[0].as_object().unwrap().clone();
        relation.insert("type", kind);
        relation.insert("justification", justification);
        policy.insert("relations", Json::Array(vec![Json::Object(relation)]));
        Json::Object(policy)
    };
    [
        (with("day shift", "permits"), "allowed", "day shift"),
        (with("night shift", "permits"), "allowed", "night shift"),
        (with("closed", "forbids"), "denied", "closed"),
    ]
}

/// Loads one policy after another through one node. Gives version and entry of
/// each load that was acknowledged.
async fn load(address: SocketAddr, number: u64, workload: &Workload) -> Vec<(u64, u64)> {
    let mut client = Client::new(address, ANSWER_WITHIN);
    let policies = policies();
    let mut loaded = Vec::new();
    for count in 0..LOADS {
        let at = usize::try_from((number + count) % 3).unwrap();
        let reply = client.post_json("/policies/load", &policies[at].0).await.unwrap();
        let reply = reply.as_object().unwrap();
        let number = |name: &str| reply.get(name).and_then(Json::as_u64).unwrap();
        loaded.push((number("policy_version"), number("ledger_entry_id")));
        workload.wait_for_more(BETWEEN).await.unwrap();
    }
    loaded
}

/// Every entry of a node, in order: id, type and `data`.
async fn entries(cluster: &Cluster, at: usize) -> Vec<(u64, String, Object)> {
    let mut client = cluster.client(at);
    let mut found: Vec<(u64, String, Object)> = Vec::new();
    loop {
        let after = found.last().map(|(id, _, _)| format!("&after={id}")).unwrap_or_default();
        let page = client.get_json(&format!("/ledger/entries?limit={PAGE}{after}")).await.unwrap();
        let page = page.as_object().unwrap();
        for entry in page.get("entries").unwrap().as_array().unwrap() {
            let entry = entry.as_object().unwrap();
            let id = entry.get("id").unwrap().as_u64().unwrap();
            let kind = entry.get("entry_type").unwrap().as_str().unwrap().to_owned();
            found.push((id, kind, entry.get("data").unwrap().as_object().unwrap().clone()));
        }
        if page.get("next").unwrap().is_null() {
            return found;
        }
    }
}

/// Goes through a ledger in order. Gives version and entry of each load, and
/// how many decisions each answer had.
fn follow(entries: &[(u64, String, Object)]) -> (Vec<(u64, u64)>, BTreeMap<String, u64>) {
    let expected: BTreeMap<String, &str> = policies()
        .into_iter()
        .map(|(_, outcome, reason)| (reason.to_owned(), outcome))
        .chain([("triage may read open claims".to_owned(), "allowed")])
        .collect();
    let mut in_force = (Json::from(0_u32), Json::Null);
    let mut reason = String::new();
    let (mut loads, mut answers) = (Vec::new(), BTreeMap::new());
    for (id, kind, data) in entries {
        let named = || {
            let member = |name: &str| data.get(name).cloned().unwrap();
            (member("policy_version"), member("policy_hash"))
        };
        match kind.as_str() {
            "policy_loaded" => {
                in_force = named();
                let relations = data.get("document").unwrap().as_object().unwrap();
                let relation = relations.get("relations").unwrap().as_array().unwrap()[0].clone();
                let justification = relation.as_object().unwrap().get("justification").unwrap();
                reason = justification.as_str().unwrap().to_owned();
                loads.push((in_force.0.as_u64().unwrap(), *id));
            }
            "decision" => {
                assert_eq!(named(), in_force, "entry {id} names another policy than was in force");
                let text = |name: &str| data.get(name).and_then(Json::as_str).unwrap();
                assert_eq!(text("reason"), reason, "entry {id} was judged by another policy");
                assert_eq!(text("outcome"), expected[&reason], "entry {id}");
                *answers.entry(reason.clone()).or_default() += 1;
            }
            _ => (),
        }
    }
    (loads, answers)
}

/// Decisions spread over the ledger.
fn sample(entries: &[(u64, String, Object)]) -> Vec<String> {
    let decisions = entries.iter().filter(|(_, kind, _)| kind == "decision");
    let ids: Vec<String> = decisions
        .map(|(_, _, data)| data.get("decision_id").unwrap().as_str().unwrap().to_owned())
        .collect();
    ids.iter().step_by((ids.len() / SAMPLES).max(1)).cloned().collect()
}

/// Whether a node comes to the same answer again from its own records.
async fn replays(client: &mut Client, decision: &str) -> Json {
    let path = format!("/decisions/{decision}/replay");
    let reply = client.get_json(&path).await.unwrap();
    let reply = reply.as_object().unwrap();
    assert_eq!(reply.get("identical"), Some(&Json::Bool(true)), "{decision}: {reply:?}");
    Json::Object(reply.clone())
}

#[tokio::test]
async fn every_decision_of_a_swap_under_load_names_the_policy_at_its_place() {
    let _turn = trial::turn().await;
    let mut cluster = cluster_with_policy(3).await.unwrap();
    let workload = Workload::start(cluster.addresses(), CLIENTS);
    let [first, second, third] = cluster.addresses()[..] else { panic!("three nodes") };
    let (one, two, three) = tokio::join!(
        load(first, 0, &workload),
        load(second, 1, &workload),
        load(third, 2, &workload)
    );
    let history = workload.stop().await;
    let found = judge(&mut cluster, &history).await.unwrap();
    assert!(found.is_empty(), "{}", report(&found));

    let mut acknowledged = [one, two, three].concat();
    acknowledged.sort_unstable();
    for at in 0..3 {
        let (loads, answers) = follow(&entries(&cluster, at).await);
        let (_, later) = loads.split_first().unwrap();
        assert_eq!(later, acknowledged, "node {at} has other loads than were acknowledged");
        assert!((1..).zip(&loads).all(|(version, load)| load.0 == version), "versions have a gap");
        for (_, _, reason) in policies() {
            assert!(answers.contains_key(reason), "no decision was ever made under `{reason}`");
        }
        let made: u64 = answers.values().sum();
        assert!(u64::try_from(history.acknowledged.len()).unwrap() <= made);
    }

    let decisions = sample(&entries(&cluster, 0).await);
    let candidate = Json::object([("policy", workload::policy())]);
    let mut clients = [0, 1, 2].map(|at| cluster.client(at));
    let mut impacts = Vec::new();
    for client in &mut clients {
        impacts.push(client.post_json("/policies/impact", &candidate).await.unwrap());
    }
    assert!(impacts[0] == impacts[1] && impacts[1] == impacts[2], "{impacts:?}");
    let [one, two, three] = &mut clients;
    for decision in decisions {
        let first = replays(one, &decision).await;
        assert_eq!(first, replays(two, &decision).await);
        assert_eq!(first, replays(three, &decision).await);
    }
}
