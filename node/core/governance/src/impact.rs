//! What another policy would have said to decisions that were recorded.
//!
//! Each is judged once more from its entry alone, at its own time and with its
//! own facts, by the language as it is now. What an approval or an override
//! made of it later does not count: the outcome compared with is the recorded
//! one.
//!
//! A whole ledger is read, so this keeps nothing of a decision but its counts
//! and a few examples, and builds nothing it is not asked for: see
//! `stored`.

mod stored;

use ledger::EntryType;
use policy::{Compiled, Request, Verdict};
use types::{DecisionId, Digest, EntryId, Object, Timestamp};

use crate::cache;
use crate::codec;
use crate::decision::{Gap, RecordedHistory, STEPS_MAX, engine_at};
use crate::keys;
use crate::outcome::Corruption;
use crate::store::{Direction, Read, Scan, Table};
use crate::tables;
use crate::view;
use stored::Stored;

/// Entries read at a time, and between two looks at whether to go on.
const CHUNK: u64 = 512;

/// Which decisions are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImpactQuery {
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
    /// Of those the newest so many.
    pub decisions_max: Option<u64>,
    /// Examples of each kind of change, the oldest ones.
    pub examples_max: usize,
}

/// What would have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Decisions judged.
    pub decisions_replayed: u64,
    /// Those of the same outcome.
    pub unchanged: u64,
    /// Recorded as allowed, and denied now.
    pub allowed_to_denied: Changed,
    /// Recorded as denied, and allowed now.
    pub denied_to_allowed: Changed,
    /// Any other change of the outcome.
    pub other_changes: Changed,
    /// Decisions that ask for something erased.
    pub unreplayable: u64,
    /// The first decision looked at.
    pub from_entry: Option<EntryId>,
    /// The last one.
    pub to_entry: Option<EntryId>,
    /// Hash of the policy asked about.
    pub candidate_hash: Digest,
    /// Whether all that was asked for was looked at.
    pub is_complete: bool,
}

/// Decisions that changed alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// A decision that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Which one.
    pub decision_id: DecisionId,
    /// Its entry.
    pub entry_id: EntryId,
    /// Who asked.
    pub actor: String,
    /// What for.
    pub action: String,
    /// What was recorded.
    pub was: Verdict,
    /// What it would be.
    pub would_be: Verdict,
}

/// Judges recorded decisions by `candidate`. `keep_going` is asked every few
/// hundred entries.
///
/// # Errors
/// [`Corruption`] when an entry is damaged.
pub fn impact(
    read: &impl Read,
    candidate: &Compiled,
    query: &ImpactQuery,
    keep_going: &dyn Fn() -> bool,
) -> Result<Impact, Corruption> {
    let ids = view::decision_ids(read, query.from, query.to, query.decisions_max)?;
    let court = Court { read, candidate, engine: engine_at(cache::feature_level(read)?) };
    let mut chunk = Chunk::default();
    let mut impact = Impact { candidate_hash: candidate.hash(), ..Impact::default() };
    let mut from = ids.start;
    while from < ids.end {
        if !keep_going() {
            return Ok(impact);
        }
        let to = from.saturating_add(CHUNK).min(ids.end);
        chunk.fill(read, from, to)?;
        court.judge(&chunk, query.examples_max, &mut impact)?;
        from = to;
    }
    impact.is_complete = true;
    Ok(impact)
}

/// The decisions of a few entries, in order.
#[derive(Debug, Default)]
struct Chunk {
    decisions: Vec<Decision>,
    /// Their personal parts, one after the other.
    personal: String,
}

#[derive(Debug)]
struct Decision {
    id: EntryId,
    at: Timestamp,
    /// Where its personal part lies; `None` once that is erased.
    personal: Option<(usize, usize)>,
}

impl Chunk {
    fn fill(&mut self, read: &impl Read, from: u64, to: u64) -> Result<(), Corruption> {
        self.decisions.clear();
        self.personal.clear();
        let decisions = &mut self.decisions;
        each(read, Table::Header, from, to, |id, value| {
            let header = std::str::from_utf8(codec::strip("header", value)?).ok();
            let header = header.and_then(stored::header);
            let (entry_type, at) = header.ok_or_else(|| damaged("header", id))?;
            if entry_type == EntryType::Decision.as_str() {
                decisions.push(Decision { id, at, personal: None });
            }
            Ok(())
        })?;
        let mut decisions = self.decisions.iter_mut().peekable();
        each(read, Table::Personal, from, to, |id, value| {
            while decisions.next_if(|decision| decision.id < id).is_some() {}
            if let Some(decision) = decisions.next_if(|decision| decision.id == id) {
                let begin = self.personal.len();
                self.personal.push_str(text(Table::Personal, id, value)?);
                decision.personal = Some((begin, self.personal.len()));
            }
            Ok(())
        })
    }

    fn personal(&self, decision: &Decision) -> Option<&str> {
        let (begin, end) = decision.personal?;
        self.personal.get(begin..end)
    }
}

/// By what decisions are judged again.
struct Court<'a, R> {
    read: &'a R,
    candidate: &'a Compiled,
    engine: policy::Engine,
}

impl<R: Read> Court<'_, R> {
    fn judge(
        &self,
        chunk: &Chunk,
        examples_max: usize,
        impact: &mut Impact,
    ) -> Result<(), Corruption> {
        let (Some(first), Some(last)) = (chunk.decisions.first(), chunk.decisions.last()) else {
            return Ok(());
        };
        impact.from_entry = impact.from_entry.or(Some(first.id));
        impact.to_entry = Some(last.id);
        let (from, to) = (first.id.0, last.id.0.saturating_add(1));
        let mut decisions = chunk.decisions.iter().peekable();
        let mut seen = 0_usize;
        each(self.read, Table::Data, from, to, |id, value| {
            while decisions.next_if(|decision| decision.id < id).is_some() {}
            let Some(decision) = decisions.next_if(|decision| decision.id == id) else {
                return Ok(());
            };
            seen = seen.saturating_add(1);
            let stored = Stored::read(text(Table::Data, id, value)?);
            let stored = stored.ok_or_else(|| damaged("data", id))?;
            match self.again(&stored, decision, chunk.personal(decision))? {
                Some(would_be) => impact.count(&stored, id, would_be, examples_max)?,
                None => impact.unreplayable = impact.unreplayable.saturating_add(1),
            }
            Ok(())
        })?;
        let erased = u64::try_from(chunk.decisions.len().saturating_sub(seen)).unwrap_or(u64::MAX);
        impact.unreplayable = impact.unreplayable.saturating_add(erased);
        Ok(())
    }

    /// `None` where the evaluation asks for something that is erased.
    fn again(
        &self,
        stored: &Stored<'_>,
        decision: &Decision,
        personal: Option<&str>,
    ) -> Result<Option<Verdict>, Corruption> {
        if stored.facts.stop_id.is_some() {
            return Ok(Some(Verdict::Denied));
        }
        let context = personal.map(|personal| {
            stored::context(personal).ok_or_else(|| damaged("personal", decision.id))
        });
        let context = context.transpose()?;
        let is_erased = context.is_none();
        let request = Request {
            actor: &stored.actor,
            action: &stored.action,
            resource: stored.resource.as_deref(),
            tool: stored.tool.as_deref(),
            data_classes: &stored.data_classes,
            context: &context.unwrap_or_else(Object::new),
            risk_score: stored.score.score,
            risk_level: stored.score.level(),
            mode: stored.mode,
            at: decision.at,
            steps_max: STEPS_MAX,
            engine: self.engine,
        };
        let history = RecordedHistory { read: self.read, facts: &stored.facts };
        match policy::judge(self.candidate, &request, &history) {
            Ok(judged) if judged.asked_context && is_erased => Ok(None),
            Ok(judged) => Ok(Some(judged.outcome)),
            // Without the history that was cut off nobody can say.
            Err(Gap::Erased | Gap::CutOff) => Ok(None),
            Err(Gap::Corrupt(what)) => Err(what),
        }
    }
}

impl Impact {
    fn count(
        &mut self,
        stored: &Stored<'_>,
        entry_id: EntryId,
        would_be: Verdict,
        examples_max: usize,
    ) -> Result<(), Corruption> {
        self.decisions_replayed = self.decisions_replayed.saturating_add(1);
        let was = stored.outcome;
        let changed = match (was, would_be) {
            _ if was == would_be => {
                self.unchanged = self.unchanged.saturating_add(1);
                return Ok(());
            }
            (Verdict::Allowed, Verdict::Denied) => &mut self.allowed_to_denied,
            (Verdict::Denied, Verdict::Allowed) => &mut self.denied_to_allowed,
            (Verdict::Allowed | Verdict::Denied | Verdict::Escalated, _) => &mut self.other_changes,
        };
        changed.count = changed.count.saturating_add(1);
        if changed.examples.len() < examples_max {
            let decision_id = stored.decision_id.parse();
            changed.examples.push(Example {
                decision_id: decision_id.map_err(|_| damaged("data", entry_id))?,
                entry_id,
                actor: stored.actor.clone().into_owned(),
                action: stored.action.clone().into_owned(),
                was,
                would_be,
            });
        }
        Ok(())
    }
}

/// Shows the rows of these entries until one is found damaged.
fn each(
    read: &impl Read,
    table: Table,
    from: u64,
    to: u64,
    mut see: impl FnMut(EntryId, &[u8]) -> Result<(), Corruption>,
) -> Result<(), Corruption> {
    let (from, to) = (keys::entry(EntryId(from)), keys::entry(EntryId(to)));
    let rows_max = usize::MAX;
    let scan =
        Scan { table, from: &from, to: Some(&to), direction: Direction::Ascending, rows_max };
    let mut found = Ok(());
    read.visit(scan, &mut |key, value| {
        if found.is_ok() {
            found = match keys::last_number(key) {
                Some(id) => see(EntryId(id), value),
                None => Err(Corruption::new(tables::name(table), "key too short")),
            };
        }
    })?;
    found
}

/// The text of a part, after its salt.
fn text(table: Table, id: EntryId, value: &[u8]) -> Result<&str, Corruption> {
    let name = tables::name(table);
    let part = codec::strip(name, value)?.split_first_chunk::<32>();
    let text = part.and_then(|(_, text)| std::str::from_utf8(text).ok());
    text.ok_or_else(|| damaged(name, id))
}

fn damaged(table: &'static str, id: EntryId) -> Corruption {
    Corruption::new(table, format!("entry {id} is not what was written"))
}
