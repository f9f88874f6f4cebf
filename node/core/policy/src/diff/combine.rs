//! Every combination of choices, the plain ones first.

use std::ops::ControlFlow;

/// Shows each combination of one choice out of each count, those that differ in
/// few places from the first choices before those that differ in many: a cut
/// then takes away what is far-fetched.
pub(super) fn combine(
    counts: &[usize],
    show: &mut dyn FnMut(&[usize]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut chosen = vec![0; counts.len()];
    let open = counts.iter().filter(|count| 1 < **count).count();
    for changed in 0..=open {
        choose(counts, &mut chosen, 0, changed, show)?;
    }
    ControlFlow::Continue(())
}

/// Goes through the combinations that change so many places from `from` on.
fn choose(
    counts: &[usize],
    chosen: &mut [usize],
    from: usize,
    changed: usize,
    show: &mut dyn FnMut(&[usize]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(left) = changed.checked_sub(1) else {
        return show(chosen);
    };
    let rest = counts.iter().enumerate().skip(from);
    for (at, count) in rest.filter(|(_, count)| 1 < **count) {
        for choice in 1..*count {
            set(chosen, at, choice);
            choose(counts, chosen, at.saturating_add(1), left, show)?;
        }
        set(chosen, at, 0);
    }
    ControlFlow::Continue(())
}

fn set(chosen: &mut [usize], at: usize, choice: usize) {
    if let Some(place) = chosen.get_mut(at) {
        *place = choice;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(counts: &[usize], shown_max: usize, expect: &str) {
        let mut shown = Vec::new();
        let _ = combine(counts, &mut |chosen| {
            shown.push(chosen.iter().map(usize::to_string).collect::<String>());
            if shown.len() < shown_max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert_eq!(shown.join(" "), expect);
    }

    #[test]
    fn every_combination_is_shown_once_the_plain_ones_first() {
        check(&[2, 1, 3], 99, "000 100 001 002 101 102");
        check(&[2, 2, 2], 99, "000 100 010 001 110 101 011 111");
        check(&[], 99, "");
        check(&[1], 99, "0");
    }

    #[test]
    fn it_ends_when_it_is_told_to() {
        check(&[2, 1, 3], 4, "000 100 001 002");
    }
}
