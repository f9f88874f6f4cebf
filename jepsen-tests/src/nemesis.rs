//! What is done to a cluster, drawn from a seed that every run prints, so that
//! a run that failed can be asked for again.

use crate::cluster::Cluster;
use crate::failure::Failure;

/// A fault by `kill -9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// Whoever leads now.
    Leader,
    /// Somebody else.
    Follower,
    /// Every node at once.
    All,
}

impl Kill {
    /// Each of them, in an order drawn from the dice.
    pub fn all_in_any_order(dice: &mut Dice) -> [Self; 3] {
        let mut order = [Self::Leader, Self::Follower, Self::All];
        for at in (1..order.len()).rev() {
            order.swap(at, dice.below(at + 1));
        }
        order
    }

    /// Carries it out. Gives the places of the nodes that are now dead.
    ///
    /// # Errors
    /// [`Failure`] if nobody leads.
    pub async fn strike(
        self,
        cluster: &mut Cluster,
        dice: &mut Dice,
    ) -> Result<Vec<usize>, Failure> {
        let places = match self {
            Self::Leader => vec![cluster.leader().await?],
            Self::Follower => {
                let leader = cluster.leader().await?;
                let mut others = cluster.running();
                others.retain(|at| *at != leader);
                vec![others[dice.below(others.len())]]
            }
            Self::All => cluster.running(),
        };
        cluster.kill(&places);
        Ok(places)
    }
}

/// A small generator of numbers (splitmix64): the same seed, the same run.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of `JEPSEN_SEED`, else of the time, and the seed itself.
    pub fn from_environment() -> (Self, u64) {
        let given = std::env::var("JEPSEN_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
            u64::from(since.subsec_nanos()) ^ since.as_secs() << 30
        });
        (Self::new(seed), seed)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^= drawn >> 31;
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(drawn % bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_run_and_another_seed_another() {
        let draws = |seed| {
            let mut dice = Dice::new(seed);
            (0..20).map(|_| dice.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
        assert!(draws(7).iter().all(|drawn| *drawn < 1_000));
    }
}
