//! How long records are kept: legal holds, and erasing what need not be kept.

use ledger::EntryType;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::{EntryId, Timestamp};

use super::{EntryRange, ErasedPart, ErasureCause};

/// Which entries a hold freezes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldScope {
    /// These, ascending and each once, at most 1,000.
    Entries(Vec<EntryId>),
    /// Those that fit now, and those that come later.
    Filter(EntryFilter),
    /// Every one, and every later one.
    All,
}

/// What an entry must be. What is not given fits anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryFilter {
    /// About this actor.
    pub actor: Option<String>,
    /// Of this type.
    #[serde(serialize_with = "write_type", deserialize_with = "read_type")]
    pub entry_type: Option<EntryType>,
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
}

/// A type by its word, which is what never changes.
fn write_type<S: Serializer>(
    entry_type: &Option<EntryType>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    entry_type.map(EntryType::as_str).serialize(serializer)
}

fn read_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EntryType>, D::Error> {
    let word: Option<String> = Option::deserialize(deserializer)?;
    word.map(|word| word.parse().map_err(serde::de::Error::custom)).transpose()
}

/// Freezes entries until the hold is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyHold {
    /// 1..64 letters, digits and `_ - .`; drawn in `apply` when absent.
    pub hold: Option<String>,
    /// Why, 1..10,000 characters.
    pub reason: String,
    /// What.
    pub scope: HoldScope,
}

/// Ends a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseHold {
    /// The hold.
    pub hold: String,
    /// Why, 1..10,000 characters.
    pub reason: String,
}

/// Erases parts of entries as far as that is allowed: what is not is skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anonymize {
    /// How much of each.
    pub part: ErasedPart,
    /// Ascending and disjoint, of at most 1,000 entries; none where only how far
    /// retention has come is to be kept.
    pub ranges: Vec<EntryRange>,
    /// Somebody asked, or their time is up.
    pub cause: ErasureCause,
    /// Whose entries these are, who wants them gone at once: no others go then,
    /// and how long they would be kept does not count.
    pub subject: Option<String>,
    /// Where the next step of retention begins.
    pub next: Option<EntryId>,
    /// What the request came to before this command, the last of several.
    pub before: Anonymized,
    /// Entries with something to erase that the request found, more than this
    /// command has perhaps.
    pub candidates: u64,
    /// Entries that the request did not look at.
    pub not_looked_at: u64,
}

/// What an erasure comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anonymized {
    /// Entries of which a part went.
    pub anonymized: u64,
    /// Entries that a hold keeps.
    pub skipped_under_hold: u64,
    /// Entries whose time is not up.
    pub skipped_in_retention: u64,
}

impl Anonymized {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            anonymized: self.anonymized.saturating_add(other.anonymized),
            skipped_under_hold: self.skipped_under_hold.saturating_add(other.skipped_under_hold),
            skipped_in_retention: self
                .skipped_in_retention
                .saturating_add(other.skipped_in_retention),
        }
    }

    /// Entries of which there was something to erase.
    pub fn candidates(self) -> u64 {
        let skipped = self.skipped_under_hold.saturating_add(self.skipped_in_retention);
        self.anonymized.saturating_add(skipped)
    }
}

/// How long parts of entries are kept, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionDays {
    /// The personal part, in every class.
    pub personal: u32,
    /// The data part of what is of high risk.
    pub high_risk: u32,
    /// The data part of everything else.
    pub other: u32,
}
