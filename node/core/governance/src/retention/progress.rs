//! How far retention has come: where its next step begins.

use types::EntryId;

use crate::apply::Context;
use crate::command::ErasedPart;
use crate::keys;
use crate::outcome::Corruption;
use crate::record::RetentionRecord;
use crate::store::{Store, Table};

/// Keeps where the next step begins. One that begins at the first entry begins
/// a round.
pub(super) fn keep<S: Store>(
    context: &mut Context<'_, S>,
    part: ErasedPart,
    next: EntryId,
) -> Result<(), Corruption> {
    let known = super::record(context.tables.read())?;
    let began = Some(context.applied.at).filter(|_| next == EntryId(0));
    let record = match part {
        ErasedPart::Personal => RetentionRecord {
            personal_next: next,
            personal_began: began.unwrap_or(known.personal_began),
            last: Some(part),
            ..known
        },
        ErasedPart::All => {
            let all_began = began.unwrap_or(known.all_began);
            RetentionRecord { all_next: next, all_began, last: Some(part), ..known }
        }
    };
    context.tables.put_record(Table::Retention, keys::ONLY, &record)
}
