//! A second evaluator of policies, and a great many cases in which both must
//! say the same.
//!
//! Written from the contract (sections 2.2 and 3.1 to 3.3) over the normal form
//! of a document, to be obvious and not fast: no index, no interning, no early
//! end. It shares types with the engine and no code; expressions and networks
//! are read by other libraries. `POLICY_CASES` says how many cases,
//! `POLICY_SEED` where they begin.
//!
//! Reading order: `judge` (the order of the rules), `words` (who is meant),
//! `conditions` (what holds), then `generate`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod chance;
mod conditions;
mod generate;
mod judge;
mod reading;
mod shrink;
mod values;
mod words;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use policy::{
    Allowed, Compiled, Document, Engine, Evaluation, History, ReasonCode, Request, evaluate,
};
use types::Object;

use chance::Chance;
use generate::Ask;
use reading::Policy;
use shrink::Case;

const CASES: u64 = 20_000;
/// Requests that one policy is asked, each by every engine.
const ASKS: u64 = 8;
const ENGINES: [Engine; 2] = [Engine::V1, Engine::V2];
/// The oracle does not count; what too few steps do is asked apart.
const STEPS_MAX: u32 = u32::MAX;

struct Past<'a>(&'a [Allowed]);

impl History for Past<'_> {
    type Error = Infallible;

    fn allowed(&self, _: &str, pairs_max: usize) -> Result<Option<Vec<Allowed>>, Infallible> {
        Ok((self.0.len() <= pairs_max).then(|| self.0.to_vec()))
    }
}

fn engine(policy: &Compiled, request: &Request<'_>, ask: &Ask) -> Evaluation {
    let Ok(evaluation) = evaluate(policy, request, &Past(&ask.past));
    evaluation
}

/// What the oracle says, with what it does not know taken over: these are
/// checked for what they promise, in `check_steps` and `check_context`.
fn completed(oracle: Evaluation, said: &Evaluation) -> Evaluation {
    let Evaluation { steps, asked_context, shows_context, .. } = *said;
    Evaluation { steps, asked_context, shows_context, ..oracle }
}

/// What both say.
fn both(document: &Document, ask: &Ask, of: Engine) -> (Evaluation, Evaluation) {
    let request = ask.request(of, STEPS_MAX);
    let said = engine(&Compiled::new(document).unwrap(), &request, ask);
    let normal = document.to_json();
    let oracle = judge::evaluate(&Policy::read(&normal), &request, &ask.past);
    let oracle = completed(oracle, &said);
    (said, oracle)
}

fn differs(case: &Case, of: Engine) -> bool {
    let Ok((document, _)) = Document::parse(&case.document) else {
        return false;
    };
    let (said, oracle) = both(&document, &case.ask, of);
    said != oracle
}

fn report(seed: u64, document: &Document, ask: &Ask, of: Engine) -> String {
    let case = Case { document: document.to_json(), ask: ask.clone() };
    let case = shrink::shrink(case, &|case| differs(case, of));
    let (document, _) = Document::parse(&case.document).unwrap();
    let (said, oracle) = both(&document, &case.ask, of);
    format!(
        "POLICY_SEED={seed} POLICY_CASES=1\n{of:?}\n{}\n{:#?}\nthe engine says {said:#?}\nthe oracle says {oracle:#?}",
        case.document.to_canonical(),
        case.ask
    )
}

/// With one step less than it took there is no answer, and never a looser one.
fn check_steps(policy: &Compiled, ask: &Ask, of: Engine, said: &Evaluation) {
    assert_eq!(&engine(policy, &ask.request(of, said.steps), ask), said);
    let spent = engine(policy, &ask.request(of, said.steps - 1), ask);
    let expect = match said.reason_code {
        ReasonCode::Paranoid => ReasonCode::Paranoid,
        _ => ReasonCode::ConstraintDenied,
    };
    assert_eq!((spent.reason_code, spent.steps), (expect, said.steps - 1));
}

/// What did not rest on the context is the same without it.
fn check_context(policy: &Compiled, ask: &Ask, of: Engine, said: &Evaluation) {
    if said.asked_context {
        return;
    }
    let nothing = Object::new();
    let request = Request { context: &nothing, ..ask.request(of, STEPS_MAX) };
    let blind = engine(policy, &request, ask);
    let answer = |of: &Evaluation| (of.outcome, of.reason_code, of.reason.clone());
    assert_eq!(answer(&blind), answer(said), "{ask:#?}");
    if !said.shows_context {
        let shown = |of: &Evaluation| (of.matched.clone(), of.obligations.clone());
        assert_eq!(shown(&blind), shown(said), "{ask:#?}");
    }
}

/// Asks one policy everything; the reasons that were given, or the difference.
fn check_policy(seed: u64) -> Result<BTreeSet<ReasonCode>, String> {
    let mut chance = Chance::new(seed);
    let document = generate::document(&mut chance);
    let (policy, normal) = (Compiled::new(&document).unwrap(), document.to_json());
    let oracle = Policy::read(&normal);
    let mut reasons = BTreeSet::new();
    for _ in 0..ASKS {
        let ask = generate::ask(&mut chance);
        for of in ENGINES {
            let request = ask.request(of, STEPS_MAX);
            let said = engine(&policy, &request, &ask);
            let oracle = judge::evaluate(&oracle, &request, &ask.past);
            if said != completed(oracle, &said) {
                return Err(report(seed, &document, &ask, of));
            }
            if chance.one_in(16) {
                check_steps(&policy, &ask, of, &said);
            }
            check_context(&policy, &ask, of, &said);
            reasons.insert(said.reason_code);
        }
    }
    Ok(reasons)
}

fn setting(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| text.parse().unwrap_or_else(|err| panic!("{name}={text}: {err}")))
}

#[test]
fn the_engine_and_the_oracle_say_the_same() {
    let (seed, cases) = (setting("POLICY_SEED", 1), setting("POLICY_CASES", CASES));
    let policies = cases.div_ceil(ASKS * 2);
    let (next, found) = (AtomicU64::new(0), Mutex::new((BTreeSet::new(), None::<String>)));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if policies <= at || found.lock().unwrap().1.is_some() {
                return;
            }
            let seed = seed.wrapping_add(at);
            match catch_unwind(|| check_policy(seed)) {
                Ok(Ok(reasons)) => found.lock().unwrap().0.extend(reasons),
                Ok(Err(report)) => found.lock().unwrap().1 = Some(report),
                Err(_) => found.lock().unwrap().1 = Some(format!("POLICY_SEED={seed} panics")),
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (reasons, report) = found.into_inner().unwrap();
    assert!(report.is_none(), "{}", report.unwrap_or_default());
    // Whether there is an emergency stop only the caller knows.
    let mut expect: BTreeSet<ReasonCode> = ReasonCode::ALL.iter().copied().collect();
    expect.remove(&ReasonCode::EmergencyStop);
    assert!(cases < CASES || reasons == expect, "cases that never came up: {reasons:?}");
}
