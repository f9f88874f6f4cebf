//! The rows by which a record is found that is not the decision's own, and
//! counted: written here alone.

use types::{DecisionId, EntryId, ResponsibilityId};

use crate::apply::Context;
use crate::keys;
use crate::outcome::Corruption;
use crate::record::{
    DecisionMaker, ResponsibilityCounts, ResponsibilityLevel, ResponsibilityOrigin,
    ResponsibilityRecord,
};
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::{codec, tables};

/// What an entry records besides: somebody who answers for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HumanRecord {
    /// The id of what it comes from under the prefix of records.
    pub(crate) id: ResponsibilityId,
    /// The entry.
    pub(crate) entry_id: EntryId,
    /// For what.
    pub(crate) decision: DecisionId,
    /// What it comes from.
    pub(crate) origin: ResponsibilityOrigin,
    /// As what: [`DecisionMaker::of_resolution`], [`DecisionMaker::of_override`].
    pub(crate) maker: DecisionMaker,
    /// How much: `supervised` for who answers an escalation, `full` for who
    /// overrides.
    pub(crate) level: ResponsibilityLevel,
    /// Who; never with a zero byte.
    pub(crate) party: String,
    /// Whether it says what comes of the decision: false for a deferred answer.
    pub(crate) decides: bool,
    /// Whether somebody else must look at it. Overrides have a review of their
    /// own.
    pub(crate) review_required: bool,
}

/// Keeps such a record. The entry is the last there is: rows are counted in the
/// order of entries.
pub(crate) fn keep_human<S: Store>(
    context: &mut Context<'_, S>,
    record: HumanRecord,
) -> Result<(), Corruption> {
    let HumanRecord { id, entry_id, decision, maker, level, party, .. } = record;
    let row = keys::entry(entry_id);
    let number = count(context.tables.read(), decision)?.saturating_add(1);
    let by_decision = keys::under(decision.0, entry_id.0);
    context.tables.put_record(Table::ResponsibilityByDecision, &by_decision, &number)?;
    let number = count_of_party(context.tables.read(), &party)?.saturating_add(1);
    let by_party = keys::text_and_number(&party, entry_id.0);
    context.tables.put_record(Table::ResponsibilityByParty, &by_party, &number)?;
    context.tables.put_record(Table::ResponsibilityById, &id.0.key(), &entry_id)?;
    if record.review_required {
        context.tables.put_bytes(Table::ResponsibilityPending, &row, &[]);
    }
    let before = tables::last(context.tables.read(), Table::Responsibility)?;
    let before = before.map(|(_, row)| codec::decode("responsibility", &row)).transpose()?;
    let counts =
        before.map_or_else(ResponsibilityCounts::default, |row: ResponsibilityRecord| row.counts);
    let kept = ResponsibilityRecord {
        id,
        decision,
        origin: record.origin,
        maker,
        level,
        party: Some(party),
        decides: record.decides,
        review_required: record.review_required,
        counts: counts.with(maker, level, 1),
    };
    context.tables.put_record(Table::Responsibility, &row, &kept)
}

/// Records of a decision, but for its own.
pub(super) fn count(read: &impl Read, decision: DecisionId) -> Result<u64, Corruption> {
    let (from, to) = keys::all_under(decision.0);
    last_number(read, Table::ResponsibilityByDecision, &from, &to)
}

fn count_of_party(read: &impl Read, party: &str) -> Result<u64, Corruption> {
    let (from, to) = (keys::texts(&[party]), keys::after_texts(&[party]));
    last_number(read, Table::ResponsibilityByParty, &from, &to)
}

/// The number in the last row of a range; 0 where there is none.
fn last_number(read: &impl Read, table: Table, from: &[u8], to: &[u8]) -> Result<u64, Corruption> {
    let direction = Direction::Descending;
    let rows = read.scan(Scan { table, from, to: Some(to), direction, rows_max: 1 })?;
    let number = rows.first().map(|(_, number)| codec::decode(tables::name(table), number));
    Ok(number.transpose()?.unwrap_or(0))
}

/// Takes the name away that an entry gave, when it is erased whole. That there
/// was a record stays known, and counted.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    entry: EntryId,
) -> Result<(), Corruption> {
    let row = keys::entry(entry);
    let record: Option<ResponsibilityRecord> =
        context.tables.record(Table::Responsibility, &row)?;
    let Some(record) = record else { return Ok(()) };
    if let Some(party) = &record.party {
        let by_party = keys::text_and_number(party, entry.0);
        context.tables.delete(Table::ResponsibilityByParty, &by_party);
    }
    if record.review_required {
        context.tables.delete(Table::ResponsibilityPending, &row);
    }
    let record = ResponsibilityRecord { party: None, ..record };
    context.tables.put_record(Table::Responsibility, &row, &record)
}
