//! What is read as a policy has one normal form, can be asked anything, and
//! answers within the steps it is given.

#![no_main]

use std::convert::Infallible;

use fuzz::seeds;
use libfuzzer_sys::fuzz_target;
use policy::{Allowed, Compiled, Document, Engine, History, Mode, Request, evaluate, judge};
use types::{DecisionId, Json, Object, Timestamp, Ulid};

/// Words of the document that requests are made of.
const WORDS_MAX: usize = 6;
/// Few enough that some evaluations run out of them.
const STEPS_MAX: [u32; 3] = [0, 50, 100_000];

fuzz_target!(init: seeds::plant(seeds::policies()), |bytes: &[u8]| {
    let Ok(json) = serde_json::from_slice::<Json>(bytes) else {
        return;
    };
    let Ok((document, _)) = Document::parse(&json) else {
        return;
    };
    let normal = document.to_json();
    let (again, _) = Document::parse(&normal).expect("a normal form is a document");
    assert_eq!(again, document);
    assert_eq!(again.to_json().to_canonical(), normal.to_canonical());
    assert_eq!(again.hash(), document.hash());
    let policy = Compiled::new(&document).expect("a document that parses compiles");
    ask(&policy, &Words::of(&normal));
});

/// What the document is about, to ask for it.
#[derive(Debug, Default)]
struct Words {
    actors: Vec<String>,
    actions: Vec<String>,
    objects: Vec<String>,
    context: Object,
}

impl Words {
    fn of(document: &Json) -> Self {
        let mut words = Self::default();
        for relation in items(document, "relations") {
            words.actors.extend(text(relation, "source"));
            words.actions.extend(text(relation, "target"));
            words.objects.extend(text(relation, "object"));
            for condition in items(relation, "conditions") {
                words.note(condition);
            }
        }
        for term in items(document, "terms") {
            words.actors.extend(text(term, "term_id"));
            words.objects.extend(text(term, "label"));
            words.note(term);
        }
        for list in [&mut words.actors, &mut words.actions, &mut words.objects] {
            list.truncate(WORDS_MAX);
            list.push("x:y".to_owned());
        }
        words
    }

    /// The value a condition asks for, at its key or where it looks first.
    fn note(&mut self, condition: &Json) {
        let value = condition.as_object().and_then(|condition| condition.get("value"));
        if let (Some(key), Some(value)) = (text(condition, "key"), value) {
            let wanted = value.as_array().and_then(<[Json]>::first).unwrap_or(value).clone();
            let mut path = key.split('.');
            let first = path.next().unwrap_or_default().to_owned();
            let nested = path.rev().fold(wanted, |value, name| Json::object([(name, value)]));
            self.context.insert(first, nested);
        }
    }
}

fn items<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    let list = json.as_object().and_then(|json| json.get(key));
    list.and_then(Json::as_array).unwrap_or_default()
}

fn text(json: &Json, key: &str) -> Option<String> {
    json.as_object()?.get(key)?.as_str().map(|text| text.replace('*', "x:y"))
}

/// Everything was allowed before.
struct Past<'a>(&'a Words);

impl History for Past<'_> {
    type Error = Infallible;

    fn allowed(&self, _: &str, _: usize) -> Result<Option<Vec<Allowed>>, Infallible> {
        let pairs = self.0.actions.iter().zip(&self.0.objects).zip(1..);
        let allowed = pairs.map(|((action, resource), id)| Allowed {
            action: action.clone(),
            resource: Some(resource.clone()),
            decision: DecisionId(Ulid(id)),
        });
        Ok(Some(allowed.collect()))
    }
}

fn ask(policy: &Compiled, words: &Words) {
    for (at, actor) in words.actors.iter().enumerate() {
        let pick = |list: &[String]| list[at % list.len()].clone();
        let (action, object) = (pick(&words.actions), pick(&words.objects));
        let classes = if at % 3 == 0 { Vec::new() } else { words.objects.clone() };
        for (engine, steps_max) in
            STEPS_MAX.into_iter().flat_map(|steps| [(Engine::V1, steps), (Engine::V2, steps)])
        {
            check(
                policy,
                words,
                &Request {
                    actor,
                    action: &action,
                    resource: (at % 2 == 0).then_some(object.as_str()),
                    tool: None,
                    data_classes: &classes,
                    context: &words.context,
                    risk_score: 1,
                    risk_level: "low",
                    mode: (at % 4 == 3).then_some(Mode::Paranoid),
                    at: Timestamp(1_800_000_000_000_000),
                    steps_max,
                    engine,
                },
            );
        }
    }
}

fn check(policy: &Compiled, words: &Words, request: &Request<'_>) {
    let Ok(evaluation) = evaluate(policy, request, &Past(words));
    let Ok(judgement) = judge(policy, request, &Past(words));
    assert!(evaluation.steps <= request.steps_max);
    assert_eq!(
        (evaluation.outcome, evaluation.reason_code, evaluation.steps),
        (judgement.outcome, judgement.reason_code, judgement.steps)
    );
    assert!(evaluation.matched.is_sorted_by(|a, b| a.relation_id < b.relation_id));
}
