//! Tokens that rest on the answers of humans, which are put in place as their
//! service keeps them.

use types::{ClusterId, LogIndex, RaftId, Ulid};

use super::*;
use crate::apply::{Applied, apply, finish_batch};
use crate::cache::Cache;
use crate::codec;
use crate::command::{
    Command, Decide, ENVELOPE_VERSION, Envelope, Found, MAIN_GROUP, NodeDescription, Principal,
    RevokeToken,
};
use crate::draw::Seed;
use crate::record::{EscalationStatus, Priority, Resolution, Trigger};
use crate::store::MemStore;
use types::EscalationId;

#[derive(Default)]
struct Machine {
    store: MemStore,
    cache: Cache,
    index: u8,
}

impl Machine {
    /// A cluster that has denied something at 100 microseconds, and the decision.
    fn denied() -> (Self, DecisionId) {
        let mut machine = Self::default();
        let node = NodeDescription {
            name: "n1".to_owned(),
            api_address: String::new(),
            peer_address: String::new(),
            region: None,
            zone: None,
            keys: Vec::new(),
        };
        let (cluster_id, raft_id) = (ClusterId(Ulid(1)), RaftId(1));
        machine.run(
            1,
            Command::Found(Found {
                cluster_id,
                log_name: "lexecon.local".to_owned(),
                node,
                raft_id,
            }),
        );
        let decide = Decide {
            actor: "ai:x".to_owned(),
            action: "read".to_owned(),
            resource: None,
            tool: None,
            data_classes: Vec::new(),
            context: Object::new(),
            user_intent: None,
            risk: None,
            risk_level: None,
            policy_mode: None,
            expires_in_seconds: 300,
            request_id: None,
        };
        let Outcome::Decided(decided) = machine.run(100, Command::Decide(Box::new(decide))) else {
            panic!("not decided")
        };
        let id = decided.data.as_object().and_then(|data| data.get("decision_id"));
        let id = id.and_then(Json::as_str).unwrap().parse().unwrap();
        (machine, id)
    }

    fn run(&mut self, at: u64, command: Command) -> Outcome {
        self.index = self.index.saturating_add(1);
        let envelope = Envelope {
            version: ENVELOPE_VERSION,
            group: MAIN_GROUP.to_owned(),
            command,
            principal: Principal::nobody(),
            idempotency: None,
            seed: Seed([self.index; 32]),
            asked_node: "n1".to_owned(),
        };
        let index = LogIndex(u64::from(self.index));
        let applied = Applied { index, sub_index: 0, at: Timestamp(at) };
        let outcome = apply(&mut self.store, &mut self.cache, applied, &envelope).unwrap();
        finish_batch(&mut self.store, &mut self.cache).unwrap();
        outcome
    }

    /// Asks for a token: what it rests on, or the code of the refusal.
    fn issue(&mut self, at: u64, decision: DecisionId) -> String {
        let issue = IssueToken { decision, expires_in_seconds: 600 };
        let outcome = self.run(at, Command::IssueToken(issue));
        if let Outcome::Rejected(why) = outcome {
            return why.code().to_owned();
        }
        let Outcome::Recorded(recorded) = outcome else { panic!("{outcome:?}") };
        let entry = view::entry(&self.store, recorded.entry_id).unwrap().unwrap();
        let data: Object = serde_json::from_str(&entry.data.unwrap().text).unwrap();
        let text = |name: &str| data.get(name).and_then(Json::as_str).unwrap().to_owned();
        format!("{} {}", text("basis"), text("basis_id"))
    }

    /// Answers a question about a decision.
    fn answer(&mut self, decision: DecisionId, n: u64, resolution: Resolution) -> EscalationId {
        let id = EscalationId(Ulid(u128::from(n)));
        let record = EscalationRecord {
            entry_id: EntryId(1),
            decision,
            risk: None,
            trigger: Trigger::ActorRequest,
            priority: Priority::Medium,
            auto: false,
            status: EscalationStatus::Resolved,
            recipients: Vec::new(),
            created_at: Timestamp(150),
            deadline: Timestamp(u64::MAX),
            acknowledged: None,
            ended: Some(EntryId(n)),
            resolution: Some(resolution),
            consumed: None,
        };
        let value = codec::encode("escalation", &record).unwrap();
        self.store.put(Table::Escalation, &id.0.key(), &value);
        let value = codec::encode("escalation_by_decision", &id).unwrap();
        self.store.put(Table::EscalationByDecision, &keys::under(decision.0, n), &value);
        id
    }

    fn revoke_last(&mut self, at: u64, decision: DecisionId) {
        let (_, issued) = last_issued(&self.store, decision).unwrap().unwrap();
        let (token, reason) = (issued.token.unwrap(), "stolen".to_owned());
        let outcome = self.run(at, Command::RevokeToken(RevokeToken { token, reason }));
        assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    }
}

#[test]
fn an_approval_yields_one_token() {
    let (mut machine, decision) = Machine::denied();
    machine.answer(decision, 7, Resolution::Denied);
    assert_eq!(machine.issue(200, decision), "not_allowed");
    machine.answer(decision, 8, Resolution::Deferred);
    assert_eq!(machine.issue(200, decision), "not_allowed");
    let id = machine.answer(decision, 9, Resolution::Approved);
    assert_eq!(machine.issue(300, decision), format!("escalation {id}"));
    assert_eq!(machine.issue(400, decision), "approval_consumed");
    machine.revoke_last(400, decision);
    assert_eq!(machine.issue(500, decision), "approval_consumed");
    let again = machine.answer(decision, 10, Resolution::Approved);
    assert_eq!(machine.issue(600, decision), format!("escalation {again}"));
}

#[test]
fn an_approval_is_not_used_while_a_token_is_active() {
    let (mut machine, decision) = Machine::denied();
    machine.answer(decision, 7, Resolution::Approved);
    machine.issue(200, decision);
    let second = machine.answer(decision, 8, Resolution::Approved);
    assert_eq!(machine.issue(300, decision), "token_active");
    let later = 200 + 600 * 1_000_000;
    assert_eq!(machine.issue(later, decision), format!("escalation {second}"));
}

#[test]
fn the_last_answer_counts_and_a_denial_takes_back_what_was_approved() {
    let (mut machine, decision) = Machine::denied();
    machine.answer(decision, 7, Resolution::Approved);
    machine.answer(decision, 8, Resolution::Denied);
    assert_eq!(machine.issue(200, decision), "not_allowed");
    machine.answer(decision, 9, Resolution::Deferred);
    assert_eq!(machine.issue(200, decision), "not_allowed");
}

#[test]
fn a_token_does_not_outlive_time_itself() {
    let (mut machine, decision) = Machine::denied();
    machine.answer(decision, 7, Resolution::Approved);
    assert_eq!(machine.issue(Timestamp::MAX.0, decision), "out_of_range");
}
