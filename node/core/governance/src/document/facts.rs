//! What the ledger shows up to an entry, and which entries were named for it.

use std::collections::BTreeSet;

use ledger::EntryType;
use types::{Digest, EntryId, Json, Object, Timestamp};

use super::{Asked, Document, Item, Section, Source};
use crate::annex_iv;
use crate::compliance::documents::ToDuties;
use crate::keys;
use crate::outcome::Corruption;
use crate::record::PolicyRecord;
use crate::store::{Direction, Read, Scan, Table};
use crate::view::{self, AnnexIvSection, System, SystemQuery, TOTAL_MAX};

/// Systems that a document lists.
const SYSTEMS_MAX: usize = 100;
/// Days that figures of human oversight cover.
const OVERSIGHT_DAYS: u32 = 365;

/// What the ledger shows.
#[derive(Debug)]
pub(super) struct Facts<'a, R> {
    pub(super) read: &'a R,
    pub(super) asked: Asked,
    pub(super) now: Timestamp,
    /// The systems the document is about.
    pub(super) systems: Vec<System>,
    /// How many of them there are.
    pub(super) systems_total: u64,
    /// What humans say in the nine sections.
    pub(super) annex_iv: Vec<AnnexIvSection>,
    /// The policy in force then.
    pub(super) policy: PolicyRecord,
    /// What people brought to the duties, and how it stands.
    pub(super) brought: ToDuties,
    /// Entries that the document names.
    cited: BTreeSet<EntryId>,
}

/// Something that is counted for a document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    /// Entries of these types.
    Entries(&'static str, &'static str, &'static [EntryType]),
    /// Decisions, and what came of them.
    Decisions,
    /// The policy in force.
    Policy,
    /// How human oversight went.
    Oversight,
    /// Serious incidents and their clocks.
    Incidents,
}

impl<'a, R: Read> Facts<'a, R> {
    pub(super) fn gather(read: &'a R, asked: Asked) -> Result<Self, Corruption> {
        let missing = || Corruption::new("header", format!("entry {} is missing", asked.as_of));
        let last = view::entry(read, asked.as_of)?.ok_or_else(missing)?;
        let (systems, systems_total) = systems(read, asked, last.header.timestamp)?;
        let annex_iv = view::annex_iv(read, asked.system, asked.as_of)?;
        let policy = policy_then(read, asked.as_of)?;
        let mut facts = Self {
            read,
            asked,
            now: last.header.timestamp,
            systems,
            systems_total,
            annex_iv,
            policy,
            brought: ToDuties::load(read, asked.as_of)?,
            cited: BTreeSet::from([asked.as_of]),
        };
        let of_systems = facts.systems.iter().map(|system| system.entry_id);
        let of_sections = facts.annex_iv.iter().filter_map(|it| it.written.as_ref());
        let told: Vec<EntryId> =
            of_systems.chain(of_sections.map(|written| written.entry_id)).collect();
        facts.cited.extend(told);
        facts.cited.extend(facts.policy.entry_id);
        Ok(facts)
    }

    /// What something is about that is never told of one system alone.
    pub(super) fn of_all(&self, about: &str) -> String {
        match self.asked.system {
            Some(_) => format!("{about}, in the whole ledger, of all systems"),
            None => about.to_owned(),
        }
    }

    /// Names an entry.
    pub(super) fn cite(&mut self, entry: EntryId) {
        self.cited.insert(entry);
    }

    /// A document of these sections.
    pub(super) fn conclude(
        &self,
        kind: &str,
        title: String,
        sections: Vec<Section>,
    ) -> Result<Document, Corruption> {
        let hash = |id: &EntryId| -> Result<Digest, Corruption> {
            let missing = || Corruption::new("header", format!("entry {id} is missing"));
            Ok(view::entry(self.read, *id)?.ok_or_else(missing)?.hash())
        };
        Ok(Document {
            kind: kind.to_owned(),
            title,
            as_of: self.asked.as_of,
            at: self.now,
            register_version: Some(register::register().version().to_owned()),
            system_ids: self.systems.iter().map(|system| system.id).collect(),
            sections,
            evidence_chain: self.cited.iter().map(hash).collect::<Result<_, _>>()?,
            personal: None,
        })
    }

    /// The regulatory data that were recorded last, if any were.
    pub(super) fn register_then(&self) -> Result<Option<String>, Corruption> {
        let as_of = self.asked.as_of;
        let Some(last) = view::last_up_to(self.read, EntryType::RegisterUpdated, as_of)? else {
            return Ok(None);
        };
        let data = view::entry(self.read, last)?.and_then(|entry| entry.data);
        let data = data.and_then(|data| serde_json::from_str::<Object>(&data.text).ok());
        let version = data.as_ref().and_then(|data| data.get("register_version"));
        Ok(version.and_then(Json::as_str).map(str::to_owned))
    }

    /// How many entries of a type there are up to the last that counts.
    pub(super) fn count(&self, entry_type: EntryType) -> Result<u64, Corruption> {
        view::count_up_to(self.read, entry_type, self.asked.as_of)
    }

    /// What is asked, as items.
    pub(super) fn answer(&mut self, ask: &Ask) -> Result<Vec<Item>, Corruption> {
        match ask {
            Ask::Entries(name, about, types) => self.entries(name, about, types),
            Ask::Decisions => self.decisions(),
            Ask::Policy => Ok(vec![self.policy_item()]),
            Ask::Oversight => Ok(vec![self.oversight()?]),
            Ask::Incidents => self.incidents(),
        }
    }

    fn entries(
        &mut self,
        name: &str,
        about: &str,
        types: &[EntryType],
    ) -> Result<Vec<Item>, Corruption> {
        let (mut count, mut last) = (0_u64, None::<EntryId>);
        for entry_type in types {
            count = count.saturating_add(self.count(*entry_type)?);
            last = last.max(view::last_up_to(self.read, *entry_type, self.asked.as_of)?);
        }
        if let Some(last) = last {
            self.cite(last);
        }
        let value = Json::object([
            ("count", count.into()),
            ("last_ledger_entry_id", last.map(|entry| entry.0).into()),
        ]);
        Ok(vec![Item::counted(name, self.of_all(about), value)])
    }

    fn decisions(&mut self) -> Result<Vec<Item>, Corruption> {
        let mut outcomes = Object::new();
        let mut is_exact = true;
        for outcome in ["allowed", "denied", "escalated"] {
            let (count, is_all) = self.of_outcome(outcome)?;
            is_exact &= is_all;
            outcomes.insert(outcome, count);
        }
        let total = self.count(EntryType::Decision)?;
        let mut items = vec![
            Item::counted("decisions", self.of_all("Decisions that are recorded"), total),
            Item::counted("decisions_by_outcome", self.of_all("What they came to"), outcomes),
        ];
        if !is_exact {
            let about = "Counts of outcomes end at this number";
            items.push(Item::counted("counted_up_to", about, TOTAL_MAX));
        }
        for (system, (count, is_all)) in self.systems.iter().zip(self.decisions_of_each()?) {
            let value = Json::object([("count", count.into()), ("exact", is_all.into())]);
            let about = format!("Decisions about actors of {}", system.details.name);
            items.push(Item::counted(format!("decisions_of_{}", system.id), about, value));
        }
        Ok(items)
    }

    /// How many decisions belong to each system, and whether that is all of them.
    /// At most [`TOTAL_MAX`] are counted for all systems together: what a document
    /// costs does not grow with how many it is about.
    pub(super) fn decisions_of_each(&self) -> Result<Vec<(u64, bool)>, Corruption> {
        let mut left = TOTAL_MAX;
        let mut found = Vec::new();
        for system in &self.systems {
            let patterns = &system.details.actor_patterns;
            let counted = view::decisions_of(self.read, patterns, self.asked.as_of, left)?;
            left = left.saturating_sub(counted.0);
            found.push(counted);
        }
        Ok(found)
    }

    /// Decisions of an outcome that are not erased.
    fn of_outcome(&self, outcome: &str) -> Result<(u64, bool), Corruption> {
        let mut count = 0_u64;
        let rows_max = usize::try_from(TOTAL_MAX).unwrap_or(usize::MAX).saturating_add(1);
        let scan = Scan {
            table: Table::DecisionByOutcome,
            from: &keys::text_and_number(outcome, 0),
            to: Some(&keys::text_and_number(outcome, self.asked.as_of.0.saturating_add(1))),
            direction: Direction::Ascending,
            rows_max,
        };
        self.read.visit(scan, &mut |_, _| count = count.saturating_add(1))?;
        Ok((count.min(TOTAL_MAX), count <= TOTAL_MAX))
    }

    fn policy_item(&self) -> Item {
        let policy = &self.policy;
        let value = Json::object([
            ("version", policy.version.into()),
            ("policy_hash", policy.policy_hash.to_string().into()),
            ("name", policy.name.as_deref().into()),
            ("mode", policy.mode.as_str().into()),
            ("terms_count", policy.terms_count.into()),
            ("relations_count", policy.relations_count.into()),
            ("ledger_entry_id", policy.entry_id.map(|entry| entry.0).into()),
        ]);
        Item::counted("policy_in_force", "The policy that decisions are made by", value)
    }

    fn oversight(&self) -> Result<Item, Corruption> {
        let found = view::effectiveness(self.read, self.asked.as_of, OVERSIGHT_DAYS)?;
        let escalations = Json::object([
            ("created", found.escalations.created.into()),
            ("resolved", found.escalations.resolved.into()),
            ("expired", found.escalations.expired.into()),
            ("within_sla_percent", found.escalations.within_sla_percent().into()),
        ]);
        let value = Json::object([
            ("period_days", OVERSIGHT_DAYS.into()),
            ("interventions", found.interventions.into()),
            ("overrides", found.tally.overrides.into()),
            ("approvals", found.tally.approvals.into()),
            ("override_rate_percent", found.override_rate_percent().into()),
            ("escalations", escalations),
            ("findings", found.findings().into()),
        ]);
        let about = self.of_all("What humans did, and how soon");
        Ok(Item::counted("human_oversight", about, value))
    }

    fn incidents(&mut self) -> Result<Vec<Item>, Corruption> {
        let query = view::AiIncidentQuery {
            status: None,
            after: None,
            direction: Direction::Ascending,
            limit: SYSTEMS_MAX,
            as_of: self.asked.as_of,
        };
        let page = view::ai_incidents(self.read, &query)?;
        let rows = page.incidents.iter().map(|incident| {
            Json::object([
                ("incident_id", incident.id.to_string().into()),
                ("system_id", incident.system_id.as_deref().into()),
                ("category", incident.record.category.as_str().into()),
                ("status", incident.status.as_str().into()),
                ("report_due_at", incident.record.report_due_at.to_string().into()),
                ("overdue", incident.is_overdue(self.now).into()),
                ("ledger_entry_id", incident.entry_id.0.into()),
            ])
        });
        let rows = Json::Array(rows.collect());
        for incident in &page.incidents {
            self.cited.insert(incident.entry_id);
        }
        Ok(vec![
            Item::counted(
                "incidents_total",
                self.of_all("Serious incidents that are recorded"),
                page.total,
            ),
            Item::counted("incidents", self.of_all("The first of them, and their clocks"), rows),
        ])
    }

    /// What humans say of a point of Annex IV.
    pub(super) fn written(&self, name: &str, (number, member): (u8, &str)) -> Item {
        let section = self.annex_iv.iter().find(|it| it.section.number == number);
        let point = section.and_then(|it| it.section.points.iter().find(|it| it.member == member));
        let about = point.map_or("", |point| point.about);
        let said = section.and_then(|it| it.point(member).zip(it.written.as_ref()));
        let (value, source) = match said {
            Some((value, written)) => {
                let (by, at, entry) = (written.by.clone(), written.at, written.entry_id);
                (value.clone(), Source::Human { by, at, entry })
            }
            None => (Json::Null, Source::Missing),
        };
        Item { name: name.to_owned(), about: about.to_owned(), value, source }
    }

    /// What the registry says of each system, or that nobody registered one. What
    /// says nothing is nobody's word.
    pub(super) fn of_systems(
        &self,
        (name, about): (&str, &str),
        value: impl Fn(&System) -> Json,
    ) -> Vec<Item> {
        if self.systems.is_empty() {
            let (name, about) = (name.to_owned(), about.to_owned());
            return vec![Item { name, about, value: Json::Null, source: Source::Missing }];
        }
        let item = |system: &System| {
            let is_only = self.systems.len() == 1;
            let value = Some(value(system)).filter(annex_iv::says);
            let source = match &value {
                Some(_) => of_registry(system),
                None => Source::Open,
            };
            Item {
                name: if is_only { name.to_owned() } else { format!("{name}.{}", system.id) },
                about: match is_only {
                    true => about.to_owned(),
                    false => format!("{about}: {}", system.details.name),
                },
                value: value.unwrap_or_default(),
                source,
            }
        };
        self.systems.iter().map(item).collect()
    }
}

/// Who last said how a system is.
pub(super) fn of_registry(system: &System) -> Source {
    let (by, at, entry) = (system.by.clone(), system.updated_at, system.entry_id);
    Source::Human { by, at, entry }
}

fn systems(
    read: &impl Read,
    asked: Asked,
    now: Timestamp,
) -> Result<(Vec<System>, u64), Corruption> {
    if let Some(id) = asked.system {
        let found: Vec<System> = view::system_as_of(read, id, asked.as_of)?.into_iter().collect();
        let total = found.len() as u64;
        return Ok((found, total));
    }
    let query = SystemQuery {
        status: None,
        after: None,
        direction: Direction::Ascending,
        limit: SYSTEMS_MAX,
        now,
        as_of: Some(asked.as_of),
    };
    let page = view::systems(read, &query)?;
    Ok((page.systems, page.total))
}

/// The policy in force once an entry was recorded.
fn policy_then(read: &impl Read, as_of: EntryId) -> Result<PolicyRecord, Corruption> {
    let loaded = view::count_up_to(read, EntryType::PolicyLoaded, as_of)?;
    let rolled_back = view::count_up_to(read, EntryType::PolicyRolledBack, as_of)?;
    let version = loaded.saturating_add(rolled_back);
    let missing = || Corruption::new("policy", format!("version {version} is missing"));
    view::policy(read, version)?.ok_or_else(missing)
}
