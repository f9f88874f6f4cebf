//! The cost of an evaluation in steps, so that no policy and no request can
//! hold up the log; and whether it looked into the context, which may be gone
//! when it is repeated. A step is a look-up, a relation, a condition, or a small
//! piece of text or list; the count is the same on every node.

/// Counts steps up to a bound.
#[derive(Debug)]
pub(crate) struct Meter {
    steps: u32,
    steps_max: u32,
    asked_context: bool,
}

/// The bound is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent;

impl Meter {
    pub(crate) fn new(steps_max: u32) -> Self {
        Self { steps: 0, steps_max, asked_context: false }
    }

    pub(crate) fn spend(&mut self, steps: u32) -> Result<(), Spent> {
        let sum = self.steps.saturating_add(steps);
        self.steps = sum.min(self.steps_max);
        if self.steps_max < sum { Err(Spent) } else { Ok(()) }
    }

    /// Whether nothing more can be spent.
    pub(crate) fn is_spent(&self) -> bool {
        self.steps == self.steps_max
    }

    pub(crate) fn steps(&self) -> u32 {
        self.steps
    }

    pub(crate) fn note_context(&mut self) {
        self.asked_context = true;
    }

    pub(crate) fn asked_context(&self) -> bool {
        self.asked_context
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_itself_may_be_reached_and_no_more() {
        let mut meter = Meter::new(2);
        assert_eq!(meter.spend(2), Ok(()));
        assert_eq!(meter.spend(1), Err(Spent));
        assert_eq!(meter.steps(), 2);
    }
}
