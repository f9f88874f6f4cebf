//! The records of a period, for a regulator: what each is, how it is kept, and
//! whether the ledger they are in holds.

use std::collections::BTreeMap;

use governance::view::{self, Standings};
use governance::{Read, shown};
use ledger::StoredEntry;
use types::{EntryId, Json, Object};

use super::period::{self, FORMAT, FROM, Format, PERIOD, Period, TO};
use super::status::{BY_CLASSIFICATION, BY_STATUS, RETENTION_DAYS, by_class, retention_days};
use super::table::{csv_row, markdown, markdown_row};
use super::{AS_OF, INTEGRITY, Integrity, asked, settled};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::Field;
use crate::problem::Problem;
use crate::reply::{Member, free, hash, integer, list, object, text, time};
use crate::rest::decision::reply::parts;

const TYPE: &str = "EU_AI_ACT_ARTICLE_12";

/// Query of `GET /compliance/eu-ai-act/article-12/regulatory-package`.
pub(crate) const QUERY: &[Field] = &[FORMAT, FROM, TO, AS_OF];

const SUMMARY: &[Member] = &[
    integer("total_records", "Records of the period."),
    object("by_classification", BY_CLASSIFICATION, "By class."),
    object("by_status", BY_STATUS, "By status."),
    free("by_entry_type", "By what they record: types that there are."),
    integer("legal_holds_active", "Holds in force."),
    object("retention_days", RETENTION_DAYS, "How long the data part is kept, by class."),
    integer("personal_retention_days", "How long the personal part is kept, in every class."),
];

const RECORD: &[Member] = &[
    integer("entry_id", "Place in the ledger."),
    text("entry_type", "What is recorded."),
    time("timestamp", "Cluster time."),
    text("actor", "Whom it is about.").or_null(),
    text("classification", "`high_risk`, `gdpr_intersect` or `standard`."),
    text("status", "`active`, `expiring`, `legal_hold`, `anonymized` or `archived`."),
    free("data", "What makes the record a record; null once erased.").or_null(),
    free("erased", "What was erased, when, and by which entry.").or_null(),
    hash("data_hash", "Commitment to `data`."),
    hash("personal_hash", "Commitment to the personal part, which is not given here.").or_null(),
    hash("current_hash", "Hash of the entry, and its leaf in the tree."),
];

const STATUSES: &[Member] = &[
    text("active", "What the status means."),
    text("expiring", "What the status means."),
    text("legal_hold", "What the status means."),
    text("anonymized", "What the status means."),
    text("archived", "What the status means."),
];

/// Reply of `GET /compliance/eu-ai-act/article-12/regulatory-package`.
pub(crate) const REPLY: &[Member] = &[
    text("package_type", "`EU_AI_ACT_ARTICLE_12`"),
    object("period", PERIOD, "Which records."),
    object("summary", SUMMARY, "The records, counted."),
    object("integrity_verification", INTEGRITY, "Whether the ledger holds."),
    list("records", RECORD, "Every record of the period, oldest first: at most 10,000."),
    object("statuses", STATUSES, "What a status means; the first that fits is told."),
    integer("as_of_index", "The last entry looked at."),
];

/// `GET /compliance/eu-ai-act/article-12/regulatory-package`.
pub(crate) async fn package<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let format = Format::of(call, &[Format::Json, Format::Markdown, Format::Csv])?;
    let (period, asked) = (Period::of(call)?, asked(call)?);
    let last = settled(app, asked).await?;
    let read = app.backend.view()?;
    let shared = std::sync::Arc::clone(&app.shared);
    let work = move || {
        let records = Records::of(&read, period, last)?;
        let integrity = Integrity::of(&read, &shared.verified, last, asked)?;
        Ok(match format {
            Format::Json => Answer::json(records.into_json(&integrity)),
            Format::Markdown => {
                Answer::bytes("text/markdown; charset=utf-8", records.to_markdown(&integrity))
            }
            Format::Csv => Answer::bytes("text/csv; charset=utf-8", records.to_csv()),
        })
    };
    app.audit(work).await
}

/// The records of a period.
struct Records {
    period: Period,
    rows: Vec<Object>,
    by_class: BTreeMap<&'static str, u64>,
    by_status: BTreeMap<&'static str, u64>,
    by_type: BTreeMap<&'static str, u64>,
    holds: u64,
    days: governance::command::RetentionDays,
    last: EntryId,
    room: period::Room,
}

impl Records {
    fn of(read: &impl Read, period: Period, last: EntryId) -> Result<Self, Problem> {
        let ids = period.ids(read, last)?;
        period::check_size(ids.end.saturating_sub(ids.start), "records")?;
        let standings = Standings::of(read, &ids, last)?;
        let mut found = Self {
            period,
            rows: Vec::new(),
            by_class: BTreeMap::new(),
            by_status: BTreeMap::new(),
            by_type: BTreeMap::new(),
            holds: standings.holds(),
            days: standings.days,
            last,
            room: period::Room::default(),
        };
        for id in ids {
            let entry = view::entry(read, EntryId(id))?.ok_or_else(Problem::internal)?;
            found.add(read, &standings, &entry)?;
        }
        Ok(found)
    }

    fn add(
        &mut self,
        read: &impl Read,
        standings: &Standings,
        entry: &StoredEntry,
    ) -> Result<(), Problem> {
        self.room.take(entry)?;
        let data = parts(entry)?.data;
        let one = standings.one(entry, data.as_ref());
        let header = &entry.header;
        for (counts, name) in [
            (&mut self.by_class, one.class.as_str()),
            (&mut self.by_status, one.status),
            (&mut self.by_type, header.entry_type.as_str()),
        ] {
            let count = counts.entry(name).or_default();
            *count = count.saturating_add(1);
        }
        let actor = data.as_ref().and_then(|data| data.get("actor").cloned());
        let mut row = Object::new();
        row.insert("entry_id", header.id.0);
        row.insert("entry_type", header.entry_type.as_str());
        row.insert("timestamp", header.timestamp.to_string());
        row.insert("actor", actor.unwrap_or_default());
        row.insert("classification", one.class.as_str());
        row.insert("status", one.status);
        row.insert("data", data.map(Json::Object));
        row.insert("erased", shown::erased(read, entry)?);
        row.insert("data_hash", header.data_hash.to_string());
        row.insert("personal_hash", header.personal_hash.map(|hash| hash.to_string()));
        row.insert("current_hash", entry.hash().to_string());
        self.rows.push(row);
        Ok(())
    }

    fn count(&self, status: &str) -> u64 {
        self.by_status.get(status).copied().unwrap_or(0)
    }

    fn class(&self, class: &str) -> u64 {
        self.by_class.get(class).copied().unwrap_or(0)
    }

    fn summary(&self) -> Object {
        let mut by_status = Object::new();
        for (status, _) in MEANINGS {
            by_status.insert(status, self.count(status));
        }
        let mut by_type = Object::new();
        for (entry_type, count) in &self.by_type {
            by_type.insert(*entry_type, *count);
        }
        let (high_risk, standard) = (self.class("high_risk"), self.class("standard"));
        let mut summary = Object::new();
        summary.insert("total_records", self.rows.len() as u64);
        summary.insert(
            "by_classification",
            by_class(high_risk, standard, self.class("gdpr_intersect")),
        );
        summary.insert("by_status", by_status);
        summary.insert("by_entry_type", by_type);
        summary.insert("legal_holds_active", self.holds);
        summary.insert("retention_days", retention_days(self.days));
        summary.insert("personal_retention_days", self.days.personal);
        summary
    }

    fn into_json(self, integrity: &Integrity) -> Object {
        let mut reply = Object::new();
        let mut statuses = Object::new();
        for (status, meaning) in MEANINGS {
            statuses.insert(status, meaning);
        }
        reply.insert("package_type", TYPE);
        reply.insert("period", self.period.to_json());
        reply.insert("summary", self.summary());
        reply.insert("integrity_verification", integrity.to_json());
        reply.insert("statuses", statuses);
        reply.insert("as_of_index", self.last.0);
        reply.insert("records", Json::Array(self.rows.into_iter().map(Json::Object).collect()));
        reply
    }

    fn to_csv(&self) -> String {
        let mut text = csv_row(COLUMNS);
        for row in &self.rows {
            let cells: Vec<String> = COLUMNS.iter().map(|name| cell(row, name)).collect();
            text.push_str(&csv_row(cells.iter().map(String::as_str)));
        }
        text
    }

    fn to_markdown(&self, integrity: &Integrity) -> String {
        let mut text = format!(
            "# Records of an AI system (EU AI Act, Article 12)\n\nPeriod: {}. Entries up to {}.\n\n",
            self.period.to_text(),
            self.last
        );
        text.push_str("## Summary\n\n");
        text.push_str(&summary_lines(&self.summary(), ""));
        text.push_str("\n## Integrity\n\n");
        text.push_str(&integrity_lines(integrity));
        text.push_str("\n## What a status means\n\n");
        for (status, meaning) in MEANINGS {
            text.push_str(&format!("- `{status}`: {meaning}\n"));
        }
        text.push_str("\n## Records\n\n");
        let columns = ["entry_id", "entry_type", "timestamp", "actor", "classification", "status"];
        let columns = columns.into_iter().chain(["current_hash"]);
        let columns: Vec<&str> = columns.collect();
        text.push_str(&format!("| {} |\n", columns.join(" | ")));
        text.push_str(&format!("|{}\n", " --- |".repeat(columns.len())));
        for row in &self.rows {
            let cells: Vec<String> = columns.iter().map(|name| cell(row, name)).collect();
            text.push_str(&markdown_row(cells.iter().map(String::as_str)));
        }
        text
    }
}

const COLUMNS: [&str; 11] = [
    "entry_id",
    "entry_type",
    "timestamp",
    "actor",
    "classification",
    "status",
    "data",
    "erased",
    "data_hash",
    "personal_hash",
    "current_hash",
];

/// What a status means, in the order in which they are tried.
const MEANINGS: [(&str, &str); 5] = [
    ("anonymized", "a part is erased; the entry named in `erased` says which, when and why"),
    ("legal_hold", "whole, and kept by a legal hold until that is released"),
    (
        "archived",
        "older than personal parts are kept, and whole: it has none, or is never erased, or is \
         about what lives still",
    ),
    ("expiring", "within 30 days as old as personal parts are kept"),
    ("active", "younger than that"),
];

/// A member as the text of a cell.
fn cell(row: &Object, name: &str) -> String {
    match row.get(name) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_canonical(),
    }
}

/// Figures as a list, with lists within it.
pub(super) fn summary_lines(figures: &Object, indent: &str) -> String {
    let mut text = String::new();
    for (name, value) in figures.iter() {
        let name = markdown(name);
        match value {
            Json::Object(inner) => {
                text.push_str(&format!("{indent}- {name}:\n"));
                text.push_str(&summary_lines(inner, &format!("{indent}  ")));
            }
            Json::String(said) => text.push_str(&format!("{indent}- {name}: {}\n", markdown(said))),
            other => {
                text.push_str(&format!("{indent}- {name}: {}\n", markdown(&other.to_canonical())));
            }
        }
    }
    text
}

/// Whether the ledger holds, in words.
pub(super) fn integrity_lines(integrity: &Integrity) -> String {
    let valid = match integrity.valid {
        Some(true) => "every entry up to there was hashed again and holds",
        Some(false) => "the ledger does not hold",
        None => "not every entry was hashed again yet",
    };
    let through = integrity.verified_through;
    let through = through.map_or_else(|| "none".to_owned(), |id| id.to_string());
    let mut text = format!("- Verified: {valid}\n- Verified through entry: {through}\n");
    match &integrity.checkpoint {
        Some(note) => {
            text.push_str("- Checkpoint:\n\n");
            note.lines().for_each(|line| text.push_str(&format!("      {line}\n")));
        }
        None => text.push_str("- Checkpoint: none is final yet\n"),
    }
    text
}
