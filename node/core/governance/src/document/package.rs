//! The technical documentation of Annex IV in one piece, to be handed over: what
//! humans wrote in its nine sections, and beside it what the ledger shows.

use ledger::EntryType;

use super::facts::{Ask, Facts};
use super::{Asked, Document, Section, pictures};
use crate::annex_iv::{self, SECTIONS};
use crate::outcome::Corruption;
use crate::store::Read;

const KIND: &str = "EU_AI_ACT_ANNEX_IV";

/// Members of a document, one for each section.
const NAMES: [&str; 9] = [
    "section_1",
    "section_2",
    "section_3",
    "section_4",
    "section_5",
    "section_6",
    "section_7",
    "section_8",
    "section_9",
];

/// What is counted beside a section.
fn asks(number: u8) -> &'static [Ask] {
    match number {
        1 => &[Ask::Entries(
            "system_versions",
            "Entries of the registry of systems",
            &[EntryType::SystemRegistered, EntryType::SystemUpdated],
        )],
        2 => &[
            Ask::Policy,
            Ask::Oversight,
            Ask::Entries("evidence", "Evidence that is kept", &[EntryType::EvidenceRegistered]),
        ],
        3 => &[Ask::Decisions],
        5 => &[Ask::Entries("assessments", "Assessments of risk", &[EntryType::RiskAssessed])],
        6 => &[Ask::Entries(
            "changes",
            "Changes of systems and policies",
            &[EntryType::SystemUpdated, EntryType::PolicyLoaded, EntryType::PolicyRolledBack],
        )],
        9 => &[Ask::Incidents],
        _ => &[],
    }
}

pub(super) fn document(
    read: &impl Read,
    asked: Asked,
) -> Result<Result<Document, Vec<String>>, Corruption> {
    let mut facts = Facts::gather(read, asked)?;
    let missing: Vec<String> = facts
        .annex_iv
        .iter()
        .flat_map(|it| it.missing().into_iter().map(|name| format!("{}.{name}", it.section.number)))
        .collect();
    if !missing.is_empty() {
        return Ok(Err(missing));
    }
    let mut sections = Vec::new();
    for (section, name) in SECTIONS.iter().zip(NAMES) {
        let points = section.points.iter();
        let mut items: Vec<_> = points
            .map(|point| facts.written(point.member, (section.number, point.member)))
            .collect();
        for ask in asks(section.number) {
            items.extend(facts.answer(ask)?);
        }
        sections.push(Section {
            name,
            title: heading(section),
            items,
            picture: picture(&facts, section.number)?,
        });
    }
    let title = "Technical documentation (Annex IV)".to_owned();
    let document = facts.conclude(KIND, title, sections)?;
    Ok(Ok(Document { register_version: facts.register_then()?, ..document }))
}

fn heading(section: &annex_iv::Section) -> String {
    format!("{}. {}", section.number, section.title)
}

fn picture<R: Read>(facts: &Facts<'_, R>, number: u8) -> Result<Option<String>, Corruption> {
    match number {
        2 => Ok(Some(pictures::data_flows(facts))),
        6 => pictures::component_traceability(facts).map(Some),
        _ => Ok(None),
    }
}
