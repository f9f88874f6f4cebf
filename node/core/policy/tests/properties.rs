//! What holds for every document and every request, also for nonsense.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::convert::Infallible;

use policy::{
    Allowed, Compiled, Document, Engine, Evaluation, History, NoHistory, ReasonCode, Request,
    Verdict, evaluate, judge,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use types::{DecisionId, Json, Number, Object, Timestamp, Ulid};

const ACTORS: [&str; 5] = ["actor:a", "actor:b", "actor:t:c", "actor:t:*", "*"];
const ACTIONS: [&str; 5] = ["action:x", "action:y", "action:t:z", "action:t:*", "*"];
const OBJECTS: [&str; 4] = ["data:d", "data:e", "resource:r", "data:*"];
const KEYS: [&str; 6] = ["k", "m.n", "list", "decision.actor", "time.hour_utc", "absent"];
const OPS: [&str; 15] = [
    "eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "between", "prefix", "suffix",
    "contains", "exists", "cidr", "matches",
];

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        any::<bool>().prop_map(Json::from),
        (-20_i64..20).prop_map(|value| Json::Number(Number::from_i64(value).unwrap())),
        (-200_i64..200).prop_map(|tenths| {
            let text = format!(
                "{}{}.{}",
                if tenths < 0 { "-" } else { "" },
                tenths.abs() / 10,
                tenths.abs() % 10
            );
            serde_json::from_str(&text).unwrap()
        }),
        select(vec!["", "a", "ab", "10.0.0.0/8", "10.1.1.1", "a+", "(", "é😀"])
            .prop_map(Json::from),
    ]
}

fn value() -> impl Strategy<Value = Json> {
    prop_oneof![3 => scalar(), 2 => vec(scalar(), 0..4).prop_map(Json::Array)]
}

fn condition() -> impl Strategy<Value = Json> {
    prop_oneof![
        (select(&KEYS[..]), select(&OPS[..]), value()).prop_map(|(key, op, value)| Json::object([
            ("key", key.into()),
            ("op", op.into()),
            ("value", value),
        ])),
        (select(&KEYS[..]), scalar()).prop_map(|(key, value)| Json::object([(key, value)])),
        select(vec!["flag", "day"]).prop_map(Json::from),
    ]
}

fn relation() -> impl Strategy<Value = Json> {
    let kinds = vec!["permits", "permits", "forbids", "requires"];
    let between = (
        select(kinds),
        select(&ACTORS[..]),
        select(&ACTIONS[..]),
        proptest::option::of(select(&OBJECTS[..])),
        vec(condition(), 0..3),
    )
        .prop_map(|(kind, source, target, object, conditions)| {
            Json::object([
                ("type", kind.into()),
                ("subject", source.into()),
                ("action", target.into()),
                ("object", object.into()),
                ("conditions", Json::Array(conditions)),
            ])
        });
    let conflicts = (select(&ACTIONS[..]), select(&ACTIONS[..])).prop_map(|(source, target)| {
        Json::object([
            ("type", "conflicts".into()),
            ("source", source.into()),
            ("target", target.into()),
        ])
    });
    // Downwards in the list only, so that most documents have no cycle.
    let implies =
        (0..3_usize, 1..4_usize, vec(condition(), 0..2)).prop_map(|(from, on, conditions)| {
            Json::object([
                ("type", "implies".into()),
                ("source", ACTORS[from].into()),
                ("target", ACTORS[(from + on).min(4)].into()),
                ("conditions", Json::Array(conditions)),
            ])
        });
    prop_oneof![6 => between, 1 => conflicts, 1 => implies]
}

fn constraint() -> impl Strategy<Value = Json> {
    let test = (select(&KEYS[..]), select(&OPS[..]), value());
    (0..9_u32, test, select(vec!["deny", "escalate"])).prop_map(
        |(name, (key, op, value), effect)| {
            let test = Json::object([("key", key.into()), ("op", op.into()), ("value", value)]);
            Json::object([
                ("name", format!("c{name}").into()),
                ("condition", test),
                ("action", effect.into()),
            ])
        },
    )
}

fn terms() -> Json {
    let term = |id: &str, kind: &str| Json::object([("id", id.into()), ("type", kind.into())]);
    let mut terms = vec![Json::object([
        ("id", "day".into()),
        ("type", "constraint".into()),
        ("key", "time.hour_utc".into()),
        ("op", "between".into()),
        ("value", Json::Array(vec![Json::from(6_u32), Json::from(18_u32)])),
    ])];
    for (ids, kind) in [(&ACTORS[..3], "actor"), (&ACTIONS[..3], "action")] {
        terms.extend(ids.iter().map(|id| term(id, kind)));
    }
    terms.extend([
        term("data:d", "data_class"),
        term("data:e", "data_class"),
        term("resource:r", "resource"),
    ]);
    Json::Array(terms)
}

/// Documents of which most parse.
fn document() -> impl Strategy<Value = Json> {
    let mode = select(vec!["strict", "strict", "permissive", "paranoid"]);
    (mode, vec(relation(), 0..6), vec(constraint(), 0..2)).prop_map(
        |(mode, relations, constraints)| {
            Json::object([
                ("mode", mode.into()),
                ("terms", terms()),
                ("relations", Json::Array(relations)),
                ("constraints", Json::Array(constraints)),
            ])
        },
    )
}

/// JSON that is a document by accident at most, with the right words in it.
fn nonsense() -> impl Strategy<Value = Json> {
    let key = select(vec![
        "terms",
        "relations",
        "constraints",
        "id",
        "type",
        "source",
        "target",
        "object",
        "key",
        "op",
        "value",
        "conditions",
        "condition",
        "name",
        "mode",
        "metadata",
        "applies_to",
    ]);
    let leaf = prop_oneof![
        Just(Json::Null),
        scalar(),
        select(vec!["actor", "permits", "implies", "constraint", "*", "a:*", "deny", "eq"])
            .prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Json::Array),
            vec((key.clone(), inner), 0..6).prop_map(|members| {
                let mut object = Object::new();
                for (key, value) in members {
                    object.insert(key, value);
                }
                Json::Object(object)
            }),
        ]
    })
}

#[derive(Clone, Debug)]
struct Asked {
    actor: String,
    action: String,
    resource: Option<String>,
    classes: Vec<String>,
    context: Object,
    risk_score: u32,
    at: u64,
    steps_max: u32,
    past: Vec<(String, Option<String>)>,
}

impl Asked {
    fn request(&self) -> Request<'_> {
        Request {
            actor: &self.actor,
            action: &self.action,
            resource: self.resource.as_deref(),
            tool: None,
            data_classes: &self.classes,
            context: &self.context,
            risk_score: self.risk_score,
            risk_level: "low",
            mode: None,
            at: Timestamp(self.at),
            steps_max: self.steps_max,
            engine: Engine::NEWEST,
        }
    }
}

impl History for Asked {
    type Error = Infallible;

    fn allowed(&self, _: &str, _: usize) -> Result<Option<Vec<Allowed>>, Infallible> {
        let allowed = self.past.iter().zip(1..).map(|((action, resource), id)| Allowed {
            action: action.clone(),
            resource: resource.clone(),
            decision: DecisionId(Ulid(id)),
        });
        Ok(Some(allowed.collect()))
    }
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(words).prop_map(str::to_owned),
        3 => select(words).prop_map(|word| word.split_once(':').map_or(word, |(_, rest)| rest).to_owned()),
        1 => ".{0,6}",
        1 => "[a-z:*]{0,8}",
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    let context =
        vec((select(vec!["k", "m", "list", "flag"]), value()), 0..4).prop_map(|members| {
            let mut context = Object::new();
            for (key, value) in members {
                let value = if key == "m" { Json::object([("n", value)]) } else { value };
                context.insert(key, value);
            }
            context
        });
    let what = (
        word(&ACTORS),
        word(&ACTIONS),
        proptest::option::of(word(&OBJECTS)),
        vec(word(&OBJECTS), 0..3),
        context,
    );
    let steps = prop_oneof![4 => Just(100_000), 1 => 0..60_u32];
    let past = vec((word(&ACTIONS), proptest::option::of(word(&OBJECTS))), 0..3);
    (what, 1..101_u32, 0..=Timestamp::MAX.0, steps, past).prop_map(
        |((actor, action, resource, classes, context), risk_score, at, steps_max, past)| Asked {
            actor,
            action,
            resource,
            classes,
            context,
            risk_score,
            at,
            steps_max,
            past,
        },
    )
}

fn evaluated(policy: &Compiled, asked: &Asked) -> Evaluation {
    match evaluate(policy, &asked.request(), asked) {
        Ok(evaluation) => evaluation,
        Err(never) => match never {},
    }
}

/// A document with one relation fewer.
fn without(document: &Json, at: usize) -> Json {
    let mut object = document.as_object().unwrap().clone();
    let mut relations = object.get("relations").unwrap().as_array().unwrap().to_vec();
    relations.remove(at);
    object.insert("relations", Json::Array(relations));
    Json::Object(object)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn the_normal_form_reads_as_the_same_document(source in document()) {
        if let Ok((document, _)) = Document::parse(&source) {
            let normal = document.to_json();
            let (again, _) = Document::parse(&normal).unwrap();
            prop_assert_eq!(&again, &document);
            prop_assert_eq!(again.hash(), document.hash());
            let text: Json = serde_json::from_str(&normal.to_canonical()).unwrap();
            prop_assert_eq!(Document::parse(&text).unwrap().0, document);
        }
    }

    #[test]
    fn what_parses_compiles_and_answers(source in document(), asked in asked()) {
        if let Ok((document, _)) = Document::parse(&source) {
            let policy = Compiled::new(&document).unwrap();
            let evaluation = evaluated(&policy, &asked);
            prop_assert_eq!(&evaluation, &evaluated(&policy, &asked));
            prop_assert!(evaluation.steps <= asked.steps_max);
            let Ok(judged) = judge(&policy, &asked.request(), &asked);
            prop_assert_eq!(judged.outcome, evaluation.outcome);
            prop_assert_eq!(judged.reason_code, evaluation.reason_code);
            let mut ids: Vec<_> = evaluation.matched.iter().map(|found| &found.relation_id).collect();
            prop_assert!(ids.is_sorted());
            ids.dedup();
            prop_assert_eq!(ids.len(), evaluation.matched.len());
        }
    }

    #[test]
    fn the_order_of_a_document_does_not_change_it(source in document()) {
        let mut object = source.as_object().unwrap().clone();
        for key in ["terms", "relations", "constraints"] {
            let mut items = object.get(key).unwrap().as_array().unwrap().to_vec();
            items.reverse();
            object.insert(key, Json::Array(items));
        }
        if let (Ok(one), Ok(other)) = (Document::parse(&source), Document::parse(&Json::Object(object))) {
            prop_assert_eq!(one.0.hash(), other.0.hash());
        }
    }

    #[test]
    fn nonsense_is_refused_or_answered(source in nonsense(), asked in asked()) {
        if let Ok((document, _)) = Document::parse(&source) {
            evaluated(&Compiled::new(&document).unwrap(), &asked);
        }
    }

    /// Taking away what restricts never turns allowed into denied, and taking
    /// away a permit never allows what strict denied for want of one.
    #[test]
    fn restrictions_restrict_and_permits_permit(source in document(), asked in asked(), at in 0..6_usize) {
        let asked = Asked { steps_max: 1_000_000, ..asked };
        let relations = source.as_object().unwrap().get("relations").unwrap().as_array().unwrap();
        let Some(kind) = relations.get(at).and_then(|relation| relation.as_object()?.get("type")?.as_str()) else {
            return Ok(());
        };
        let (Ok((whole, _)), Ok((less, _))) = (Document::parse(&source), Document::parse(&without(&source, at))) else {
            return Ok(());
        };
        let before = evaluated(&Compiled::new(&whole).unwrap(), &asked);
        let after = evaluated(&Compiled::new(&less).unwrap(), &asked);
        match kind {
            "forbids" | "requires" | "conflicts" if before.outcome != Verdict::Denied => {
                prop_assert_eq!(after.outcome, before.outcome);
            }
            "permits" if before.reason_code == ReasonCode::NoPermit => {
                prop_assert_eq!(after.reason_code, ReasonCode::NoPermit);
            }
            _ => (),
        }
    }
}

#[test]
fn most_generated_documents_parse() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let parsed = (0..200)
        .filter(|_| Document::parse(&document().new_tree(&mut runner).unwrap().current()).is_ok())
        .count();
    assert!(50 < parsed, "only {parsed} of 200: the properties would be empty");
}

#[test]
fn a_policy_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let policy = Compiled::new(&Document::empty()).unwrap();
    shared(&policy);
    let context = Object::new();
    let asked = Asked {
        actor: "a".to_owned(),
        action: "x".to_owned(),
        resource: None,
        classes: Vec::new(),
        context,
        risk_score: 1,
        at: 0,
        steps_max: 100,
        past: Vec::new(),
    };
    let Ok(evaluation) = evaluate(&policy, &asked.request(), &NoHistory);
    assert_eq!(evaluation.reason_code, ReasonCode::NoPermit);
}
