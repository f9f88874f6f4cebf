//! Records that other services make: those of answers and of overrides, from
//! entries as they write them.

use ledger::EntryType;
use types::{
    ClusterId, DecisionId, EscalationId, Json, LogIndex, Object, OverrideId, RaftId,
    ResponsibilityId, Timestamp, Ulid,
};

use super::{HumanRecord, keep_human};
use crate::apply::Context;
use crate::command::{
    Command, Decide, Envelope, Found, KeyUsage, NodeDescription, Principal, PublicKey,
};
use crate::draw::{Draw, Seed};
use crate::record::{DecisionMaker, OverrideKind, ResponsibilityLevel, ResponsibilityOrigin};
use crate::tables::Tables;
use crate::view::{self, Responsibility};
use crate::{Applied, Cache, MemStore, Outcome, apply, finish_batch};

/// A cluster with one decision.
struct Bench {
    store: MemStore,
    cache: Cache,
    decision: DecisionId,
}

fn envelope(command: Command) -> Envelope {
    Envelope {
        version: 1,
        group: "main".to_owned(),
        command,
        principal: Principal {
            id: "act_human_user:executive:jane".to_owned(),
            ..Principal::nobody()
        },
        idempotency: None,
        seed: Seed([7; 32]),
        asked_node: "n1".to_owned(),
    }
}

fn applied(index: u64) -> Applied {
    Applied { index: LogIndex(index), sub_index: 0, at: Timestamp(index) }
}

impl Bench {
    fn new() -> Self {
        let (mut store, mut cache) = (MemStore::default(), Cache::default());
        let keys = (0..).zip(KeyUsage::ALL).map(|(n, usage)| PublicKey {
            id: types::KeyId(Ulid(u128::from(n))),
            usage,
            bytes: [n; 32],
        });
        let node = NodeDescription {
            name: "n1".to_owned(),
            api_address: "http://127.0.0.1:8000".to_owned(),
            peer_address: "127.0.0.1:9000".to_owned(),
            region: None,
            zone: None,
            keys: keys.collect(),
        };
        let (cluster_id, log_name) = (ClusterId(Ulid(1)), "lexecon.local".to_owned());
        let found = Found { cluster_id, log_name, node, raft_id: RaftId(1) };
        let founded = envelope(Command::Found(found));
        apply(&mut store, &mut cache, applied(1), &founded).unwrap();
        let decide = Decide {
            actor: "ai:a".to_owned(),
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
        let decide = envelope(Command::Decide(Box::new(decide)));
        let Outcome::Decided(decided) = apply(&mut store, &mut cache, applied(2), &decide).unwrap()
        else {
            panic!("not decided")
        };
        let id = decided.data.as_object().unwrap().get("decision_id").and_then(Json::as_str);
        let decision = id.unwrap().parse().unwrap();
        Self { store, cache, decision }
    }

    /// Writes an entry as a service would, with the record that comes with it.
    fn keep(
        &mut self,
        entry_type: EntryType,
        (member, text): (&str, &str),
        personal: (&str, &str),
        record: HumanRecord,
    ) {
        let envelope = envelope(Command::Tick);
        let head = self.cache.head(&self.store).unwrap();
        let (before, at) = (head.state_digest, Timestamp(3));
        let mut context = Context {
            tables: Tables::new(&mut self.store, before),
            cache: &mut self.cache,
            draw: Draw::new(&envelope.seed, at),
            applied: applied(3),
            envelope: &envelope,
        };
        let mut data = context.asked();
        data.insert(member, Some(text).filter(|text| !text.is_empty()));
        let mut texts = Object::new();
        texts.insert(personal.0, personal.1);
        let recorded = context.record_about(entry_type, Some("ai:a"), data, texts).unwrap();
        let record = HumanRecord { entry_id: recorded.entry_id, ..record };
        keep_human(&mut context, record).unwrap();
        finish_batch(&mut self.store, &mut self.cache).unwrap();
    }

    fn record(&self, origin: ResponsibilityOrigin, maker: DecisionMaker) -> HumanRecord {
        let (id, level, decides) = match origin {
            ResponsibilityOrigin::Escalation(id) => (id.0, ResponsibilityLevel::Supervised, false),
            ResponsibilityOrigin::Override(id) => (id.0, ResponsibilityLevel::Full, true),
            ResponsibilityOrigin::Decision | ResponsibilityOrigin::Recorded => panic!("{origin:?}"),
        };
        HumanRecord {
            id: ResponsibilityId(id),
            entry_id: types::EntryId(0),
            decision: self.decision,
            origin,
            maker,
            level,
            party: "act_human_user:executive:jane".to_owned(),
            decides,
            review_required: false,
        }
    }

    fn chain(&self) -> Vec<Responsibility> {
        view::responsibilities(&self.store, self.decision).unwrap().unwrap()
    }
}

#[test]
fn an_answer_and_an_override_are_records_under_their_own_ids() {
    let mut bench = Bench::new();
    let (escalation, overriding) = (EscalationId(Ulid(5)), OverrideId(Ulid(6)));
    let answer =
        bench.record(ResponsibilityOrigin::Escalation(escalation), DecisionMaker::HumanOperator);
    bench.keep(EntryType::EscalationResolved, ("role", ""), ("notes", "not yet"), answer);
    let over =
        bench.record(ResponsibilityOrigin::Override(overriding), DecisionMaker::HumanExecutive);
    let role = ("authorized_role", "executive");
    bench.keep(EntryType::OverrideExecuted, role, ("justification", "it must be"), over);
    let chain = bench.chain();
    let shown = chain.iter().map(|record| {
        let (escalation, over) = (record.escalation(), record.overridden_by());
        (record.id.0, record.role.as_str(), record.reasoning.as_deref(), escalation, over)
    });
    assert_eq!(
        shown.skip(1).collect::<Vec<_>>(),
        [
            (Ulid(5), "recipient", Some("not yet"), Some(escalation), None),
            (Ulid(6), "executive", Some("it must be"), None, Some(overriding)),
        ]
    );
    assert_eq!((chain[1].decides, chain[2].decides), (false, true));
    assert_eq!(chain[2].party, "act_human_user:executive:jane");
    for record in &chain {
        let found = view::responsibility(&bench.store, record.id).unwrap();
        assert_eq!(found.as_ref(), Some(record));
    }
    let report = view::responsibility_report(&bench.store, None, None).unwrap();
    assert_eq!((report.overrides, report.counts.by_maker), (1, [1, 1, 0, 1, 0, 0]));
    assert_eq!(report.counts.by_level, [1, 0, 1, 1]);
}

#[test]
fn who_answers_and_who_overrides_is_said_by_role_and_kind() {
    use crate::oversight::Role::{Executive, GovernanceLead, SecurityOfficer};
    let answers = [None, Some(Executive), Some(GovernanceLead), Some(SecurityOfficer)];
    assert_eq!(
        answers.map(|role| DecisionMaker::of_resolution(role).as_str()),
        ["human_operator", "human_executive", "human_supervisor", "human_supervisor"]
    );
    for (kind, role, expect) in [
        (OverrideKind::EmergencyBypass, Executive, "emergency_override"),
        (OverrideKind::ExecutiveOverride, Executive, "human_executive"),
        (OverrideKind::RiskAccepted, SecurityOfficer, "human_supervisor"),
        (OverrideKind::TimeLimitedException, GovernanceLead, "human_supervisor"),
    ] {
        assert_eq!(DecisionMaker::of_override(kind, role).as_str(), expect);
    }
}
