//! Everybody who answers for one decision, as it is and as it is given to a
//! court: with a checkpoint that covers all that was said.

use governance::record::DecisionMaker;
use governance::view::{self, Responsibility};
use governance::{Read, responsibility};
use types::{DecisionId, EntryId, Json};

use super::{REPLY, decision, shown_list, unknown_decision};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::problem::Problem;
use crate::reply::{Member, flag, integer, list, text};
use crate::rest::ledger::checkpoint::{SIGNATURE, frozen, signatures};

/// Reply of `GET /responsibility/legal/{decision_id}`.
pub(crate) const LEGAL_REPLY: &[Member] = &[
    text("export_type", "`LEGAL_RESPONSIBILITY_CHAIN`."),
    text("decision_id", "The decision."),
    integer("chain_length", "Records there are."),
    list("responsibility_records", REPLY, "The service first, then people, oldest first."),
    text(
        "final_responsible_party",
        "Who decided last, by a record that is not rejected; `system` where no person did. An \
         escalation that was deferred decides nothing.",
    ),
    flag("human_in_loop", "Whether any record is of somebody else than the service."),
    list("signatures_present", SIGNATURE, "The lines of the checkpoint, each verified."),
    text(
        "checkpoint",
        "The first final checkpoint that covers every record and review, frozen; null before \
         there is one.",
    )
    .or_null(),
];

/// `GET /responsibility/chain/{decision_id}`.
pub(crate) async fn chain<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id = decision(call)?;
    let read = app.backend.view()?;
    let work = move || {
        let records = records(&read, id)?;
        Ok(Answer::members([
            ("decision_id", id.to_string().into()),
            ("chain_length", (records.len() as u64).into()),
            ("records", shown_list(&records)),
        ]))
    };
    app.blocking(work).await
}

fn records(read: &impl Read, id: DecisionId) -> Result<Vec<Responsibility>, Problem> {
    view::responsibilities(read, id)?.ok_or_else(unknown_decision)
}

/// `GET /responsibility/legal/{decision_id}`.
pub(crate) async fn legal<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id = decision(call)?;
    let read = app.backend.view()?;
    let work = move || {
        let records = records(&read, id)?;
        let (checkpoint, signatures) = proof(&read, newest(&records))?;
        Ok(Answer::members([
            ("export_type", "LEGAL_RESPONSIBILITY_CHAIN".into()),
            ("decision_id", id.to_string().into()),
            ("chain_length", (records.len() as u64).into()),
            ("responsibility_records", shown_list(&records)),
            ("final_responsible_party", final_party(&records).into()),
            ("human_in_loop", records.iter().any(is_human).into()),
            ("signatures_present", Json::Array(signatures)),
            ("checkpoint", checkpoint.into()),
        ]))
    };
    app.blocking(work).await
}

fn is_human(record: &Responsibility) -> bool {
    record.maker != DecisionMaker::AiSystem
}

fn final_party(records: &[Responsibility]) -> &str {
    let decides =
        |record: &&Responsibility| is_human(record) && record.decides && !record.is_rejected();
    let last = records.iter().rev().find(decides);
    last.map_or(responsibility::SYSTEM, |record| &record.party)
}

/// The newest entry that a chain rests on.
fn newest(records: &[Responsibility]) -> EntryId {
    let reviews = records.iter().filter_map(|record| record.review.as_ref());
    let entries = records.iter().map(|record| record.entry_id);
    let entries = entries.chain(reviews.map(|review| review.entry_id));
    entries.max().unwrap_or_default()
}

/// The first final checkpoint that covers an entry, and who signed it.
fn proof(read: &impl Read, entry: EntryId) -> Result<(Option<String>, Vec<Json>), Problem> {
    let Some(record) = view::first_final(read, entry)? else {
        return Ok((None, Vec::new()));
    };
    let note = frozen(read, &record)?;
    let signatures = signatures(read, &record, &note)?;
    Ok((Some(note), signatures))
}
