//! Who answers for a decision, read back from the entries that say so. The
//! decision's own record has no row: it follows from the decision's entry.

mod lists;
mod report;

use ledger::{EntryType, Part, StoredEntry};
use types::{
    DecisionId, EntryId, EscalationId, Json, Object, OverrideId, ResponsibilityId, Timestamp,
};

use crate::outcome::Corruption;
use crate::record::{
    DecisionMaker, ResponsibilityLevel, ResponsibilityOrigin, ResponsibilityRecord, ReviewOutcome,
};
use crate::responsibility::SYSTEM;
use crate::store::{Direction, Read, Scan, Table};
use crate::{keys, tables};

pub use lists::{PENDING_MAX, ResponsibilityPage, ResponsibilityQuery, party, pending_reviews};
pub use report::{PARTIES_MAX, ResponsibilityReport, responsibility_report};

/// The role of the service.
const SYSTEM_ROLE: &str = "AI Decision System";

/// The role of who answers an escalation and has none of oversight: the decision
/// was sent to them.
const RECIPIENT_ROLE: &str = "recipient";

/// Somebody who answers for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Responsibility {
    /// Id of the record.
    pub id: ResponsibilityId,
    /// For what.
    pub decision: DecisionId,
    /// What it comes from.
    pub origin: ResponsibilityOrigin,
    /// As what.
    pub maker: DecisionMaker,
    /// Who.
    pub party: String,
    /// In which role.
    pub role: String,
    /// Why; erasable.
    pub reasoning: Option<String>,
    /// How much.
    pub level: ResponsibilityLevel,
    /// How sure they were, in percent.
    pub confidence: Option<u64>,
    /// In whose place.
    pub delegated_from: Option<String>,
    /// Whether it says what comes of the decision.
    pub decides: bool,
    /// Whether somebody else must look at it.
    pub review_required: bool,
    /// What somebody else said of it.
    pub review: Option<ResponsibilityReview>,
    /// Who said so, as the credential says, or as they said themselves in open
    /// mode; `None` for a decision that nobody was named for.
    pub recorded_by: Option<String>,
    /// How they were authenticated.
    pub recorded_authn: Option<String>,
    /// Applied time.
    pub at: Timestamp,
    /// Where it is recorded.
    pub entry_id: EntryId,
}

impl Responsibility {
    /// The escalation whose answer it is.
    pub fn escalation(&self) -> Option<EscalationId> {
        match self.origin {
            ResponsibilityOrigin::Escalation(id) => Some(id),
            ResponsibilityOrigin::Decision
            | ResponsibilityOrigin::Override(_)
            | ResponsibilityOrigin::Recorded => None,
        }
    }

    /// The override it comes from.
    pub fn overridden_by(&self) -> Option<OverrideId> {
        match self.origin {
            ResponsibilityOrigin::Override(id) => Some(id),
            ResponsibilityOrigin::Decision
            | ResponsibilityOrigin::Escalation(_)
            | ResponsibilityOrigin::Recorded => None,
        }
    }

    /// Whether a review says that it is not so.
    pub fn is_rejected(&self) -> bool {
        let outcome = self.review.as_ref().and_then(|review| review.outcome);
        outcome == Some(ReviewOutcome::Rejected)
    }
}

/// What somebody said of a record. All but when and where is erasable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponsibilityReview {
    /// What.
    pub outcome: Option<ReviewOutcome>,
    /// And why.
    pub notes: Option<String>,
    /// Who.
    pub by: Option<String>,
    /// Applied time.
    pub at: Timestamp,
    /// Where it is recorded.
    pub entry_id: EntryId,
}

/// The entry of a record that is not a decision's own.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn responsibility_entry(
    read: &impl Read,
    id: ResponsibilityId,
) -> Result<Option<EntryId>, Corruption> {
    tables::record(read, Table::ResponsibilityById, &id.0.key())
}

/// A record by its id, whatever it comes from; `None` where there is none, or
/// its entry is erased whole.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn responsibility(
    read: &impl Read,
    id: ResponsibilityId,
) -> Result<Option<Responsibility>, Corruption> {
    if let Some(entry) = responsibility_entry(read, id)? {
        return of_row(read, entry);
    }
    let decision = DecisionId(id.0);
    match super::decision_entry(read, decision)? {
        Some(entry) => of_decision(read, decision, &Told::of(read, entry)?).map(Some),
        None => Ok(None),
    }
}

/// Everybody who answers for a decision: the service first, then people, oldest
/// first; `None` where there is no such decision.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn responsibilities(
    read: &impl Read,
    decision: DecisionId,
) -> Result<Option<Vec<Responsibility>>, Corruption> {
    let Some(entry) = super::decision_entry(read, decision)? else {
        return Ok(None);
    };
    let mut found = vec![of_decision(read, decision, &Told::of(read, entry)?)?];
    let (from, to) = keys::all_under(decision.0);
    let rows = read.scan(Scan {
        table: Table::ResponsibilityByDecision,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    })?;
    for (key, _) in rows {
        found.extend(of_row(read, entry_in(Table::ResponsibilityByDecision, &key)?)?);
    }
    Ok(Some(found))
}

/// The entry that a key of an index ends in.
fn entry_in(table: Table, key: &[u8]) -> Result<EntryId, Corruption> {
    let too_short = || Corruption::new(tables::name(table), "key too short");
    keys::last_number(key).map(EntryId).ok_or_else(too_short)
}

/// What an entry says.
struct Told {
    entry: StoredEntry,
    data: Option<Object>,
    personal: Option<Object>,
}

impl Told {
    fn of(read: &impl Read, id: EntryId) -> Result<Self, Corruption> {
        let missing = || Corruption::new("header", format!("entry {id} is missing"));
        let entry = super::entry(read, id)?.ok_or_else(missing)?;
        let object = |part: &Option<Part>| {
            let read = part.as_ref().map(|part| serde_json::from_str(&part.text));
            read.transpose()
                .map_err(|_| Corruption::new("entry", format!("entry {id} is no object")))
        };
        Ok(Self { data: object(&entry.data)?, personal: object(&entry.personal)?, entry })
    }

    fn text(&self, name: &str) -> Option<String> {
        text(self.data.as_ref(), name)
    }

    fn personal_text(&self, name: &str) -> Option<String> {
        text(self.personal.as_ref(), name)
    }
}

fn text(part: Option<&Object>, name: &str) -> Option<String> {
    part?.get(name).and_then(Json::as_str).map(str::to_owned)
}

/// A decision's own record.
fn of_decision(
    read: &impl Read,
    decision: DecisionId,
    told: &Told,
) -> Result<Responsibility, Corruption> {
    own(read, decision, &told.entry, told.data.as_ref())
}

/// The own record of the decision that an entry with this `data` is of.
pub(crate) fn responsibility_of_decision(
    read: &impl Read,
    entry: &StoredEntry,
    data: &Object,
) -> Result<Option<Responsibility>, Corruption> {
    let id = data.get("decision_id").and_then(Json::as_str).and_then(|id| id.parse().ok());
    id.map(|id| own(read, id, entry, Some(data))).transpose()
}

fn own(
    read: &impl Read,
    decision: DecisionId,
    entry: &StoredEntry,
    data: Option<&Object>,
) -> Result<Responsibility, Corruption> {
    let header = &entry.header;
    if header.entry_type != EntryType::Decision {
        return Err(Corruption::new("decision", format!("{decision} leads to another entry")));
    }
    let id = ResponsibilityId(decision.0);
    Ok(Responsibility {
        id,
        decision,
        origin: ResponsibilityOrigin::Decision,
        maker: DecisionMaker::AiSystem,
        party: SYSTEM.to_owned(),
        role: SYSTEM_ROLE.to_owned(),
        reasoning: text(data, "reason"),
        level: ResponsibilityLevel::Automated,
        confidence: None,
        delegated_from: None,
        decides: true,
        review_required: false,
        review: review(read, id)?,
        recorded_by: text(data, "by"),
        recorded_authn: text(data, "authn"),
        at: header.timestamp,
        entry_id: header.id,
    })
}

/// The record that an entry has a row for; `None` once it is erased whole.
fn of_row(read: &impl Read, entry: EntryId) -> Result<Option<Responsibility>, Corruption> {
    let row: Option<ResponsibilityRecord> =
        tables::record(read, Table::Responsibility, &keys::entry(entry))?;
    let missing = || Corruption::new("responsibility", format!("entry {entry} has no row"));
    let row = row.ok_or_else(missing)?;
    let Some(party) = row.party else {
        return Ok(None);
    };
    let told = Told::of(read, entry)?;
    let (role, reasoning) = match row.origin {
        ResponsibilityOrigin::Escalation(_) => {
            (told.text("role").or(Some(RECIPIENT_ROLE.to_owned())), "notes")
        }
        ResponsibilityOrigin::Override(_) => (told.text("authorized_role"), "justification"),
        ResponsibilityOrigin::Recorded | ResponsibilityOrigin::Decision => {
            (told.text("role"), "reasoning")
        }
    };
    let confidence = told.data.as_ref().and_then(|data| data.get("confidence_percent"));
    Ok(Some(Responsibility {
        id: row.id,
        decision: row.decision,
        origin: row.origin,
        maker: row.maker,
        party,
        role: role.unwrap_or_default(),
        reasoning: told.personal_text(reasoning),
        level: row.level,
        confidence: confidence.and_then(Json::as_u64),
        delegated_from: told.text("delegated_from"),
        decides: row.decides,
        review_required: row.review_required,
        review: review(read, row.id)?,
        recorded_by: told.text("by"),
        recorded_authn: told.text("authn"),
        at: told.entry.header.timestamp,
        entry_id: entry,
    }))
}

/// What was said of a record.
fn review(
    read: &impl Read,
    id: ResponsibilityId,
) -> Result<Option<ResponsibilityReview>, Corruption> {
    let entry: Option<EntryId> = tables::record(read, Table::ResponsibilityReview, &id.0.key())?;
    let Some(entry_id) = entry else {
        return Ok(None);
    };
    let told = Told::of(read, entry_id)?;
    Ok(Some(ResponsibilityReview {
        outcome: told.text("outcome").as_deref().and_then(ReviewOutcome::parse),
        notes: told.personal_text("notes"),
        by: told.text("by"),
        at: told.entry.header.timestamp,
        entry_id,
    }))
}
