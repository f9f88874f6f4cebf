//! Whether a change is safe, from what the leader knows. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, ChangeError, Plan};
use crate::kinds::Member;
use types::RaftId;

/// The cluster as the leader sees it.
#[derive(Clone, Debug)]
pub(crate) struct Situation {
    pub(crate) leader: u64,
    /// One set, or two in a joint configuration.
    pub(crate) voters: Vec<BTreeSet<u64>>,
    pub(crate) members: BTreeMap<u64, Member>,
    /// Who answered lately, the leader included.
    pub(crate) reachable: BTreeSet<u64>,
    /// Entries each lacks, of those known.
    pub(crate) lag: BTreeMap<u64, u64>,
    pub(crate) promotion_lag_max: u64,
    /// Who was a member and was taken out.
    pub(crate) left: BTreeSet<u64>,
}

/// What is to be done about a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is so already.
    Nothing,
    AddLearner(u64, Member),
    Promote(u64),
    Demote(u64),
    RemoveVoter(u64),
    RemoveLearner(u64),
    /// Let this one lead; then the change is made, if it is more than that.
    HandOver(u64),
}

impl Situation {
    /// The next step towards a change, or why there is none.
    pub(crate) fn step(&self, change: &Change) -> Result<Step, ChangeError> {
        match change {
            Change::AddLearner { raft_id, member } => self.add(raft_id.0, member),
            Change::Promote(id) => self.promote(id.0),
            Change::Demote(id) => self.demote(id.0),
            Change::Remove(id) => self.remove(id.0),
            Change::Transfer(to) => self.transfer(to.map(|id| id.0)),
        }
    }

    pub(crate) fn plan(&self, change: &Change) -> Plan {
        let before: BTreeSet<u64> = self.voters.iter().flatten().copied().collect();
        let mut after = before.clone();
        match change {
            Change::Promote(id) => drop(after.insert(id.0)),
            Change::Demote(id) | Change::Remove(id) => drop(after.remove(&id.0)),
            Change::AddLearner { .. } | Change::Transfer(_) => {}
        }
        let judged = self.step(change);
        Plan {
            allowed: judged.is_ok(),
            reasons: judged.err().iter().map(ToString::to_string).collect(),
            voters_before: before.into_iter().map(RaftId).collect(),
            voters_after: after.into_iter().map(RaftId).collect(),
            unreachable: self.unreachable().map(RaftId).collect(),
        }
    }

    fn add(&self, id: u64, member: &Member) -> Result<Step, ChangeError> {
        match self.members.get(&id) {
            Some(known) if known == member => Ok(Step::Nothing),
            Some(known) => Err(not_safe(format!("id `{id}` belongs to `{}`", known.name))),
            None if self.left.contains(&id) => {
                Err(not_safe(format!("id `{id}` is of a node that was taken out")))
            }
            None => Ok(Step::AddLearner(id, member.clone())),
        }
    }

    fn promote(&self, id: u64) -> Result<Step, ChangeError> {
        self.expect_member(id)?;
        if self.is_voter(id) {
            return Ok(Step::Nothing);
        }
        if !self.reachable.contains(&id) {
            return Err(not_safe(format!("node `{id}` does not answer")));
        }
        match self.lag.get(&id) {
            Some(lag) if *lag <= self.promotion_lag_max => {}
            Some(lag) => return Err(ChangeError::NotCaughtUp { lag: *lag }),
            None => return Err(ChangeError::NotCaughtUp { lag: u64::MAX }),
        }
        let mut after = self.all_voters();
        after.insert(id);
        self.expect_quorum(&after)?;
        Ok(Step::Promote(id))
    }

    fn demote(&self, id: u64) -> Result<Step, ChangeError> {
        self.expect_member(id)?;
        if !self.is_voter(id) {
            return Ok(Step::Nothing);
        }
        self.without(id, Step::Demote(id))
    }

    fn remove(&self, id: u64) -> Result<Step, ChangeError> {
        if !self.members.contains_key(&id) {
            return Ok(Step::Nothing);
        }
        if !self.is_voter(id) {
            return Ok(Step::RemoveLearner(id));
        }
        self.without(id, Step::RemoveVoter(id))
    }

    /// Taking a vote: never the last, never one the quorum depends on. A leader
    /// hands over first.
    fn without(&self, id: u64, step: Step) -> Result<Step, ChangeError> {
        let mut after = self.all_voters();
        after.remove(&id);
        if after.is_empty() {
            return Err(not_safe(format!("node `{id}` is the only voter")));
        }
        self.expect_quorum(&after)?;
        if id == self.leader {
            return self.transfer(None);
        }
        Ok(step)
    }

    fn transfer(&self, to: Option<u64>) -> Result<Step, ChangeError> {
        if let Some(to) = to {
            return self.transfer_to(to);
        }
        let voters = self.all_voters();
        let candidates = voters.iter().filter(|id| **id != self.leader);
        let nearest = candidates
            .filter(|id| self.reachable.contains(id))
            .min_by_key(|id| self.lag.get(id).copied().unwrap_or(u64::MAX));
        match nearest {
            Some(to) => Ok(Step::HandOver(*to)),
            None => Err(not_safe("no other voter answers".to_owned())),
        }
    }

    fn transfer_to(&self, to: u64) -> Result<Step, ChangeError> {
        if to == self.leader {
            return Ok(Step::Nothing);
        }
        if !self.is_voter(to) {
            return Err(not_safe(format!("node `{to}` is no voter")));
        }
        if !self.reachable.contains(&to) {
            return Err(not_safe(format!("node `{to}` does not answer")));
        }
        match self.lag.get(&to) {
            Some(lag) if *lag <= self.promotion_lag_max => Ok(Step::HandOver(to)),
            lag => Err(ChangeError::NotCaughtUp { lag: lag.copied().unwrap_or(u64::MAX) }),
        }
    }

    fn expect_member(&self, id: u64) -> Result<(), ChangeError> {
        if self.members.contains_key(&id) {
            return Ok(());
        }
        Err(not_safe(format!("node `{id}` is no member")))
    }

    /// A change of voters is committed by a majority of those before and one of
    /// those after; it is refused while either is not in reach.
    fn expect_quorum(&self, after: &BTreeSet<u64>) -> Result<(), ChangeError> {
        for (which, voters) in
            self.voters.iter().map(|set| ("present", set)).chain([("new", after)])
        {
            let reachable = voters.intersection(&self.reachable).count();
            let needed = voters.len() / 2 + 1;
            if reachable < needed {
                let of = voters.len();
                return Err(not_safe(format!(
                    "of the {of} {which} voters {reachable} answer, and {needed} are needed"
                )));
            }
        }
        Ok(())
    }

    fn unreachable(&self) -> impl Iterator<Item = u64> {
        self.members.keys().copied().filter(|id| !self.reachable.contains(id))
    }

    fn is_voter(&self, id: u64) -> bool {
        self.voters.iter().any(|voters| voters.contains(&id))
    }

    fn all_voters(&self) -> BTreeSet<u64> {
        self.voters.iter().flatten().copied().collect()
    }
}

fn not_safe(why: String) -> ChangeError {
    ChangeError::Unsafe(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: u64) -> Member {
        Member { name: format!("n{id}"), ..Member::default() }
    }

    /// Three voters led by 1, a learner 4.
    fn check(reachable: &[u64], change: Change, expect: Result<Step, &str>) {
        let situation = Situation {
            leader: 1,
            voters: vec![BTreeSet::from([1, 2, 3])],
            members: (1..=4).map(|id| (id, member(id))).collect(),
            reachable: reachable.iter().copied().collect(),
            lag: BTreeMap::from([(1, 0), (2, 5), (3, 0), (4, 2_000)]),
            promotion_lag_max: 1_000,
            left: BTreeSet::from([5]),
        };
        let got = situation.step(&change).map_err(|err| err.to_string());
        assert_eq!(got, expect.map_err(str::to_owned), "{change:?} with {reachable:?}");
        assert_eq!(situation.plan(&change).allowed, got.is_ok());
    }

    #[test]
    fn a_dead_voter_may_go_and_a_living_one_must_stay() {
        check(&[1, 2], Change::Remove(RaftId(3)), Ok(Step::RemoveVoter(3)));
        let why = "the change is not safe: of the 2 new voters 1 answer, and 2 are needed";
        check(&[1, 2], Change::Remove(RaftId(2)), Err(why));
        check(&[1, 2], Change::Demote(RaftId(2)), Err(why));
    }

    #[test]
    fn a_leader_hands_over_to_the_most_caught_up_before_it_goes() {
        check(&[1, 2, 3], Change::Remove(RaftId(1)), Ok(Step::HandOver(3)));
        check(&[1, 2, 3], Change::Demote(RaftId(1)), Ok(Step::HandOver(3)));
        check(&[1, 2, 3], Change::Transfer(None), Ok(Step::HandOver(3)));
        check(&[1], Change::Transfer(None), Err("the change is not safe: no other voter answers"));
    }

    #[test]
    fn a_learner_is_promoted_once_it_has_caught_up() {
        check(&[1, 2, 3, 4], Change::Promote(RaftId(4)), Err("the node lacks 2000 entries"));
        let why = "the change is not safe: node `4` does not answer";
        check(&[1, 2, 3], Change::Promote(RaftId(4)), Err(why));
    }

    #[test]
    fn an_id_that_was_taken_out_is_not_taken_in_again() {
        let add = |id| Change::AddLearner { raft_id: RaftId(id), member: member(id) };
        check(&[1, 2, 3], add(6), Ok(Step::AddLearner(6, member(6))));
        let why = "the change is not safe: id `5` is of a node that was taken out";
        check(&[1, 2, 3], add(5), Err(why));
    }

    #[test]
    fn what_is_so_already_is_no_change() {
        check(&[1, 2, 3], Change::Promote(RaftId(2)), Ok(Step::Nothing));
        check(&[1, 2, 3], Change::Remove(RaftId(9)), Ok(Step::Nothing));
        let again = Change::AddLearner { raft_id: RaftId(4), member: member(4) };
        check(&[1, 2, 3], again, Ok(Step::Nothing));
        let other = Change::AddLearner { raft_id: RaftId(4), member: member(5) };
        check(&[1, 2, 3], other, Err("the change is not safe: id `4` belongs to `n4`"));
    }
}
