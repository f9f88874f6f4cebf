//! Assessment results: one result, an observation for each query, artifact and
//! attestation, and a finding for each duty or control that applies.

mod observation;

use std::collections::BTreeMap;

use types::{Json, Object};

use super::token::{control_id, line};
use super::{VERSION, properties, property, uuid};
use observation::observations;

/// What was assessed, and when.
#[derive(Clone, Copy, Debug)]
pub struct Assessed<'a> {
    /// Origin of the ledger.
    pub origin: &'a str,
    /// Entries that were looked at.
    pub ledger_size: u64,
    /// The last erasure of them that is shown, if there was any.
    pub erasures_through: Option<u64>,
    /// Root of the checkpoint that covers them, in hex.
    pub root: &'a str,
    /// Begin of the time that was looked at.
    pub start: &'a str,
    /// Timestamp of the last entry.
    pub now: &'a str,
    /// How duties and controls stand; none where that was not asked for.
    pub compliance: Option<&'a Json>,
}

impl Assessed<'_> {
    /// What ids are made from: two documents that differ have none in common.
    fn edition(&self) -> String {
        let erasures = self.erasures_through.map_or("none".to_owned(), |run| run.to_string());
        format!("{} {} {erasures}", self.root, self.ledger_size)
    }
}

/// One duty or control with where it comes from.
struct Item<'a> {
    framework: &'a str,
    id: &'a str,
    members: &'a Object,
}

impl<'a> Item<'a> {
    fn of(framework: &'a str, item: &'a Json) -> Option<Self> {
        let members = item.as_object()?;
        let id = ["control_id", "id", "ref"].iter().find_map(|name| members.get(name)?.as_str())?;
        Some(Self { framework, id, members })
    }

    fn word(&self, name: &str) -> &'a str {
        self.members.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    fn list(&self, name: &str) -> &'a [Json] {
        self.members.get(name).and_then(Json::as_array).unwrap_or_default()
    }

    fn target(&self) -> String {
        control_id(self.framework, self.id)
    }

    fn applies(&self) -> bool {
        self.word("status") != "not_applicable"
    }
}

/// The document of what the ledger shows about duties and controls.
pub fn results(assessed: &Assessed<'_>) -> Json {
    let items = items(assessed.compliance);
    let plan = uuid::of(&[&assessed.edition(), "plan"]);
    let size = assessed.ledger_size.to_string();
    let document = Json::object([
        ("uuid", uuid::of(&[&assessed.edition(), "assessment-results"]).into()),
        (
            "metadata",
            Json::object([
                ("title", format!("What the ledger {} shows", line(assessed.origin)).into()),
                ("last-modified", assessed.now.into()),
                ("version", size.as_str().into()),
                ("oscal-version", VERSION.into()),
                (
                    "remarks",
                    "Evidence as a ledger shows it. Nobody's judgement of compliance is part of it."
                        .into(),
                ),
            ]),
        ),
        ("import-ap", Json::object([("href", format!("#{plan}").into())])),
        ("results", Json::Array(vec![result(assessed, &items)])),
        ("back-matter", back_matter(&plan)),
    ]);
    Json::object([("assessment-results", document)])
}

fn items(compliance: Option<&Json>) -> Vec<Item<'_>> {
    let Some(compliance) = compliance.and_then(Json::as_object) else { return Vec::new() };
    let arrays = |name| compliance.get(name).and_then(Json::as_array).unwrap_or_default();
    let mut items: Vec<Item<'_>> =
        arrays("obligations").iter().filter_map(|item| Item::of("eu_ai_act", item)).collect();
    for framework in arrays("frameworks").iter().filter_map(Json::as_object) {
        let name = framework.get("framework").and_then(Json::as_str).unwrap_or_default();
        let controls = framework.get("controls").and_then(Json::as_array).unwrap_or_default();
        items.extend(controls.iter().filter_map(|item| Item::of(name, item)));
    }
    items
}

fn result(assessed: &Assessed<'_>, items: &[Item<'_>]) -> Json {
    let mut all = BTreeMap::new();
    let mut findings = Vec::new();
    for item in items {
        let seen = observations(assessed, item);
        if item.applies() {
            let related = seen.iter().map(|(id, _)| id.clone()).collect();
            findings.push(finding(assessed, item, related));
        }
        all.extend(seen);
    }
    let size = assessed.ledger_size.to_string();
    let mut result = Object::new();
    result.insert("uuid", uuid::of(&[&assessed.edition(), "result"]));
    result.insert("title", format!("The first {size} entries"));
    result.insert(
        "description",
        "Queries over the entries, artifacts and attestations that they name. Not looked at: whatever was not \
         recorded.",
    );
    result.insert("start", assessed.start);
    result.insert("end", assessed.now);
    let checkpoint =
        [("checkpoint-root", assessed.root), ("ledger-size", &size), ("ledger", assessed.origin)];
    result.insert("props", properties(checkpoint));
    result.insert("reviewed-controls", reviewed(items));
    // Empty lists are not allowed, absent ones are.
    if !all.is_empty() {
        result.insert("observations", Json::Array(all.into_values().collect()));
    }
    if !findings.is_empty() {
        result.insert("findings", Json::Array(findings));
    }
    Json::Object(result)
}

/// Which controls were looked at, one selection for each framework.
fn reviewed(items: &[Item<'_>]) -> Json {
    let mut frameworks: Vec<&str> = items.iter().map(|item| item.framework).collect();
    frameworks.dedup();
    let chosen = |framework: &str, applies: bool| {
        let of = items.iter().filter(|item| item.framework == framework);
        let mut ids: Vec<String> =
            of.filter(|item| item.applies() == applies).map(Item::target).collect();
        ids.sort();
        ids.dedup();
        ids.into_iter().map(|id| Json::object([("control-id", id.into())])).collect::<Vec<_>>()
    };
    let selection = |framework: &str| {
        let mut selection = Object::new();
        selection.insert("props", properties([("framework", framework)]));
        let (included, excluded) = (chosen(framework, true), chosen(framework, false));
        // OSCAL wants a selection to include something, if only to leave it out.
        match included.is_empty() {
            true => selection.insert("include-all", Json::object([])),
            false => selection.insert("include-controls", Json::Array(included)),
        };
        if !excluded.is_empty() {
            selection.insert("exclude-controls", Json::Array(excluded));
        }
        Json::Object(selection)
    };
    let mut selections: Vec<Json> = frameworks.into_iter().map(selection).collect();
    if selections.is_empty() {
        let none = Json::object([("control-id", "none".into())]);
        selections.push(Json::object([
            ("description", "No control was looked at; one has to be named.".into()),
            ("include-controls", Json::Array(vec![none])),
        ]));
    }
    Json::object([("control-selections", Json::Array(selections))])
}

/// What OSCAL calls how a control stands.
fn state(status_detail: &str) -> (&'static str, &'static str) {
    match status_detail {
        "implemented_by_system" | "evidence_on_file" => ("satisfied", "pass"),
        "failing" => ("not-satisfied", "fail"),
        _ => ("not-satisfied", "other"),
    }
}

fn finding(assessed: &Assessed<'_>, item: &Item<'_>, related: Vec<String>) -> Json {
    let (state, reason) = state(item.word("status_detail"));
    let title = line(&format!("{} {}", item.id, item.word("title")));
    let missing: Vec<&str> = item.list("missing").iter().filter_map(Json::as_str).collect();
    let said = match missing.as_slice() {
        [] => "Nothing that the register asks for is missing.".to_owned(),
        missing => format!("Missing: {}.", line(&missing.join(", "))),
    };
    let mut props = vec![
        ("framework", item.framework),
        ("control-id", item.id),
        ("status", item.word("status")),
        ("status-detail", item.word("status_detail")),
    ];
    props.extend(missing.iter().map(|missing| ("missing", *missing)));
    let props = props.iter().filter_map(|(name, value)| property(name, value)).collect();
    let status = Json::object([("state", state.into()), ("reason", reason.into())]);
    let target = Json::object([
        ("type", "objective-id".into()),
        ("target-id", item.target().into()),
        ("status", status),
    ]);
    let mut finding = Object::new();
    finding.insert("uuid", uuid::of(&[&assessed.edition(), "finding", item.framework, item.id]));
    finding.insert("title", title);
    finding.insert("description", said);
    finding.insert("props", Json::Array(props));
    finding.insert("target", target);
    if !related.is_empty() {
        let related = related.into_iter().map(|id| Json::object([("observation-uuid", id.into())]));
        finding.insert("related-observations", Json::Array(related.collect()));
    }
    Json::Object(finding)
}

/// OSCAL wants the plan of an assessment, which is not what this is.
fn back_matter(plan: &str) -> Json {
    let resource = Json::object([
        ("uuid", plan.into()),
        ("title", "Continuous collection".into()),
        (
            "description",
            "There is no plan of an assessor: evidence is collected by the service as it decides, and these \
             results are computed from the ledger with fixed queries."
                .into(),
        ),
    ]);
    Json::object([("resources", Json::Array(vec![resource]))])
}

#[cfg(test)]
mod tests;
