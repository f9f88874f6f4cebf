//! What is asked and what there is, as text.

use client::compliance::{
    ByStatus, Control, ControlLinked, Controls, Coverage, Duties, Duty, Evidence, FrameworkReport,
    Gap, Profile, QueriesFound, QueryFound, Standing, Statistics, Timeline,
};

use crate::console::printable;
use crate::table::{cell, fields, short, table};

/// Statuses in the order of the contract, with what columns are called.
const COLUMNS: [(&str, &str); 5] = [
    ("evidence_sufficient", "SUFFICIENT"),
    ("partial", "PARTIAL"),
    ("needs_human_evidence", "NEEDS PEOPLE"),
    ("insufficient", "INSUFFICIENT"),
    ("not_applicable", "NOT APPLICABLE"),
];

fn row(name: &str, counts: &ByStatus) -> [String; 6] {
    let count = |status: &str| counts.get(status).copied().unwrap_or(0).to_string();
    let [a, b, c, d, e] = COLUMNS.map(|(status, _)| count(status));
    [name.to_owned(), a, b, c, d, e]
}

fn counts(rows: Vec<[String; 6]>) -> String {
    let [a, b, c, d, e] = COLUMNS.map(|(_, column)| column);
    table(["OF", a, b, c, d, e], rows)
}

pub(super) fn statistics(found: &Statistics) -> String {
    let frameworks = found.frameworks.iter();
    let mut rows: Vec<_> =
        frameworks.map(|counts| row(&counts.framework, &counts.by_status)).collect();
    rows.push(row("all controls", &found.by_status));
    rows.push(row("eu-ai-act", &found.obligations.by_status));
    format!("{}as of entry {}\n", counts(rows), found.as_of_index)
}

pub(super) fn coverage(found: &Coverage) -> String {
    let categories = found.by_category.iter();
    let mut rows: Vec<_> = categories.map(|it| row(&it.category, &it.by_status)).collect();
    rows.push(row("all", &found.by_status));
    format!("{}as of entry {}\n", counts(rows), found.as_of_index)
}

pub(super) fn controls(found: &Controls) -> String {
    let rows = found.controls.iter().map(|control| {
        let standing = &control.standing;
        [
            control.control_id.clone(),
            standing.status.clone(),
            control.title.clone(),
            standing.missing.join(", "),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let count = rows.len();
    let listed = table(["CONTROL", "STATUS", "ABOUT", "MISSING"], rows);
    format!("{listed}{count} controls as of entry {}\n", found.as_of_index)
}

pub(super) fn control(found: &Control) -> String {
    let head = fields([
        ("control", Some(format!("{} {}", found.framework, found.control_id))),
        ("about", Some(found.title.clone())),
        ("category", Some(found.category.clone())),
    ]);
    format!("{head}{}", standing(&found.standing))
}

fn standing(found: &Standing) -> String {
    let list = |names: &[String]| Some(names.join(", ")).filter(|names| !names.is_empty());
    let mut text = fields([
        ("status", Some(format!("{} ({})", found.status, found.status_detail))),
        ("people bring", list(&found.human_evidence_required)),
        ("linked", list(&found.evidence_artifact_ids)),
        ("missing", list(&found.missing)),
        ("last evidence", found.last_evidence_at.clone()),
    ]);
    for attested in &found.attestations {
        let counts = if attested.counts { "counts" } else { "does not count" };
        text.push_str(&printable(&format!(
            "attested by {} at {}, until {}: {counts}",
            cell(attested.attested_by.as_ref()),
            attested.attested_at,
            cell(attested.valid_until.as_ref()),
        )));
        text.push('\n');
    }
    text.push_str(&evidence(&found.evidence));
    text
}

fn evidence(found: &[Evidence]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let rows = found.iter().map(|found| {
        [
            found.query.clone(),
            found.result.clone(),
            format!("{} of {}, {} needed", found.count, found.population, found.threshold),
            short(&found.digest),
        ]
    });
    table(["QUESTION", "RESULT", "FOUND", "DIGEST"], rows.collect())
}

pub(super) fn gaps(found: &[Gap]) -> String {
    let rows = found.iter().map(|gap| {
        [
            gap.control_id.clone(),
            gap.status_detail.clone(),
            gap.title.clone(),
            gap.missing.join(", "),
        ]
    });
    table(["CONTROL", "STATUS", "ABOUT", "MISSING"], rows.collect())
}

pub(super) fn report(found: &FrameworkReport) -> String {
    let head = fields([
        ("report", Some(found.report_id.clone())),
        ("framework", Some(format!("{} ({})", found.name, found.framework_version))),
        ("as of", Some(format!("entry {}, {}", found.as_of_index, found.as_of))),
        ("register", Some(found.register_version.clone())),
        ("limits", Some(found.limits.clone())),
    ]);
    let totals = counts(vec![row(&found.framework, &found.totals.by_status)]);
    format!("{head}\n{totals}\n{}\n{}", gaps(&found.gaps), evidence(&found.evidence))
}

pub(super) fn duties(found: &Duties) -> String {
    let rows = found.obligations.iter().map(|duty| {
        [
            duty.id.clone(),
            duty.standing.status.clone(),
            duty.applicable_from.as_deref().map_or("never", day).to_owned(),
            duty.title.clone(),
        ]
    });
    let listed = table(["DUTY", "STATUS", "FROM", "ABOUT"], rows.collect());
    let totals = counts(vec![row("eu-ai-act", &found.summary.by_status)]);
    format!("{listed}\n{totals}as of entry {}\n", found.as_of_index)
}

/// Each duty whole.
pub(super) fn each_duty(found: &Duties) -> String {
    let shown: Vec<String> = found.obligations.iter().map(duty).collect();
    shown.join("\n")
}

fn duty(found: &Duty) -> String {
    let head = fields([
        ("duty", Some(format!("{}, article {}", found.id, found.reference))),
        ("about", Some(found.title.clone())),
        ("applies from", Some(found.applicable_from.as_deref().map_or("never", day).to_owned())),
    ]);
    format!("{head}{}", standing(&found.standing))
}

/// The day of a time.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

pub(super) fn timeline(found: &Timeline) -> String {
    let rows = found.days.iter().map(|found| {
        let duties = (0 < found.duties)
            .then(|| format!("{} (articles {})", found.duties, found.articles.join(", ")));
        [
            day(&found.date).to_owned(),
            if found.is_past { "past" } else { "to come" }.to_owned(),
            cell(duties),
            found.what.join("; "),
        ]
    });
    let listed = table(["DAY", "IS", "DUTIES OF YOURS", "WHAT BEGINS"], rows.collect());
    let never = found.duties_never;
    format!("{listed}{never} duties never apply, as of entry {}\n", found.as_of_index)
}

pub(super) fn query(found: &QueryFound) -> String {
    let of = &found.evidence;
    fields([
        ("question", Some(format!("{}, version {}", of.query, of.version))),
        ("result", Some(of.result.clone())),
        ("found", Some(format!("{} of {}", of.count, of.population))),
        ("needed", Some(of.threshold.to_string())),
        ("parameters", Some(found.parameters.to_canonical())),
        ("completeness", Some(found.completeness.to_canonical())),
        ("last evidence", found.last_evidence_at.clone()),
        ("digest", Some(of.digest.clone())),
        ("as of", found.as_of_index.map(|entry| entry.to_string())),
    ])
}

pub(super) fn queries(found: &QueriesFound) -> String {
    let evidence: Vec<Evidence> =
        found.queries.iter().map(|found| found.evidence.clone()).collect();
    format!("{}as of entry {}\n", self::evidence(&evidence), found.as_of_index)
}

pub(super) fn linked(found: &ControlLinked) -> String {
    fields([
        ("control", Some(format!("{} {}", found.framework, found.control_id))),
        ("artifact", Some(found.artifact_id.clone())),
        ("stands for", Some(found.evidence_types.join(", "))),
        ("linked before", found.already_linked.then(|| "yes".to_owned())),
        ("artifacts", Some(found.total_evidence_artifacts.to_string())),
        ("entry", found.ledger_entry_id.map(|entry| entry.to_string())),
    ])
}

pub(super) fn profile(found: &Profile) -> String {
    let list = |names: &[String]| Some(names.join(", ")).filter(|names| !names.is_empty());
    fields([
        ("organisation", Some(cell(found.organisation_name.as_ref()))),
        ("roles", list(&found.roles)),
        ("risk routes", list(&found.risk_routes)),
        ("jurisdictions", list(&found.jurisdictions)),
        ("frameworks", list(&found.frameworks)),
        ("reason", found.reason.clone()),
        ("version", Some(found.version.to_string())),
        ("updated at", found.updated_at.clone()),
        ("updated by", found.updated_by.clone()),
        ("register", Some(found.register_version.clone())),
        ("entry", found.ledger_entry_id.map(|entry| entry.to_string())),
    ])
}
