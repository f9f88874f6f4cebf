//! A component definition: what the product offers to each control, as the
//! register says it, whatever any ledger shows.

use types::{Json, Object};

use super::token::{control_id, line};
use super::{VERSION, properties, uuid};

/// The component definition of the product. `register` is
/// `{register_version, timestamp, frameworks: [{framework, title, version,
/// controls: [{control_id, title, coverage, primitives[], human_evidence[]}]}]}`.
///
/// A control to which the product offers nothing is not in it.
pub fn component_definition(register: &Json) -> Json {
    let empty = Object::new();
    let register = register.as_object().unwrap_or(&empty);
    let version = word(register, "register_version");
    let implementations: Vec<Json> = list(register, "frameworks")
        .iter()
        .filter_map(|framework| implementation(version, framework.as_object()?))
        .collect();
    let mut component = Object::new();
    component.insert("uuid", uuid::of(&["component"]));
    component.insert("type", "software");
    component.insert("title", "Lexecon");
    component.insert(
        "description",
        "Decides whether an actor may act, hands out capability tokens, and records every decision in a signed, \
         hash-chained ledger.",
    );
    component.insert("props", properties([("register-version", version)]));
    // An empty list is not allowed, an absent one is.
    if !implementations.is_empty() {
        component.insert("control-implementations", Json::Array(implementations));
    }
    let document = Json::object([
        ("uuid", uuid::of(&["component-definition", version]).into()),
        (
            "metadata",
            Json::object([
                ("title", "What Lexecon offers to controls".into()),
                ("last-modified", word(register, "timestamp").into()),
                ("version", version.into()),
                ("oscal-version", VERSION.into()),
                (
                    "remarks",
                    "What a product offers is no statement about the system that it is part of."
                        .into(),
                ),
            ]),
        ),
        ("components", Json::Array(vec![Json::Object(component)])),
    ]);
    Json::object([("component-definition", document)])
}

fn implementation(register_version: &str, framework: &Object) -> Option<Json> {
    let name = word(framework, "framework");
    let controls = list(framework, "controls").iter();
    let requirements: Vec<Json> =
        controls.filter_map(|control| requirement(name, control.as_object()?)).collect();
    if requirements.is_empty() {
        return None;
    }
    let title = line(&format!("{} {}", word(framework, "title"), word(framework, "version")));
    Some(Json::object([
        ("uuid", uuid::of(&["implementation", register_version, name]).into()),
        ("source", format!("urn:lexecon:framework:{name}").into()),
        ("description", format!("Of {}.", if title.is_empty() { name } else { &title }).into()),
        ("props", properties([("framework", name), ("version", word(framework, "version"))])),
        ("implemented-requirements", Json::Array(requirements)),
    ]))
}

fn requirement(framework: &str, control: &Object) -> Option<Json> {
    let id = word(control, "control_id");
    let (status, description) = match word(control, "coverage") {
        "full" => ("implemented", "The service does this, and records that it does."),
        "partial" => ("partial", "The service does a part of this; the rest is for people."),
        "supporting" => ("partial", "The service records evidence that supports this."),
        _ => return None,
    };
    let words = |name| {
        let words = list(control, name).iter().filter_map(Json::as_str);
        words.collect::<Vec<_>>().join(", ")
    };
    let (primitives, human) = (words("primitives"), words("human_evidence"));
    let ours = properties([
        ("title", word(control, "title")),
        ("coverage", word(control, "coverage")),
        ("primitives", &primitives),
        ("human-evidence", &human),
    ]);
    let mut props =
        vec![Json::object([("name", "implementation-status".into()), ("value", status.into())])];
    props.extend(ours.as_array().unwrap_or_default().iter().cloned());
    Some(Json::object([
        ("uuid", uuid::of(&["requirement", framework, id]).into()),
        ("control-id", control_id(framework, id).into()),
        ("description", description.into()),
        ("props", Json::Array(props)),
    ]))
}

fn word<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn list<'a>(object: &'a Object, name: &str) -> &'a [Json] {
    object.get(name).and_then(Json::as_array).unwrap_or_default()
}
