//! What humans did in a period, as evidence of their oversight: article 14.

use governance::effective::When;
use governance::view::{self, Absent};
use governance::{Read, shown};
use ledger::{EntryType, StoredEntry};
use types::{EntryId, EscalationId, Json, Object, OverrideId, Timestamp};

use super::package::{integrity_lines, summary_lines};
use super::period::{self, FORMAT, FROM, Format, PERIOD, Period, RECORDS_MAX, TO};
use super::table::markdown_row;
use super::{AS_OF, Integrity, asked, settled};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call, Content};
use crate::fields::Field;
use crate::problem::Problem;
use crate::reply::{Member, free, hash, integer, list, object, text, time};
use crate::rest::decision::reply::parts;
use crate::rest::oversight::effectiveness;
use crate::rest::{escalation, overrides};

const TYPE: &str = "EU_AI_ACT_ARTICLE_14";

/// Query of `GET /compliance/eu-ai-act/article-14/evidence-package`.
pub(crate) const QUERY: &[Field] = &[FORMAT, FROM, TO, AS_OF];

const INTERVENTION: &[Member] = &[
    text("intervention_id", "The intervention; null once erased.").or_null(),
    text("intervention_type", "What the human did; null once erased.").or_null(),
    text("human_role", "As what; null once erased.").or_null(),
    text("by", "Who, where that is known.").or_null(),
    text("authn", "How that was checked: `none` where nobody checked.").or_null(),
    text("decision_id", "The decision it was about.").or_null(),
    integer("response_time_ms", "How long the human took.").or_null(),
    text("stop_id", "The stop that it set.").or_null(),
    free("ai_recommendation", "What the machine proposed; null once erased.").or_null(),
    free("human_decision", "What the human decided; null once erased.").or_null(),
    text("reason", "Why; null once erased.").or_null(),
    time("timestamp", "Cluster time."),
    integer("ledger_entry_id", "The ledger entry that has it."),
    hash("ledger_entry_hash", "Hash of that entry."),
    free("erased", "What was erased, when, and by which entry.").or_null(),
];

/// Reply of `GET /compliance/eu-ai-act/article-14/evidence-package`.
pub(crate) const REPLY: &[Member] = &[
    text("package_type", "`EU_AI_ACT_ARTICLE_14`"),
    object("period", PERIOD, "When."),
    list("interventions", INTERVENTION, "What humans did, oldest first: at most 10,000."),
    list("escalations", escalation::REPLY, "Questions to humans, oldest first: at most 10,000."),
    list(
        "overrides",
        overrides::describe::REPLY,
        "Decisions that humans made in the place of the policy: at most 10,000.",
    ),
    integer("erased", "Escalations and overrides of the period that are erased whole."),
    object("metrics", effectiveness::REPLY, "How it went, as the path `effectiveness` counts it."),
    text("checkpoint", "A final checkpoint that covers it, frozen.").or_null(),
    integer("as_of_index", "The last entry looked at."),
];

/// `GET /compliance/eu-ai-act/article-14/evidence-package`.
pub(crate) async fn package<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let format = Format::of(call, &[Format::Json, Format::Markdown])?;
    let (period, asked) = (Period::of(call)?, asked(call)?);
    let last = settled(app, asked).await?;
    let read = app.backend.view()?;
    let shared = std::sync::Arc::clone(&app.shared);
    let work = move || {
        let evidence = Evidence::of(&read, period, last)?;
        let integrity = Integrity::of(&read, &shared.verified, last, asked)?;
        let mut answer = match format {
            Format::Markdown => {
                Answer::bytes("text/markdown; charset=utf-8", evidence.to_markdown(&integrity))
            }
            Format::Json | Format::Csv => Answer::json(evidence.to_json(&integrity)),
        };
        answer.personal = evidence.shown;
        Ok(answer)
    };
    app.audit(work).await
}

/// What humans did.
struct Evidence {
    period: Period,
    interventions: Vec<Object>,
    escalations: Vec<Object>,
    overrides: Vec<Object>,
    erased: u64,
    metrics: Object,
    last: EntryId,
    /// The least and the greatest entry whose personal part is shown.
    shown: Option<(EntryId, EntryId)>,
    room: period::Room,
}

impl Evidence {
    fn of(read: &impl Read, period: Period, last: EntryId) -> Result<Self, Problem> {
        let ids = period.ids(read, last)?;
        let count = |entry_type| view::count_of_type(read, entry_type, &ids);
        period::check_size(count(EntryType::Intervention)?, "interventions")?;
        period::check_size(count(EntryType::OverrideExecuted)?, "overrides")?;
        let limit = usize::try_from(RECORDS_MAX).unwrap_or(usize::MAX);
        let asked = view::escalation_ids(read, &ids, limit.saturating_add(1))?;
        period::check_size(asked.len() as u64, "escalations")?;
        // As of its end: what came later is no part of the period.
        let until = EntryId(ids.end.saturating_sub(1));
        let now = time_of(read, until)?;
        let when = When { size: ids.end, now };
        // Nothing is told of a time before there was a ledger.
        let first = time_of(read, EntryId(0))?;
        let from = period.from.unwrap_or_default().max(first);
        let found = view::effectiveness_from(read, until, from)?;
        let mut evidence = Self {
            period,
            interventions: Vec::new(),
            escalations: Vec::new(),
            overrides: Vec::new(),
            erased: 0,
            metrics: members(effectiveness::shown(&found, days(from, now))),
            last,
            shown: None,
            room: period::Room::default(),
        };
        for id in view::ids_of_type(read, EntryType::Intervention, &ids, limit)? {
            evidence.intervention(read, id)?;
        }
        for id in asked {
            evidence.escalation(read, id, when)?;
        }
        for id in view::ids_of_type(read, EntryType::OverrideExecuted, &ids, limit)? {
            evidence.override_at(read, id, when)?;
        }
        Ok(evidence)
    }

    fn show(&mut self, read: &impl Read, id: EntryId) -> Result<(), Problem> {
        let entry = view::entry(read, id)?.ok_or_else(Problem::internal)?;
        self.see(&entry)
    }

    fn see(&mut self, entry: &StoredEntry) -> Result<(), Problem> {
        self.room.take(entry)?;
        if entry.personal.is_some() {
            let id = entry.header.id;
            let (least, greatest) = self.shown.unwrap_or((id, id));
            self.shown = Some((least.min(id), greatest.max(id)));
        }
        Ok(())
    }

    fn miss(&mut self, _: Absent) {
        self.erased = self.erased.saturating_add(1);
    }

    fn intervention(&mut self, read: &impl Read, id: EntryId) -> Result<(), Problem> {
        let entry = view::entry(read, id)?.ok_or_else(Problem::internal)?;
        let told = parts(&entry)?;
        let of = |part: &Option<Object>, name: &str| {
            part.as_ref().and_then(|part| part.get(name)).cloned().unwrap_or_default()
        };
        let mut row = Object::new();
        for name in [
            "intervention_id",
            "intervention_type",
            "human_role",
            "by",
            "authn",
            "decision_id",
            "response_time_ms",
            "stop_id",
        ] {
            row.insert(name, of(&told.data, name));
        }
        for name in ["ai_recommendation", "human_decision", "reason"] {
            row.insert(name, of(&told.personal, name));
        }
        row.insert("timestamp", entry.header.timestamp.to_string());
        row.insert("ledger_entry_id", id.0);
        row.insert("ledger_entry_hash", entry.hash().to_string());
        row.insert("erased", shown::erased(read, &entry)?);
        self.interventions.push(row);
        self.see(&entry)
    }

    fn escalation(
        &mut self,
        read: &impl Read,
        id: EscalationId,
        when: When,
    ) -> Result<(), Problem> {
        match view::escalation_at(read, id, when)? {
            Ok(found) => {
                self.show(read, found.record.entry_id)?;
                if let Some(answer) = &found.answer {
                    self.show(read, answer.entry_id)?;
                }
                self.escalations.push(shown::escalation(&found));
            }
            Err(absent) => self.miss(absent),
        }
        Ok(())
    }

    fn override_at(&mut self, read: &impl Read, entry: EntryId, when: When) -> Result<(), Problem> {
        let stored = view::entry(read, entry)?.ok_or_else(Problem::internal)?;
        let data = parts(&stored)?.data;
        let id = data.as_ref().and_then(|data| data.get("override_id")).and_then(Json::as_str);
        let Some(id) = id.and_then(|id| id.parse::<OverrideId>().ok()) else {
            self.erased = self.erased.saturating_add(1);
            return Ok(());
        };
        match view::override_at(read, id, when)? {
            Ok(found) => {
                self.see(&stored)?;
                // What was said to it later is told by an entry of its own.
                if let Some(review) = &found.review {
                    self.show(read, review.entry_id)?;
                }
                self.overrides.push(shown::override_of(&found, when.now));
            }
            Err(absent) => self.miss(absent),
        }
        Ok(())
    }

    fn to_json(&self, integrity: &Integrity) -> Object {
        let rows = |rows: &[Object]| Json::Array(rows.iter().cloned().map(Json::Object).collect());
        let mut reply = Object::new();
        reply.insert("package_type", TYPE);
        reply.insert("period", self.period.to_json());
        reply.insert("interventions", rows(&self.interventions));
        reply.insert("escalations", rows(&self.escalations));
        reply.insert("overrides", rows(&self.overrides));
        reply.insert("erased", self.erased);
        reply.insert("metrics", self.metrics.clone());
        reply.insert("checkpoint", integrity.checkpoint.clone());
        reply.insert("as_of_index", self.last.0);
        reply
    }

    fn to_markdown(&self, integrity: &Integrity) -> String {
        let mut text = format!(
            "# Human oversight of an AI system (EU AI Act, Article 14)\n\nPeriod: {}. Entries up to \
             {}. {} escalations and overrides of it are erased.\n\n## Figures\n\n{}",
            self.period.to_text(),
            self.last,
            self.erased,
            summary_lines(&self.metrics, "")
        );
        text.push_str("\n## Integrity\n\n");
        text.push_str(&integrity_lines(integrity));
        for (title, rows, columns) in [
            ("Interventions", &self.interventions, INTERVENTION_COLUMNS),
            ("Escalations", &self.escalations, ESCALATION_COLUMNS),
            ("Overrides", &self.overrides, OVERRIDE_COLUMNS),
        ] {
            text.push_str(&format!("\n## {title}\n\n| {} |\n", columns.join(" | ")));
            text.push_str(&format!("|{}\n", " --- |".repeat(columns.len())));
            for row in rows {
                let cells: Vec<String> = columns.iter().map(|name| cell(row, name)).collect();
                text.push_str(&markdown_row(cells.iter().map(String::as_str)));
            }
        }
        text
    }
}

const INTERVENTION_COLUMNS: &[&str] = &[
    "ledger_entry_id",
    "timestamp",
    "intervention_id",
    "intervention_type",
    "human_role",
    "by",
    "authn",
    "response_time_ms",
    "reason",
];

const ESCALATION_COLUMNS: &[&str] = &[
    "ledger_entry_id",
    "created_at",
    "escalation_id",
    "decision_id",
    "trigger",
    "priority",
    "status",
    "sla_deadline",
    "resolved_at",
    "resolution",
];

const OVERRIDE_COLUMNS: &[&str] = &[
    "ledger_entry_id",
    "timestamp",
    "override_id",
    "decision_id",
    "override_type",
    "authorized_by",
    "status",
    "justification",
];

fn cell(row: &Object, name: &str) -> String {
    match row.get(name) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_canonical(),
    }
}

fn time_of(read: &impl Read, id: EntryId) -> Result<Timestamp, Problem> {
    let entry = view::entry(read, id)?.ok_or_else(Problem::internal)?;
    Ok(entry.header.timestamp)
}

/// Whole days from one time to another, begun ones counted.
fn days(from: Timestamp, to: Timestamp) -> u32 {
    const DAY: u64 = 24 * 3600 * 1_000_000;
    u32::try_from(to.0.saturating_sub(from.0).div_ceil(DAY)).unwrap_or(u32::MAX)
}

/// The members of an answer that has some.
fn members(answer: Answer) -> Object {
    match answer.content {
        Content::Json(members) => members,
        Content::Bytes { .. } | Content::File { .. } | Content::Download { .. } => Object::new(),
    }
}
