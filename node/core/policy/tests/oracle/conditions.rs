//! Section 3.3 of the contract: what a condition finds in a request.

use std::cmp::Ordering;
use std::net::IpAddr;

use policy::{Engine, Op, Request};
use types::{Decimal, Json};

use super::reading::{Condition, Policy};

/// What a condition found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Met,
    Unmet,
    /// The key is not there, or holds null.
    Missing,
    /// There is a value, of a type that this test says nothing about.
    OtherType,
}

/// Whether what asks takes a doubt for a yes, as all do that restrict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InDoubt {
    Yes,
    No,
}

/// Whether all conditions hold for the one who asks.
pub(crate) fn hold(
    policy: &Policy<'_>,
    conditions: &[Condition<'_>],
    request: &Request<'_>,
    in_doubt: InDoubt,
) -> bool {
    conditions.iter().all(|condition| match answer(policy, condition, request) {
        Answer::Met => true,
        Answer::Unmet => false,
        Answer::Missing => in_doubt == InDoubt::Yes,
        // Engine 1 took another type for a plain no.
        Answer::OtherType => in_doubt == InDoubt::Yes && request.engine != Engine::V1,
    })
}

pub(crate) fn answer(
    policy: &Policy<'_>,
    condition: &Condition<'_>,
    request: &Request<'_>,
) -> Answer {
    let actual = actual(condition.key, request);
    if condition.op == Op::Exists {
        return met(Some(actual.is_some()) == condition.value.as_bool());
    }
    match actual {
        Some(actual) => compare(policy, condition, &actual),
        None => Answer::Missing,
    }
}

/// The value at a key.
pub(crate) fn actual(key: &str, request: &Request<'_>) -> Option<Json> {
    let civil = request.at.civil();
    match key {
        "decision.risk_score" => Some(Json::from(request.risk_score)),
        "decision.risk_level" => Some(Json::from(request.risk_level)),
        "decision.actor" => Some(Json::from(request.actor)),
        "decision.action" => Some(Json::from(request.action)),
        "decision.resource" => request.resource.map(Json::from),
        "decision.tool" => request.tool.map(Json::from),
        "time.hour_utc" => Some(Json::from(u32::from(civil.hour))),
        "time.weekday_utc" => Some(Json::from(u32::from(civil.weekday))),
        "time.date_utc" => Some(Json::from(&request.at.to_string()[..10])),
        _ => {
            let mut at = Json::Object(request.context.clone());
            for segment in key.split('.') {
                at = at.as_object()?.get(segment)?.clone();
            }
            (!at.is_null()).then_some(at)
        }
    }
}

fn met(holds: bool) -> Answer {
    if holds { Answer::Met } else { Answer::Unmet }
}

fn compare(policy: &Policy<'_>, condition: &Condition<'_>, actual: &Json) -> Answer {
    let wanted = condition.value;
    match condition.op {
        Op::Eq if kind(actual) != kind(wanted) => Answer::OtherType,
        Op::Eq => met(same(actual, wanted)),
        Op::Ne if kind(actual) != kind(wanted) => Answer::OtherType,
        Op::Ne => met(!same(actual, wanted)),
        Op::In | Op::NotIn => compare_list(condition.op, actual, wanted.as_array().unwrap()),
        Op::Lt => ordered(actual, wanted, &[Ordering::Less]),
        Op::Lte => ordered(actual, wanted, &[Ordering::Less, Ordering::Equal]),
        Op::Gt => ordered(actual, wanted, &[Ordering::Greater]),
        Op::Gte => ordered(actual, wanted, &[Ordering::Greater, Ordering::Equal]),
        Op::Between => {
            let bounds = wanted.as_array().unwrap();
            let low = ordered(actual, &bounds[0], &[Ordering::Greater, Ordering::Equal]);
            let high = ordered(actual, &bounds[1], &[Ordering::Less, Ordering::Equal]);
            if low == Answer::Met { high } else { low }
        }
        Op::Contains => match actual {
            Json::Array(items) => met(items.iter().any(|item| same(item, wanted))),
            _ => Answer::OtherType,
        },
        Op::Prefix | Op::Suffix | Op::Cidr | Op::Matches => match actual {
            Json::String(actual) => {
                compare_text(policy, condition.op, actual, wanted.as_str().unwrap())
            }
            _ => Answer::OtherType,
        },
        Op::Exists => unreachable!("asked before there is a value"),
    }
}

fn compare_list(op: Op, actual: &Json, listed: &[Json]) -> Answer {
    let is_listed = listed.iter().any(|item| same(item, actual));
    let of_its_type = listed.iter().filter(|item| kind(item) == kind(actual)).count();
    match op {
        Op::In if is_listed => Answer::Met,
        Op::In if 0 < of_its_type => Answer::Unmet,
        Op::NotIn if is_listed => Answer::Unmet,
        // Whether 5 is not among ["5"] nobody can say.
        Op::NotIn if of_its_type == listed.len() => Answer::Met,
        _ => Answer::OtherType,
    }
}

fn compare_text(policy: &Policy<'_>, op: Op, actual: &str, wanted: &str) -> Answer {
    match op {
        Op::Prefix => met(actual.starts_with(wanted)),
        Op::Suffix => met(actual.ends_with(wanted)),
        Op::Matches => met(policy.regexes[wanted].is_match(actual)),
        _ => match address(actual) {
            Some(address) => met(is_in(&address, wanted)),
            None => Answer::OtherType,
        },
    }
}

fn ordered(actual: &Json, wanted: &Json, admitted: &[Ordering]) -> Answer {
    let order = match (actual, wanted) {
        (Json::Number(_), Json::Number(_)) => decimal(actual).cmp(&decimal(wanted)),
        (Json::String(actual), Json::String(wanted)) => actual.bytes().cmp(wanted.bytes()),
        _ => return Answer::OtherType,
    };
    met(admitted.contains(&order))
}

fn decimal(number: &Json) -> Decimal {
    Decimal::parse(&number.to_canonical()).unwrap()
}

/// Values are the same when their RFC 8785 texts are.
fn same(a: &Json, b: &Json) -> bool {
    a.to_canonical() == b.to_canonical()
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// An address as its bits; IPv4 inside IPv6 is IPv4.
fn address(text: &str) -> Option<Vec<bool>> {
    let bytes = match text.parse().ok()? {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.octets().to_vec(),
            None => address.octets().to_vec(),
        },
    };
    Some(bits(&bytes))
}

fn bits(bytes: &[u8]) -> Vec<bool> {
    bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect()
}

/// The first bits of the address are those of the network. A network is spelled
/// as its own family, and is IPv4 too if all of it lies inside IPv4.
fn is_in(address: &[bool], network: &str) -> bool {
    let (base, length) = match network.split_once('/') {
        Some((base, length)) => (base, Some(length.parse::<usize>().unwrap())),
        None => (network, None),
    };
    let (base, length) = match base.parse().unwrap() {
        IpAddr::V4(base) => (bits(&base.octets()), length.unwrap_or(32)),
        IpAddr::V6(base) => (bits(&base.octets()), length.unwrap_or(128)),
    };
    let inside_v6 = bits(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
    let (base, length) = match base.strip_prefix(&inside_v6[..]) {
        Some(base) if base.len() == 32 && 96 <= length => (base.to_vec(), length - 96),
        _ => (base, length),
    };
    address.len() == base.len() && address[..length] == base[..length]
}
