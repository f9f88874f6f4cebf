//! The whole chain, from stored bytes: nothing that was verified before is
//! taken on trust. A range from genesis on is compared with the last final
//! checkpoint in it too.

mod pieces;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use governance::checkpoint::Signatures;
use governance::record::{CheckpointRecord, Head};
use governance::{Corruption, Read, view};
use ledger::directory::Directory;
use ledger::{Checker, Checkpoint, FaultReason, Note};
use types::{EntryId, Json, Object};

use super::checkpoint::{frozen, shown};
use super::{ID_MAX, VALID};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, hash, integer, object, text};
use pieces::Whole;

const ID: Kind = Kind::Integer { min: 0, max: ID_MAX };

/// Query of `GET /ledger/verify`.
pub(crate) const VERIFY_QUERY: &[Field] = &[
    Field::optional("from", ID, "The first entry to verify.").default("0"),
    Field::optional("to", ID, "The last entry to verify; the last there is by default."),
];

/// Reply of `GET /ledger/verify`.
pub(crate) const VERIFY_REPLY: &[Member] = &[
    VALID,
    integer("entries_checked", "Entries whose bytes were hashed again."),
    integer("entries_erased", "Of those, how many have an erased part."),
    object(
        "first_invalid",
        &[
            integer("id", "The entry."),
            text(
                "reason",
                "Of an entry: `missing`, `broken_link`, `sequence_gap`, `data_hash_mismatch`, \
                 `personal_hash_mismatch`, `erasure_not_allowed`, `malformed`, \
                 `unrecorded_erasure`, `hash_mismatch`. Of the checkpoint, at the last entry it \
                 covers: `root_mismatch`, `checkpoint_signature_invalid`, `too_few_signatures`, \
                 `key_not_valid_at_size`, `membership_mismatch`, `wrong_origin`.",
            ),
        ],
        "The first entry that does not hold.",
    )
    .or_null(),
    object(
        "head",
        &[integer("id", "The last entry."), hash("hash", "Its `current_hash`.")],
        "Where the ledger ends.",
    ),
    integer("tree_size", "Entries there are."),
    hash("root_hash", "Root of the tree over all of them."),
    text(
        "checkpoint",
        "The last final checkpoint within a range from 0, with which it was compared; null \
         otherwise.",
    )
    .or_null(),
    integer("duration_ms", "Time it took."),
];

/// Tells the thread that nobody waits any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// `GET /ledger/verify`.
pub(crate) async fn verify<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let head = view::head(&read)?;
    let range = range(call, &head)?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let _guard = CancelOnDrop(Arc::clone(&cancelled));
    let work = move || {
        let started = Instant::now();
        let found = check(&read, &head, range, &cancelled)?;
        Ok(answer(&head, found, started))
    };
    app.audit(work).await.map(Answer::json)
}

#[derive(Clone, Copy, Debug)]
struct Range {
    from: EntryId,
    to: EntryId,
}

fn range(call: &Call, head: &Head) -> Result<Range, Problem> {
    let Some(last) = head.size().checked_sub(1).map(EntryId) else {
        return Err(Problem::new(Code::STARTING, "the cluster has no genesis yet"));
    };
    let from = EntryId(call.query.integer("from").unwrap_or(0));
    let to = call.query.integer("to").map_or(last, EntryId);
    let refuse = |name: &str, detail: String| {
        Err(Problem::fault(Fault::parameter(name, "out_of_range", detail)))
    };
    match () {
        () if last < from => refuse("from", format!("the last entry is {last}")),
        () if last < to => refuse("to", format!("the last entry is {last}")),
        () if to < from => refuse("to", "must not be less than `from`".to_owned()),
        () => Ok(Range { from, to }),
    }
}

struct Found {
    checked: u64,
    erased: u64,
    invalid: Option<(EntryId, FaultReason)>,
    /// The checkpoint that the range was compared with.
    checkpoint: Option<String>,
}

fn check<R: Read + Sync>(
    read: &R,
    head: &Head,
    range: Range,
    cancelled: &AtomicBool,
) -> Result<Found, Problem> {
    let checkpoint = match range.from {
        EntryId(0) => last_final_within(read, range.to.0.saturating_add(1))?,
        _ => None,
    };
    let cut = checkpoint.as_ref().map(|record| record.claim.size);
    let whole = pieces::check(read, range, cut, cancelled)?;
    let invalid = match (whole.fault, whole.unrecorded) {
        (Some(fault), _) => Some((fault.id, fault.reason)),
        (None, Some(id)) => Some((id, FaultReason::UnrecordedErasure)),
        (None, None) => against_head(read, head, range, &whole.checker)?,
    };
    let invalid = match (invalid, &checkpoint) {
        (None, Some(record)) => against_checkpoint(read, record, &whole)?,
        (invalid, _) => invalid,
    };
    if let Some((id, reason)) = invalid {
        tracing::error!(entry = id.0, reason = reason.as_str(), "ledger is damaged");
    }
    let checkpoint = checkpoint.map(|record| frozen(read, &record)).transpose();
    let (checked, erased) = (whole.checker.checked(), whole.checker.erased());
    Ok(Found { checked, erased, invalid, checkpoint: checkpoint.unwrap_or_default() })
}

/// The last final checkpoint of at most so many entries, by bisection: the
/// first one above a size is found at once.
fn last_final_within(read: &impl Read, size: u64) -> Result<Option<CheckpointRecord>, Corruption> {
    let first_above = |after: u64| -> Result<Option<CheckpointRecord>, Corruption> {
        let found = view::checkpoints(read, after, 1)?.into_iter().next();
        Ok(found.filter(|record| record.claim.size <= size))
    };
    let Some(mut best) = first_above(0)? else {
        return Ok(None);
    };
    let (mut low, mut high) = (best.claim.size, size);
    while low < high {
        let middle = low + (high - low) / 2;
        match first_above(middle)? {
            Some(record) => {
                low = record.claim.size;
                best = record;
            }
            None => high = middle,
        }
    }
    Ok(Some(best))
}

/// The tree at the size of the checkpoint, what its lines say, and who signed
/// it: voters and keys are those of the entries just hashed, not of any record.
fn against_checkpoint(
    read: &impl Read,
    record: &CheckpointRecord,
    whole: &Whole,
) -> Result<Option<(EntryId, FaultReason)>, Problem> {
    let last = EntryId(record.claim.size.saturating_sub(1));
    let found = |reason| Ok(Some((last, reason)));
    let Some((root, at)) = whole.at_cut else {
        return found(FaultReason::RootMismatch);
    };
    let mut directory = Directory::default();
    for entry in &whole.spoken {
        if let Err(fault) = directory.apply(entry) {
            return Ok(Some((fault.id, fault.reason)));
        }
    }
    let note = shown(read, record, Signatures::All).ok();
    let note = note.and_then(|note| Note::parse(&note).ok());
    let Some(note) = note else {
        return found(FaultReason::Malformed);
    };
    let Ok(checkpoint) = Checkpoint::parse(&note.text) else {
        return found(FaultReason::Malformed);
    };
    match () {
        () if directory.origin() != Some(&checkpoint.origin) => found(FaultReason::WrongOrigin),
        () if root != checkpoint.root => found(FaultReason::RootMismatch),
        () => match directory.finality(&note, &checkpoint) {
            Err(fault) => found(fault.reason()),
            Ok(_) if !directory.agrees(&checkpoint, at) => found(FaultReason::MembershipMismatch),
            Ok(_) => Ok(None),
        },
    }
}

/// The last entry checked against what is recorded of it elsewhere: by the
/// entry after it, or at the end of the ledger by its head and tree.
fn against_head(
    read: &impl Read,
    head: &Head,
    range: Range,
    checker: &Checker,
) -> Result<Option<(EntryId, FaultReason)>, Problem> {
    let last = checker.last().map(|(hash, _)| hash);
    let next = EntryId(range.to.0.saturating_add(1));
    let is_end = next.0 == head.size();
    let recorded = if is_end {
        Some(head.hash)
    } else {
        view::entry(read, next)?.map(|entry| entry.header.previous_hash)
    };
    if recorded != last {
        return Ok(Some((range.to, FaultReason::HashMismatch)));
    }
    match checker.root() {
        Some(root) if is_end && root != head.root() => {
            Ok(Some((range.to, FaultReason::RootMismatch)))
        }
        Some(_) | None => Ok(None),
    }
}

fn answer(head: &Head, found: Found, started: Instant) -> Object {
    let invalid = found.invalid.map(|(id, reason)| {
        Json::object([("id", id.0.into()), ("reason", reason.as_str().into())])
    });
    let last = head.size().saturating_sub(1);
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut reply = Object::new();
    reply.insert("valid", found.invalid.is_none());
    reply.insert("entries_checked", found.checked);
    reply.insert("entries_erased", found.erased);
    reply.insert("first_invalid", invalid);
    reply.insert(
        "head",
        Json::object([("id", last.into()), ("hash", head.hash.to_string().into())]),
    );
    reply.insert("tree_size", head.size());
    reply.insert("root_hash", head.root().to_string());
    reply.insert("checkpoint", found.checkpoint);
    reply.insert("duration_ms", millis);
    reply
}
