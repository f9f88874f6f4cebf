//! A set of ids in ascending intervals: what was erased lies close together, so
//! a set of millions stays small.

use std::collections::BTreeMap;

/// See the module.
///
/// INVARIANT: from first to last id of each interval; intervals neither overlap
/// nor touch where ids were added in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Intervals(BTreeMap<u64, u64>);

impl Intervals {
    /// Adds an id above all others.
    pub(crate) fn push(&mut self, id: u64) {
        self.append(id, id);
    }

    /// Adds the ids of another set, all above those of this one.
    pub(crate) fn join(&mut self, next: Self) {
        for (first, last) in next.0 {
            self.append(first, last);
        }
    }

    fn append(&mut self, first: u64, last: u64) {
        if let Some(mut entry) = self.0.last_entry()
            && entry.get().checked_add(1) == Some(first)
        {
            *entry.get_mut() = last;
            return;
        }
        self.0.insert(first, last);
    }

    /// Takes out every id from `first` to `last`.
    pub(crate) fn remove(&mut self, first: u64, last: u64) {
        while let Some((from, to)) = self.meeting(first, last) {
            self.0.remove(&from);
            if let Some(below) = first.checked_sub(1).filter(|below| from <= *below) {
                self.0.insert(from, below);
            }
            if let Some(above) = last.checked_add(1).filter(|above| *above <= to) {
                self.0.insert(above, to);
            }
        }
    }

    /// Whether any id from `first` to `last` is in the set.
    pub(crate) fn meets(&self, first: u64, last: u64) -> bool {
        self.meeting(first, last).is_some()
    }

    /// The last interval that has an id from `first` to `last`.
    fn meeting(&self, first: u64, last: u64) -> Option<(u64, u64)> {
        let (from, to) = self.0.range(..=last).next_back()?;
        (first <= *to).then_some((*from, *to))
    }

    /// The least id.
    pub(crate) fn first(&self) -> Option<u64> {
        self.0.first_key_value().map(|(first, _)| *first)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test may overflow, and then fails")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn of(ids: impl IntoIterator<Item = u64>) -> Intervals {
        let mut intervals = Intervals::default();
        ids.into_iter().for_each(|id| intervals.push(id));
        intervals
    }

    #[test]
    fn neighbors_become_one_interval() {
        assert_eq!(of([1, 2, 3, 5]).0, BTreeMap::from([(1, 3), (5, 5)]));
    }

    #[test]
    fn the_ends_of_counting_are_ids_like_others() {
        let mut intervals = of([0, u64::MAX]);
        intervals.remove(0, u64::MAX);
        assert_eq!(intervals, Intervals::default());
    }

    proptest! {
        #[test]
        fn intervals_are_a_set(
            ids in prop::collection::btree_set(0..60_u64, 0..60),
            cuts in prop::collection::vec((0..60_u64, 0..9_u64), 0..6),
        ) {
            let (mut intervals, mut set) = (of(ids.iter().copied()), ids);
            for (first, more) in cuts {
                let range = first..=first + more;
                prop_assert_eq!(
                    intervals.meets(first, first + more),
                    set.range(range.clone()).next().is_some()
                );
                intervals.remove(first, first + more);
                set.retain(|id| !range.contains(id));
                let left: BTreeSet<u64> =
                    intervals.0.iter().flat_map(|(from, to)| *from..=*to).collect();
                prop_assert_eq!(&left, &set);
                prop_assert_eq!(intervals.first(), set.first().copied());
            }
        }
    }
}
