//! Documents of articles other than 11, from one table: the duties of the
//! article, what the ledger shows, what humans wrote in Annex IV, and a form
//! where the article has one.
//!
//! What people must bring to a duty is missing until it stands there as it does
//! where the duty is judged: linked, not erased, and vouched for by another person
//! whose word still holds. Whether it is any good, people judge.

use ledger::EntryType;
use register::{Duty, EvidenceKind, Standing};
use types::{Json, Object};

use super::facts::{Ask, Facts};
use super::{Asked, Document, Item, Section, Source, forms};
use crate::outcome::Corruption;
use crate::store::Read;

/// Articles that there is a document of, besides 11.
pub const ARTICLES: [u16; 12] = [9, 13, 15, 17, 18, 26, 27, 43, 47, 49, 50, 72];

/// What a document says beside the duties of its article.
struct Plan {
    article: u16,
    /// Points of Annex IV that it quotes.
    points: &'static [(&'static str, (u8, &'static str))],
    asks: &'static [Ask],
}

const RISKS: Ask = Ask::Entries("assessments", "Assessments of risk", &[EntryType::RiskAssessed]);
const POLICIES: Ask = Ask::Entries(
    "policy_changes",
    "Policies that were put in force",
    &[EntryType::PolicyLoaded, EntryType::PolicyRolledBack],
);
const SYSTEMS: Ask = Ask::Entries(
    "system_changes",
    "Entries of the registry of systems",
    &[EntryType::SystemRegistered, EntryType::SystemUpdated],
);
const EVIDENCE: Ask =
    Ask::Entries("evidence", "Evidence that is kept", &[EntryType::EvidenceRegistered]);
const RESPONSIBILITY: Ask = Ask::Entries(
    "responsibility",
    "Who answers for decisions, and reviews of that",
    &[EntryType::ResponsibilityRecorded, EntryType::ResponsibilityReviewed],
);
const KEYS: Ask = Ask::Entries(
    "key_events",
    "Keys that were added or ended",
    &[EntryType::KeyAdded, EntryType::KeyRetired],
);
const FAULTS: Ask = Ask::Entries(
    "faults",
    "Nodes that differed from the others, and were rebuilt",
    &[EntryType::DivergenceDetected, EntryType::Recovery],
);
const STOPS: Ask = Ask::Entries("interventions", "What humans did", &[EntryType::Intervention]);
const ACCESS: Ask = Ask::Entries(
    "access_changes",
    "Accounts and keys of programs that were made or changed",
    &[
        EntryType::UserCreated,
        EntryType::UserUpdated,
        EntryType::UserDisabled,
        EntryType::ApiKeyCreated,
        EntryType::ApiKeyRevoked,
    ],
);
const ERASURES: Ask =
    Ask::Entries("erasures", "Runs that erased something", &[EntryType::AnonymizationRun]);
const HOLDS: Ask = Ask::Entries(
    "holds",
    "Legal holds that were applied or released",
    &[EntryType::LegalHoldApplied, EntryType::LegalHoldReleased],
);
const DOCUMENTATION: Ask =
    Ask::Entries("documentation", "Versions of sections of Annex IV", &[EntryType::AnnexIvUpdated]);
const EXPORTS: Ask =
    Ask::Entries("exports", "Exports that were completed", &[EntryType::AuditExportCompleted]);
const REPORTED: Ask = Ask::Entries(
    "reports",
    "Incidents of which an authority was told",
    &[EntryType::IncidentReported],
);

const PLANS: [Plan; 12] = [
    Plan {
        article: 9,
        points: &[("risk_management_system", (5, "text")), ("testing", (2, "g"))],
        asks: &[RISKS, Ask::Policy, POLICIES, Ask::Incidents],
    },
    Plan {
        article: 13,
        points: &[
            ("instructions_for_use", (1, "h")),
            ("capabilities_and_limits", (3, "text")),
            ("oversight_assessment", (2, "e")),
        ],
        asks: &[SYSTEMS, Ask::Policy, Ask::Decisions],
    },
    Plan {
        article: 15,
        points: &[
            ("validation", (2, "g")),
            ("cybersecurity", (2, "h")),
            ("capabilities_and_limits", (3, "text")),
            ("appropriateness", (4, "text")),
        ],
        asks: &[EVIDENCE, KEYS, FAULTS, ACCESS],
    },
    Plan {
        article: 17,
        points: &[("development", (2, "a")), ("changes", (6, "text")), ("standards", (7, "text"))],
        asks: &[POLICIES, SYSTEMS, RISKS, EVIDENCE, RESPONSIBILITY, Ask::Incidents],
    },
    Plan {
        article: 18,
        points: &[("declaration", (8, "text"))],
        asks: &[DOCUMENTATION, EVIDENCE, ERASURES, HOLDS],
    },
    Plan {
        article: 26,
        points: &[("instructions_for_use", (1, "h"))],
        asks: &[Ask::Decisions, Ask::Oversight, STOPS, Ask::Incidents, EXPORTS],
    },
    Plan { article: 27, points: &[], asks: &[Ask::Decisions, RISKS, Ask::Oversight] },
    Plan {
        article: 43,
        points: &[("changes", (6, "text")), ("standards", (7, "text"))],
        asks: &[DOCUMENTATION, SYSTEMS, POLICIES, EVIDENCE],
    },
    Plan { article: 47, points: &[("declaration", (8, "text"))], asks: &[DOCUMENTATION, EVIDENCE] },
    Plan { article: 49, points: &[], asks: &[SYSTEMS, EXPORTS] },
    Plan { article: 50, points: &[("user_interface", (1, "g"))], asks: &[SYSTEMS, EVIDENCE] },
    Plan {
        article: 72,
        points: &[("post_market_monitoring", (9, "text"))],
        asks: &[
            Ask::Decisions,
            Ask::Oversight,
            RISKS,
            Ask::Policy,
            POLICIES,
            SYSTEMS,
            Ask::Incidents,
            REPORTED,
            EVIDENCE,
        ],
    },
];

pub(super) fn document(
    read: &impl Read,
    number: u16,
    asked: Asked,
) -> Result<Option<Document>, Corruption> {
    let Some(plan) = PLANS.iter().find(|plan| plan.article == number) else { return Ok(None) };
    let missing = || Corruption::new("register", format!("there is no article {number}"));
    let article = register::register().article(&number.to_string()).ok_or_else(missing)?;
    let mut facts = Facts::gather(read, asked)?;
    let mut sections = vec![systems(&facts), duties(&mut facts, &article.duties)];
    let points = plan.points.iter();
    let items: Vec<Item> = points.map(|(name, point)| facts.written(name, *point)).collect();
    if !items.is_empty() {
        sections.push(section("documentation", "What the technical documentation says", items));
    }
    let mut items = Vec::new();
    for ask in plan.asks {
        items.extend(facts.answer(ask)?);
    }
    sections.push(section("ledger", "What the ledger shows", items));
    let form = forms::of(number, &facts);
    sections.extend(form.sections);
    let kind = format!("EU_AI_ACT_ARTICLE_{number}");
    let title = format!("Article {number}: {}", article.title);
    let mut document = facts.conclude(&kind, title, sections)?;
    document.personal = form.personal;
    Ok(Some(document))
}

fn section(name: &'static str, title: &str, items: Vec<Item>) -> Section {
    Section { name, title: title.to_owned(), items, picture: None }
}

fn systems<R: Read>(facts: &Facts<'_, R>) -> Section {
    let mut items = facts.of_systems(("system", "The system"), |system| {
        let mut told = Object::new();
        told.insert("system_id", system.id.to_string());
        told.insert("name", system.details.name.as_str());
        told.insert("intended_purpose", system.details.intended_purpose.as_str());
        told.insert("role", system.details.role.as_str());
        told.insert("risk_route", system.details.risk_route.as_str());
        told.insert("status", system.details.status(facts.now).as_str());
        told.insert("registry_version", system.version);
        Json::Object(told)
    });
    items.push(Item::counted("systems_total", "Systems it is about", facts.systems_total));
    section("systems", "The AI systems", items)
}

/// Each duty, and after it what people must bring to it.
fn duties<R: Read>(facts: &mut Facts<'_, R>, duties: &[Duty]) -> Section {
    let mut items = Vec::new();
    for duty in duties {
        items.push(told(duty));
        if duty.assessable {
            items.extend(duty.human_evidence.iter().map(|kind| brought(facts, duty, *kind)));
        }
        let linked = facts.brought.artifacts(&duty.id).iter();
        let entries: Vec<_> = linked.map(|linked| linked.entry_id).collect();
        entries.into_iter().for_each(|entry| facts.cite(entry));
    }
    section("duties", "Duties of the article", items)
}

fn told(duty: &Duty) -> Item {
    let obliged: Vec<&str> = duty.obliged.iter().map(|role| role.as_str()).collect();
    let value = Json::object([
        ("ref", duty.reference.as_str().into()),
        ("obliged", obliged.into()),
        ("assessable", duty.assessable.into()),
        ("coverage", duty.coverage.as_str().into()),
    ]);
    Item { name: duty.id.clone(), about: duty.text.clone(), value, source: Source::Register }
}

/// A kind of evidence that people must bring to a duty, with what was linked for it.
fn brought<R: Read>(facts: &Facts<'_, R>, duty: &Duty, kind: EvidenceKind) -> Item {
    let of_kind =
        facts.brought.artifacts(&duty.id).iter().filter(|it| it.stands_for.contains(&kind));
    let artifacts = of_kind.map(|linked| {
        Json::object([
            ("artifact_id", linked.artifact.to_string().into()),
            ("ledger_entry_id", linked.entry_id.0.into()),
            ("standing", word(linked.standing).into()),
        ])
    });
    let artifacts: Vec<Json> = artifacts.collect();
    let source = match facts.brought.standing(&duty.id, kind) {
        Standing::Valid => Source::Ledger,
        Standing::Stale | Standing::Unapproved | Standing::Missing => Source::Missing,
    };
    let name = kind.as_str();
    let about =
        format!("{}: evidence that people bring: {}", duty.reference, name.replace('_', " "));
    Item {
        name: format!("{}.{name}", duty.id),
        about: facts.of_all(&about),
        value: if artifacts.is_empty() { Json::Null } else { Json::Array(artifacts) },
        source,
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Valid => "valid",
        Standing::Stale => "stale",
        Standing::Unapproved => "unapproved",
        Standing::Missing => "missing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_article_has_a_plan_and_the_register_has_every_article() {
        assert_eq!(PLANS.each_ref().map(|plan| plan.article), ARTICLES);
        for article in ARTICLES {
            let known = register::register().article(&article.to_string());
            assert_eq!(known.map(|known| known.article.as_str()), Some(&*article.to_string()));
        }
    }
}
