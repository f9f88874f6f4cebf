//! The same log gives the same bytes, however it is split into batches and
//! wherever a replica restarts in between.

use crate::support::{EXECUTIVE, decide, envelope, found, intervene, load, named, node, policy};
use governance::command::{
    Command, EntryRange, Envelope, Erase, ErasedPart, ErasureCause, EvidenceContent,
    ExecuteOverride, Idempotency, InterventionType, IssueToken, LiftStop, OverrideScope,
    RegisterEvidence, RegisterNode, ReviewOverride, RevokeToken, RiskInput, RollbackPolicy,
    StopScope, UploadChunk,
};
use governance::decision::{RecordedHistory, recorded};
use governance::impact::Example;
use governance::record::{ArtifactKind, OverrideKind, ReviewVerdict};
use governance::token::Status;
use governance::{
    Applied, Cache, Impact, ImpactQuery, MemStore, NoReplay, Outcome, Table, apply,
    apply_membership, decode_envelope, encode_envelope, finish_batch, impact, replay, view,
};
use ledger::{Checker, EntryType, StoredEntry};
use policy::{Compiled, Document, Engine, Verdict};
use proptest::prelude::*;
use std::collections::BTreeMap;
use types::{
    DecisionId, Digest, EntryId, Json, LogIndex, OverrideId, RaftId, StopId, Timestamp, TokenId,
    Ulid,
};

/// One step of a log.
#[derive(Clone, Debug)]
enum Step {
    Command {
        at: u64,
        envelope: Box<Envelope>,
    },
    Membership {
        voters: Vec<Vec<RaftId>>,
        learners: Vec<RaftId>,
    },
    /// Does something to one of those that there are then.
    To {
        at: u64,
        nth: usize,
        what: What,
    },
}

/// What is done to a token, a decision or an override.
#[derive(Clone, Copy, Debug)]
enum What {
    Revoke,
    Override(OverrideKind, Option<bool>),
    Review(ReviewVerdict),
    Issue,
}

impl What {
    /// Where the ids are of what it is done to.
    fn table(self) -> Table {
        match self {
            Self::Revoke => Table::Token,
            Self::Override(..) | Self::Issue => Table::Decision,
            Self::Review(_) => Table::Override,
        }
    }

    fn command(self, at: u64, id: Ulid) -> Command {
        match self {
            Self::Revoke => revoke(TokenId(id)),
            Self::Override(kind, is_one_time) => {
                Command::ExecuteOverride(Box::new(ExecuteOverride {
                    decision: DecisionId(id),
                    kind,
                    justification: "the patient cannot wait any longer".to_owned(),
                    original: None,
                    is_conditional: false,
                    expires_at: is_one_time.map(|_| Timestamp(at + 500_000_000)),
                    scope: OverrideScope { is_one_time, ..OverrideScope::default() },
                    evidence: Vec::new(),
                    metadata: None,
                }))
            }
            Self::Review(verdict) => {
                let (id, notes) = (OverrideId(id), "seen".to_owned());
                Command::ReviewOverride(Box::new(ReviewOverride { id, verdict, notes }))
            }
            Self::Issue => Command::IssueToken(IssueToken {
                decision: DecisionId(id),
                expires_in_seconds: 600,
            }),
        }
    }
}

fn any_what() -> impl Strategy<Value = What> {
    let kind = prop::sample::select(OverrideKind::ALL.to_vec());
    let verdict = prop::sample::select(vec![ReviewVerdict::Upheld, ReviewVerdict::Reversed]);
    prop_oneof![
        2 => Just(What::Revoke),
        4 => (kind, any::<Option<bool>>()).prop_map(|(kind, once)| What::Override(kind, once)),
        2 => verdict.prop_map(What::Review),
        4 => Just(What::Issue),
    ]
}

/// Where a replica cuts the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Nothing,
    Batch,
    /// The process starts again: what was derived is gone.
    Restart,
}

fn any_command() -> impl Strategy<Value = Command> {
    let joining =
        (0..3_u8, 0..4_u8, prop::option::of(1..12_u64)).prop_map(|(name, nonce, lost)| {
            let mut node = node(&format!("n{name}"));
            // Each nonce is of another machine, which has keys of its own.
            node.keys.iter_mut().for_each(|key| key.id.0.0 += u128::from(nonce) * 10_000);
            Command::RegisterNode(RegisterNode {
                node,
                nonce: nonce.to_string(),
                lost_bearer: lost.map(RaftId),
            })
        });
    prop_oneof![
        8 => any_decision(),
        1 => Just(load(policy())),
        2 => prop::sample::select(POLICIES.to_vec())
            .prop_map(|text| load(serde_json::from_str(text).unwrap())),
        1 => Just(load(serde_json::from_str(r#"{"relations":[{}]}"#).unwrap())),
        1 => (0..5_u64).prop_map(|version| {
            let reason = "better".to_owned();
            Command::RollbackPolicy(Box::new(RollbackPolicy { version, reason }))
        }),
        1 => joining,
        1 => Just(Command::Tick),
        2 => Just(Command::Checkpoint),
        1 => Just(Command::Scrub),
        2 => erasing(),
        1 => Just(revoke(TokenId(Ulid(1)))),
        3 => evidence(),
        1 => Just(found()),
        2 => intervening(),
        1 => Just(Command::LiftStop(LiftStop { stop: StopId(Ulid(1)), reason: "done".to_owned() })),
    ]
}

/// Policies that ask for all that a decision can be asked for.
const POLICIES: [&str; 4] = [
    r#"{"terms":[{"id":"action:read","type":"action"},{"id":"action:write","type":"action"}],
        "relations":[{"type":"permits","subject":"*","action":"*"},
                     {"type":"conflicts","source":"action:read","target":"action:write"}]}"#,
    r#"{"mode":"permissive","relations":[
          {"type":"forbids","subject":"ai:*","action":"*","conditions":{"purpose":"spam"}},
          {"type":"requires","subject":"*","action":"*","conditions":[{"key":"ticket.id","op":"gte","value":2}]}]}"#,
    r#"{"effective_until":"1970-01-01T00:05:00Z","relations":[{"type":"permits","subject":"*","action":"*"}],
        "constraints":[{"name":"c","condition":{"key":"decision.risk_score","op":"gt","value":50},"action":"escalate"},
                       {"name":"t","condition":{"key":"decision.tool","op":"eq","value":"ssh"},"action":"deny"}]}"#,
    r#"{"terms":[{"id":"data:pii","type":"data_class"}],
        "relations":[{"type":"permits","subject":"*","action":"*","object":"data:pii"}]}"#,
];

fn any_decision() -> impl Strategy<Value = Command> {
    let actor = prop::sample::select(vec!["ai:a", "ai:b", "x"]);
    let action = prop::sample::select(vec!["read", "write", "action:read"]);
    let resource = prop::option::of(prop::sample::select(vec!["a/1", "a/2"]));
    let tool = prop::option::of(Just("ssh"));
    let classes = prop::sample::subsequence(vec!["pii", "a\"b\\"], 0..=2);
    let contexts = vec![
        r#"{}"#,
        r#"{"purpose":"triage","ticket":{"id":2}}"#,
        r#"{"purpose":"spam\n","ticket":{"id":1.5},"note":["é","\\",null,true,{}]}"#,
    ];
    let context = prop::sample::select(contexts);
    let mode = prop::option::of(prop::sample::select(policy::Mode::ALL.to_vec()));
    let risk = (prop::option::of(0..=100_u8), prop::option::of(1..=5_u8));
    let asked = (resource, tool, classes, context, mode, risk);
    (actor, action, asked).prop_map(|(actor, action, asked)| {
        let Command::Decide(mut decide) = decide(actor, action) else { panic!("no decide") };
        let (resource, tool, classes, context, mode, (security, level)) = asked;
        decide.resource = resource.map(str::to_owned);
        decide.tool = tool.map(str::to_owned);
        decide.data_classes = classes.into_iter().map(str::to_owned).collect();
        decide.context = serde_json::from_str(context).unwrap();
        decide.policy_mode = mode;
        decide.risk = security.map(|_| RiskInput { security, ..RiskInput::default() });
        decide.risk_level = level;
        Command::Decide(decide)
    })
}

fn intervening() -> impl Strategy<Value = Command> {
    let kind = prop::sample::select(InterventionType::ALL.to_vec());
    let decided = prop::sample::select(vec!["pay", "hold", ""]);
    let scope = prop::sample::select(vec![None, Some("ai:*"), Some("x")]);
    (kind, decided, prop::option::of(0..9_u64), scope).prop_map(|(kind, decided, time, actor)| {
        let mut intervene = intervene(kind, "pay", decided);
        intervene.response_time_ms = time;
        let is_stop = kind == InterventionType::EmergencyStop;
        let actor = actor.map(str::to_owned);
        intervene.stop = is_stop.then_some(StopScope { actor, action: None });
        Command::Intervene(Box::new(intervene))
    })
}

fn revoke(token: TokenId) -> Command {
    Command::RevokeToken(RevokeToken { token, reason: "lost".to_owned() })
}

fn evidence() -> impl Strategy<Value = Command> {
    let upload = (0..2_u8, 0..3_u32, 0..2_u8).prop_map(|(upload, number, byte)| {
        let chunk = UploadChunk { upload: Digest([upload; 32]), number, bytes: vec![byte] };
        Command::UploadChunk(Box::new(chunk))
    });
    let register = (any::<bool>(), 0..2_u8, 1..3_u32).prop_map(|(is_inline, byte, chunks)| {
        let whole = vec![byte; usize::try_from(chunks).unwrap()];
        let (size, sha256) = (chunks.into(), ledger::hash::sha256(&whole));
        let content = match is_inline {
            true => EvidenceContent::Inline(whole),
            false => EvidenceContent::Uploaded { upload: Digest([byte; 32]), chunks, size, sha256 },
        };
        Command::RegisterEvidence(Box::new(RegisterEvidence {
            kind: ArtifactKind::AuditTrail,
            content,
            content_type: None,
            source: "s".to_owned(),
            decisions: Vec::new(),
            controls: vec!["soc2:CC6.1".to_owned()],
            storage_uri: None,
            retention_days: None,
            metadata: None,
        }))
    });
    prop_oneof![upload, register]
}

fn erasing() -> impl Strategy<Value = Command> {
    let part = prop::sample::select(vec![ErasedPart::Personal, ErasedPart::All]);
    (part, 1..30_u64, 0..3_u64).prop_map(|(part, from, more)| {
        let range = EntryRange { from: EntryId(from), to: EntryId(from + more) };
        Command::Erase(Erase { part, ranges: vec![range], cause: ErasureCause::Retention })
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let key = prop::option::of((0..3_u8, 0..2_u8));
    let command = (any_command(), any::<u8>(), 0..1_000_000_000_u64, key).prop_map(
        |(command, seed, at, key)| {
            let mut envelope = envelope(command, seed);
            if seed % 2 == 0 && matches!(envelope.command, Command::Intervene(_)) {
                envelope.principal = named(EXECUTIVE);
            }
            envelope.idempotency = key.map(|(key, body)| Idempotency {
                scope: String::new(),
                key: key.to_string(),
                body_digest: Digest([body; 32]),
            });
            Step::Command { at, envelope: Box::new(envelope) }
        },
    );
    let ids = || prop::collection::vec((1..9_u64).prop_map(RaftId), 1..4);
    let membership = (prop::collection::vec(ids(), 1..3), ids())
        .prop_map(|(voters, learners)| Step::Membership { voters, learners });
    let to = (0..1_000_000_000_u64, 0..8_usize, any_what(), any::<bool>()).prop_map(
        |(at, nth, what, is_far)| Step::To { at: at + u64::from(is_far) * LEAP, nth, what },
    );
    prop_oneof![12 => command, 1 => membership, 4 => to]
}

/// After which nobody may review any more what had to be reviewed soon: 72 hours.
const LEAP: u64 = 72 * 3_600_000_000;

const HUMANS: [&str; 2] = ["act_human_user:executive:jane", "act_human_user:executive:leo"];

fn run(steps: &[Step], cuts: &[Cut]) -> (MemStore, Vec<Option<Outcome>>) {
    let (mut store, mut cache) = (MemStore::default(), Cache::default());
    let mut outcomes = Vec::new();
    for ((step, cut), index) in steps.iter().zip(cuts.iter().cycle()).zip(1..) {
        let index = LogIndex(index);
        outcomes.push(match step {
            Step::Command { at, envelope } => {
                let applied = Applied { index, sub_index: 0, at: Timestamp(*at) };
                Some(apply(&mut store, &mut cache, applied, envelope).unwrap())
            }
            Step::To { at, nth, what } => {
                let rows = store.rows().filter(|(table, ..)| *table == what.table());
                let ids = rows.map(|(_, key, _)| u128::from_be_bytes(key.try_into().unwrap()));
                let id = Ulid(ids.collect::<Vec<_>>().get(*nth).copied().unwrap_or_default());
                let seed = u8::try_from(index.0).unwrap();
                let mut envelope = envelope(what.command(*at, id), seed);
                envelope.principal.id = HUMANS[nth % 2].to_owned();
                let applied = Applied { index, sub_index: 0, at: Timestamp(*at) };
                Some(apply(&mut store, &mut cache, applied, &envelope).unwrap())
            }
            Step::Membership { voters, learners } => {
                apply_membership(&mut store, &mut cache, index, voters, learners).unwrap();
                None
            }
        });
        if *cut != Cut::Nothing {
            finish_batch(&mut store, &mut cache).unwrap();
        }
        if *cut == Cut::Restart {
            cache = Cache::default();
        }
    }
    finish_batch(&mut store, &mut cache).unwrap();
    (store, outcomes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_a_log_gives_the_same_bytes(
        steps in prop::collection::vec(any_step(), 0..40),
        cuts in prop::collection::vec(
            prop::sample::select(vec![Cut::Nothing, Cut::Batch, Cut::Restart]), 1..40),
    ) {
        let steps: Vec<Step> =
            [Step::Command { at: 1, envelope: Box::new(envelope(found(), 0)) }]
                .into_iter().chain(steps).collect();
        let whole = run(&steps, &[Cut::Nothing]);
        prop_assert_eq!(&whole, &run(&steps, &cuts));
        prop_assert_eq!(&whole, &run(&steps, &[Cut::Restart]));
        verify(&whole.0);
        verify_indexes(&whole.0);
    }

    #[test]
    fn every_decision_comes_out_again_and_an_impact_counts_the_same(
        steps in prop::collection::vec(any_step(), 0..40),
        candidate in prop::sample::select(POLICIES.to_vec()),
    ) {
        let steps: Vec<Step> =
            [Step::Command { at: 1, envelope: Box::new(envelope(found(), 0)) }]
                .into_iter().chain(steps).collect();
        let store = run(&steps, &[Cut::Batch]).0;
        replay_all(&store);
        let document = serde_json::from_str(candidate).unwrap();
        compare(&store, &Compiled::new(&Document::parse(&document).unwrap().0).unwrap());
    }

    #[test]
    fn a_policy_changes_nothing_of_what_it_decided(
        asked in prop::collection::vec(any_decision(), 0..30),
        policy in prop::sample::select(POLICIES.to_vec()),
    ) {
        let document: Json = serde_json::from_str(policy).unwrap();
        let steps = [found(), load(document.clone())].into_iter().chain(asked).zip(1..);
        let steps: Vec<Step> = steps
            .map(|(command, at)| {
                let seed = u8::try_from(at).unwrap();
                Step::Command { at: u64::from(seed), envelope: Box::new(envelope(command, seed)) }
            })
            .collect();
        let store = run(&steps, &[Cut::Nothing]).0;
        let candidate = Compiled::new(&Document::parse(&document).unwrap().0).unwrap();
        let found = impact(&store, &candidate, &ImpactQuery::default(), &|| true).unwrap();
        let decided = u64::try_from(decisions(&store).len()).unwrap();
        prop_assert_eq!((found.unchanged, found.decisions_replayed), (decided, decided));
    }

    #[test]
    fn an_envelope_reads_back_as_it_was_written(command in any_command(), seed in any::<u8>()) {
        let envelope = envelope(command, seed);
        let bytes = encode_envelope(&envelope).unwrap();
        prop_assert_eq!(decode_envelope(&bytes).unwrap(), envelope);
        prop_assert!(decode_envelope(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn hostile_bytes_are_no_envelope(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // Reading them must end, without a panic and without a huge allocation.
        let _ = decode_envelope(&bytes);
    }
}

/// Decisions in the order of their entries.
fn decisions(store: &MemStore) -> BTreeMap<EntryId, DecisionId> {
    let rows = store.rows().filter(|(table, ..)| *table == Table::Decision);
    let ids = rows.map(|(_, key, _)| {
        let id = DecisionId(Ulid(u128::from_be_bytes(key.try_into().unwrap())));
        (view::decision_entry(store, id).unwrap().unwrap(), id)
    });
    ids.collect()
}

/// The indexes by actor, action and outcome have the decisions of which something
/// is left and nothing else, and the tokens those that such a decision granted.
fn verify_indexes(store: &MemStore) {
    let has = |table, text: &str, id: EntryId| {
        let key = [text.as_bytes(), &[0], &id.key()].concat();
        store.rows().any(|(of, row, _)| of == table && row == key)
    };
    let now = view::head(store).unwrap().at;
    let (mut left, mut granted) = (0, 0);
    for (entry_id, id) in decisions(store) {
        let Ok(recorded) = recorded(store, id).unwrap() else { continue };
        left += 1;
        assert!(has(Table::DecisionByActor, &recorded.request.actor, entry_id));
        assert!(has(Table::DecisionByAction, &recorded.request.action, entry_id));
        assert!(has(Table::DecisionByOutcome, recorded.outcome.as_str(), entry_id));
        if let Some(token) = recorded.data.get("token_id").and_then(Json::as_str) {
            granted += 1;
            let known = view::token(store, token.parse().unwrap()).unwrap().unwrap();
            assert_eq!(known.entry_id, entry_id);
        }
        assert!(active(store, id, now) <= 1, "{id} has more than one token");
    }
    granted += entries(store, EntryType::TokenIssued).filter(|entry| entry.data.is_some()).count();
    let rows = |table| store.rows().filter(|(of, ..)| *of == table).count();
    for table in [Table::DecisionByActor, Table::DecisionByAction, Table::DecisionByOutcome] {
        assert_eq!(rows(table), left, "{table:?}");
    }
    assert_eq!(rows(Table::Token), granted);
}

/// Tokens of a decision that permit something.
fn active(store: &MemStore, decision: DecisionId, now: Timestamp) -> usize {
    let grants = entries(store, EntryType::Decision).chain(entries(store, EntryType::TokenIssued));
    let tokens = grants.filter_map(|entry| {
        let data: types::Object = serde_json::from_str(&entry.data?.text).unwrap();
        let text = |name| data.get(name).and_then(Json::as_str);
        let is_its = text("decision_id") == Some(&decision.to_string());
        let token = text("token_id").filter(|_| is_its)?;
        view::token(store, token.parse().unwrap()).unwrap()
    });
    tokens.filter(|token| token.status(now) == Status::Active).count()
}

fn entries(store: &MemStore, of: EntryType) -> impl Iterator<Item = StoredEntry> {
    let size = view::head(store).unwrap().size();
    let all = (0..size).map(|id| view::entry(store, EntryId(id)).unwrap().unwrap());
    all.filter(move |entry| entry.header.entry_type == of)
}

/// Nothing comes out different, whatever happened since.
fn replay_all(store: &MemStore) {
    for id in decisions(store).into_values() {
        match replay(store, id).unwrap() {
            Ok(again) => assert!(again.is_identical != Some(false), "{again:?}"),
            Err(why) => assert_eq!(why, NoReplay::Erased),
        }
    }
}

/// An impact counts what judging each decision by itself finds.
fn compare(store: &MemStore, candidate: &Compiled) {
    let mut expect = Impact { candidate_hash: candidate.hash(), ..Impact::default() };
    expect.is_complete = true;
    for (entry_id, id) in decisions(store) {
        expect.from_entry.get_or_insert(entry_id);
        expect.to_entry = Some(entry_id);
        let Ok(mut recorded) = recorded(store, id).unwrap() else {
            expect.unreplayable += 1;
            continue;
        };
        if recorded.facts.stop_id.is_some() {
            (expect.decisions_replayed, expect.unchanged) =
                (expect.decisions_replayed + 1, expect.unchanged + 1);
            continue;
        }
        recorded.request.engine = Engine::NEWEST;
        let history = RecordedHistory { read: store, facts: &recorded.facts };
        let again = policy::evaluate(candidate, &recorded.request.request(), &history);
        let is_blind = |asked| asked && recorded.request.is_context_erased;
        let Some(again) = again.ok().filter(|again| !is_blind(again.asked_context)) else {
            expect.unreplayable += 1;
            continue;
        };
        let (was, would_be) = (recorded.outcome, again.outcome);
        expect.decisions_replayed += 1;
        let changed = match (was, would_be) {
            (Verdict::Allowed, Verdict::Denied) => &mut expect.allowed_to_denied,
            (Verdict::Denied, Verdict::Allowed) => &mut expect.denied_to_allowed,
            _ if was != would_be => &mut expect.other_changes,
            _ => {
                expect.unchanged += 1;
                continue;
            }
        };
        let (actor, action) = (recorded.request.actor, recorded.request.action);
        changed.count += 1;
        changed.examples.push(Example { decision_id: id, entry_id, actor, action, was, would_be });
    }
    let query = ImpactQuery { examples_max: 100, ..ImpactQuery::default() };
    assert_eq!(impact(store, candidate, &query, &|| true).unwrap(), expect);
}

/// An envelope whose document is so many arrays in one another.
fn nested(levels: usize) -> Envelope {
    envelope(load((0..levels).fold(Json::Null, |inner, _| Json::Array(vec![inner]))), 0)
}

#[test]
fn what_is_written_nested_can_be_read_back() {
    let deepest = nested(127);
    assert_eq!(decode_envelope(&encode_envelope(&deepest).unwrap()).unwrap(), deepest);
    assert!(encode_envelope(&nested(128)).is_err());
    // A refusal leaves nothing behind that the next value would be counted on.
    assert!(encode_envelope(&deepest).is_ok());
}

#[test]
fn bytes_nested_without_end_are_refused_before_the_stack_is() {
    // The tag of an array and its length.
    let array = [0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1];
    let shallow = encode_envelope(&nested(1)).unwrap();
    let at = shallow.windows(12).position(|bytes| bytes == array).unwrap();
    let hostile = [&shallow[..at], &array.repeat(1_000_000), &shallow[at..]].concat();
    assert!(decode_envelope(&hostile).is_err());
}

/// Every chain that commands can make holds.
fn verify(store: &MemStore) {
    let head = view::head(store).unwrap();
    let mut checker = Checker::from_genesis();
    for id in 0..head.size() {
        let entry = view::entry(store, EntryId(id)).unwrap();
        let entry = entry.unwrap_or_else(|| panic!("entry {id} is missing"));
        checker.check(&entry).unwrap();
    }
    assert_eq!((checker.last().unwrap().0, checker.root()), (head.hash, Some(head.root())));
}

#[test]
fn the_state_digest_sees_one_changed_bit() {
    let steps = |seed| {
        vec![
            Step::Command { at: 1, envelope: Box::new(envelope(found(), 0)) },
            Step::Command { at: 2, envelope: Box::new(envelope(decide("a", "b"), seed)) },
        ]
    };
    let digest = |seed| view::head(&run(&steps(seed), &[Cut::Batch]).0).unwrap().state_digest;
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}
