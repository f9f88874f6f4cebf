//! The technical documentation that Article 11 asks for, in the nine sections of
//! the contract. What humans have written comes from Annex IV and the registry.

use ledger::EntryType;
use types::Json;

use super::facts::{Ask, Facts};
use super::{Document, Item, Section, pictures};
use crate::outcome::Corruption;
use crate::store::Read;

const KIND: &str = "EU_AI_ACT_ARTICLE_11";

/// A point of Annex IV under the name that a section gives it.
type Point = (&'static str, (u8, &'static str));

/// A section: its name and title, the points it quotes, and what is counted.
struct Plan {
    name: &'static str,
    title: &'static str,
    points: &'static [Point],
    asks: &'static [Ask],
}

const PLANS: [Plan; 9] = [
    Plan {
        name: "general_description",
        title: "General description of the AI system",
        points: &[
            ("identification", (1, "a")),
            ("interactions", (1, "b")),
            ("supply", (1, "d")),
            ("hardware", (1, "e")),
            ("user_interface", (1, "g")),
            ("instructions_for_use", (1, "h")),
        ],
        asks: &[],
    },
    Plan { name: "intended_purpose", title: "Intended purpose", points: &[], asks: &[] },
    Plan {
        name: "design_specifications",
        title: "Design specifications",
        points: &[("development", (2, "a")), ("design", (2, "b")), ("architecture", (2, "c"))],
        asks: &[
            Ask::Policy,
            Ask::Entries(
                "policy_changes",
                "Policies that were put in force",
                &[EntryType::PolicyLoaded, EntryType::PolicyRolledBack],
            ),
        ],
    },
    Plan {
        name: "data_flows",
        title: "Data flows",
        points: &[("data_requirements", (2, "d"))],
        asks: &[Ask::Decisions],
    },
    Plan {
        name: "risk_assessments",
        title: "Risk assessments",
        points: &[("risk_management_system", (5, "text"))],
        asks: &[
            Ask::Entries("assessments", "Assessments of risk", &[EntryType::RiskAssessed]),
            Ask::Incidents,
        ],
    },
    Plan {
        name: "component_traceability",
        title: "Component traceability",
        points: &[("versions", (1, "c")), ("changes", (6, "text"))],
        asks: &[
            Ask::Entries(
                "system_changes",
                "Entries of the registry of systems",
                &[EntryType::SystemRegistered, EntryType::SystemUpdated],
            ),
            Ask::Entries("evidence", "Evidence that is kept", &[EntryType::EvidenceRegistered]),
        ],
    },
    Plan {
        name: "human_oversight_measures",
        title: "Human oversight measures",
        points: &[("oversight_assessment", (2, "e"))],
        asks: &[Ask::Oversight],
    },
    Plan {
        name: "accuracy_metrics",
        title: "Accuracy metrics",
        points: &[("validation", (2, "g")), ("appropriateness", (4, "text"))],
        asks: &[],
    },
    Plan {
        name: "known_limitations",
        title: "Known limitations",
        points: &[("capabilities_and_limits", (3, "text")), ("cybersecurity", (2, "h"))],
        asks: &[],
    },
];

pub(super) fn document<R: Read>(facts: &mut Facts<'_, R>) -> Result<Document, Corruption> {
    let mut sections = Vec::new();
    for plan in &PLANS {
        let mut items = of_registry(facts, plan.name);
        items.extend(plan.points.iter().map(|(name, point)| facts.written(name, *point)));
        for ask in plan.asks {
            items.extend(facts.answer(ask)?);
        }
        let picture = match plan.name {
            "data_flows" => Some(pictures::data_flows(facts)),
            "component_traceability" => Some(pictures::component_traceability(facts)?),
            _ => None,
        };
        sections.push(Section { name: plan.name, title: plan.title.to_owned(), items, picture });
    }
    let title = "Technical documentation (Article 11)".to_owned();
    let document = facts.conclude(KIND, title, sections)?;
    Ok(Document { register_version: facts.register_then()?, ..document })
}

/// What the registry of systems says in a section.
fn of_registry<R: Read>(facts: &Facts<'_, R>, section: &str) -> Vec<Item> {
    match section {
        "general_description" => {
            let mut items = facts.of_systems(("system", "The system"), |system| {
                Json::object([
                    ("system_id", system.id.to_string().into()),
                    ("name", system.details.name.as_str().into()),
                    ("role", system.details.role.as_str().into()),
                    ("risk_route", system.details.risk_route.as_str().into()),
                    ("status", system.details.status(facts.now).as_str().into()),
                    ("registry_version", system.version.into()),
                ])
            });
            let about = "Systems that are registered";
            items.push(Item::counted("systems_total", about, facts.systems_total));
            items
        }
        "intended_purpose" => facts.of_systems(("primary", "What the system is for"), |system| {
            system.details.intended_purpose.as_str().into()
        }),
        _ => Vec::new(),
    }
}
