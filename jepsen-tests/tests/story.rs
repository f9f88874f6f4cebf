//! One story of governance, told through HTTP alone on three nodes, once in
//! peace and once with the leader killed before every step: both come to the same
//! end, leave the same entries, and verify offline.
//!
//! An agent asks for something risky and is escalated; a human acknowledges and
//! approves; the agent fetches its one token and uses it; a second is refused. An
//! executive overrides another denial; a second person reverses that; the token
//! it yielded is dead.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

use jepsen_tests::binary;
use jepsen_tests::checkpoint::covering;
use jepsen_tests::cluster::{Cluster, PATIENCE};
use jepsen_tests::http::Reply;
use jepsen_tests::trial;
use tokio::time::Instant;
use types::{Json, Object};

const AGENT: &str = "ai_agent:treasurer";
const LEAD: &str = "act_human_user:governance_lead:ana";
const EXECUTIVE: &str = "act_human_user:executive:jane";
const OFFICER: &str = "act_human_user:security_officer:sam";

/// Tells the story, and kills the leader in between if it is to.
struct Teller {
    cluster: Cluster,
    kills: bool,
    steps: usize,
    /// Entry of each step that recorded.
    entries: Vec<u64>,
}

impl Teller {
    async fn new(kills: bool) -> Self {
        let cluster = Cluster::start(3).await.unwrap();
        Self { cluster, kills, steps: 0, entries: Vec::new() }
    }

    /// Before a step: the leader dies, and who died before it is back.
    async fn turn_the_page(&mut self) {
        self.steps += 1;
        if self.kills {
            self.cluster.restart_dead().await.unwrap();
            let leader = self.cluster.leader().await.unwrap();
            self.cluster.kill(&[leader]);
        }
        // Another node is asked next, which must know of the step before.
        self.cluster.settle().await.unwrap();
    }

    /// Asks one node after the other, under one key, until the outcome is known.
    async fn ask(&mut self, path: &str, body: &Json) -> Reply {
        let key = format!("step-{}-{path}", self.steps);
        let began = Instant::now();
        let mut said = String::new();
        for turn in 0_usize.. {
            assert!(began.elapsed() < PATIENCE, "step {} has no outcome: {said}", self.steps);
            let running = self.cluster.running();
            let at = running[(self.steps + turn) % running.len()];
            match self.cluster.client(at).post_keyed(path, &key, body).await {
                Ok(reply) if reply.status != 503 => return reply,
                Ok(reply) => said = reply.quoted(),
                Err(lost) => said = lost.to_string(),
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        unreachable!("the loop ends with an answer")
    }

    /// A step that is recorded in one entry.
    async fn step(&mut self, path: &str, body: &[(&str, Json)]) -> Object {
        self.turn_the_page().await;
        let reply = self.ask(path, &object(body)).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.quoted());
        let reply = reply.json().unwrap().as_object().unwrap().clone();
        // A review is an entry of its own within what is reviewed.
        let review = reply.get("review").and_then(Json::as_object);
        let entry = review.unwrap_or(&reply).get("ledger_entry_id").unwrap();
        self.entries.push(entry.as_u64().unwrap());
        reply
    }

    /// A step that is refused, and records nothing.
    async fn refused(&mut self, path: &str, body: &[(&str, Json)], status: u16, code: &str) {
        self.turn_the_page().await;
        let reply = self.ask(path, &object(body)).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.quoted());
        assert_eq!(reply.code().as_deref(), Some(code), "{path}: {}", reply.quoted());
    }

    /// What the node asked says once it has applied everything acknowledged.
    async fn look(&mut self, path: &str) -> Object {
        let at = *self.cluster.running().first().unwrap();
        let join = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{join}consistency=linearizable");
        let began = Instant::now();
        loop {
            let reply = self.cluster.client(at).get(&path).await.unwrap();
            if reply.status == 200 {
                return reply.json().unwrap().as_object().unwrap().clone();
            }
            assert!(began.elapsed() < PATIENCE, "{path}: {}", reply.quoted());
            assert_eq!(reply.status, 503, "{path}: {}", reply.quoted());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Whether a token permits something now, and the reason.
    async fn judge(&mut self, token: &str) -> (bool, String) {
        let reply = self.ask("/tokens/verify", &Json::object([("token", token.into())])).await;
        let reply = reply.json().unwrap().as_object().unwrap().clone();
        let valid = reply.get("valid") == Some(&Json::Bool(true));
        (valid, text(&reply, "reason_code").to_owned())
    }
}

fn object(members: &[(&str, Json)]) -> Json {
    let mut object = Object::new();
    for (name, value) in members {
        object.insert(*name, value.clone());
    }
    Json::Object(object)
}

#[track_caller]
fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Json::as_str).unwrap_or_else(|| panic!("no `{name}`: {object:?}"))
}

#[track_caller]
fn list<'a>(object: &'a Object, name: &str) -> &'a [Json] {
    object.get(name).and_then(Json::as_array).unwrap_or_else(|| panic!("no `{name}`: {object:?}"))
}

#[track_caller]
fn column<'a>(rows: &'a [Json], name: &str) -> Vec<&'a str> {
    rows.iter().map(|row| text(row.as_object().unwrap(), name)).collect()
}

fn policy() -> Json {
    serde_json::from_str(
        r#"{"name":"Treasury","mode":"strict",
            "terms":[{"id":"actor:ai_agent:treasurer","type":"actor"},
                     {"id":"action:wire_transfer","type":"action"}],
            "relations":[{"type":"permits","subject":"actor:ai_agent:treasurer",
                          "action":"action:wire_transfer",
                          "justification":"The treasurer may wire"}]}"#,
    )
    .unwrap()
}

/// The agent, the human who approves, the one token.
async fn approval(teller: &mut Teller) -> String {
    let risk = Json::object([("financial", 95_u32.into())]);
    let asked = [
        ("actor", AGENT.into()),
        ("action", "wire_transfer".into()),
        ("context", Json::object([("amount", 1_000_000_u32.into())])),
        ("risk", risk),
    ];
    let decision = teller.step("/decide", &asked).await;
    assert_eq!(text(&decision, "outcome"), "escalated");
    assert!(decision.get("capability_token").unwrap().is_null());
    let id = text(&decision, "decision_id").to_owned();
    let escalation = text(&decision, "escalation_id").to_owned();
    let token_path = format!("/decisions/{id}/token");
    teller.refused(&token_path, &[], 409, "not_allowed").await;

    let path = format!("/escalations/{escalation}");
    let by = [("acknowledged_by", LEAD.into())];
    let seen = teller.step(&format!("{path}/acknowledge"), &by).await;
    assert_eq!(text(&seen, "status"), "acknowledged");
    let answer = [
        ("outcome", "approved".into()),
        ("notes", "called the supplier back".into()),
        ("resolved_by", LEAD.into()),
    ];
    let resolved = teller.step(&format!("{path}/resolve"), &answer).await;
    assert_eq!(text(&resolved, "status"), "resolved");

    let issued = teller.step(&token_path, &[]).await;
    assert_eq!((text(&issued, "basis"), text(&issued, "basis_id")), ("escalation", &*escalation));
    let token = text(&issued, "capability_token").to_owned();
    assert_eq!(teller.judge(&token).await, (true, "ok".to_owned()));
    teller.refused(&token_path, &[], 409, "approval_consumed").await;
    id
}

/// The executive, the second person, the dead token.
async fn reversal(teller: &mut Teller) -> String {
    let asked = [("actor", AGENT.into()), ("action", "close_account".into())];
    let decision = teller.step("/decide", &asked).await;
    assert_eq!(text(&decision, "outcome"), "denied");
    let id = text(&decision, "decision_id").to_owned();

    let order = [
        ("decision_id", id.as_str().into()),
        ("override_type", "executive_override".into()),
        ("authorized_by", EXECUTIVE.into()),
        ("justification", "The regulator asked for the account to be closed today".into()),
    ];
    let order = teller.step("/overrides/execute", &order).await;
    let over = text(&order, "override_id").to_owned();
    let pending = teller.look("/overrides/pending-reviews").await;
    assert_eq!(column(list(&pending, "overrides"), "override_id"), [&*over]);
    let recorded = teller.look(&format!("/decisions/{id}")).await;
    assert_eq!(text(&recorded, "effective_outcome"), "allowed");
    assert_eq!(text(&recorded, "effective_basis"), "override");

    let issued = teller.step(&format!("/decisions/{id}/token"), &[]).await;
    let token = text(&issued, "capability_token").to_owned();
    assert_eq!(teller.judge(&token).await, (true, "ok".to_owned()));

    let path = format!("/overrides/{over}/review");
    let review = |by: &str| {
        let notes = "the request was not in writing".into();
        [("verdict", "reversed".into()), ("notes", notes), ("reviewed_by", by.into())]
    };
    teller.refused(&path, &review(EXECUTIVE), 403, "same_person").await;
    let reviewed = teller.step(&path, &review(OFFICER)).await;
    assert_eq!(text(&reviewed, "status"), "reversed");
    assert_eq!(teller.judge(&token).await, (false, "revoked".to_owned()));
    teller.refused(&format!("/decisions/{id}/token"), &[], 409, "not_allowed").await;
    id
}

/// What was found out about it afterwards, as evidence.
async fn evidence(teller: &mut Teller, decision: &str) {
    let report = [
        ("artifact_type", "external_report".into()),
        ("content", "the supplier confirmed the invoice".into()),
        ("source", "call-center".into()),
    ];
    let artifact = teller.step("/evidence/register", &report).await;
    let artifact = text(&artifact, "artifact_id").to_owned();
    let link = [("artifact_id", artifact.as_str().into()), ("decision_id", decision.into())];
    teller.step("/evidence/link-decision", &link).await;
    let lineage = teller.look(&format!("/evidence/decision/{decision}/lineage")).await;
    assert_eq!(column(list(&lineage, "artifacts"), "artifact_id"), [&*artifact]);
}

/// What the services say of it all.
async fn check_services(teller: &mut Teller, approved: &str, denied: &str) {
    let chain = teller.look(&format!("/responsibility/chain/{approved}")).await;
    let parties = column(list(&chain, "records"), "responsible_party");
    assert_eq!(parties, ["system", LEAD]);
    let legal = teller.look(&format!("/responsibility/legal/{denied}")).await;
    assert_eq!(text(&legal, "final_responsible_party"), EXECUTIVE);
    let path = "/compliance/eu-ai-act/article-14/effectiveness";
    let effect = teller.look(path).await;
    let numbers = effect.get("escalations").unwrap().as_object().unwrap();
    let number = |name: &str| numbers.get(name).and_then(Json::as_u64);
    assert_eq!(
        (number("created"), number("resolved"), number("expired")),
        (Some(1), Some(1), Some(0))
    );
    assert_eq!(number("within_sla_percent"), Some(100));
    let kept = teller.look(&format!("/evidence/decision/{denied}")).await;
    assert_eq!(column(list(&kept, "artifacts"), "artifact_type"), ["attestation"]);
}

/// Types of the entries of the steps, of which each has its own.
async fn trail(teller: &mut Teller) -> Vec<String> {
    let mut types = Vec::new();
    for entry in teller.entries.clone() {
        let entry = teller.look(&format!("/ledger/entries/{entry}")).await;
        types.push(text(&entry, "entry_type").to_owned());
    }
    types
}

/// Entries that only what a person or an agent asks for makes.
async fn asked_for(teller: &mut Teller) -> Vec<u64> {
    let page = teller.look("/ledger/entries?limit=1000").await;
    let own = [
        "genesis",
        "node_joined",
        "membership_changed",
        "key_added",
        "leader_transferred",
        "register_updated",
    ];
    let rows = list(&page, "entries").iter().map(|row| row.as_object().unwrap());
    let rows = rows.filter(|row| !own.contains(&text(row, "entry_type")));
    rows.map(|row| row.get("id").unwrap().as_u64().unwrap()).collect()
}

async fn tell(kills: bool) -> Vec<String> {
    let mut teller = Teller::new(kills).await;
    teller.step("/policies/load", &[("policy", policy())]).await;
    let approved = approval(&mut teller).await;
    let denied = reversal(&mut teller).await;
    evidence(&mut teller, &approved).await;

    teller.cluster.restart_dead().await.unwrap();
    check_services(&mut teller, &approved, &denied).await;
    assert_eq!(
        asked_for(&mut teller).await,
        teller.entries,
        "a step left more or less than an entry"
    );
    let trail = trail(&mut teller).await;
    let statuses = teller.cluster.settle().await.unwrap();
    let size = statuses[0].ledger_size;
    for at in 0..3 {
        covering(&teller.cluster, at, size, PATIENCE).await.unwrap();
    }
    verify_offline(&teller.cluster);
    assert!(teller.cluster.panics().is_empty(), "{:?}", teller.cluster.panics());
    trail
}

/// The ledger of the third node, without any server.
fn verify_offline(cluster: &Cluster) {
    let dir = cluster.root().join("audit");
    let dir = dir.to_str().unwrap();
    let url = format!("http://{}", cluster.addresses()[2]);
    for arguments in [vec!["ledger", "export", dir, "--url", &url], vec!["verify", dir]] {
        let output = Command::new(binary::lexecon().unwrap()).args(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn the_story_has_the_same_end_whoever_dies_in_between() {
    let _turn = trial::turn().await;
    let in_peace = tell(false).await;
    assert_eq!(
        in_peace,
        [
            "policy_loaded",
            "decision",
            "escalation_acknowledged",
            "escalation_resolved",
            "token_issued",
            "decision",
            "override_executed",
            "token_issued",
            "override_reviewed",
            "evidence_registered",
            "evidence_linked",
        ]
    );
    assert_eq!(tell(true).await, in_peace);
}
