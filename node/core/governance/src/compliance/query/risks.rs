//! Assessments of risk that somebody made of a decision.

use std::collections::BTreeSet;

use ::ledger::EntryType;
use types::Json;

use super::CUT;
use crate::compliance::answer::Answer;
use crate::compliance::facts::{Facts, PERIOD_DAYS, Span, Telling, Told, days};
use crate::outcome::Corruption;
use crate::store::Read;

/// Assessments that are looked at: there may be as many as decisions.
const LOOKED_AT: u64 = 2_000;

/// Those that no later one takes the place of.
struct Latest {
    told: Told,
    superseded: BTreeSet<String>,
}

impl Latest {
    fn load(facts: &Facts<'_, impl Read>) -> Result<Self, Corruption> {
        let told = facts.newest(EntryType::RiskAssessed, &facts.whole(), LOOKED_AT)?;
        let superseded = told.entries.iter().filter_map(|telling| telling.text("supersedes"));
        let superseded = superseded.map(str::to_owned).collect();
        Ok(Self { told, superseded })
    }

    fn each(&self) -> impl Iterator<Item = &Telling> {
        self.told.entries.iter().filter(|telling| {
            telling.text("risk_id").is_none_or(|id| !self.superseded.contains(id))
        })
    }

    /// How many are so, of all.
    fn answer(&self, is_so: impl Fn(&Telling) -> bool) -> Answer {
        let span = Span::of(self.each().map(|telling| telling.id));
        let conforming = self.each().filter(|telling| is_so(telling)).count() as u64;
        Answer::all(span, conforming)
            .with("looked_at_max", LOOKED_AT)
            .open_if(self.told.is_cut, CUT)
    }
}

fn is_treated(telling: &Telling) -> bool {
    let mitigations = telling.data.get("mitigations").and_then(Json::as_array);
    mitigations.is_some_and(|mitigations| !mitigations.is_empty())
}

pub(super) fn register(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let latest = Latest::load(facts)?;
    let has_owner = |telling: &Telling| telling.text("by").is_some();
    Ok(latest
        .answer(|telling| has_owner(telling) && is_treated(telling))
        .with("requires", vec!["by", "mitigations"])
        .gap("that what is left of a risk was accepted is told by a later assessment alone"))
}

pub(super) fn review_age(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let latest = Latest::load(facts)?;
    let since = facts.now.0.saturating_sub(days(PERIOD_DAYS).0);
    Ok(latest.answer(|telling| since <= telling.at.0).with("age_days_max", PERIOD_DAYS))
}

pub(super) fn treatment_trace(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let latest = Latest::load(facts)?;
    Ok(latest
        .answer(|_| true)
        .open("mitigations are told in words: no entry leads from one to a control or a rule"))
}
