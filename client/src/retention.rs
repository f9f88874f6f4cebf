//! How long records are kept: how they stand, legal holds, erasing what need not be
//! kept, and what regulators are given.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// What a hold freezes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldScope {
    /// These entries.
    Entries(Vec<u64>),
    /// Those that fit now, and those that come later.
    Filter(HoldFilter),
    /// Every one, and every later one.
    All,
}

/// What an entry must be. What is not given fits anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldFilter {
    /// About this actor.
    pub actor: Option<String>,
    /// Of this type.
    pub entry_type: Option<String>,
    /// Not earlier than this time.
    pub from: Option<String>,
    /// Earlier than this time.
    pub to: Option<String>,
}

/// A hold that is to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHold {
    /// Why.
    pub reason: String,
    /// Its id; drawn when absent.
    pub hold_id: Option<String>,
    /// What it freezes.
    pub scope: HoldScope,
    /// Who applies it, where nobody authenticates.
    pub requester: Option<String>,
}

/// A hold that was applied.
#[derive(Clone, Debug, Deserialize)]
pub struct HoldApplied {
    /// Its id, by which it is released.
    pub hold_id: String,
    /// `active`.
    pub status: String,
    /// Entries that fit then.
    pub records_affected: u64,
    /// Whether these are all.
    pub records_affected_exact: bool,
    /// When.
    pub applied_at: String,
    /// The entry that has it.
    pub ledger_entry_id: u64,
}

/// A hold that was released.
#[derive(Clone, Debug, Deserialize)]
pub struct HoldReleased {
    /// The hold.
    pub hold_id: String,
    /// `released`.
    pub status: String,
    /// When.
    pub released_at: String,
    /// The entry that says so.
    pub ledger_entry_id: u64,
}

/// A hold.
#[derive(Clone, Debug, Deserialize)]
pub struct Hold {
    /// Its id.
    pub hold_id: String,
    /// `active` or `released`.
    pub status: String,
    /// Why it was applied.
    pub reason: String,
    /// What it freezes: `kind`, and `entry_ids` or `filter`.
    pub scope: Object,
    /// Entries that fitted then.
    pub records_affected: u64,
    /// Whether these are all.
    pub records_affected_exact: bool,
    /// Who applied it.
    pub applied_by: Option<String>,
    /// When.
    pub applied_at: String,
    /// The entry that has it.
    pub ledger_entry_id: u64,
    /// Who released it.
    pub released_by: Option<String>,
    /// When it was released.
    pub released_at: Option<String>,
    /// Why.
    pub release_reason: Option<String>,
    /// The entry that says so.
    pub release_entry_id: Option<u64>,
}

/// Which holds are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldQuery {
    /// `active` or `released`.
    pub status: Option<String>,
    /// Applied by entries past this one.
    pub after: Option<u64>,
    /// Most of a page.
    pub limit: Option<u32>,
    /// As they stood at this entry, or at the last one not later than this time.
    pub as_of: Option<String>,
}

/// A page of holds.
#[derive(Clone, Debug, Deserialize)]
pub struct Holds {
    /// The holds, oldest first.
    pub holds: Vec<Hold>,
    /// How many match on all pages.
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<u64>,
    /// The last entry looked at.
    pub as_of_index: u64,
}

/// What is to be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anonymize {
    /// Count, and erase nothing.
    pub dry_run: bool,
    /// `personal` or `all`; `personal` when absent.
    pub part: Option<String>,
    /// Records about this actor alone, at once; or personal parts of those about
    /// this AI system or incident.
    pub subject: Option<String>,
    /// Records earlier than this time alone.
    pub before: Option<String>,
}

/// What was erased.
#[derive(Clone, Debug, Deserialize)]
pub struct Anonymized {
    /// Whether nothing was.
    pub dry_run: bool,
    /// `personal` or `all`.
    pub part: String,
    /// Records with something to erase.
    pub candidates: u64,
    /// Of these, erased.
    pub anonymized: u64,
    /// Kept by a hold.
    pub skipped_under_hold: u64,
    /// Not old enough, or about what lives still.
    pub skipped_in_retention: u64,
    /// Not looked at: one request looks at so many alone.
    pub not_looked_at: u64,
    /// The last entry that names what was erased.
    pub ledger_entry_id: Option<u64>,
}

/// How the records stand.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordStatus {
    /// Ledger entries.
    pub total_records: u64,
    /// All of them, by class.
    pub by_classification: BTreeMap<String, u64>,
    /// All of them, by status.
    pub by_status: BTreeMap<String, u64>,
    /// Soon as old as personal parts are kept.
    pub expiring_within_30_days: u64,
    /// Holds in force.
    pub legal_holds_active: u64,
    /// How long the data part is kept, by class.
    pub retention_days: BTreeMap<String, u32>,
    /// How long the personal part is kept.
    pub personal_retention_days: u32,
    /// Time of the first entry.
    pub oldest_record: String,
    /// Time of the last one counted.
    pub newest_record: String,
    /// Whether the ledger holds.
    pub integrity: Integrity,
    /// That of the duty of article 12 which stands worst.
    pub status: String,
    /// The finer name.
    pub status_detail: String,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// Whether the ledger holds, as the node says that was asked.
#[derive(Clone, Debug, Deserialize)]
pub struct Integrity {
    /// `None` while not every entry was hashed again.
    pub valid: Option<bool>,
    /// Everything up to this entry was.
    pub verified_through: Option<u64>,
    /// A final checkpoint.
    pub checkpoint: Option<String>,
}

/// Which records a package is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageQuery {
    /// `json`, `markdown` or, for records, `csv`; `json` when absent.
    pub format: Option<String>,
    /// Not earlier than this time.
    pub from: Option<String>,
    /// Earlier than this time.
    pub to: Option<String>,
    /// As they stood at this entry, or at the last one not later than this time.
    pub as_of: Option<String>,
}

/// A package for a regulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// The records of a period: article 12.
    Records,
    /// What humans did in it: article 14.
    Oversight,
}

const ACT: [&str; 2] = ["compliance", "eu-ai-act"];

impl Client {
    /// Applies a legal hold. It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn hold_apply(&self, hold: &NewHold) -> Result<Reply<HoldApplied>, Error> {
        let [area, act] = ACT;
        let path = [area, act, "article-12", "legal-holds"];
        self.call(&Call::write(Method::POST, path).body(&hold_body(hold))).await
    }

    /// Legal holds.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn holds(&self, query: &HoldQuery) -> Result<Reply<Holds>, Error> {
        let [area, act] = ACT;
        let call = Call::get([area, act, "article-12", "legal-holds"])
            .query("status", query.status.as_deref())
            .query("after", query.after)
            .query("limit", query.limit)
            .query("as_of", query.as_of.as_deref());
        self.call(&call).await
    }

    /// Releases a legal hold. It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn hold_release(
        &self,
        hold_id: &str,
        reason: &str,
    ) -> Result<Reply<HoldReleased>, Error> {
        let [area, act] = ACT;
        let path = [area, act, "article-12", "legal-holds", hold_id];
        self.call(&Call::write(Method::DELETE, path).query("reason", Some(reason))).await
    }

    /// Erases what may be erased. It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn anonymize(&self, what: &Anonymize) -> Result<Reply<Anonymized>, Error> {
        let [area, act] = ACT;
        let mut body = Object::new();
        body.insert("dry_run", what.dry_run);
        for (name, value) in
            [("part", &what.part), ("subject", &what.subject), ("before", &what.before)]
        {
            if let Some(value) = value {
                body.insert(name, value.as_str());
            }
        }
        let path = [area, act, "article-12", "anonymize"];
        self.call(&Call::write(Method::POST, path).body(&Json::Object(body)).long()).await
    }

    /// How the records stand.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn record_status(&self, as_of: Option<&str>) -> Result<Reply<RecordStatus>, Error> {
        let [area, act] = ACT;
        let call = Call::get([area, act, "article-12", "status"]).query("as_of", as_of).long();
        self.call(&call).await
    }

    /// A package for a regulator, as the text it is.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn regulatory_package(
        &self,
        package: Package,
        query: &PackageQuery,
    ) -> Result<String, Error> {
        let [area, act] = ACT;
        let path = match package {
            Package::Records => [area, act, "article-12", "regulatory-package"],
            Package::Oversight => [area, act, "article-14", "evidence-package"],
        };
        let call = Call::get(path)
            .query("format", Some(query.format.as_deref().unwrap_or("json")))
            .query("from", query.from.as_deref())
            .query("to", query.to.as_deref())
            .query("as_of", query.as_of.as_deref())
            .long();
        self.send(&call).await?.into_text()
    }
}

fn hold_body(hold: &NewHold) -> Json {
    let mut body = Object::new();
    body.insert("reason", hold.reason.as_str());
    for (name, value) in [("hold_id", &hold.hold_id), ("requester", &hold.requester)] {
        if let Some(value) = value {
            body.insert(name, value.as_str());
        }
    }
    match &hold.scope {
        HoldScope::All => drop(body.insert("all", true)),
        HoldScope::Entries(ids) => {
            body.insert("entry_ids", Json::Array(ids.iter().map(|id| (*id).into()).collect()));
        }
        HoldScope::Filter(filter) => {
            let mut members = Object::new();
            for (name, value) in [
                ("actor", &filter.actor),
                ("entry_type", &filter.entry_type),
                ("from", &filter.from),
                ("to", &filter.to),
            ] {
                if let Some(value) = value {
                    members.insert(name, value.as_str());
                }
            }
            body.insert("filter", members);
        }
    }
    Json::Object(body)
}
