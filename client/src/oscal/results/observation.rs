//! What was looked at: queries were tested, artifacts examined, and who attested
//! was asked.
//!
//! Many controls rest on the same query. Its observation has the same id
//! everywhere, so the document has it once.

use types::{Json, Object};

use super::super::token::line;
use super::super::{property, uuid};
use super::{Assessed, Item};

/// Observations about an item, each with its id.
pub(super) fn observations(assessed: &Assessed<'_>, item: &Item<'_>) -> Vec<(String, Json)> {
    let queries = item.list("evidence").iter().filter_map(|of| query(assessed, of));
    let artifacts =
        item.list("evidence_artifact_ids").iter().filter_map(|of| artifact(assessed, of));
    let attestations = item.list("attestations").iter().filter_map(|of| attestation(assessed, of));
    queries.chain(artifacts).chain(attestations).collect()
}

struct Observed {
    method: &'static str,
    title: String,
    description: String,
    props: Vec<Json>,
    expires: Option<String>,
}

impl Observed {
    fn with_id(self, assessed: &Assessed<'_>, of: &Json) -> (String, Json) {
        let id = uuid::of(&[&assessed.edition(), "observation", self.method, &of.to_canonical()]);
        let mut members = Object::new();
        members.insert("uuid", id.as_str());
        members.insert("title", self.title);
        members.insert("description", self.description);
        if !self.props.is_empty() {
            members.insert("props", Json::Array(self.props));
        }
        members.insert("methods", vec![self.method.to_owned()]);
        members.insert("collected", assessed.now);
        if let Some(expires) = self.expires {
            members.insert("expires", expires);
        }
        (id, Json::Object(members))
    }
}

/// A query over the entries, with all that its result says.
fn query(assessed: &Assessed<'_>, of: &Json) -> Option<(String, Json)> {
    let members = of.as_object()?;
    let name = members.get("query")?.as_str()?;
    let count = members.get("count").map(Json::to_canonical).unwrap_or_default();
    let threshold = members.get("threshold").map(Json::to_canonical).unwrap_or_default();
    let observed = Observed {
        method: "TEST",
        title: format!("Query {}", line(name)),
        description: format!("The query found {count}, and asks for {threshold}."),
        props: described(members),
        expires: None,
    };
    Some(observed.with_id(assessed, of))
}

/// An artifact that stands for what the register asks humans for.
fn artifact(assessed: &Assessed<'_>, of: &Json) -> Option<(String, Json)> {
    let id = of.as_str().or_else(|| of.as_object()?.get("artifact_id")?.as_str())?;
    let observed = Observed {
        method: "EXAMINE",
        title: format!("Artifact {}", line(id)),
        description: "An artifact is registered and linked. Its hash is in the ledger; what it says was not judged."
            .to_owned(),
        props: property("artifact-id", id).into_iter().collect(),
        expires: of.as_object().and_then(valid_until),
    };
    Some(observed.with_id(assessed, of))
}

/// A statement of a human about a control.
fn attestation(assessed: &Assessed<'_>, of: &Json) -> Option<(String, Json)> {
    let members = of.as_object();
    let id = of.as_str().or_else(|| members?.get("attestation_id")?.as_str())?;
    let observed = Observed {
        method: "INTERVIEW",
        title: format!("Attestation {}", line(id)),
        description: "A human attested it. That is a statement, and no test.".to_owned(),
        props: members.map_or_else(Vec::new, described),
        expires: members.and_then(valid_until),
    };
    Some(observed.with_id(assessed, of))
}

fn valid_until(members: &Object) -> Option<String> {
    let time = members.get("valid_until")?.as_str()?;
    time.parse::<types::Timestamp>().ok().map(|time| time.to_string())
}

/// Members as properties; names with `_` are spelled with `-`, as OSCAL does.
/// What a person wrote is left to the records.
fn described(members: &Object) -> Vec<Json> {
    let said = members.iter().filter(|(name, _)| *name != "statement");
    let property = |(name, value): (&str, &Json)| {
        let value = match value {
            Json::Null => return None,
            Json::String(text) => text.clone(),
            value @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
                value.to_canonical()
            }
        };
        property(&name.replace('_', "-"), &value)
    };
    said.filter_map(property).collect()
}
