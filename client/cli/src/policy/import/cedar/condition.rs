//! Expressions of Cedar as lists of tests: any list, all of whose tests hold,
//! stands for the expression.
//!
//! Cedar skips a policy whose expression fails, as where an attribute is
//! missing. So the two effects are read from opposite sides.
//!
//! INVARIANT: of a permit, tests that hold imply that Cedar finds the
//! expression true. Of a prohibition, an expression that Cedar finds true
//! implies tests that hold or cannot be told. Neither allows what Cedar denies.

use types::{Json, Object};

use super::syntax::{Effect, Expr, Kind};
use crate::input;

/// Lists of tests, one of which must hold as a whole.
pub(super) type Cases = Vec<Vec<Json>>;

/// Cases of one policy; each becomes a relation.
const CASES_MAX: usize = 64;

/// Something that has no counterpart here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) line: usize,
    pub(super) code: &'static str,
    pub(super) detail: String,
}

fn refuse<T>(expr: &Expr, detail: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { line: expr.line, code: "not_expressible", detail: detail.into() })
}

/// When the expression has this truth value.
pub(super) fn cases(expr: &Expr, truth: bool, effect: Effect) -> Result<Cases, Refusal> {
    let of = |expr: &Expr, truth| cases(expr, truth, effect);
    let found = match &expr.kind {
        Kind::Bool(value) => {
            if *value == truth {
                vec![Vec::new()]
            } else {
                Vec::new()
            }
        }
        Kind::Not(inner) => of(inner, !truth)?,
        Kind::And(left, right) if truth => product(&of(left, true)?, &of(right, true)?),
        Kind::Or(left, right) if !truth => product(&of(left, false)?, &of(right, false)?),
        // The right side is looked at only where the left one has a value.
        Kind::And(left, right) | Kind::Or(left, right) => {
            let mut cases = of(left, truth)?;
            let mut rest = of(right, truth)?;
            if effect == Effect::Permit && !is_total(left, &[]) {
                rest = product(&of(left, !truth)?, &rest);
            }
            cases.extend(rest);
            cases
        }
        Kind::Compare(left, sign, right) => vec![vec![compare(left, sign, right, truth)?]],
        Kind::Attribute(..) => vec![vec![test(&key(expr)?, "eq", truth.into())]],
        Kind::Has(base, path) => vec![vec![has(expr, base, path, truth, effect)?]],
        Kind::Like(base, pattern) => vec![vec![like(expr, base, pattern, truth)?]],
        Kind::Method(base, name, arguments) => method(expr, base, name, arguments, truth)?,
        Kind::Number(_)
        | Kind::Text(_)
        | Kind::Entity(_)
        | Kind::Variable(_)
        | Kind::Set(_)
        | Kind::Function(..)
        | Kind::Negative(_)
        | Kind::Other(_) => return refuse(expr, format!("{} is not imported", name(expr))),
    };
    if CASES_MAX < found.len() {
        return refuse(expr, format!("takes more than {CASES_MAX} relations"));
    }
    Ok(found)
}

/// Both at once.
pub(super) fn product(left: &Cases, right: &Cases) -> Cases {
    let pairs = left.iter().flat_map(|left| {
        right.iter().map(move |right| {
            let mut tests = left.clone();
            tests.extend(right.iter().filter(|test| !left.contains(test)).cloned());
            tests
        })
    });
    // One more than is taken is enough to be refused.
    pairs.take(CASES_MAX + 1).collect()
}

/// Whether the expression has a value whatever the context holds, given that
/// these attributes are there.
fn is_total(expr: &Expr, there: &[String]) -> bool {
    let is_there = |expr: &Expr| key(expr).is_ok_and(|key| there.contains(&key));
    match &expr.kind {
        Kind::Bool(_) => true,
        Kind::Has(base, path) => is_context(base) && path.len() == 1,
        Kind::Not(inner) => is_total(inner, there),
        Kind::And(left, right) => {
            let mut within = there.to_vec();
            within.extend(asserted(left));
            is_total(left, there) && is_total(right, &within)
        }
        Kind::Or(left, right) => is_total(left, there) && is_total(right, there),
        Kind::Compare(left, "==" | "!=", right) => {
            (is_there(left) && literal(right).is_some())
                || (is_there(right) && literal(left).is_some())
        }
        Kind::Method(base, name, arguments) => match (&base.kind, arguments.as_slice()) {
            (Kind::Set(_), [argument]) => name == "contains" && is_there(argument),
            _ => false,
        },
        Kind::Compare(..)
        | Kind::Attribute(..)
        | Kind::Like(..)
        | Kind::Number(_)
        | Kind::Text(_)
        | Kind::Entity(_)
        | Kind::Variable(_)
        | Kind::Set(_)
        | Kind::Function(..)
        | Kind::Negative(_)
        | Kind::Other(_) => false,
    }
}

/// Attributes that are there where the expression is true.
fn asserted(expr: &Expr) -> Vec<String> {
    match &expr.kind {
        Kind::Has(base, path) if is_context(base) => vec![path.join(".")],
        Kind::And(left, right) => [asserted(left), asserted(right)].concat(),
        _ => Vec::new(),
    }
}

fn is_context(expr: &Expr) -> bool {
    matches!(&expr.kind, Kind::Variable(name) if name == "context")
}

fn test(key: &str, op: &str, value: Json) -> Json {
    let mut test = Object::new();
    test.insert("key", key);
    test.insert("op", op);
    test.insert("value", value);
    Json::Object(test)
}

/// The dotted path of an attribute of the context.
fn key(expr: &Expr) -> Result<String, Refusal> {
    let mut path = Vec::new();
    let mut at = expr;
    while let Kind::Attribute(base, name) = &at.kind {
        path.push(name.as_str());
        at = base;
    }
    path.reverse();
    match &at.kind {
        Kind::Variable(variable) if variable == "context" => joined(expr, &path),
        Kind::Variable(variable) if !path.is_empty() => refuse(
            expr,
            format!("the entity attribute `{variable}.{}` is not imported", path.join(".")),
        ),
        _ => refuse(expr, format!("{} is not imported", name(at))),
    }
}

fn joined(expr: &Expr, path: &[&str]) -> Result<String, Refusal> {
    let key = path.join(".");
    if path.iter().any(|part| part.is_empty() || part.contains('.') || part.trim() != *part) {
        return refuse(expr, format!("the attribute `{key}` cannot be told from a path"));
    }
    let is_ours = 1 < path.len() && matches!(path.first(), Some(&"decision" | &"time"));
    if path.is_empty() || is_ours {
        return refuse(expr, format!("`context.{key}` is no key here"));
    }
    Ok(key)
}

/// A text, a truth value or a number that keeps its value.
fn literal(expr: &Expr) -> Option<Json> {
    match &expr.kind {
        Kind::Bool(value) => Some((*value).into()),
        Kind::Text(text) => Some(text.as_str().into()),
        Kind::Number(number) => input::json(number).ok(),
        Kind::Negative(inner) => match &inner.kind {
            Kind::Number(number) => input::json(&format!("-{number}")).ok(),
            _ => None,
        },
        _ => None,
    }
}

fn compare(left: &Expr, sign: &str, right: &Expr, truth: bool) -> Result<Json, Refusal> {
    let (side, value, is_swapped) = match (literal(left), literal(right)) {
        (None, Some(value)) => (left, value, false),
        (Some(value), None) => (right, value, true),
        (Some(_), Some(_)) => return refuse(left, "a comparison of two literals is not imported"),
        (None, None) => {
            // The side that is no attribute is what is missing here.
            let other = if key(left).is_ok() { right } else { left };
            let what = match key(other) {
                Ok(_) => "a comparison of two attributes is not imported".to_owned(),
                Err(refusal) => refusal.detail,
            };
            return refuse(other, what);
        }
    };
    let key = key(side)?;
    let op = match (sign, is_swapped) {
        ("==", _) => "eq",
        ("!=", _) => "ne",
        ("<", false) | (">", true) => "lt",
        ("<=", false) | (">=", true) => "lte",
        (">", false) | ("<", true) => "gt",
        _ => "gte",
    };
    if !matches!(op, "eq" | "ne") && !matches!(value, Json::Number(_)) {
        return refuse(left, format!("`{sign}` compares integers alone"));
    }
    let op = match (op, truth) {
        (op, true) => op,
        ("eq", false) => "ne",
        ("ne", false) => "eq",
        ("lt", false) => "gte",
        ("lte", false) => "gt",
        ("gt", false) => "lte",
        (_, false) => "lt",
    };
    Ok(test(&key, op, value))
}

fn has(
    expr: &Expr,
    base: &Expr,
    path: &[String],
    truth: bool,
    effect: Effect,
) -> Result<Json, Refusal> {
    let mut names = Vec::new();
    if !is_context(base) {
        names.push(key(base)?);
    }
    // Where something on the way is missing or no record, Cedar fails, and here
    // the key is just not there.
    if !truth && effect == Effect::Permit && 1 < names.len() + path.len() {
        return refuse(expr, "the negation of `has` below the first level is not imported");
    }
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    names.push(joined(expr, &path)?);
    let key = names.join(".");
    let segments: Vec<&str> = key.split('.').collect();
    Ok(test(&joined(expr, &segments)?, "exists", truth.into()))
}

fn like(expr: &Expr, base: &Expr, pattern: &str, truth: bool) -> Result<Json, Refusal> {
    let key = key(base)?;
    let plain =
        |text: &str| (!text.replace("\\*", "").contains('*')).then(|| text.replace("\\*", "*"));
    if let Some(text) = plain(pattern) {
        return Ok(test(&key, if truth { "eq" } else { "ne" }, text.into()));
    }
    if !truth {
        return refuse(expr, "the negation of `like` is not imported");
    }
    let ends = pattern.strip_suffix('*').filter(|rest| !rest.ends_with('\\')).and_then(plain);
    let begins = pattern.strip_prefix('*').and_then(plain);
    match (ends, begins) {
        (Some(prefix), _) => Ok(test(&key, "prefix", prefix.into())),
        (None, Some(suffix)) => Ok(test(&key, "suffix", suffix.into())),
        (None, None) => {
            refuse(expr, format!("`like \"{pattern}\"`: only one star, at an end, is imported"))
        }
    }
}

fn method(
    expr: &Expr,
    base: &Expr,
    name: &str,
    arguments: &[Expr],
    truth: bool,
) -> Result<Cases, Refusal> {
    let unknown = || refuse(expr, format!("the method `{name}` is not imported here"));
    let [argument] = arguments else {
        return unknown();
    };
    if let (Kind::Set(items), "contains") = (&base.kind, name) {
        let op = if truth { "in" } else { "not_in" };
        return Ok(vec![vec![test(&key(argument)?, op, literals(base, items)?.into())]]);
    }
    if name == "isInRange" {
        return in_range(expr, base, argument, truth).map(|test| vec![vec![test]]);
    }
    if !["contains", "containsAll", "containsAny"].contains(&name) {
        return unknown();
    }
    let key = key(base)?;
    if !truth {
        return refuse(expr, format!("the negation of `{name}` on an attribute is not imported"));
    }
    let wanted = match (&argument.kind, name) {
        (Kind::Set(items), "containsAll" | "containsAny") => literals(argument, items)?,
        (_, "contains") => literals(argument, std::slice::from_ref(argument))?,
        _ => return unknown(),
    };
    let tests = wanted.into_iter().map(|value| test(&key, "contains", value));
    Ok(match name {
        "containsAny" => tests.map(|test| vec![test]).collect(),
        _ => vec![tests.collect()],
    })
}

fn literals(expr: &Expr, items: &[Expr]) -> Result<Vec<Json>, Refusal> {
    let values: Option<Vec<Json>> = items.iter().map(literal).collect();
    match values.filter(|values| !values.is_empty()) {
        Some(values) => Ok(values),
        None => refuse(expr, "only literals can be looked for in a set"),
    }
}

/// `ip(context.a).isInRange(ip("10.0.0.0/8"))`
fn in_range(expr: &Expr, base: &Expr, argument: &Expr, truth: bool) -> Result<Json, Refusal> {
    let inner = |expr: &Expr| match &expr.kind {
        Kind::Function(name, arguments) if name == "ip" => match arguments.as_slice() {
            [argument] => Some(argument.clone()),
            _ => None,
        },
        _ => None,
    };
    let (Some(address), Some(network)) = (inner(base), inner(argument)) else {
        return refuse(expr, "`isInRange` is imported of `ip(..)` and `ip(..)` alone");
    };
    let Kind::Text(network) = network.kind else {
        return refuse(expr, "the network of `isInRange` must be a text");
    };
    if !truth {
        return refuse(expr, "the negation of `isInRange` is not imported");
    }
    Ok(test(&key(&address)?, "cidr", network.into()))
}

/// What an expression is called.
fn name(expr: &Expr) -> String {
    match &expr.kind {
        Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => "a literal".to_owned(),
        Kind::Entity(entity) => format!("the entity `{}::\"{}\"`", entity.kind, entity.id),
        Kind::Variable(name) => format!("`{name}` within a condition"),
        Kind::Attribute(..) => "an attribute".to_owned(),
        Kind::Has(..) => "`has`".to_owned(),
        Kind::Like(..) => "`like`".to_owned(),
        Kind::Set(_) => "a set".to_owned(),
        Kind::Method(_, name, _) => format!("the method `{name}`"),
        Kind::Function(name, _) => format!("the function `{name}`"),
        Kind::Not(_) => "`!`".to_owned(),
        Kind::Negative(_) => "arithmetic".to_owned(),
        Kind::And(..) => "`&&`".to_owned(),
        Kind::Or(..) => "`||`".to_owned(),
        Kind::Compare(_, sign, _) => format!("`{sign}`"),
        Kind::Other(name) => (*name).to_owned(),
    }
}
