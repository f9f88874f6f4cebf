//! Sums over interventions, so that any span of time is counted without looking
//! at each.
//!
//! A binary indexed tree over their numbers (`type_seq`, from 1): row `n` has
//! the sum of the `n & -n` interventions that end with the `n`-th. One more, a
//! sum up to one, and taking one out again cost the logarithm of how many there
//! are. Sums that only grow would be simpler, but two neighbors would tell what
//! an erased intervention had said.

use std::array;

use crate::outcome::Corruption;
use crate::record::Tally;
use crate::store::{Read, Store, Table};
use crate::tables::{self, Tables};

impl Tally {
    fn combined(self, other: Self, with: impl Fn(u128, u128) -> u128) -> Self {
        let small =
            |a: u64, b: u64| u64::try_from(with(u128::from(a), u128::from(b))).unwrap_or(u64::MAX);
        let all = |a: [u64; 6], b: [u64; 6]| {
            let mut pairs = a.into_iter().zip(b);
            array::from_fn(|_| pairs.next().map_or(0, |(a, b)| small(a, b)))
        };
        Self {
            by_type: all(self.by_type, other.by_type),
            by_role: all(self.by_role, other.by_role),
            overrides: small(self.overrides, other.overrides),
            approvals: small(self.approvals, other.approvals),
            unauthenticated: small(self.unauthenticated, other.unauthenticated),
            timed: small(self.timed, other.timed),
            time_total_ms: with(self.time_total_ms, other.time_total_ms),
        }
    }

    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        self.combined(other, u128::saturating_add)
    }

    /// This one less a part of it.
    pub(crate) fn less(self, part: Self) -> Self {
        self.combined(part, u128::saturating_sub)
    }
}

/// How many interventions row `number` is the sum of.
fn width(number: u64) -> u64 {
    number & number.wrapping_neg()
}

fn row(read: &impl Read, number: u64) -> Result<Tally, Corruption> {
    let row = tables::record(read, Table::InterventionTally, &number.to_be_bytes())?;
    row.ok_or_else(|| Corruption::new("intervention_tally", format!("row {number} is missing")))
}

/// Counts the `number`-th intervention, which is the last.
pub(crate) fn append<S: Store>(
    tables: &mut Tables<'_, S>,
    number: u64,
    one: Tally,
) -> Result<(), Corruption> {
    let begin = number.saturating_sub(width(number));
    let (mut sum, mut below) = (one, number.saturating_sub(1));
    while begin < below {
        sum = sum.plus(row(tables.read(), below)?);
        below = below.saturating_sub(width(below));
    }
    tables.put_record(Table::InterventionTally, &number.to_be_bytes(), &sum)
}

/// Takes part of what the `number`-th of `last` interventions counted out again.
pub(crate) fn remove<S: Store>(
    tables: &mut Tables<'_, S>,
    number: u64,
    last: u64,
    part: Tally,
) -> Result<(), Corruption> {
    let mut at = number;
    while 0 < at && at <= last {
        let left = row(tables.read(), at)?.less(part);
        tables.put_record(Table::InterventionTally, &at.to_be_bytes(), &left)?;
        at = at.saturating_add(width(at));
    }
    Ok(())
}

/// The sum of the first so many interventions.
pub(crate) fn first(read: &impl Read, count: u64) -> Result<Tally, Corruption> {
    let (mut sum, mut at) = (Tally::default(), count);
    while 0 < at {
        sum = sum.plus(row(read, at)?);
        at = at.saturating_sub(width(at));
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemStore;
    use types::Digest;

    #[test]
    fn every_sum_is_that_of_what_is_left() {
        let mut store = MemStore::default();
        let mut tables = Tables::new(&mut store, Digest::default());
        let one = |n: u64| Tally {
            overrides: n,
            by_role: [0, 0, 0, 0, 0, n],
            time_total_ms: u128::from(u64::MAX),
            ..Tally::default()
        };
        for n in 1..=40 {
            append(&mut tables, n, one(n)).unwrap();
        }
        for gone in [1, 17, 32, 40] {
            remove(&mut tables, gone, 40, one(gone)).unwrap();
        }
        let left = |n: &u64| ![1, 17, 32, 40].contains(n);
        for count in 0..=40 {
            let expect = (1..=count).filter(left).map(one).fold(Tally::default(), Tally::plus);
            assert_eq!(first(tables.read(), count).unwrap(), expect, "{count}");
        }
        append(&mut tables, 41, one(41)).unwrap();
        let last = first(tables.read(), 41).unwrap().less(first(tables.read(), 40).unwrap());
        assert_eq!(last, one(41));
    }
}
