//! What the ledger shows of the duties and controls of the register, up to an
//! entry: each evidence query answered once, and from that, and from what people
//! brought, one status for each duty and control.
//!
//! A status is computed whenever somebody asks and never kept, and never says
//! more than the facts: what is not recorded is not taken for shown. Whether all
//! that suffices is for a person to say.
//!
//! Reading order: `facts` (the ledger up to an entry), `query` (the questions),
//! `controls` (what people brought), then [`assess`].
//!
//! Invariants
//! - The same entries give the same assessment, unless something was erased since,
//!   and once a checkpoint that covers the entry is final.
//! - Its cost grows with the number of queries and of controls, and not with the
//!   ledger: types that there are many of are counted, never read.

pub(crate) mod counted;
pub(crate) mod documents;

mod answer;
mod controls;
mod facts;
mod least;
mod profile;
mod query;

use std::collections::BTreeMap;

use register::{
    Applies, Article, Control, Coverage, Detail, Duty, EU_AI_ACT, EvidenceKind, Framework,
    Integrity, Judged, Primitive, Query, QueryOutcome, Standing, Status, judge, register,
};
use types::{EntryId, Timestamp};

use crate::outcome::Corruption;
use crate::record::CheckpointRecord;
use crate::store::Read;

pub use answer::{QUERIES_VERSION, QueryResult};
pub use controls::{Attested, LinkedArtifact};
use controls::{Brought, Controls};
use facts::Facts;
pub use facts::{LOOKED_AT_MAX, PERIOD_DAYS};
pub use profile::Profile;

/// How the duties and controls of the register stand, up to an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// The last entry counted.
    pub as_of: EntryId,
    /// Its time, which is the time of all of this.
    pub now: Timestamp,
    /// Whether the ledger itself holds.
    pub integrity: Integrity,
    /// The newest final checkpoint of these entries.
    pub checkpoint: Option<CheckpointRecord>,
    /// What the organisation says it is.
    pub profile: Option<Profile>,
    /// One for each query, in the order of [`Query::ALL`].
    pub results: Vec<QueryResult>,
    items: Vec<Assessed>,
    /// Framework and id -> place among the items.
    places: BTreeMap<(&'static str, &'static str), usize>,
}

/// What an item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A duty of the act.
    Duty(&'static Article, &'static Duty),
    /// A control of a framework.
    Control(&'static Framework, &'static Control),
}

impl Subject {
    /// The framework, as it is called on the wire.
    pub fn framework(self) -> &'static str {
        match self {
            Self::Duty(..) => EU_AI_ACT,
            Self::Control(framework, _) => framework.id(),
        }
    }

    /// The id within it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Duty(_, duty) => &duty.id,
            Self::Control(_, control) => &control.id,
        }
    }

    fn coverage(self) -> Coverage {
        match self {
            Self::Duty(_, duty) => duty.coverage,
            Self::Control(_, control) => control.coverage,
        }
    }

    fn queries(self) -> &'static [Query] {
        match self {
            Self::Duty(_, duty) => &duty.system_evidence.queries,
            Self::Control(_, control) => &control.queries,
        }
    }

    fn human(self) -> &'static [EvidenceKind] {
        match self {
            Self::Duty(_, duty) => &duty.human_evidence,
            Self::Control(_, control) => &control.human_evidence,
        }
    }
}

/// A duty or control, judged.
#[derive(Clone, Debug, PartialEq)]
struct Assessed {
    subject: Subject,
    detail: Detail,
    /// Results that are of this one alone: what was linked to it, and how long it
    /// wants things kept.
    own: Vec<QueryResult>,
    brought: Brought,
    missing: Vec<String>,
    applicable_from: Option<Timestamp>,
    last_evidence_at: Option<Timestamp>,
}

/// How a duty or control stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<'a> {
    /// What it is about, whole.
    pub subject: Subject,
    /// The framework, as it is called on the wire.
    pub framework: &'static str,
    /// The id within it.
    pub id: &'static str,
    /// The title of the control, or of the article.
    pub title: &'static str,
    /// Under which heading it stands.
    pub category: &'static str,
    /// The article of a duty.
    pub article: Option<&'static str>,
    /// `9(1)` of a duty, and the id of a control.
    pub reference: &'static str,
    /// How much of it the ledger can show at all.
    pub coverage: Coverage,
    /// Made of what.
    pub primitives: &'static [Primitive],
    /// The finer status.
    pub detail: Detail,
    /// The status on the wire.
    pub status: Status,
    /// What the ledger shows.
    pub evidence: Vec<&'a QueryResult>,
    /// What people must bring.
    pub human_required: &'static [EvidenceKind],
    /// What they linked.
    pub artifacts: &'a [LinkedArtifact],
    /// What they attested.
    pub attestations: &'a [Attested],
    /// Queries that do not pass, and kinds of evidence that do not stand.
    pub missing: &'a [String],
    /// From when a duty applies; `None` for one that never does, and for controls.
    pub applicable_from: Option<Timestamp>,
    /// The time of the last entry that is evidence here.
    pub last_evidence_at: Option<Timestamp>,
}

impl Assessment {
    /// The result of a query.
    pub fn result(&self, query: Query) -> Option<&QueryResult> {
        self.results.iter().find(|result| result.query == query)
    }

    /// A duty of `eu_ai_act` or a control of a framework, by the ids of the register.
    pub fn item(&self, framework: &str, id: &str) -> Option<Item<'_>> {
        let name = match framework {
            EU_AI_ACT => (EU_AI_ACT, register().duty(id)?.1.id.as_str()),
            _ => {
                let control = register().control(framework, id)?;
                (register().framework(framework)?.id(), control.id.as_str())
            }
        };
        let place = self.places.get(&name)?;
        self.items.get(*place).map(|assessed| self.shown(assessed))
    }

    /// All of a framework, in the order of the register.
    pub fn items(&self, framework: &str) -> impl Iterator<Item = Item<'_>> {
        let framework = match framework {
            EU_AI_ACT => Some(EU_AI_ACT),
            other => register().framework(other).map(Framework::id),
        };
        let items = self.items.iter();
        items
            .filter(move |assessed| Some(assessed.subject.framework()) == framework)
            .map(|assessed| self.shown(assessed))
    }

    /// Everything, the duties first.
    pub fn all(&self) -> impl Iterator<Item = Item<'_>> {
        self.items.iter().map(|assessed| self.shown(assessed))
    }

    fn shown<'a>(&'a self, assessed: &'a Assessed) -> Item<'a> {
        let subject = assessed.subject;
        let (title, category, article, reference) = match subject {
            Subject::Duty(article, duty) => {
                let number = Some(article.article.as_str());
                (&article.title, &article.part, number, duty.reference.as_str())
            }
            Subject::Control(_, control) => {
                (&control.title, &control.group, None, control.id.as_str())
            }
        };
        let primitives = match subject {
            Subject::Duty(_, duty) => &duty.system_evidence.primitives,
            Subject::Control(_, control) => &control.primitives,
        };
        Item {
            subject,
            framework: subject.framework(),
            id: subject.id(),
            title,
            category,
            article,
            reference,
            coverage: subject.coverage(),
            primitives,
            detail: assessed.detail,
            status: assessed.detail.status(),
            evidence: self.evidence(subject, &assessed.own),
            human_required: subject.human(),
            artifacts: &assessed.brought.artifacts,
            attestations: &assessed.brought.attestations,
            missing: &assessed.missing,
            applicable_from: assessed.applicable_from,
            last_evidence_at: assessed.last_evidence_at,
        }
    }

    /// Results for a subject, its own before those of all.
    fn evidence<'a>(&'a self, subject: Subject, own: &'a [QueryResult]) -> Vec<&'a QueryResult> {
        let of = |query: &Query| {
            own.iter().find(|own| own.query == *query).or_else(|| self.result(*query))
        };
        subject.queries().iter().filter_map(of).collect()
    }
}

/// How every duty and control stands, up to an entry that is there.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn assess(read: &impl Read, as_of: EntryId) -> Result<Assessment, Corruption> {
    let facts = Facts::new(read, as_of)?;
    let mut controls = Controls::load(&facts)?;
    let results = query::all(&facts, &controls)?;
    let mut assessment = Assessment {
        as_of,
        now: facts.now,
        integrity: integrity(&results),
        checkpoint: facts.checkpoint.clone(),
        profile: profile::profile(&facts)?,
        results,
        items: Vec::new(),
        places: BTreeMap::new(),
    };
    for subject in subjects() {
        let brought = controls.take(subject.framework(), subject.id());
        let assessed = assessed(&assessment, subject, brought);
        let name = (subject.framework(), subject.id());
        assessment.places.insert(name, assessment.items.len());
        assessment.items.push(assessed);
    }
    Ok(assessment)
}

/// Every duty that is one of an operator, then every control.
fn subjects() -> impl Iterator<Item = Subject> {
    let duties = register().duties().filter(|(_, duty)| duty.assessable);
    let duties = duties.map(|(article, duty)| Subject::Duty(article, duty));
    let controls = register().frameworks().iter().flat_map(|framework| {
        framework.controls.iter().map(move |control| Subject::Control(framework, control))
    });
    duties.chain(controls)
}

/// Whether the ledger itself holds, as its own queries say. A node that is not what
/// the others are breaks that; where signatures lag or are missing, nothing is known
/// to be wrong, and nothing known to be right.
fn integrity(results: &[QueryResult]) -> Integrity {
    let is = |query: Query, outcome: QueryOutcome| {
        results.iter().any(|result| result.query == query && result.result == outcome)
    };
    let of_entries = [Query::LedgerVerify, Query::LedgerGapCheck];
    if of_entries.iter().any(|query| is(*query, QueryOutcome::Fail)) {
        return Integrity::Broken;
    }
    let all = of_entries.iter().chain(&[Query::CheckpointsPublished]);
    match { all }.all(|query| is(*query, QueryOutcome::Pass)) {
        true => Integrity::Verified,
        false => Integrity::Unverified,
    }
}

fn assessed(assessment: &Assessment, subject: Subject, brought: Brought) -> Assessed {
    let own = own(assessment, subject, &brought);
    let evidence = assessment.evidence(subject, &own);
    let queries: Vec<QueryOutcome> = evidence.iter().map(|result| result.result).collect();
    let kinds = subject.human();
    let human: Vec<Standing> = kinds.iter().map(|kind| brought.standing(*kind)).collect();
    let (applies, applicable_from) = applies(assessment, subject);
    let detail = judge(&Judged {
        applies,
        coverage: subject.coverage(),
        integrity: assessment.integrity,
        queries: &queries,
        human: &human,
    });
    let open = evidence.iter().filter(|result| !result.is_satisfied());
    let open = open.map(|result| result.query.as_str());
    let absent = kinds.iter().zip(&human).filter(|(_, standing)| **standing != Standing::Valid);
    let absent = absent.map(|(kind, _)| kind.as_str());
    let missing = open.chain(absent).map(str::to_owned).collect();
    let last = evidence.iter().filter_map(|result| result.last_at);
    let last_evidence_at = last.chain(brought.last_at()).max();
    Assessed { subject, detail, own, brought, missing, applicable_from, last_evidence_at }
}

/// Results that are of one duty or control alone.
fn own(assessment: &Assessment, subject: Subject, brought: &Brought) -> Vec<QueryResult> {
    let as_of = assessment.as_of;
    let asks = |query: Query| subject.queries().contains(&query);
    let linked = asks(Query::EvidenceByControl).then(|| {
        let last_at = brought.last_at();
        query::by_control(brought).finish(Query::EvidenceByControl, as_of, last_at)
    });
    let status = assessment.result(Query::RetentionStatus).filter(|found| asks(found.query));
    let kept = status.and_then(|status| least::too_short(subject, status, as_of));
    linked.into_iter().chain(kept).collect()
}

/// Whether something is for the organisation that the profile describes, and a
/// duty from when.
fn applies(assessment: &Assessment, subject: Subject) -> (Applies, Option<Timestamp>) {
    let profile = assessment.profile.as_ref();
    let (article, duty) = match subject {
        Subject::Control(framework, _) => {
            let is_ours = profile.is_none_or(|profile| profile.has(framework.id()));
            return (if is_ours { Applies::Now } else { Applies::Never }, None);
        }
        Subject::Duty(article, duty) => (article, duty),
    };
    let (roles, routes) = profile.map_or((&[][..], &[][..]), |profile| {
        (profile.roles.as_slice(), profile.risk_routes.as_slice())
    });
    match article.applicable_from(duty, roles, routes) {
        None => (Applies::Never, None),
        Some(from) if assessment.now < from => (Applies::NotYet, Some(from)),
        Some(from) => (Applies::Now, Some(from)),
    }
}

#[cfg(test)]
mod tests;
