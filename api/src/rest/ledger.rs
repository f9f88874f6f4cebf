//! The ledger: entries, their verification, proofs and checkpoints.

pub(crate) mod checkpoint;
pub(crate) mod entries;
pub(crate) mod proof;
pub(crate) mod tile;
pub(crate) mod verify;

mod erasures;
mod gaps;

use crate::fields::{Field, Kind};
use crate::reply::{Member, flag, free, hash, integer, object, text, time};
pub(crate) use governance::shown::entry as entry_json;

pub(crate) use checkpoint::{
    CHECKPOINT_QUERY, CHECKPOINT_REPLY, CHECKPOINTS_QUERY, CHECKPOINTS_REPLY,
};
pub(crate) use entries::{ENTRIES_QUERY, ENTRIES_REPLY};
pub(crate) use proof::{CONSISTENCY_QUERY, CONSISTENCY_REPLY, INCLUSION_QUERY, INCLUSION_REPLY};
pub(crate) use verify::{VERIFY_QUERY, VERIFY_REPLY};

/// The greatest id that JSON can carry.
pub(crate) const ID_MAX: i64 = 9_007_199_254_740_991;

/// Members of `erased`.
pub(crate) const ERASED: &[Member] = &[
    text("part", "`personal`, or `all` for both parts."),
    time("at", "Applied time of the run; null where none names the entry.").or_null(),
    integer("by_entry_id", "The run's entry.").or_null(),
];

/// Members of an entry.
pub(crate) const ENTRY: &[Member] = &[
    integer("id", "Place in the ledger; 0 is genesis."),
    integer("format", "1"),
    text("entry_type", "What is recorded."),
    time("timestamp", "Cluster time of the command."),
    text("actor", "Whom the entry is about.").or_null(),
    free("data", "What makes the record a record; null once erased.").or_null(),
    hash("salt", "Key of `data_hash`; null once erased.").or_null(),
    hash("data_hash", "HMAC-SHA256 of the RFC 8785 bytes of `data` under `salt`."),
    free("personal", "What is free-form or about a person; null once erased.").or_null(),
    hash("personal_salt", "Key of `personal_hash`; null once erased.").or_null(),
    hash("personal_hash", "The same of `personal` under `personal_salt`.").or_null(),
    hash("previous_hash", "`current_hash` of the entry before; zeros for genesis."),
    hash("current_hash", "SHA-256 of a zero byte and the header's RFC 8785 bytes."),
    integer("type_seq", "The n-th entry of its type, from 1."),
    integer("actor_seq", "The n-th entry about its actor, from 1; 0 without actor."),
    object("erased", ERASED, "What was erased.").or_null(),
];

/// An entry with its proof.
pub(crate) const ENTRY_WITH_PROOF: &[Member] = &[
    ENTRY[0],
    ENTRY[1],
    ENTRY[2],
    ENTRY[3],
    ENTRY[4],
    ENTRY[5],
    ENTRY[6],
    ENTRY[7],
    ENTRY[8],
    ENTRY[9],
    ENTRY[10],
    ENTRY[11],
    ENTRY[12],
    ENTRY[13],
    ENTRY[14],
    ENTRY[15],
    object("proof", proof::PROOF, "Inclusion in the tree; null unless asked for.").or_null(),
];

/// Query of `GET /ledger/entries/{id}`.
pub(crate) const ENTRY_QUERY: &[Field] = &[PROOF];

/// Whether proofs are wanted.
pub(crate) const PROOF: Field =
    Field::optional("proof", Kind::Bool, "Whether the proof of inclusion is wanted.")
        .default("false");

/// A number in a path: digits alone, so that every thing has one path.
pub(crate) fn plain_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    Some(text).filter(|_| plain && canonical).and_then(|text| text.parse().ok())
}

/// Whether a chain holds, as replies show it.
pub(crate) const VALID: Member = flag("valid", "Whether every check held.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling_of_a_number() {
        assert_eq!(plain_number("0"), Some(0));
        assert_eq!(plain_number("118"), Some(118));
        for refused in ["", "01", "+1", "-1", "1.0", "１", "99999999999999999999"] {
            assert_eq!(plain_number(refused), None, "{refused}");
        }
    }
}
