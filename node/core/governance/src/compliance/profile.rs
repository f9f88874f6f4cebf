//! What the organisation says it is, as the last profile up to an entry has it.

use ledger::EntryType;
use register::{RiskRoute, Role};
use types::EntryId;

use super::facts::{Facts, Telling};
use crate::outcome::Corruption;
use crate::store::Read;

/// A profile. What it does not name is not known, and then everything applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Where it is recorded.
    pub entry_id: EntryId,
    /// As what it acts.
    pub roles: Vec<Role>,
    /// Why, or that not, its systems are of high risk.
    pub risk_routes: Vec<RiskRoute>,
    /// The frameworks it means to answer for, by their ids on the wire.
    pub frameworks: Vec<String>,
}

impl Profile {
    fn of(telling: &Telling) -> Self {
        Self {
            entry_id: telling.id,
            roles: telling.texts("roles").filter_map(|word| word.parse().ok()).collect(),
            risk_routes: telling
                .texts("risk_routes")
                .filter_map(|word| word.parse().ok())
                .collect(),
            frameworks: telling.texts("frameworks").map(str::to_owned).collect(),
        }
    }

    /// Whether it answers for a framework.
    pub fn has(&self, framework: &str) -> bool {
        self.frameworks.is_empty() || self.frameworks.iter().any(|known| known == framework)
    }
}

/// The last profile; `None` where there is none, or it is erased.
pub(super) fn profile(facts: &Facts<'_, impl Read>) -> Result<Option<Profile>, Corruption> {
    let last = facts.newest(EntryType::ProfileUpdated, &facts.whole(), 1)?;
    Ok(last.entries.last().map(Profile::of))
}
