//! Forms that an article wants filled: the declaration of Annex V (Article 47),
//! the registration of Annex VIII (Article 49), the monitoring plan (Article 72).
//!
//! They are filled as far as the registry and Annex IV go. Nothing is ever signed
//! here: a declaration is a person's, made outside and kept as evidence.

use types::{EntryId, Json, Object};

use super::facts::{Facts, of_registry};
use super::{Item, Section, Source};
use crate::annex_iv;
use crate::command::{SystemRole, SystemRoute};
use crate::store::Read;
use crate::system::SystemStatus;
use crate::view::System;

/// A form, and whose contact it shows.
pub(super) struct Form {
    pub(super) sections: Vec<Section>,
    pub(super) personal: Option<(EntryId, EntryId)>,
}

/// The form of an article; without sections where it has none.
pub(super) fn of<R: Read>(article: u16, facts: &Facts<'_, R>) -> Form {
    let (items, personal) = match article {
        47 => (declaration(facts), None),
        49 => registration(facts),
        72 => (plan(facts), None),
        _ => return Form { sections: Vec::new(), personal: None },
    };
    let title = match article {
        47 => "EU declaration of conformity (Annex V), to be completed and signed by a person",
        49 => "Registration in the EU database (Annex VIII)",
        _ => "Sections of the monitoring plan, to be written by people",
    };
    Form {
        sections: vec![Section { name: "form", title: title.to_owned(), items, picture: None }],
        personal,
    }
}

/// What a member of `annex_viii` must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    /// Anything that says something.
    Anything,
    /// A text.
    Text,
    /// `on_market`, `no_longer` or `recalled`.
    MarketStatus,
    /// Two-letter codes of Member States.
    MemberStates,
    /// A web address.
    Url,
}

/// A field of a form that the registry may fill.
struct Field {
    number: &'static str,
    about: &'static str,
    /// Member of `annex_viii`.
    member: &'static str,
    is: Is,
    required: bool,
}

const fn field(number: &'static str, member: &'static str, about: &'static str, is: Is) -> Field {
    Field { number, about, member, is, required: true }
}

const fn optional(
    number: &'static str,
    member: &'static str,
    about: &'static str,
    is: Is,
) -> Field {
    Field { number, about, member, is, required: false }
}

/// Providers of high-risk systems: Article 49(1).
const SECTION_A: [Field; 13] = [
    field("A.1", "provider", "name, address and contact of the provider", Is::Anything),
    optional("A.2", "submitted_by", "who submits on behalf of the provider", Is::Anything),
    optional("A.3", "authorised_representative", "authorised representative", Is::Anything),
    field("A.4", "trade_name", "trade name and unambiguous reference", Is::Text),
    field("A.5", "intended_purpose", "intended purpose, components and functions", Is::Text),
    field("A.6", "information_used", "information used and operating logic", Is::Text),
    field("A.7", "market_status", "on the market, no longer, or recalled", Is::MarketStatus),
    optional("A.8", "certificate", "certificate and notified body", Is::Anything),
    optional("A.9", "certificate_copy", "scanned copy of the certificate", Is::Anything),
    field("A.10", "member_states", "Member States where it is available", Is::MemberStates),
    field("A.11", "declaration", "copy of the EU declaration of conformity", Is::Anything),
    field("A.12", "instructions_for_use", "electronic instructions for use", Is::Anything),
    optional("A.13", "url", "address for more information", Is::Url),
];

/// Providers that rely on Article 6(3): Article 49(2). Points 7 and 9 are gone.
const SECTION_B: [Field; 7] = [
    field("B.1", "provider", "name, address and contact of the provider", Is::Anything),
    optional("B.2", "submitted_by", "who submits on behalf of the provider", Is::Anything),
    optional("B.3", "authorised_representative", "authorised representative", Is::Anything),
    field("B.4", "trade_name", "trade name and unambiguous reference", Is::Text),
    field("B.5", "intended_purpose", "intended purpose", Is::Text),
    field("B.6", "exemption", "which condition of Article 6(3) holds", Is::Text),
    field("B.8", "market_status", "on the market, no longer, or recalled", Is::MarketStatus),
];

/// Deployers that are public authorities: Article 49(3). Whether one is, nothing
/// here knows, and so nobody is asked for a field of this section.
const SECTION_C: [Field; 5] = [
    optional("C.1", "deployer", "name, address and contact of the deployer", Is::Anything),
    optional("C.2", "submitted_by", "who submits on behalf of the deployer", Is::Anything),
    optional("C.3", "provider_entry_url", "address of the provider's entry", Is::Url),
    optional("C.4", "fria_summary", "findings of the fundamental rights assessment", Is::Text),
    optional("C.5", "dpia_summary", "data protection impact assessment", Is::Text),
];

/// Member States of the Union, ISO 3166-1; Greece as EL is taken too.
const MEMBER_STATES: [&str; 28] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "GR", "HR", "HU", "IE",
    "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// What a system is registered with, by its route, its role and what it says of
/// itself.
enum Asked {
    /// Nothing, and why.
    Nothing(&'static str),
    /// These fields, and when, where that is not always.
    Fields(&'static [Field], Option<&'static str>),
}

fn asked_of(system: &System) -> Asked {
    if system.details.risk_route != SystemRoute::AnnexIii {
        return Asked::Nothing("its route is none that is registered");
    }
    match system.details.role {
        SystemRole::Deployer => Asked::Fields(
            &SECTION_C,
            Some(
                "Section C is for deployers that are public authorities or Union bodies, or act \
                 for one: Article 49(3)",
            ),
        ),
        SystemRole::Provider | SystemRole::AuthorisedRepresentative => {
            let annex_viii = system.details.annex_viii.as_ref();
            let relies = annex_viii.and_then(|it| it.get("exemption")).is_some_and(says);
            Asked::Fields(if relies { &SECTION_B } else { &SECTION_A }, None)
        }
        SystemRole::Importer | SystemRole::Distributor => Asked::Nothing(
            "providers, their representatives and public deployers register, and its role is none \
             of these",
        ),
    }
}

/// The fields of every system that is to be registered, each checked.
fn registration<R: Read>(facts: &Facts<'_, R>) -> (Vec<Item>, Option<(EntryId, EntryId)>) {
    if facts.systems.is_empty() {
        let items = facts.of_systems(("system", "A system to register"), |_| Json::Null);
        return (items, None);
    }
    let mut items = Vec::new();
    let mut personal = None;
    for system in &facts.systems {
        let is_only = facts.systems.len() == 1;
        let note = |about: &str, value: &str| Item {
            name: named("registration", system, is_only),
            about: format!("{}: {about}", system.details.name),
            value: value.into(),
            source: of_registry(system),
        };
        let fields = match asked_of(system) {
            Asked::Nothing(why) => {
                let is_registered = system.details.risk_route == SystemRoute::AnnexIii;
                let (route, role) = (system.details.risk_route, system.details.role);
                let value = if is_registered { role.as_str() } else { route.as_str() };
                items.push(note(why, value));
                continue;
            }
            Asked::Fields(fields, when) => {
                items.extend(when.map(|when| note(when, system.details.role.as_str())));
                fields
            }
        };
        items.extend(fields.iter().map(|field| filled(facts, system, field, is_only)));
        if system.contact.is_some() {
            let id = system.entry_id;
            let (least, greatest) = personal.unwrap_or((id, id));
            personal = Some((id.min(least), id.max(greatest)));
        }
    }
    (items, personal)
}

fn named(name: &str, system: &System, is_only: bool) -> String {
    if is_only { name.to_owned() } else { format!("{}.{name}", system.id) }
}

/// A field with what the registry says, if that is what the field takes.
fn filled<R: Read>(facts: &Facts<'_, R>, system: &System, field: &Field, is_only: bool) -> Item {
    let name = named(&format!("{}.{}", field.number, field.member), system, is_only);
    let value = value_of(facts, system, field.member).filter(says);
    let (value, fault) = match value {
        Some(value) => match fault(field.is, &value) {
            Some(fault) => (Json::Null, Some(fault)),
            None => (value, None),
        },
        None => (Json::Null, None),
    };
    let about = match fault {
        Some(fault) => format!("{} ({fault})", field.about),
        None => field.about.to_owned(),
    };
    let source = match (&value, field.required || fault.is_some()) {
        (Json::Null, true) => Source::Missing,
        (Json::Null, false) => Source::Open,
        (_, _) => of_registry(system),
    };
    Item { name, about, value, source }
}

/// What the registry says in the place of a member, where `annex_viii` has none.
fn value_of<R: Read>(facts: &Facts<'_, R>, system: &System, member: &str) -> Option<Json> {
    let annex_viii = system.details.annex_viii.as_ref();
    let said = annex_viii.and_then(|it| it.get(member)).filter(|it| says(it));
    said.cloned().or_else(|| match member {
        "provider" | "deployer" => system.contact.clone(),
        "trade_name" => Some(system.details.name.as_str().into()),
        "intended_purpose" => Some(system.details.intended_purpose.as_str().into()),
        "market_status" => match system.details.status(facts.now) {
            SystemStatus::Planned => None,
            SystemStatus::InUse => Some("on_market".into()),
            // What was given up before it was anywhere never was on the market.
            SystemStatus::Retired => {
                let begin = system.details.placed_on_market.or(system.details.put_into_service);
                begin.map(|_| "no_longer".into())
            }
        },
        _ => None,
    })
}

/// Whether a value is one for a field: yes or no alone says nothing that a form
/// asks for.
fn says(value: &Json) -> bool {
    annex_iv::says(value) && !matches!(value, Json::Bool(_))
}

/// Why a value is none that a field takes.
fn fault(is: Is, value: &Json) -> Option<&'static str> {
    let text = value.as_str();
    let holds = match is {
        Is::Anything => true,
        Is::Text => text.is_some(),
        Is::MarketStatus => {
            text.is_some_and(|it| ["on_market", "no_longer", "recalled"].contains(&it))
        }
        Is::MemberStates => value.as_array().is_some_and(|states| {
            let is_state =
                |state: &Json| state.as_str().is_some_and(|it| MEMBER_STATES.contains(&it));
            states.iter().all(is_state)
        }),
        Is::Url => text.is_some_and(|it| {
            let rest = it.strip_prefix("https://").or_else(|| it.strip_prefix("http://"));
            rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
        }),
    };
    let why = match is {
        Is::Anything | Is::Text => "what is given is no text",
        Is::MarketStatus => "must be `on_market`, `no_longer` or `recalled`",
        Is::MemberStates => "must be a list of two-letter codes of Member States",
        Is::Url => "must be a web address",
    };
    (!holds).then_some(why)
}

/// Annex V, point by point. Only what the registry and Annex IV say is filled in;
/// the statements and the signature are a person's.
fn declaration<R: Read>(facts: &Facts<'_, R>) -> Vec<Item> {
    let missing = |name: &str, about: &str| Item {
        name: name.to_owned(),
        about: about.to_owned(),
        value: Json::Null,
        source: Source::Missing,
    };
    let mut items = facts.of_systems(
        ("1.system", "Name, type and unambiguous reference of the system"),
        |system| {
            let mut told = Object::new();
            told.insert("name", system.details.name.as_str());
            told.insert("reference", system.id.to_string());
            Json::Object(told)
        },
    );
    items.push(missing("2.provider", "Name and address of the provider"));
    items.push(missing(
        "3.responsibility",
        "That it is issued under the provider's sole responsibility",
    ));
    items.push(missing("4.statement", "What the provider declares about the system"));
    items.push(Item {
        source: Source::Open,
        ..missing("5.data_protection", "Where personal data are processed: what holds for that")
    });
    items.push(facts.written("6.standards", (7, "text")));
    items.extend(facts.of_systems(
        ("7.notified_body", "Notified body, procedure and certificate, where applicable"),
        |system| value_of(facts, system, "certificate").unwrap_or_default(),
    ));
    items.push(missing("8.signature", "Place, date, name, function and signature of a person"));
    items
}

/// What a plan of Article 72 has sections about, until the Commission's template
/// is there.
const PLAN_SECTIONS: [(&str, &str); 9] = [
    ("scope", "scope, systems, versions, roles and responsible persons"),
    ("sources", "data sources and how they are collected"),
    ("indicators", "indicators, baselines, thresholds and method for each risk"),
    ("groups", "performance for specific groups"),
    ("oversight", "indicators of human oversight"),
    ("drift", "triggers for drift, change and substantial modification"),
    ("incidents", "triage of incidents and their link to the clocks of Article 73"),
    ("feedback", "feedback into risk management and corrective action"),
    ("review", "cadence of reviews, reports, retention and data protection"),
];

/// The sections of the plan: quoted where section 9 of Annex IV has them by name.
fn plan<R: Read>(facts: &Facts<'_, R>) -> Vec<Item> {
    let whole = facts.written("plan", (9, "text"));
    let item = |(name, about): (&str, &str)| {
        let said = whole.value.as_object().and_then(|plan| plan.get(name));
        let said = said.filter(|said| says(said)).cloned();
        let source = if said.is_some() { whole.source.clone() } else { Source::Missing };
        let (name, about) = (name.to_owned(), about.to_owned());
        Item { name, about, value: said.unwrap_or_default(), source }
    };
    PLAN_SECTIONS.into_iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is: Is, text: &str, expect: bool) {
        let value = serde_json::from_str(text).unwrap();
        assert_eq!(fault(is, &value).is_none(), expect, "{is:?} {text}");
    }

    #[test]
    fn a_field_takes_what_the_database_takes() {
        check(Is::MarketStatus, r#""recalled""#, true);
        check(Is::MarketStatus, r#""sold""#, false);
        check(Is::MemberStates, r#"["DE","EL"]"#, true);
        check(Is::MemberStates, r#"["UK"]"#, false);
        check(Is::MemberStates, r#""DE""#, false);
        check(Is::Url, r#""https://example.com/a""#, true);
        check(Is::Url, r#""ftp://example.com""#, false);
        check(Is::Url, r#""https://""#, false);
        check(Is::Text, "7", false);
        check(Is::Anything, r#"{"name":"x"}"#, true);
    }
}
