//! Any log of decisions, records, reviews and erasures against a model that
//! keeps a plain list.

use crate::support::{Machine, decide, envelope};
use governance::command::{
    Command, EntryRange, Erase, ErasedPart, ErasureCause, Principal, RecordResponsibility,
    ReviewResponsibility,
};
use governance::record::{DecisionMaker, ResponsibilityLevel, ReviewOutcome};
use governance::view::{ResponsibilityPage, ResponsibilityQuery};
use governance::{Cache, Outcome, view};
use proptest::prelude::*;
use types::{DecisionId, EntryId, Json, ResponsibilityId, Timestamp};

const PARTIES: [&str; 3] = ["act_human_user:bob", "act_human_user:bo", "system"];
const EVE: &str = "act_human_user:eve";

#[derive(Clone, Debug)]
enum Step {
    Decide,
    Say { decision: usize, party: usize, maker: usize, is_pending: bool },
    Judge { record: usize },
    Erase { record: usize, part: ErasedPart },
}

/// A record as the model has it, those of decisions among them.
#[derive(Clone, Debug)]
struct Known {
    at: u64,
    entry: u64,
    decision: DecisionId,
    id: ResponsibilityId,
    party: &'static str,
    maker: DecisionMaker,
    is_own: bool,
    is_pending: bool,
    is_gone: bool,
}

fn any_step() -> impl Strategy<Value = Step> {
    let part = prop::sample::select(vec![ErasedPart::Personal, ErasedPart::All]);
    let say = (0..4_usize, 0..3_usize, 0..6_usize, any::<bool>());
    prop_oneof![
        2 => Just(Step::Decide),
        5 => say.prop_map(|(decision, party, maker, is_pending)| {
            Step::Say { decision, party, maker, is_pending }
        }),
        2 => (0..20_usize).prop_map(|record| Step::Judge { record }),
        1 => (0..20_usize, part).prop_map(|(record, part)| Step::Erase { record, part }),
    ]
}

/// Runs a command that Eve asks for.
fn run(machine: &mut Machine, at: u64, command: Command) -> Outcome {
    let mut envelope = envelope(command, u8::try_from(at).unwrap());
    envelope.principal = Principal { id: EVE.to_owned(), ..Principal::nobody() };
    machine.apply(at, &envelope)
}

fn say(machine: &mut Machine, known: &mut Vec<Known>, step: &Step, at: u64) {
    let Step::Say { decision, party, maker, is_pending } = *step else { panic!("no such step") };
    let mut decisions = known.iter().filter(|known| known.is_own && !known.is_gone);
    let Some(decision) = decisions.nth(decision).map(|known| known.decision) else {
        return;
    };
    let (party, maker) = (PARTIES[party], DecisionMaker::ALL[maker]);
    let said = RecordResponsibility {
        decision,
        maker,
        party: party.to_owned(),
        role: "clerk".to_owned(),
        reasoning: "x".to_owned(),
        level: ResponsibilityLevel::Shared,
        confidence: None,
        delegated_from: None,
        review_required: is_pending,
    };
    let said = Command::RecordResponsibility(Box::new(said));
    let Outcome::Recorded(recorded) = run(machine, at, said) else { panic!("not said") };
    let entry = view::entry(&machine.store, recorded.entry_id).unwrap().unwrap();
    let data: types::Object = serde_json::from_str(&entry.data.unwrap().text).unwrap();
    let id = data.get("responsibility_id").and_then(Json::as_str).unwrap();
    let (entry, id) = (recorded.entry_id.0, id.parse().unwrap());
    let (is_own, is_gone) = (false, false);
    known.push(Known { at, entry, decision, id, party, maker, is_own, is_pending, is_gone });
}

fn carry_out(machine: &mut Machine, known: &mut Vec<Known>, step: &Step, at: u64) {
    match *step {
        Step::Decide => {
            let Outcome::Decided(decided) = run(machine, at, decide("ai:a", "read")) else {
                panic!("not decided")
            };
            let id = decided.data.as_object().unwrap().get("decision_id").and_then(Json::as_str);
            let decision: DecisionId = id.unwrap().parse().unwrap();
            known.push(Known {
                at,
                entry: decided.recorded.entry_id.0,
                decision,
                id: ResponsibilityId(decision.0),
                party: "system",
                maker: DecisionMaker::AiSystem,
                is_own: true,
                is_pending: false,
                is_gone: false,
            });
        }
        Step::Say { .. } => say(machine, known, step, at),
        Step::Judge { record } => {
            let Some(of) = known.get_mut(record) else { return };
            let (outcome, notes) = (ReviewOutcome::Accepted, "y".to_owned());
            let review = ReviewResponsibility { record: of.id, outcome, notes };
            let judged = run(machine, at, Command::ReviewResponsibility(Box::new(review)));
            if matches!(judged, Outcome::Recorded(_)) {
                of.is_pending = false;
            }
        }
        Step::Erase { record, part } => {
            let Some(of) = known.get_mut(record) else { return };
            let range = EntryRange { from: EntryId(of.entry), to: EntryId(of.entry) };
            let cause = ErasureCause::Request;
            run(machine, at, Command::Erase(Erase { part, ranges: vec![range], cause }));
            of.is_gone |= part == ErasedPart::All;
            of.is_pending &= !of.is_gone;
        }
    }
}

/// Entries of all pages, two records a page.
fn pages(list: impl Fn(&ResponsibilityQuery) -> ResponsibilityPage) -> Vec<u64> {
    let mut query = ResponsibilityQuery { after: None, limit: 2, bytes_max: usize::MAX };
    let mut entries = Vec::new();
    loop {
        let page = list(&query);
        entries.extend(page.records.iter().map(|record| record.entry_id.0));
        query.after = page.next;
        if query.after.is_none() {
            return entries;
        }
    }
}

fn entries(known: &[Known], of: impl Fn(&Known) -> bool) -> Vec<u64> {
    known.iter().filter(|known| of(known)).map(|known| known.entry).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_listed_and_counted_is_what_was_said(
        steps in prop::collection::vec(any_step(), 0..40),
        from in 0..60_u64,
    ) {
        let mut machine = Machine::founded();
        let mut restarted = Machine::founded();
        let (mut known, mut again) = (Vec::new(), Vec::new());
        for (step, at) in steps.iter().zip(10..) {
            carry_out(&mut machine, &mut known, step, at);
            carry_out(&mut restarted, &mut again, step, at);
            restarted.cache = Cache::default();
        }
        prop_assert_eq!(&machine.store, &restarted.store);
        let store = &machine.store;
        for party in PARTIES {
            let listed = pages(|query| view::party(store, party, query).unwrap());
            prop_assert_eq!(listed, entries(&known, |it| it.party == party && !it.is_gone));
        }
        let listed = pages(|query| view::pending_reviews(store, query).unwrap());
        prop_assert_eq!(listed, entries(&known, |it| it.is_pending));
        for own in known.iter().filter(|known| known.is_own) {
            let chain = view::responsibilities(store, own.decision).unwrap().unwrap();
            let chain: Vec<u64> = chain.iter().map(|record| record.entry_id.0).collect();
            let is_shown = |it: &Known| it.decision == own.decision && (it.is_own || !it.is_gone);
            prop_assert_eq!(chain, entries(&known, is_shown));
        }
        let report = view::responsibility_report(store, Some(Timestamp(from)), None).unwrap();
        let count = |of: &dyn Fn(&Known) -> bool| {
            u64::try_from(known.iter().filter(|it| from <= it.at && of(it)).count()).unwrap()
        };
        prop_assert_eq!(report.decisions, count(&|it| it.is_own));
        prop_assert_eq!(report.pending, count(&|it| it.is_pending));
        for (maker, counted) in DecisionMaker::ALL.into_iter().zip(report.counts.by_maker) {
            prop_assert_eq!(counted, count(&|it| it.maker == maker));
        }
        prop_assert_eq!(report.counts.by_level[1], count(&|it| !it.is_own));
        if known.iter().all(|it| !it.is_gone) {
            for (party, counted) in report.top {
                prop_assert_eq!(counted, count(&|it| it.party == party));
            }
        }
    }
}
