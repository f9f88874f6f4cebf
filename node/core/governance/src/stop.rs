//! Emergency stops: what is denied whatever the policy says, until it is lifted.
//!
//! A stop names an actor, an action, both, or neither, which is everything.
//! Names are compared byte for byte as a policy compares the ids of its terms:
//! `ai:claims` is that actor, `ai:*` every one whose name has at least one more
//! segment after `ai:`. The kind in front (`actor:`, `action:`) is no part of a
//! name on either side, since a stop must not be dodged by another spelling. The
//! labels of a policy and its `implies` are not followed: a stop does not depend
//! on the policy, so that no change of it can undo one.
//!
//! Invariants
//! - [`Table::StopInForce`] has what is stopped now, and nothing else.
//! - A stop is lifted once.

use ledger::EntryType;
use types::{EntryId, Json, StopId, Ulid};

use crate::apply::{Context, Stop};
use crate::command::{LiftStop, StopScope};
use crate::idempotency;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::oversight;
use crate::record::StopRecord;
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::{codec, tables};

/// Stops that are in force at once. Each decision looks at all of them.
pub const IN_FORCE_MAX: usize = 1_000;

/// From this feature level on decisions heed stops.
pub(crate) const HEEDED: u32 = 3;

/// What is stopped now, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stops(Vec<(StopId, StopScope)>);

impl Stops {
    pub(crate) fn load(read: &impl Read) -> Result<Self, Corruption> {
        let rows = read.scan(Scan {
            table: Table::StopInForce,
            from: &[],
            to: None,
            direction: Direction::Ascending,
            rows_max: IN_FORCE_MAX,
        })?;
        let short = || Corruption::new("stop_in_force", "a key that is no id");
        let rows = rows.iter().map(|(key, value)| {
            let id = key.as_slice().try_into().map_err(|_| short())?;
            let id = StopId(Ulid(u128::from_be_bytes(id)));
            Ok((id, codec::decode("stop_in_force", value)?))
        });
        rows.collect::<Result<_, _>>().map(Self)
    }

    /// The oldest that stops this.
    pub(crate) fn find(&self, actor: &str, action: &str) -> Option<StopId> {
        self.0.iter().find(|(_, scope)| stops(scope, actor, action)).map(|(id, _)| *id)
    }
}

/// The oldest stop in force that stops this actor from this action.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn in_force(read: &impl Read, actor: &str, action: &str) -> Result<Option<StopId>, Corruption> {
    Ok(Stops::load(read)?.find(actor, action))
}

/// The same where decisions heed stops; below that level there is none to heed.
pub(crate) fn heeded(
    read: &impl Read,
    level: u32,
    actor: &str,
    action: &str,
) -> Result<Option<StopId>, Corruption> {
    if level < HEEDED { Ok(None) } else { in_force(read, actor, action) }
}

fn stops(scope: &StopScope, actor: &str, action: &str) -> bool {
    is_covered(scope.actor.as_deref(), actor, "actor:")
        && is_covered(scope.action.as_deref(), action, "action:")
}

fn is_covered(pattern: Option<&str>, name: &str, kind: &str) -> bool {
    let bare = |text| str::strip_prefix(text, kind).filter(|rest| !rest.is_empty());
    let Some(pattern) = pattern.map(|pattern| bare(pattern).unwrap_or(pattern)) else {
        return true;
    };
    // A name that is written with its kind is meant without; one that only looks
    // so (`action:` may begin a name of its own) is compared as it is too.
    [Some(name), bare(name)].into_iter().flatten().any(|name| answers(pattern, name))
}

fn answers(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(prefix) if prefix.ends_with(':') => {
            prefix.len() < name.len() && name.starts_with(prefix)
        }
        Some(_) | None => pattern == name,
    }
}

/// Whether a pattern can be one: `*` stands alone or after a colon, at the end.
pub fn is_pattern(text: &str) -> bool {
    match text.split_once('*') {
        None => true,
        Some((before, "")) => before.is_empty() || before.ends_with(':'),
        Some(_) => false,
    }
}

/// Whether another stop may be set.
pub(crate) fn check_room<S: Store>(context: &mut Context<'_, S>) -> Result<(), Stop> {
    let level = context.cache.feature_level(context.tables.read())?;
    if level < HEEDED {
        return Err(Rejection::FeatureLevelTooLow { level, needed: HEEDED }.into());
    }
    if IN_FORCE_MAX <= context.cache.stops(context.tables.read())?.0.len() {
        let there = IN_FORCE_MAX as u64;
        return Err(Rejection::TooMany { things: "stops in force", there }.into());
    }
    Ok(())
}

/// Stops what the scope says from the next command on.
pub(crate) fn set<S: Store>(
    context: &mut Context<'_, S>,
    id: StopId,
    entry_id: EntryId,
    scope: &StopScope,
) -> Result<(), Corruption> {
    let key = id.0.key();
    context.tables.put_record(Table::Stop, &key, &StopRecord { entry_id, lifted: None })?;
    context.tables.put_record(Table::StopInForce, &key, scope)?;
    context.cache.forget_stops();
    Ok(())
}

pub(crate) fn lift<S: Store>(
    context: &mut Context<'_, S>,
    lift: &LiftStop,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    oversight::human(context)?.role.ok_or(Rejection::NotAuthorised)?;
    let key = lift.stop.0.key();
    let known: Option<StopRecord> = context.tables.record(Table::Stop, &key)?;
    let known = known.ok_or(Rejection::UnknownStop { stop: lift.stop })?;
    if known.lifted.is_some() {
        return Err(Rejection::AlreadyLifted { stop: lift.stop }.into());
    }
    let mut data = context.asked();
    data.insert("reason", lift.reason.as_str());
    data.insert("stop_id", lift.stop.to_string());
    let recorded = context.record(EntryType::EmergencyStopLifted, data)?;
    let lifted = Some(recorded.entry_id);
    context.tables.put_record(Table::Stop, &key, &StopRecord { lifted, ..known })?;
    context.tables.delete(Table::StopInForce, &key);
    context.cache.forget_stops();
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// A stop.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn stop(read: &impl Read, id: StopId) -> Result<Option<StopRecord>, Corruption> {
    tables::record(read, Table::Stop, &id.0.key())
}

pub(crate) fn to_json(scope: &StopScope) -> Json {
    Json::object([
        ("action", scope.action.as_deref().into()),
        ("actor", scope.actor.as_deref().into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(actor: &str, action: &str, asked: (&str, &str), expect: bool) {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let scope = StopScope { actor: given(actor), action: given(action) };
        assert_eq!(stops(&scope, asked.0, asked.1), expect, "{scope:?} {asked:?}");
    }

    #[test]
    fn a_stop_without_scope_stops_everything() {
        check("", "", ("ai:a", "read"), true);
        check("*", "*", ("ai:a", "read"), true);
    }

    #[test]
    fn names_are_exact_and_patterns_go_on_past_their_colon() {
        for (pattern, name, expect) in [
            ("ai:a", "ai:a", true),
            ("ai:a", "ai:ab", false),
            ("ai:a", "ai:A", false),
            ("ai:a", "ai:a:b", false),
            ("ai:*", "ai:a", true),
            ("ai:*", "ai:a:b", true),
            ("ai:*", "ai:", false),
            ("ai:*", "ai", false),
            ("ai:*", "aix:a", false),
            ("a*", "ab", false),
        ] {
            check(pattern, "", (name, "read"), expect);
            check("", pattern, ("x", name), expect);
        }
    }

    #[test]
    fn the_kind_in_front_is_no_way_around() {
        check("actor:ai:a", "", ("ai:a", "read"), true);
        check("ai:a", "", ("actor:ai:a", "read"), true);
        check("actor:ai:*", "action:read", ("ai:a", "read"), true);
        check("", "read", ("ai:a", "action:read"), true);
        check("actor:*", "", ("ai:a", "read"), true);
        check("action:read", "", ("read", "read"), false);
    }

    #[test]
    fn both_must_match() {
        check("ai:a", "pay", ("ai:a", "read"), false);
        check("ai:a", "pay", ("ai:b", "pay"), false);
        check("ai:a", "pay", ("ai:a", "pay"), true);
    }

    #[test]
    fn a_star_stands_alone_or_after_a_colon() {
        for text in ["*", "ai:*", "ai:a", ""] {
            assert!(is_pattern(text), "{text}");
        }
        for text in ["ai*", "ai:*:b", "**", "*a", "ai:**"] {
            assert!(!is_pattern(text), "{text}");
        }
    }
}
