//! In which class an entry is, by which it is kept longer or shorter.
//!
//! Invariants
//! - The class is fixed by what the entry says and by the policy in force at it,
//!   and counted by the command that records it (feature level 5 on).

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::{EntryType, StoredEntry};
use types::{Json, Object};

use crate::cache::{self, ActivePolicy, Cache};
use crate::compliance::counted;
use crate::outcome::Corruption;
use crate::store::{Read, Store};
use crate::tables::Tables;
use crate::{access, journal::Draft, tally, view};

/// From this score on a risk is high.
const HIGH_RISK_SCORE: u64 = 60;

/// How an entry is kept. The first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// What was refused, put to humans, risky, or done by humans in the place of
    /// the policy, and what put policies in force.
    HighRisk,
    /// What brought data that the policy marks as personal.
    GdprIntersect,
    /// Everything else.
    Standard,
}

impl Class {
    /// Every class, in the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::HighRisk, Self::GdprIntersect, Self::Standard];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HighRisk => "high_risk",
            Self::GdprIntersect => "gdpr_intersect",
            Self::Standard => "standard",
        }
    }

    /// Under which name entries of the class are counted; what is not counted is
    /// standard.
    pub fn tally(self) -> Option<&'static str> {
        match self {
            Self::HighRisk => Some("class:high_risk"),
            Self::GdprIntersect => Some("class:gdpr_intersect"),
            Self::Standard => None,
        }
    }
}

/// Whether what such an entry says makes it one of high risk.
pub(crate) fn is_high_risk(entry_type: EntryType, data: &Object) -> bool {
    let score = |score: Option<&Json>| {
        score.and_then(Json::as_u64).is_some_and(|score| HIGH_RISK_SCORE <= score)
    };
    if entry_type == EntryType::Decision {
        let is_allowed = data.get("outcome").and_then(Json::as_str) == Some("allowed");
        let risk = data.get("risk").and_then(Json::as_object).and_then(|risk| risk.get("score"));
        return !is_allowed || score(risk);
    }
    if entry_type == EntryType::RiskAssessed {
        return score(data.get("overall_score"));
    }
    matches!(
        entry_type,
        EntryType::OverrideExecuted
            | EntryType::OverrideReviewed
            | EntryType::OverrideLapsed
            | EntryType::Intervention
            | EntryType::EmergencyStopLifted
            | EntryType::IncidentRecorded
            | EntryType::IncidentReported
            | EntryType::IncidentClosed
            | EntryType::PolicyLoaded
            | EntryType::PolicyRolledBack
    )
}

/// The class of an entry that says this, under this policy.
fn class_of(
    entry_type: EntryType,
    data: &Object,
    personal: Option<&Object>,
    policy: &ActivePolicy,
) -> Class {
    if is_high_risk(entry_type, data) {
        return Class::HighRisk;
    }
    if is_personal(data, personal, policy) {
        return Class::GdprIntersect;
    }
    Class::Standard
}

/// Whether an entry brought data that the policy marks as personal.
fn is_personal(data: &Object, personal: Option<&Object>, policy: &ActivePolicy) -> bool {
    let classes = data.get("data_classes").and_then(Json::as_array).unwrap_or_default();
    let classes: Vec<String> = classes.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    let context = personal.and_then(|personal| personal.get("context")).and_then(Json::as_object);
    let nothing = Object::new();
    policy.compiled.is_personal(&classes, context.unwrap_or(&nothing))
}

/// Counts an entry that is being recorded by its class.
pub(crate) fn count<S: Store>(
    tables: &mut Tables<'_, S>,
    cache: &mut Cache,
    draft: &Draft<'_>,
    id: types::EntryId,
) -> Result<(), Corruption> {
    let Json::Object(data) = draft.data else { return Ok(()) };
    let is_decision = draft.entry_type == EntryType::Decision;
    // The rest is standard. Genesis comes before there is a level to ask for.
    if !is_decision && !is_high_risk(draft.entry_type, data) {
        return Ok(());
    }
    if cache.feature_level(tables.read())? < access::EVIDENCE {
        return Ok(());
    }
    let policy = cache.policy(tables.read())?;
    let personal = draft.personal.and_then(|(personal, _)| personal.as_object());
    if is_decision && is_personal(data, personal, &policy) {
        tally::append(tables, cache, counted::PERSONAL, id)?;
    }
    match class_of(draft.entry_type, data, personal, &policy).tally() {
        Some(name) => tally::append(tables, cache, name, id),
        None => Ok(()),
    }
}

/// Finds the classes of entries again, from what they say.
#[derive(Debug, Default)]
pub struct Classes {
    /// By version: they are large, and entries of one come together.
    policies: BTreeMap<u64, Arc<ActivePolicy>>,
}

impl Classes {
    /// Policies that are remembered.
    const POLICIES_MAX: usize = 4;

    /// The class of an entry; `None` where too much of it is erased to tell.
    ///
    /// # Errors
    /// [`Corruption`] when it, or its policy, cannot be read.
    pub fn of(
        &mut self,
        read: &impl Read,
        entry: &StoredEntry,
    ) -> Result<Option<Class>, Corruption> {
        let entry_type = entry.header.entry_type;
        let Some(data) = object(entry, Side::Data)? else {
            let is_told =
                entry_type != EntryType::Decision && entry_type != EntryType::RiskAssessed;
            let nothing = Object::new();
            let class = match is_high_risk(entry_type, &nothing) {
                true => Class::HighRisk,
                false => Class::Standard,
            };
            return Ok(Some(class).filter(|_| is_told));
        };
        if entry_type != EntryType::Decision {
            let is_high = is_high_risk(entry_type, &data);
            return Ok(Some(if is_high { Class::HighRisk } else { Class::Standard }));
        }
        let personal = object(entry, Side::Personal)?;
        let Some(version) = data.get("policy_version").and_then(Json::as_u64) else {
            return Ok(None);
        };
        let policy = self.policy(read, version)?;
        let class = class_of(entry_type, &data, personal.as_ref(), &policy);
        // Which keys the context had is gone with it.
        Ok(Some(class).filter(|class| *class != Class::Standard || personal.is_some()))
    }

    fn policy(&mut self, read: &impl Read, version: u64) -> Result<Arc<ActivePolicy>, Corruption> {
        if let Some(policy) = self.policies.get(&version) {
            return Ok(Arc::clone(policy));
        }
        let missing = || Corruption::new("policy", format!("version {version} is missing"));
        let record = view::policy(read, version)?.ok_or_else(missing)?;
        let policy = Arc::new(cache::compile(&record)?);
        if Self::POLICIES_MAX <= self.policies.len() {
            self.policies.clear();
        }
        self.policies.insert(version, Arc::clone(&policy));
        Ok(policy)
    }
}

/// A part of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Data,
    Personal,
}

/// What a part of an entry says; `None` where there is none, or no more.
pub(crate) fn object(entry: &StoredEntry, side: Side) -> Result<Option<Object>, Corruption> {
    let (part, table) = match side {
        Side::Data => (&entry.data, "data"),
        Side::Personal => (&entry.personal, "personal"),
    };
    let Some(part) = part else { return Ok(None) };
    let id = entry.header.id;
    let damaged = |_| Corruption::new(table, format!("entry {id} is no object"));
    serde_json::from_str(&part.text).map(Some).map_err(damaged)
}
