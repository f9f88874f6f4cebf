//! What an actor was allowed before and may not be allowed as well.
//!
//! The only part that asks for recorded decisions, and only when a conflict in
//! force is about the action. They are matched by the policy now in force.

use super::subject::{Subject, per_step};
use super::walk::{Held, Walk, from_source};
use super::{Findings, Hit, Stop};
use crate::compile::RuleId;
use crate::meter::Spent;
use crate::names::{Node, without_kind};
use crate::request::{Allowed, History, PAIRS_MAX};
use crate::words::Engine;

impl Walk<'_> {
    pub(super) fn weigh_conflicts<H: History>(
        &mut self,
        history: &H,
        action: &Subject,
        findings: &mut Findings,
    ) -> Result<(), Stop<H::Error>> {
        let touched = self.conflicts_of(action)?;
        if touched.is_empty() {
            return Ok(());
        }
        let mut in_force = Vec::new();
        for (rule, others) in touched {
            let holds = self.holds(rule, Held::Possibly)?;
            if holds && self.policy.is_effective(self.request.at) {
                in_force.push((rule, others));
            } else {
                findings.hits.push(Hit { rule, applies: false });
            }
        }
        if in_force.is_empty() {
            return Ok(());
        }
        let past = history.allowed(self.request.actor, PAIRS_MAX).map_err(Stop::History)?;
        let Some(past) = past.filter(|past| past.len() <= PAIRS_MAX) else {
            let hits = in_force.iter().map(|(rule, _)| Hit { rule: *rule, applies: true });
            findings.hits.extend(hits);
            findings.is_conflicting = true;
            return Ok(());
        };
        self.compare_with(&past, &in_force, findings)?;
        Ok(())
    }

    /// The conflicts this action is one side of, with the other side or sides.
    fn conflicts_of(&mut self, action: &Subject) -> Result<Vec<(RuleId, Vec<Node>)>, Spent> {
        let mut touched: Vec<(RuleId, Vec<Node>)> = Vec::new();
        if self.policy.conflicts.is_empty() {
            return Ok(touched);
        }
        for node in action.wide() {
            for pair in from_source(&self.policy.conflicts, *node) {
                self.meter.spend(1)?;
                touched.push((pair.rule, vec![pair.target]));
            }
        }
        touched.sort_unstable();
        touched.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                kept.1.append(&mut later.1);
            }
            is_same
        });
        Ok(touched)
    }

    fn compare_with(
        &mut self,
        past: &[Allowed],
        in_force: &[(RuleId, Vec<Node>)],
        findings: &mut Findings,
    ) -> Result<(), Spent> {
        let mut applies = vec![false; in_force.len()];
        for allowed in past {
            self.meter.spend(1)?;
            if !self.is_same_resource(allowed.resource.as_deref())? {
                continue;
            }
            let action = Subject::find(&allowed.action, self)?;
            let mut is_conflicting = false;
            for (applies, (_, others)) in applies.iter_mut().zip(in_force) {
                self.meter.spend(1)?;
                if others.iter().any(|other| action.may_be(*other)) {
                    *applies = true;
                    is_conflicting = true;
                }
            }
            findings.conflicting.extend(is_conflicting.then_some(allowed.decision));
        }
        findings.is_conflicting = !findings.conflicting.is_empty();
        findings.conflicting.sort_unstable();
        findings.conflicting.dedup();
        let hits = applies.into_iter().zip(in_force);
        findings.hits.extend(hits.map(|(applies, (rule, _))| Hit { rule: *rule, applies }));
        Ok(())
    }

    /// Where one side names no resource, any is meant. Two spellings of one
    /// term are one resource; a pattern over both is not.
    fn is_same_resource(&mut self, past: Option<&str>) -> Result<bool, Spent> {
        let (Some(past), Some(asked)) = (past, self.request.resource) else {
            return Ok(true);
        };
        let bare = |id| without_kind(id).unwrap_or(id);
        if bare(past) == bare(asked) {
            return Ok(true);
        }
        let mut terms = [Vec::new(), Vec::new()];
        for (word, terms) in [past, asked].into_iter().zip(&mut terms) {
            for spelling in [Some(word), without_kind(word)].into_iter().flatten() {
                self.meter.spend(1)?;
                self.policy.names.find_exact(spelling, terms);
            }
        }
        let [mut past, asked] = terms;
        if Engine::V2 <= self.request.engine {
            self.meter.spend(per_step(&past))?;
            self.meter.spend(per_step(&asked))?;
        }
        past.sort_unstable();
        Ok(asked.iter().any(|term| past.binary_search(term).is_ok()))
    }
}
