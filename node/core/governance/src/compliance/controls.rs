//! What people brought for controls and duties: artifacts that were linked, and
//! who attested them.
//!
//! Invariants
//! - Nobody vouches for what they brought themselves: an artifact stands for
//!   something once a person whose identity was checked, and who did not register
//!   it, attests it.

use std::collections::BTreeMap;

use register::{EU_AI_ACT, EvidenceKind, Standing, register};
use types::id::AttestationId;
use types::{ApiKeyId, ArtifactId, EntryId, Timestamp};

use super::facts::{Facts, Span, Telling};
use crate::outcome::Corruption;
use crate::record::ArtifactRecord;
use crate::store::{Direction, Read, Scan, Table};
use crate::{keys, tables, view};

/// An artifact that was linked to a control or duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedArtifact {
    /// Which.
    pub artifact: ArtifactId,
    /// What it stands for.
    pub stands_for: Vec<EvidenceKind>,
    /// Where that is recorded.
    pub entry_id: EntryId,
    /// When.
    pub at: Timestamp,
    /// How it stands: missing where it is erased.
    pub standing: Standing,
}

/// A statement of a person about a control or duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// Which.
    pub attestation: Option<AttestationId>,
    /// Who said so.
    pub by: Option<String>,
    /// What it is about.
    pub artifacts: Vec<ArtifactId>,
    /// Until when it holds; always where nothing is said.
    pub valid_until: Option<Timestamp>,
    /// Whether somebody checked who it was.
    pub is_checked: bool,
    /// Whether its time is over.
    pub is_over: bool,
    /// Whether it is about an artifact that the same person registered.
    pub is_own: bool,
    /// Whether of any of the artifacts it is known who registered it.
    pub is_about_known: bool,
    /// Where it is recorded.
    pub entry_id: EntryId,
    /// When.
    pub at: Timestamp,
}

/// What was brought for one control or duty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Brought {
    pub(super) artifacts: Vec<LinkedArtifact>,
    pub(super) attestations: Vec<Attested>,
}

impl Brought {
    /// How a kind of evidence stands: as the best of what stands for it.
    pub(super) fn standing(&self, kind: EvidenceKind) -> Standing {
        let of_kind = self.artifacts.iter().filter(|linked| linked.stands_for.contains(&kind));
        of_kind.map(|linked| linked.standing).min().unwrap_or(Standing::Missing)
    }

    pub(super) fn last_at(&self) -> Option<Timestamp> {
        let linked = self.artifacts.iter().map(|linked| linked.at);
        linked.chain(self.attestations.iter().map(|attested| attested.at)).max()
    }

    pub(super) fn span(&self) -> Span {
        Span::of(self.artifacts.iter().map(|linked| linked.entry_id))
    }
}

/// What was brought for controls and duties, by framework and id.
#[derive(Debug, Default)]
pub(super) struct Controls {
    by_name: BTreeMap<(String, String), Brought>,
}

impl Controls {
    /// What was brought for one of them, which is told once.
    pub(super) fn take(&mut self, framework: &str, id: &str) -> Brought {
        self.by_name.remove(&(framework.to_owned(), id.to_owned())).unwrap_or_default()
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (&str, &str, &Brought)> {
        let all = self.by_name.iter();
        all.map(|((framework, id), brought)| (framework.as_str(), id.as_str(), brought))
    }

    pub(super) fn load(facts: &Facts<'_, impl Read>) -> Result<Self, Corruption> {
        let mut controls = Self::default();
        for id in entries(facts, Table::ControlLink)? {
            let Some(telling) = facts.telling(id)? else { continue };
            if let (Some(name), Some(linked)) = (name(&telling), linked(&telling)) {
                controls.by_name.entry(name).or_default().artifacts.push(linked);
            }
        }
        for id in entries(facts, Table::ControlAttestation)? {
            let Some(telling) = facts.telling(id)? else { continue };
            if let Some(name) = name(&telling) {
                let attested = attested_by(&telling, facts.now);
                controls.by_name.entry(name).or_default().attestations.push(attested);
            }
        }
        let mut sources = Sources { facts, by_artifact: BTreeMap::new() };
        for brought in controls.by_name.values_mut() {
            weigh(&mut sources, brought)?;
        }
        Ok(controls)
    }
}

/// Entries of controls that an index has, up to the entry, in their order. They are
/// not the newest of their type, since those of one control would hide those of
/// another: of one there are at most as many as [`crate::control`] takes.
fn entries(facts: &Facts<'_, impl Read>, table: Table) -> Result<Vec<EntryId>, Corruption> {
    let (from, to, direction) = (&[][..], None, Direction::Ascending);
    let scan = Scan { table, from, to, direction, rows_max: usize::MAX };
    let (mut ids, mut is_damaged) = (Vec::new(), false);
    facts.read.visit(scan, &mut |key, _| match keys::last_number(key) {
        Some(id) if id <= facts.as_of.0 => ids.push(EntryId(id)),
        Some(_) => (),
        None => is_damaged = true,
    })?;
    if is_damaged {
        return Err(Corruption::new(tables::name(table), "key too short"));
    }
    ids.sort_unstable();
    Ok(ids)
}

/// The framework and id that an entry names, as they are called in the register.
fn name(telling: &Telling) -> Option<(String, String)> {
    let (framework, id) = (telling.text("framework")?, telling.text("control_id")?);
    if framework == EU_AI_ACT {
        let (_, duty) = register().duty(id)?;
        return Some((EU_AI_ACT.to_owned(), duty.id.clone()));
    }
    let control = register().control(framework, id)?;
    Some((register().framework(framework)?.id().to_owned(), control.id.clone()))
}

fn linked(telling: &Telling) -> Option<LinkedArtifact> {
    Some(LinkedArtifact {
        artifact: telling.text("artifact_id")?.parse().ok()?,
        stands_for: telling.texts("evidence_types").filter_map(|word| word.parse().ok()).collect(),
        entry_id: telling.id,
        at: telling.at,
        standing: Standing::Missing,
    })
}

fn attested_by(telling: &Telling, now: Timestamp) -> Attested {
    let valid_until = telling.time("valid_until");
    let by = telling.text("attested_by").or_else(|| telling.text("by"));
    Attested {
        attestation: telling.text("attestation_id").and_then(|id| id.parse().ok()),
        by: by.map(str::to_owned),
        artifacts: telling.texts("artifact_ids").filter_map(|id| id.parse().ok()).collect(),
        valid_until,
        is_checked: telling.text("authn").is_some_and(|authn| authn != "none"),
        is_over: valid_until.is_some_and(|until| until <= now),
        is_own: false,
        is_about_known: false,
        entry_id: telling.id,
        at: telling.at,
    }
}

/// Where an artifact comes from.
#[derive(Clone, Debug)]
enum Source {
    /// It is erased, or was never there.
    Gone,
    /// Registered by this person, if anybody was named.
    By(Option<String>),
}

struct Sources<'a, 'b, R> {
    facts: &'a Facts<'b, R>,
    by_artifact: BTreeMap<ArtifactId, Source>,
}

impl<R: Read> Sources<'_, '_, R> {
    fn of(&mut self, id: ArtifactId) -> Result<Source, Corruption> {
        if let Some(known) = self.by_artifact.get(&id) {
            return Ok(known.clone());
        }
        let source = self.find(id)?;
        self.by_artifact.insert(id, source.clone());
        Ok(source)
    }

    fn find(&self, id: ArtifactId) -> Result<Source, Corruption> {
        let read = self.facts.read;
        let record: Option<ArtifactRecord> = tables::record(read, Table::Artifact, &id.0.key())?;
        let record = record.filter(|record| record.kind.is_some());
        let Some(record) = record.filter(|record| record.entry_id <= self.facts.as_of) else {
            return Ok(Source::Gone);
        };
        let Some(telling) = self.facts.telling(record.entry_id)? else {
            return Ok(Source::By(None));
        };
        // A name that nobody checked may be that of whoever attests.
        let is_checked = telling.text("authn").is_some_and(|authn| authn != "none");
        let by = telling.text("by").filter(|_| is_checked);
        Ok(Source::By(by.map(|by| person(read, by)).transpose()?.flatten()))
    }
}

/// The person behind a name, if that is known: a key acts for its owner, and of one
/// that is erased nobody knows any more whose it was.
fn person(read: &impl Read, name: &str) -> Result<Option<String>, Corruption> {
    let owner = match name.parse::<ApiKeyId>() {
        Ok(key) => view::api_key(read, key)?.map(|key| key.owner),
        Err(_) => Some(name.to_owned()),
    };
    Ok(owner.filter(|owner| !owner.is_empty()))
}

/// Finds how each artifact stands, and which statements are about one's own.
fn weigh<R: Read>(
    sources: &mut Sources<'_, '_, R>,
    brought: &mut Brought,
) -> Result<(), Corruption> {
    for attested in &mut brought.attestations {
        if let Some(by) = attested.by.take() {
            attested.by = person(sources.facts.read, &by)?;
        }
        for artifact in &attested.artifacts {
            if let Source::By(Some(registrar)) = sources.of(*artifact)? {
                attested.is_about_known = true;
                attested.is_own |= attested.by.as_ref() == Some(&registrar);
            }
        }
    }
    for linked in &mut brought.artifacts {
        linked.standing = match sources.of(linked.artifact)? {
            Source::Gone => Standing::Missing,
            Source::By(registrar) => {
                stands(linked.artifact, registrar.as_deref(), &brought.attestations)
            }
        };
    }
    Ok(())
}

/// Who registered it must be known: else nobody can tell that it was another.
fn stands(artifact: ArtifactId, registrar: Option<&str>, attestations: &[Attested]) -> Standing {
    let counts = |attested: &&Attested| {
        let is_other =
            registrar.is_some() && attested.by.is_some() && attested.by.as_deref() != registrar;
        attested.artifacts.contains(&artifact) && attested.is_checked && is_other
    };
    let counting = attestations.iter().filter(counts);
    let standing = counting.map(|attested| match attested.is_over {
        true => Standing::Stale,
        false => Standing::Valid,
    });
    standing.min().unwrap_or(Standing::Unapproved)
}
