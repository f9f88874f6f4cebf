//! What `lexecon verify` says: the same for people and for programs.

use client::offline::{Fault, Genuine};
use ledger::document::{Against, Document};
use ledger::export::{ExportFault, Verified};
use ledger::keys::Kid;
use ledger::{EntryType, FaultReason};
use types::Json;

use crate::table::fields;

/// What was asked beyond whether an export holds.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    /// Whether the entries about an actor are complete.
    Actor { name: &'a str, entries: u64, first: u64, last: u64, gaps_explained: u64 },
    /// Whether the entries of a type are.
    EntryType { entry_type: EntryType, entries: u64 },
}

impl<'a> Asked<'a> {
    pub(super) fn of(
        actor: Option<&'a str>,
        entry_type: Option<EntryType>,
        verified: &Verified,
    ) -> Option<Self> {
        let of_type =
            |entry_type| Self::EntryType { entry_type, entries: verified.count(entry_type) };
        let of_actor = || {
            let seen = verified.actor?;
            Some(Self::Actor {
                name: actor?,
                entries: seen.entries,
                first: seen.first,
                last: seen.last,
                gaps_explained: seen.gaps_explained,
            })
        };
        of_actor().or_else(|| entry_type.map(of_type))
    }

    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Actor { name, entries, first, last, gaps_explained } => Json::object([
                ("actor", (*name).into()),
                ("entries", (*entries).into()),
                ("first", (*first).into()),
                ("last", (*last).into()),
                ("gaps_explained", (*gaps_explained).into()),
            ]),
            Self::EntryType { entry_type, entries } => Json::object([
                ("entry_type", entry_type.as_str().into()),
                ("entries", (*entries).into()),
                ("first", u64::from(0 < *entries).into()),
                ("last", (*entries).into()),
                ("gaps_explained", 0_u32.into()),
            ]),
        }
    }

    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Actor { name, entries: 0, .. } => format!("no entry is about `{name}`"),
            Self::Actor { name, entries, first, last, gaps_explained } => {
                let gaps = match gaps_explained {
                    0 => "no gap".to_owned(),
                    gaps => format!("{gaps} more erased"),
                };
                format!("{entries} entries about `{name}`, numbers {first} to {last}, {gaps}")
            }
            Self::EntryType { entry_type, entries: 0 } => format!("no entry is a `{entry_type}`"),
            Self::EntryType { entry_type, entries } => {
                format!("{entries} entries `{entry_type}`, numbers 1 to {entries}, no gap")
            }
        }
    }
}

/// Key ids in a row.
pub(super) fn listed(kids: &[Kid]) -> String {
    kids.iter().map(Kid::as_str).collect::<Vec<_>>().join(", ")
}

pub(super) fn kids_json(kids: &[Kid]) -> Json {
    Json::Array(kids.iter().map(|kid| kid.as_str().into()).collect())
}

pub(super) fn export_json(
    verified: &Verified,
    asked: Option<&Asked<'_>>,
    is_trusted: bool,
) -> Json {
    let checkpoint = &verified.checkpoint;
    Json::object([
        ("verified", true.into()),
        ("reason_code", "ok".into()),
        ("fault", Json::Null),
        ("entry", Json::Null),
        ("origin", checkpoint.origin.as_str().into()),
        ("entries", checkpoint.size.into()),
        ("entries_erased", verified.entries_erased.into()),
        ("gaps_explained", verified.gaps_explained.into()),
        ("entries_unfollowed", verified.entries_unfollowed.into()),
        ("parts", verified.ledger.has_parts().into()),
        ("root_hash", checkpoint.root.to_string().into()),
        ("timestamp", checkpoint.timestamp.to_string().into()),
        ("signers", kids_json(&verified.signers)),
        ("trusted", is_trusted.into()),
        ("complete", asked.map_or(Json::Null, Asked::to_json)),
    ])
}

pub(super) fn export_text(
    verified: &Verified,
    asked: Option<&Asked<'_>>,
    is_trusted: bool,
) -> String {
    let checkpoint = &verified.checkpoint;
    let some = |count: u64, what: &str| (count != 0).then(|| format!("{count} {what}"));
    let has_parts = verified.ledger.has_parts();
    let export =
        if has_parts { "holds" } else { "holds, as far as headers tell: no parts are there" };
    fields([
        ("export", Some(export.to_owned())),
        ("ledger", Some(checkpoint.origin.clone())),
        ("entries", Some(checkpoint.size.to_string())),
        ("erased", some(verified.entries_erased, "entries, each by a recorded run")),
        ("gaps", some(verified.gaps_explained, "in actors' numbers, each in an erased entry")),
        ("not followed", some(verified.entries_unfollowed, "entries: too many actors")),
        ("complete", asked.map(Asked::to_text)),
        ("root", Some(checkpoint.root.to_string())),
        ("as of", Some(checkpoint.timestamp.to_string())),
        ("signed by", Some(listed(&verified.signers))),
        ("trusted", Some(trust(is_trusted).to_owned())),
    ])
}

pub(super) fn trust(is_trusted: bool) -> &'static str {
    if is_trusted {
        "yes, by a key you gave"
    } else {
        "no: give --keys to know that this is your ledger"
    }
}

/// Against what a document was held.
fn held_against(against: &Against<'_>) -> &'static str {
    match against {
        Against::Ledger(_) => "export",
        Against::Keys(_) => "keys",
        Against::Itself => "nothing",
    }
}

fn kind(document: &Document) -> &'static str {
    match document {
        Document::Receipt(_) => "receipt",
        Document::Reply(_) => "reply",
    }
}

pub(super) fn document_json(document: &Document, signers: &[Kid], against: &Against<'_>) -> Json {
    Json::object([
        ("verified", true.into()),
        ("reason_code", "ok".into()),
        ("fault", Json::Null),
        ("kind", kind(document).into()),
        ("entry", document.entry().0.into()),
        ("tree_size", document.size().into()),
        ("against", held_against(against).into()),
        ("signers", kids_json(signers)),
    ])
}

pub(super) fn document_text(document: &Document, signers: &[Kid], against: &Against<'_>) -> String {
    let verdict = match against {
        Against::Ledger(_) => "holds, and agrees with the export",
        Against::Keys(_) => "holds, signed by a key you gave",
        Against::Itself => "agrees with itself; who signed it only --keys or --export can tell",
    };
    fields([
        (kind(document), Some(verdict.to_owned())),
        ("entry", Some(document.entry().to_string())),
        ("tree size", document.size().map(|size| size.to_string())),
        ("signed by", Some(listed(signers)).filter(|signers| !signers.is_empty())),
    ])
}

pub(super) fn fault_json(fault: ExportFault) -> Json {
    Json::object([
        ("verified", false.into()),
        ("reason_code", fault.reason.as_str().into()),
        ("fault", explained(fault.reason).into()),
        ("entry", fault.entry.map(|entry| entry.0).into()),
    ])
}

pub(super) fn fault_text(fault: ExportFault) -> String {
    fields([
        ("verdict", Some("DOES NOT HOLD".to_owned())),
        ("entry", fault.entry.map(|entry| entry.to_string())),
        ("fault", Some(explained(fault.reason).to_owned())),
        ("code", Some(fault.reason.to_string())),
    ])
}

/// A reason in words.
pub(super) fn explained(reason: FaultReason) -> &'static str {
    use FaultReason as R;
    match reason {
        R::Malformed => "a file, a line, a header, a key or a proof is not of its form",
        R::WrongOrigin => "the checkpoint is of another ledger",
        R::Missing => "the entry that comes next is not there",
        R::CheckpointReplayed => {
            "there are more entries than the checkpoint says: it is an old one"
        }
        R::BrokenLink => {
            "it does not name the hash of the entry before: one of the two was changed"
        }
        R::SequenceGap => "its number or time does not follow: an entry was left out or put in",
        R::DataHashMismatch => "its data or salt was changed: the header commits to another",
        R::PersonalHashMismatch => "its personal part or salt was changed or put in",
        R::ErasureNotAllowed => {
            "a part is gone, or a run names it, of an entry that is never erased"
        }
        R::UnrecordedErasure => "a part is gone, and no later run of anonymization says so",
        R::RootMismatch => {
            "the entries are not those of the checkpoint: their tree has another root"
        }
        R::TileMismatch => "a tile or an entry bundle is missing or is not that of the entries",
        R::CheckpointSignatureInvalid => "a signature on the checkpoint does not verify",
        R::TooFewSignatures => "those who signed the checkpoint are no majority of the voters",
        R::KeyNotValidAtSize => "the checkpoint is signed with keys that do not count at its size",
        R::MembershipMismatch => "a line of the checkpoint contradicts the entries",
        R::KeysMismatch => "`keys.json` contradicts the entries",
        R::HashMismatch => "the hash is not that of the ledger's entry",
        R::InclusionFailed => "the proof does not lead to the root of the checkpoint",
        R::ConsistencyFailed => "the checkpoint is not one of this ledger, as far as it goes",
        R::KeyUnknown => "no key that is known or trusted signed it",
        R::KeyNotValidAtIndex => "the key that signed it does not count for this entry",
        R::SignatureInvalid => "the signature does not verify",
    }
}

pub(super) fn reply_json(found: &Result<Genuine, Fault>) -> Json {
    match found {
        Ok(genuine) => Json::object([
            ("verified", true.into()),
            ("reason_code", "ok".into()),
            ("fault", Json::Null),
            ("decision_id", genuine.decision_id.as_str().into()),
            ("outcome", genuine.outcome.as_str().into()),
            ("ledger_entry_id", genuine.entry_id.into()),
            ("key_id", genuine.key_id.as_str().into()),
            ("signed_by", genuine.signed_by.as_str().into()),
            ("token", genuine.has_token.into()),
        ]),
        Err(fault) => Json::object([
            ("verified", false.into()),
            ("reason_code", fault.code().into()),
            ("fault", fault.to_string().into()),
        ]),
    }
}

pub(super) fn reply_text(found: &Result<Genuine, Fault>) -> String {
    match found {
        Ok(genuine) => fields([
            ("reply", Some("genuine".to_owned())),
            ("decision", Some(genuine.decision_id.clone())),
            ("outcome", Some(genuine.outcome.clone())),
            ("entry", Some(genuine.entry_id.to_string())),
            ("signed by", Some(format!("{} ({})", genuine.signed_by, genuine.key_id))),
            ("token", genuine.has_token.then(|| "genuine".to_owned())),
        ]),
        Err(fault) => fields([
            ("reply", Some("NOT GENUINE".to_owned())),
            ("fault", Some(fault.to_string())),
            ("code", Some(fault.code().to_owned())),
        ]),
    }
}
