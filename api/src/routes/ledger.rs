//! Routes of the area `ledger`.

use governance::access::Permission::ViewAuditLogs;
use governance::access::Right;

use super::{Access, Op, Route};
use crate::call::Form;
use crate::problem::Code;
use crate::rest::ledger;

pub(super) const ROUTES: &[Route] = &[
    Route::get(Op::Entries, "/ledger/entries", "Entries of the ledger")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Ledger")
        .access(Access::Audit)
        .query(ledger::ENTRIES_QUERY)
        .replies(ledger::ENTRIES_REPLY),
    Route::get(Op::Entry, "/ledger/entries/{id}", "An entry of the ledger")
        .who(Right::Holds(ViewAuditLogs))
        .tag("Ledger")
        .query(ledger::ENTRY_QUERY)
        .replies(ledger::ENTRY_WITH_PROOF)
        .codes(&[Code::UNKNOWN_ENTRY]),
    Route::get(
        Op::LedgerVerify,
        "/ledger/verify",
        "Hash stored entries again and follow the chain",
    )
    .who(Right::Holds(ViewAuditLogs))
    .tag("Ledger")
    .access(Access::Audit)
    .query(ledger::VERIFY_QUERY)
    .replies(ledger::VERIFY_REPLY)
    .codes(&[Code::OVERLOADED]),
    Route::get(Op::LedgerCheckpoint, "/ledger/checkpoint", "The last final checkpoint")
        .who(Right::Public)
        .tag("Ledger")
        .query(ledger::CHECKPOINT_QUERY)
        .replies(ledger::CHECKPOINT_REPLY)
        .or_media(&["text/plain"], Form::Media)
        .codes(&[Code::NOT_FINAL]),
    Route::get(Op::Checkpoints, "/ledger/checkpoints", "Final checkpoints, smallest first")
        .who(Right::Public)
        .tag("Ledger")
        .query(ledger::CHECKPOINTS_QUERY)
        .replies(ledger::CHECKPOINTS_REPLY),
    Route::get(
        Op::Inclusion,
        "/ledger/proof/inclusion",
        "Proof that an entry is in the tree of a size",
    )
    .who(Right::Public)
    .tag("Ledger")
    .query(ledger::INCLUSION_QUERY)
    .replies(ledger::INCLUSION_REPLY)
    .codes(&[Code::UNKNOWN_ENTRY]),
    Route::get(
        Op::Consistency,
        "/ledger/proof/consistency",
        "Proof that one tree is the beginning of another",
    )
    .who(Right::Public)
    .tag("Ledger")
    .query(ledger::CONSISTENCY_QUERY)
    .replies(ledger::CONSISTENCY_REPLY),
    Route::get(Op::Checkpoint, "/checkpoint", "The last final checkpoint, as C2SP tlog-tiles")
        .who(Right::Public)
        .tag("Ledger")
        .media(&["text/plain"])
        .codes(&[Code::NOT_FINAL]),
    Route::get(
        Op::Tile,
        "/tile/{path}",
        "A tile `<L>/<N>[.p/<W>]` or a bundle `entries/<N>[.p/<W>]`, as C2SP tlog-tiles",
    )
    .who(Right::Public)
    .tag("Ledger")
    .media(&["application/octet-stream"])
    .codes(&[Code::NOT_FOUND]),
];
