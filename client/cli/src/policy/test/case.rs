//! Cases: requests with what is expected of a policy, read from a file.

use std::collections::BTreeSet;
use std::path::Path;

use governance::command::RiskInput;
use governance::risk::Score;
use policy::{Allowed, Mode, ReasonCode, Verdict};
use types::{DecisionId, Json, Object, Timestamp, Ulid};

use crate::failure::Failure;
use crate::input;
use crate::members::{Field, Flaws, Members};

/// Where a case does not say when: a Monday at noon.
pub(crate) const AT_DEFAULT: &str = "2027-01-04T12:00:00Z";

const FILE_KEYS: [&str; 2] = ["defaults", "cases"];
const CASE_KEYS: [&str; 5] = ["name", "request", "at", "history", "expect"];
/// Members of `POST /decide`; the last four do not touch the outcome.
const REQUEST_KEYS: [&str; 14] = [
    "actor",
    "action",
    "proposed_action",
    "context",
    "resource",
    "tool",
    "data_classes",
    "risk",
    "risk_level",
    "policy_mode",
    "request_id",
    "user_intent",
    "expires_in",
    "dry_run",
];
const RISK_KEYS: [&str; 6] =
    ["security", "privacy", "compliance", "operational", "reputational", "financial"];
const PAST_KEYS: [&str; 2] = ["action", "resource"];
const EXPECT_KEYS: [&str; 5] = ["outcome", "reason_code", "reason", "applies", "obligations_unmet"];

/// A file of cases.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) file: String,
    pub(super) cases: Vec<Case>,
}

/// One request and what is expected.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) asked: Asked,
    pub(super) at: Timestamp,
    pub(super) history: Vec<Allowed>,
    pub(super) expect: Expect,
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) resource: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) data_classes: Vec<String>,
    pub(crate) context: Object,
    pub(crate) score: Score,
    pub(crate) mode: Option<Mode>,
}

/// What must come of it; what is `None` may be anything.
#[derive(Debug)]
pub(super) struct Expect {
    pub(super) outcome: Verdict,
    pub(super) reason_code: Option<ReasonCode>,
    pub(super) reason: Option<String>,
    /// These apply, whatever else does; empty: none does.
    pub(super) applies: Option<Vec<String>>,
    /// Exactly these.
    pub(super) obligations_unmet: Option<BTreeSet<String>>,
}

/// Reads a file, or says everything that is wrong with it.
pub(super) fn read(path: &Path) -> Result<Suite, Failure> {
    let json = input::document(path)?;
    let mut flaws = Flaws::default();
    let cases = suite(&json, &mut flaws);
    let file = path.display().to_string();
    if flaws.is_empty() {
        return Ok(Suite { file, cases });
    }
    Err(Failure::Usage(format!("`{file}` holds no valid cases{}", flaws.to_text())))
}

fn suite(json: &Json, flaws: &mut Flaws) -> Vec<Case> {
    let root = Field { value: json, pointer: String::new() };
    let Some(members) = Members::open(&root, &FILE_KEYS, flaws) else {
        return Vec::new();
    };
    let mut keys = vec!["at"];
    keys.extend(REQUEST_KEYS);
    let defaults = members.get("defaults").and_then(|field| Members::open(&field, &keys, flaws));
    let Some(cases) = members.get("cases") else {
        flaws.add("/cases", "is required");
        return Vec::new();
    };
    let fields = cases.items(flaws);
    if fields.is_empty() {
        flaws.add("/cases", "holds no case");
    }
    let mut names = BTreeSet::new();
    let mut read = Vec::new();
    for field in &fields {
        let Some(case) = case(field, defaults.as_ref(), flaws) else {
            continue;
        };
        if !names.insert(case.name.clone()) {
            let detail = format!("`{}` is already a case of this file", case.name);
            flaws.add(&input::member(&field.pointer, "name"), detail);
        }
        read.push(case);
    }
    read
}

fn case(field: &Field<'_>, defaults: Option<&Members<'_>>, flaws: &mut Flaws) -> Option<Case> {
    let members = Members::open(field, &CASE_KEYS, flaws)?;
    let name = members.required("name", flaws);
    let request = match members.get("request") {
        Some(request) => {
            Members::open(&request, &REQUEST_KEYS, flaws).map(|own| own.over(defaults))
        }
        None => {
            flaws.add(&members.pointer_to("request"), "is required");
            None
        }
    };
    let asked = request.and_then(|request| asked(&request, flaws));
    let at = members.clone().over(defaults).get("at");
    let at = time(at.as_ref(), flaws);
    let history = match members.get("history") {
        Some(field) => field.items(flaws).iter().filter_map(|item| past(item, flaws)).collect(),
        None => Vec::new(),
    };
    let expect = match members.get("expect") {
        Some(field) => expect(&field, flaws),
        None => {
            flaws.add(&members.pointer_to("expect"), "is required");
            None
        }
    };
    Some(Case { name: name?, asked: asked?, at: at?, history: numbered(history), expect: expect? })
}

fn time(field: Option<&Field<'_>>, flaws: &mut Flaws) -> Option<Timestamp> {
    let Some(field) = field else {
        return AT_DEFAULT.parse().ok();
    };
    let at = field.text(flaws)?.parse().ok();
    if at.is_none() {
        flaws.add(&field.pointer, "must be an RFC 3339 time or date between 1970 and 9999");
    }
    at
}

/// Reads a request that is not part of a case.
pub(crate) fn read_request(json: &Json) -> Result<Asked, Failure> {
    let mut flaws = Flaws::default();
    let root = Field { value: json, pointer: String::new() };
    let members = Members::open(&root, &REQUEST_KEYS, &mut flaws);
    let asked = members.and_then(|members| asked(&members, &mut flaws));
    match asked.filter(|_| flaws.is_empty()) {
        Some(asked) => Ok(asked),
        None => Err(Failure::Usage(format!("the request is not valid{}", flaws.to_text()))),
    }
}

/// Reads a request as `POST /decide` does.
fn asked(members: &Members<'_>, flaws: &mut Flaws) -> Option<Asked> {
    let actor = members.required("actor", flaws);
    let alias = members.get("action").is_none() && members.get("proposed_action").is_some();
    let action_key = if alias { "proposed_action" } else { "action" };
    let action = members.required(action_key, flaws);
    let resource = members.text("resource", flaws);
    let texts = [
        ("actor", actor.as_ref(), 255, ACTOR_MARKS),
        (action_key, action.as_ref(), 512, ACTION_MARKS),
        ("resource", resource.as_ref(), 512, ACTION_MARKS),
    ];
    for (key, text, chars_max, marks) in texts {
        check_text(members, key, text, (chars_max, marks), flaws);
    }
    let classes = members.get("data_classes");
    let mode = members.get("policy_mode");
    Some(Asked {
        actor: actor?,
        action: action?,
        resource: resource.filter(|text| !text.is_empty()),
        tool: members.text("tool", flaws).filter(|text| !text.is_empty()),
        data_classes: classes.map_or_else(Vec::new, |field| field.texts(flaws)),
        context: context(members, flaws),
        score: score(members, flaws),
        mode: mode.and_then(|field| field.word(Mode::ALL, Mode::as_str, flaws)),
    })
}

const ACTOR_MARKS: &str = "_-.@:/";
const ACTION_MARKS: &str = "_-./:() ";

/// What a node would refuse proves nothing about a policy.
fn check_text(
    members: &Members<'_>,
    key: &str,
    text: Option<&String>,
    (chars_max, marks): (usize, &str),
    flaws: &mut Flaws,
) {
    let (Some(text), Some(field)) = (text, members.get(key)) else {
        return;
    };
    if chars_max < text.chars().count() {
        flaws.add(&field.pointer, format!("must be at most {chars_max} characters"));
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c)) {
        flaws.add(&field.pointer, format!("must be letters, digits and `{marks}`"));
    }
}

const CONTEXT_KEYS_MAX: usize = 100;
const CONTEXT_DEPTH_MAX: usize = 5;
const CONTEXT_BYTES_MAX: usize = 64 << 10;

/// The context of the request over that of the defaults, member by member.
fn context(members: &Members<'_>, flaws: &mut Flaws) -> Object {
    let mut merged = Object::new();
    let Some(first) = members.get("context") else {
        return merged;
    };
    for field in members.all("context").iter().rev() {
        let Some(object) = field.value.as_object() else {
            flaws.add(&field.pointer, "must be an object");
            continue;
        };
        for (key, value) in object.iter() {
            if value.is_null() {
                flaws.add(&input::member(&field.pointer, key), "must not be null");
            }
            merged.insert(key, value.clone());
        }
    }
    let json = Json::Object(merged.clone());
    if CONTEXT_KEYS_MAX < merged.len() {
        flaws.add(&first.pointer, format!("must have at most {CONTEXT_KEYS_MAX} members"));
    }
    if CONTEXT_DEPTH_MAX < json.depth() {
        flaws.add(&first.pointer, format!("must be at most {CONTEXT_DEPTH_MAX} levels deep"));
    }
    if CONTEXT_BYTES_MAX < json.to_canonical().len() {
        flaws.add(&first.pointer, format!("must be at most {CONTEXT_BYTES_MAX} bytes"));
    }
    merged
}

/// The score of the risk, by the arithmetic of a node.
fn score(members: &Members<'_>, flaws: &mut Flaws) -> Score {
    let level = members.integer("risk_level", (1, 5), flaws);
    let level = level.and_then(|level| u8::try_from(level).ok());
    let mut layers = Vec::new();
    for field in members.all("risk") {
        layers.extend(Members::open(&field, &RISK_KEYS, flaws));
    }
    let mut layers = layers.into_iter();
    let Some(first) = layers.next() else {
        return Score::of(None, level);
    };
    let risk = first.over(layers.next().as_ref());
    let mut points = |name| {
        let points = risk.integer(name, (0, 100), flaws)?;
        u8::try_from(points).ok()
    };
    let [security, privacy, compliance, operational, reputational, financial] =
        RISK_KEYS.map(&mut points);
    let input = RiskInput { security, privacy, compliance, operational, reputational, financial };
    // No dimension at all is no risk given, as on a node.
    Score::of(Some(&input).filter(|input| **input != RiskInput::default()), level)
}

fn past(field: &Field<'_>, flaws: &mut Flaws) -> Option<(String, Option<String>)> {
    let members = Members::open(field, &PAST_KEYS, flaws)?;
    let action = members.required("action", flaws)?;
    Some((action, members.text("resource", flaws).filter(|text| !text.is_empty())))
}

/// Each pair once and under an id, as the record of a node has them.
fn numbered(past: Vec<(String, Option<String>)>) -> Vec<Allowed> {
    let mut seen = BTreeSet::new();
    let distinct = past.into_iter().filter(|pair| seen.insert(pair.clone()));
    let numbered = (1_u128..).zip(distinct);
    numbered
        .map(|(number, (action, resource))| Allowed {
            action,
            resource,
            decision: DecisionId(Ulid(number)),
        })
        .collect()
}

fn expect(field: &Field<'_>, flaws: &mut Flaws) -> Option<Expect> {
    let members = Members::open(field, &EXPECT_KEYS, flaws)?;
    let outcome = match members.get("outcome") {
        Some(field) => field.word(Verdict::ALL, Verdict::as_str, flaws),
        None => {
            flaws.add(&members.pointer_to("outcome"), "is required");
            None
        }
    };
    let reason_code = members.get("reason_code");
    let reason_code =
        reason_code.and_then(|field| field.word(ReasonCode::ALL, ReasonCode::as_str, flaws));
    let unmet = members.get("obligations_unmet");
    Some(Expect {
        outcome: outcome?,
        reason_code,
        reason: members.text("reason", flaws),
        applies: members.get("applies").map(|field| field.texts(flaws)),
        obligations_unmet: unmet.map(|field| field.texts(flaws).into_iter().collect()),
    })
}
