//! How the records stand, as `GET /article-12/status` shows it.

use governance::command::RetentionDays;
use governance::view::{self, RecordStanding};
use register::{Detail, EU_AI_ACT, Status};
use types::Json;

use super::{AS_OF, INTEGRITY, Integrity, asked, settled};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::Field;
use crate::problem::Problem;
use crate::reply::{Member, integer, object, text, time};

/// The article, as the register has it.
const ARTICLE: &str = "12";

/// Query of `GET /compliance/eu-ai-act/article-12/status`.
pub(crate) const QUERY: &[Field] = &[AS_OF];

/// Classes of records.
pub(crate) const BY_CLASSIFICATION: &[Member] = &[
    integer(
        "high_risk",
        "Denied or escalated decisions, risks of 60 and more, overrides, interventions, ends of \
         stops, incidents, policies put in force.",
    ),
    integer("standard", "Everything else."),
    integer("gdpr_intersect", "Decisions on what their policy marks as personal data."),
];

/// Statuses of records. The first that fits, in the order `anonymized`,
/// `legal_hold`, `archived`, `expiring`, `active`.
pub(crate) const BY_STATUS: &[Member] = &[
    integer("active", "Younger than the others."),
    integer("expiring", "Within 30 days as old as personal parts are kept."),
    integer("legal_hold", "Whole, and kept by a legal hold."),
    integer("anonymized", "A part is erased."),
    integer("archived", "Older than personal parts are kept, and whole: what needs no erasure."),
];

/// How long the data part is kept.
pub(crate) const RETENTION_DAYS: &[Member] = &[
    integer("high_risk", "Days."),
    integer("standard", "Days."),
    integer("gdpr_intersect", "Days."),
];

/// Reply of `GET /compliance/eu-ai-act/article-12/status`.
pub(crate) const REPLY: &[Member] = &[
    integer("total_records", "Ledger entries."),
    object("by_classification", BY_CLASSIFICATION, "All of them, by class."),
    object("by_status", BY_STATUS, "All of them, by status."),
    integer("expiring_within_30_days", "The same as `by_status.expiring`."),
    integer("legal_holds_active", "Holds in force."),
    object("retention_days", RETENTION_DAYS, "How long the data part is kept, by class."),
    integer("personal_retention_days", "How long the personal part is kept, in every class."),
    time("oldest_record", "Time of the first entry."),
    time("newest_record", "Time of the last entry counted."),
    object("integrity", INTEGRITY, "Whether the ledger holds."),
    text(
        "status",
        "That of the duties of article 12 which stands worst: `insufficient`, else \
         `needs_human_evidence`, `partial`, `evidence_sufficient`; `not_applicable` where all are.",
    ),
    text("status_detail", "The finer name."),
    integer("as_of_index", "The last entry counted."),
];

/// `GET /compliance/eu-ai-act/article-12/status`.
pub(crate) async fn status<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let asked = asked(call)?;
    let last = settled(app, asked).await?;
    let read = app.backend.view()?;
    let shared = std::sync::Arc::clone(&app.shared);
    let work = move || {
        let found = view::record_standing(&read, last)?;
        let integrity = Integrity::of(&read, &shared.verified, last, asked)?;
        let whole = shared.assessments.of(&read, last)?;
        let duties = whole.items(EU_AI_ACT).filter(|duty| duty.article == Some(ARTICLE));
        let details: Vec<Detail> = duties.map(|duty| duty.detail).collect();
        Ok(shown(&found, &integrity, standing(&integrity, details.iter().copied())))
    };
    app.audit(work).await
}

fn shown(found: &RecordStanding, integrity: &Integrity, detail: Detail) -> Answer {
    let [high_risk, gdpr, standard] = found.by_class;
    Answer::members([
        ("total_records", found.total.into()),
        ("by_classification", by_class(high_risk, standard, gdpr)),
        (
            "by_status",
            Json::object([
                ("active", found.active.into()),
                ("expiring", found.expiring.into()),
                ("legal_hold", found.legal_hold.into()),
                ("anonymized", found.anonymized.into()),
                ("archived", found.archived.into()),
            ]),
        ),
        ("expiring_within_30_days", found.expiring.into()),
        ("legal_holds_active", found.holds.into()),
        ("retention_days", retention_days(found.days)),
        ("personal_retention_days", found.days.personal.into()),
        ("oldest_record", found.oldest.to_string().into()),
        ("newest_record", found.newest.to_string().into()),
        ("integrity", integrity.to_json()),
        ("status", detail.status().as_str().into()),
        ("status_detail", detail.as_str().into()),
        ("as_of_index", found.as_of.0.into()),
    ])
}

/// Counts by class, as replies name the classes.
pub(super) fn by_class(high_risk: u64, standard: u64, gdpr: u64) -> Json {
    Json::object([
        ("high_risk", high_risk.into()),
        ("standard", standard.into()),
        ("gdpr_intersect", gdpr.into()),
    ])
}

/// How long data parts are kept. One never goes before the personal part would.
pub(super) fn retention_days(days: RetentionDays) -> Json {
    let of = |days_of_class: u32| Json::from(days_of_class.max(days.personal));
    Json::object([
        ("high_risk", of(days.high_risk)),
        ("standard", of(days.other)),
        ("gdpr_intersect", of(days.other)),
    ])
}

/// How far the records go as evidence of article 12: its duties as they are
/// assessed as of that entry, the worst of them. What is insufficient comes before
/// what needs evidence of humans, that before what is partial, and that before what
/// is sufficient; within one status the finer name that is looked for first. What
/// does not apply counts only where nothing does. A ledger that the node asked
/// found not to hold is no evidence of anything.
fn standing(integrity: &Integrity, details: impl Iterator<Item = Detail> + Clone) -> Detail {
    if integrity.valid == Some(false) {
        return Detail::Failing;
    }
    // Their order is that of the status model, which is this one but for these.
    let applies = |detail: &Detail| detail.status() != Status::NotApplicable;
    let all = details.clone().min().unwrap_or(Detail::NotApplicable);
    details.filter(applies).min().unwrap_or(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(details: &[Detail], valid: Option<bool>) -> (&'static str, &'static str) {
        let integrity = Integrity { valid, verified_through: None, checkpoint: None };
        let detail = standing(&integrity, details.iter().copied());
        (detail.status().as_str(), detail.as_str())
    }

    #[test]
    fn the_worst_duty_that_applies_says_how_the_article_stands() {
        use Detail as D;
        let partial = D::SystemEvidencePresentHumanEvidenceMissing;
        for (details, expect) in [
            (
                &[D::ImplementedBySystem, D::EvidenceOnFile][..],
                ("evidence_sufficient", "evidence_on_file"),
            ),
            (&[D::ImplementedBySystem, partial], ("partial", partial.as_str())),
            (&[partial, D::NeedsHumanEvidence], ("needs_human_evidence", "needs_human_evidence")),
            (&[D::NeedsHumanEvidence, D::NotCovered, D::Stale], ("insufficient", "stale")),
            (&[D::Inconclusive, D::Failing, D::NotApplicable], ("insufficient", "failing")),
            (
                &[D::NotYetApplicable, D::EvidenceOnFile],
                ("evidence_sufficient", "evidence_on_file"),
            ),
            (&[D::NotYetApplicable], ("not_applicable", "not_yet_applicable")),
            (&[], ("not_applicable", "not_applicable")),
        ] {
            assert_eq!(of(details, Some(true)), expect, "{details:?}");
            assert_eq!(of(details, None), expect, "{details:?}");
            assert_eq!(of(details, Some(false)), ("insufficient", "failing"), "{details:?}");
        }
    }

    #[test]
    fn data_is_kept_at_least_as_long_as_what_is_personal() {
        let days = RetentionDays { personal: 400, ..RetentionDays::DEFAULT };
        let expect = r#"{"gdpr_intersect":400,"high_risk":3650,"standard":400}"#;
        assert_eq!(retention_days(days).to_canonical(), expect);
    }
}
