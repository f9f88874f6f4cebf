//! How many decisions are about the actors of a system.

use types::EntryId;

use crate::keys;
use crate::outcome::Corruption;
use crate::store::{Direction, Read, Scan, Table};

/// How many decisions up to an entry are about actors that these patterns name,
/// counted up to `count_max`, and whether that is all of them.
///
/// Decisions of one actor are in the order of their entries, and so those of each
/// end at the entry: what is recorded later neither counts nor uses up the most
/// that is counted. An actor that began later costs one look.
///
/// # Errors
/// [`Corruption`] when they cannot be read.
pub fn decisions_of(
    read: &impl Read,
    patterns: &[String],
    as_of: EntryId,
    count_max: u64,
) -> Result<(u64, bool), Corruption> {
    let mut count = 0_u64;
    for (mut from, to) in spans(patterns) {
        while let Some(actor) = first_actor(read, &from, to.as_deref())? {
            let left = count_max.saturating_sub(count);
            count = count.saturating_add(up_to(read, &actor, as_of, left)?);
            if count_max < count {
                return Ok((count_max, false));
            }
            from = past(actor);
        }
    }
    Ok((count, true))
}

/// The key of the first actor of a span, without a number.
fn first_actor(
    read: &impl Read,
    from: &[u8],
    to: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, Corruption> {
    if to.is_some_and(|to| to <= from) {
        return Ok(None);
    }
    let rows = read.scan(Scan {
        table: Table::DecisionByActor,
        from,
        to,
        direction: Direction::Ascending,
        rows_max: 1,
    })?;
    let Some((key, _)) = rows.first() else { return Ok(None) };
    let short = || Corruption::new("decision_by_actor", "key too short");
    let (actor, _) = key.split_last_chunk::<8>().ok_or_else(short)?;
    Ok(Some(actor.to_vec()))
}

/// How many decisions an actor has up to an entry, counted up to one more than
/// `count_max`.
fn up_to(
    read: &impl Read,
    actor: &[u8],
    as_of: EntryId,
    count_max: u64,
) -> Result<u64, Corruption> {
    let end = [actor, as_of.0.saturating_add(1).to_be_bytes().as_slice()].concat();
    let scan = Scan {
        table: Table::DecisionByActor,
        from: actor,
        to: Some(&end),
        direction: Direction::Ascending,
        rows_max: usize::try_from(count_max).unwrap_or(usize::MAX).saturating_add(1),
    };
    let mut count = 0_u64;
    read.visit(scan, &mut |_, _| count = count.saturating_add(1))?;
    Ok(count)
}

/// The end of the keys of an actor: its own ends in a zero byte.
fn past(mut actor: Vec<u8>) -> Vec<u8> {
    if let Some(last) = actor.last_mut() {
        *last = 1;
    }
    actor
}

/// Keys of an index by actor that patterns cover, none twice.
fn spans(patterns: &[String]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut spans: Vec<(Vec<u8>, Option<Vec<u8>>)> = patterns
        .iter()
        .flat_map(|pattern| policy::answered_by(pattern))
        .map(|form| match form {
            policy::Answered::Everything => (Vec::new(), None),
            policy::Answered::Past(prefix) => {
                // A name that is the prefix itself ends in the zero byte here.
                let from = [prefix.as_bytes(), &[1]].concat();
                let mut to = prefix.as_bytes().to_vec();
                if let Some(last) = to.last_mut() {
                    *last = last.saturating_add(1);
                }
                (from, Some(to))
            }
            policy::Answered::Exactly(name) => {
                (keys::texts(&[name]), Some(keys::after_texts(&[name])))
            }
        })
        .collect();
    spans.sort_unstable();
    let mut apart: Vec<(Vec<u8>, Option<Vec<u8>>)> = Vec::new();
    for (from, to) in spans {
        match apart.last_mut() {
            Some((_, None)) => (),
            Some((_, Some(end))) if from < *end => match to {
                Some(to) if to <= *end => (),
                to => {
                    if let Some((_, last)) = apart.last_mut() {
                        *last = to;
                    }
                }
            },
            Some(_) | None => apart.push((from, to)),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &[&str], actor: &str, expect: usize) {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let key = keys::text_and_number(actor, 7);
        let spans = spans(&patterns);
        let inside = spans
            .iter()
            .filter(|(from, to)| *from <= key && to.as_ref().is_none_or(|to| key < *to));
        assert_eq!(inside.count(), expect, "{patterns:?} {actor}");
    }

    #[test]
    fn the_spans_of_patterns_have_each_actor_they_name_once() {
        for actor in ["ai:a", "ai:a:b", "actor:ai:a"] {
            check(&["actor:ai:*"], actor, 1);
            check(&["ai:*", "actor:ai:*", "ai:a", "*"], actor, 1);
        }
        check(&["ai:a", "ai:b", "ai:*"], "ai:a", 1);
        check(&["ai:a"], "ai:a", 1);
        for actor in ["ai", "ai:", "aix:a", "aj"] {
            check(&["ai:*"], actor, 0);
        }
        for actor in ["ai:ab", "ai:a:b", "ai"] {
            check(&["ai:a"], actor, 0);
        }
        check(&[], "ai:a", 0);
    }
}
