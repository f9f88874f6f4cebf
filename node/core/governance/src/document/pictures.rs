//! The two pictures of the technical documentation: how data flow, by the policy
//! in force, and what each component can be traced to.

use std::collections::{BTreeMap, BTreeSet};

use ledger::EntryType;
use types::Json;

use super::facts::Facts;
use super::svg::{Arrow, BOXES_MAX, Cell, Column, Drawing};
use crate::outcome::Corruption;
use crate::store::Read;

/// A relation of the policy as a picture needs it.
struct Relation<'a> {
    kind: &'a str,
    source: &'a str,
    target: &'a str,
    object: Option<&'a str>,
}

/// Actors, the actions that the policy permits or forbids them, and the data and
/// resources these touch.
pub(super) fn data_flows<R: Read>(facts: &Facts<'_, R>) -> String {
    let document = facts.policy.document.as_object();
    let relations = document.and_then(|it| it.get("relations")).and_then(Json::as_array);
    let relations: Vec<Relation<'_>> =
        relations.unwrap_or_default().iter().filter_map(relation).collect();
    let mut columns = [Names::default(), Names::default(), Names::default()];
    let mut arrows = BTreeSet::new();
    for relation in &relations {
        let is_dashed = relation.kind == "forbids";
        let [actors, actions, data] = &mut columns;
        let (from, to) = (actors.place(relation.source), actions.place(relation.target));
        arrows.insert(Arrow { column: 0, from, to, is_dashed });
        if let Some(object) = relation.object {
            let end = data.place(object);
            arrows.insert(Arrow { column: 1, from: to, to: end, is_dashed });
        }
    }
    let [actors, actions, data] = columns;
    Drawing {
        title: format!("Data flows by policy version {}", facts.policy.version),
        columns: vec![
            Column { heading: "Actors", cells: actors.cells() },
            Column { heading: "Actions (dashed: forbidden)", cells: actions.cells() },
            Column { heading: "Data and resources", cells: data.cells() },
        ],
        arrows: arrows.into_iter().collect(),
    }
    .to_svg()
}

fn relation(value: &Json) -> Option<Relation<'_>> {
    let relation = value.as_object()?;
    let text = |name: &str| relation.get(name).and_then(Json::as_str);
    let kind = text("relation_type")?;
    matches!(kind, "permits" | "forbids").then_some(())?;
    Some(Relation {
        kind,
        source: text("source")?,
        target: text("target")?,
        object: text("object"),
    })
}

/// Different names in the order in which they come. Those beyond the boxes of a
/// column are all at the one that counts them.
#[derive(Default)]
struct Names<'a> {
    at: BTreeMap<&'a str, usize>,
    names: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn place(&mut self, name: &'a str) -> usize {
        let next = self.names.len();
        let at = *self.at.entry(name).or_insert(next);
        if at == next {
            self.names.push(name);
        }
        at.min(BOXES_MAX)
    }

    fn cells(&self) -> Vec<Cell> {
        self.names.iter().map(|name| Cell::new(*name)).collect()
    }
}

/// Systems, whose decisions belong to them, the policy they were made by, and the
/// records that they can be traced to.
pub(super) fn component_traceability<R: Read>(facts: &Facts<'_, R>) -> Result<String, Corruption> {
    let mut actors = Names::default();
    let mut arrows = BTreeSet::new();
    for (row, system) in facts.systems.iter().enumerate() {
        for pattern in &system.details.actor_patterns {
            let to = actors.place(pattern);
            arrows.insert(Arrow { column: 0, from: row.min(BOXES_MAX), to, is_dashed: false });
        }
    }
    let drawn = actors.names.len().min(BOXES_MAX.saturating_add(1));
    arrows.extend((0..drawn).map(|from| Arrow { column: 1, from, to: 0, is_dashed: false }));
    let records = records(facts)?;
    arrows.extend((0..records.len()).map(|to| Arrow { column: 2, from: 0, to, is_dashed: false }));
    let systems = facts.systems.iter().map(|system| {
        Cell::with(system.details.name.as_str(), format!("registry version {}", system.version))
    });
    let hash = facts.policy.policy_hash.to_string();
    let policy = Cell::with(
        format!("Policy version {}", facts.policy.version),
        hash.chars().take(16).collect::<String>(),
    );
    let drawing = Drawing {
        title: format!("What components can be traced to, as of entry {}", facts.asked.as_of),
        columns: vec![
            Column { heading: "AI systems", cells: systems.collect() },
            Column { heading: "Actors", cells: actors.cells() },
            Column { heading: "Governed by", cells: vec![policy] },
            Column { heading: "Ledger entries", cells: records },
        ],
        arrows: arrows.into_iter().collect(),
    };
    Ok(drawing.to_svg())
}

fn records<R: Read>(facts: &Facts<'_, R>) -> Result<Vec<Cell>, Corruption> {
    let kinds = [
        ("risk assessments", EntryType::RiskAssessed),
        ("interventions", EntryType::Intervention),
        ("overrides", EntryType::OverrideExecuted),
        ("pieces of evidence", EntryType::EvidenceRegistered),
        ("serious incidents", EntryType::IncidentRecorded),
    ];
    let of_all = |line: String| match facts.asked.system {
        Some(_) => Cell::with(line, "whole ledger, all systems"),
        None => Cell::new(line),
    };
    let mut cells = vec![decisions(facts)?];
    for (name, entry_type) in kinds {
        cells.push(of_all(format!("{} {name}", facts.count(entry_type)?)));
    }
    Ok(cells)
}

/// Decisions: those of the system where the picture is about one.
fn decisions<R: Read>(facts: &Facts<'_, R>) -> Result<Cell, Corruption> {
    if facts.asked.system.is_none() {
        return Ok(Cell::new(format!("{} decisions", facts.count(EntryType::Decision)?)));
    }
    let each = facts.decisions_of_each()?;
    let count = each.iter().fold(0_u64, |sum, (count, _)| sum.saturating_add(*count));
    let least = if each.iter().all(|(_, is_all)| *is_all) { "" } else { "at least " };
    Ok(Cell::with(format!("{least}{count} decisions"), "of the system's actors"))
}
