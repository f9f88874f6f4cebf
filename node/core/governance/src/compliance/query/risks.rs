//! Assessments of risk that somebody made of a decision.

use std::collections::BTreeSet;

use ::ledger::EntryType;
use types::{DecisionId, Json, RiskId};

use super::CUT;
use crate::compliance::answer::Answer;
use crate::compliance::facts::{Facts, PERIOD_DAYS, Telling, Told, days};
use crate::outcome::Corruption;
use crate::record::RiskRecord;
use crate::store::{Read, Table};
use crate::{keys, tables};

/// Assessments that are looked at: there may be as many as decisions.
const LOOKED_AT: u64 = 2_000;

/// Those that no later one takes the place of.
struct Latest {
    told: Told,
}

impl Latest {
    fn load(facts: &Facts<'_, impl Read>) -> Result<Self, Corruption> {
        let mut told = facts.newest(EntryType::RiskAssessed, &facts.whole(), LOOKED_AT)?;
        let superseded = told.entries.iter().filter_map(|telling| telling.text("supersedes"));
        let superseded: BTreeSet<String> = superseded.map(str::to_owned).collect();
        told.entries
            .retain(|telling| telling.text("risk_id").is_none_or(|id| !superseded.contains(id)));
        // Of a later one that is erased the record tells still that it was there.
        if 0 < told.erased {
            let mut latest = Vec::new();
            for telling in told.entries {
                if !is_followed(facts, &telling)? {
                    latest.push(telling);
                }
            }
            told.entries = latest;
        }
        Ok(Self { told })
    }

    /// How many are so, of all. One that is erased may have been the latest of its
    /// decision, and then nobody can say any more how it was.
    fn answer(&self, is_so: impl Fn(&Telling) -> bool) -> Answer {
        let conforming = self.told.entries.iter().filter(|telling| is_so(telling)).count() as u64;
        Answer::all(self.told.span(), conforming)
            .with("erased", self.told.erased)
            .with("looked_at_max", LOOKED_AT)
            .open_if(0 < self.told.erased, "what some of the assessments said is erased")
            .open_if(self.told.is_cut, CUT)
    }
}

/// Whether there is a later version for the same decision, up to the entry.
fn is_followed(facts: &Facts<'_, impl Read>, telling: &Telling) -> Result<bool, Corruption> {
    let decision = telling.text("decision_id").and_then(|id| id.parse::<DecisionId>().ok());
    let version = telling.data.get("version").and_then(Json::as_u64);
    let Some((decision, version)) = decision.zip(version) else { return Ok(false) };
    let row = keys::under(decision.0, version.saturating_add(1));
    let next: Option<RiskId> = tables::record(facts.read, Table::RiskByDecision, &row)?;
    let Some(next) = next else { return Ok(false) };
    let record: Option<RiskRecord> = tables::record(facts.read, Table::Risk, &next.0.key())?;
    Ok(record.is_some_and(|record| record.entry_id <= facts.as_of))
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
