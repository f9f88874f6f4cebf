//! The whole chain, from stored bytes: nothing that was verified before is
//! taken on trust.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use governance::record::Head;
use governance::{Read, view};
use ledger::{Checker, Fault as ChainFault, FaultReason};
use types::{EntryId, Json, Object};

use super::{ID_MAX, VALID};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, hash, integer, object, text};

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
                "`missing`, `broken_link`, `sequence_gap`, `data_hash_mismatch`, \
                 `personal_hash_mismatch`, `erasure_not_allowed`, `malformed` (a run of \
                 anonymization), `hash_mismatch` or `root_mismatch`.",
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
    text("checkpoint", "The last final checkpoint.").or_null(),
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
        Ok(answer(&head, &found, started))
    };
    app.audit(work).await.map(Answer::json)
}

#[derive(Clone, Copy)]
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
    invalid: Option<(EntryId, &'static str)>,
}

fn check(
    read: &impl Read,
    head: &Head,
    range: Range,
    cancelled: &AtomicBool,
) -> Result<Found, Problem> {
    let before = match range.from.0.checked_sub(1) {
        None => None,
        Some(before) => {
            view::entry(read, EntryId(before))?.map(|entry| (entry.hash(), entry.header.timestamp))
        }
    };
    let mut checker = Checker::from(range.from, before);
    let mut fault = None;
    while fault.is_none() && checker.next_id() <= range.to {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Problem::new(Code::READ_TIMEOUT, "nobody waits for the answer any more"));
        }
        let id = checker.next_id();
        let checked = match view::entry(read, id) {
            Ok(Some(entry)) => checker.check(&entry),
            Ok(None) | Err(_) => Err(ChainFault { id, reason: FaultReason::Missing }),
        };
        fault = checked.err();
    }
    let invalid = match fault {
        Some(fault) => Some((fault.id, fault.reason.as_str())),
        None => against_head(read, head, range, &checker)?,
    };
    if let Some((id, reason)) = invalid {
        tracing::error!(entry = id.0, reason, "ledger is damaged");
    }
    Ok(Found { checked: checker.checked(), erased: checker.erased(), invalid })
}

/// The last entry checked against what is recorded of it elsewhere: by the
/// entry after it, or at the end of the ledger by its head and tree.
fn against_head(
    read: &impl Read,
    head: &Head,
    range: Range,
    checker: &Checker,
) -> Result<Option<(EntryId, &'static str)>, Problem> {
    let last = checker.last().map(|(hash, _)| hash);
    let next = EntryId(range.to.0.saturating_add(1));
    let is_end = next.0 == head.size();
    let recorded = if is_end {
        Some(head.hash)
    } else {
        view::entry(read, next)?.map(|entry| entry.header.previous_hash)
    };
    if recorded != last {
        return Ok(Some((range.to, FaultReason::HashMismatch.as_str())));
    }
    match checker.root() {
        Some(root) if is_end && root != head.root() => Ok(Some((range.to, "root_mismatch"))),
        Some(_) | None => Ok(None),
    }
}

fn answer(head: &Head, found: &Found, started: Instant) -> Object {
    let invalid = found
        .invalid
        .map(|(id, reason)| Json::object([("id", id.0.into()), ("reason", reason.into())]));
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
    reply.insert("checkpoint", Json::Null);
    reply.insert("duration_ms", millis);
    reply
}
