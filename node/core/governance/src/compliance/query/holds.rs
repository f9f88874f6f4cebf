//! Legal holds, and whether erasures left alone what they froze.

use std::collections::BTreeMap;

use ::ledger::EntryType;
use types::{EntryId, Json};

use super::CUT;
use super::runs::{Run, Runs};
use crate::compliance::answer::Answer;
use crate::compliance::facts::{Facts, Span, Telling, days};
use crate::outcome::Corruption;
use crate::store::Read;

/// What a hold freezes, as its entry says.
enum Scope {
    All,
    /// Ascending.
    Entries(Vec<u64>),
    /// Told by a filter, or by words that are not known here.
    Other,
}

impl Scope {
    fn of(telling: &Telling) -> Self {
        let scope = telling.data.get("scope").and_then(Json::as_object);
        let kind = scope.and_then(|scope| scope.get("kind")).and_then(Json::as_str);
        match kind {
            Some("all") => Self::All,
            Some("entries") => {
                let ids = scope.and_then(|scope| scope.get("entry_ids")).and_then(Json::as_array);
                let ids = ids.unwrap_or_default().iter().filter_map(Json::as_u64);
                let mut ids: Vec<u64> = ids.collect();
                ids.sort_unstable();
                Self::Entries(ids)
            }
            Some(_) | None => Self::Other,
        }
    }
}

struct Hold {
    scope: Scope,
    applied: EntryId,
    released: Option<EntryId>,
}

impl Hold {
    fn is_in_force_at(&self, id: EntryId) -> bool {
        self.applied < id && self.released.is_none_or(|released| id < released)
    }

    /// Whether it froze something that a run erased while it was in force. One that
    /// is told by a filter cannot be asked here.
    fn froze(&self, run: &Run) -> Option<bool> {
        if !self.is_in_force_at(run.id) {
            return Some(false);
        }
        match &self.scope {
            // Later entries are frozen too.
            Scope::All => Some(!run.ranges.is_empty()),
            Scope::Entries(ids) => Some(run.has_any(ids)),
            Scope::Other => None,
        }
    }
}

/// Legal holds by id.
pub(super) struct Holds {
    by_id: BTreeMap<String, Hold>,
    span: Span,
    is_cut: bool,
}

impl Holds {
    pub(super) fn load(facts: &Facts<'_, impl Read>) -> Result<Self, Corruption> {
        let applied = facts.told(EntryType::LegalHoldApplied, &facts.whole())?;
        let released = facts.told(EntryType::LegalHoldReleased, &facts.whole())?;
        let is_cut = applied.is_cut || released.is_cut;
        let mut by_id: BTreeMap<String, Hold> = BTreeMap::new();
        for telling in &applied.entries {
            if let Some(id) = telling.text("hold_id") {
                let scope = Scope::of(telling);
                let hold = Hold { scope, applied: telling.id, released: None };
                by_id.insert(id.to_owned(), hold);
            }
        }
        for telling in &released.entries {
            let hold = telling.text("hold_id").and_then(|id| by_id.get_mut(id));
            if let Some(hold) = hold {
                hold.released = Some(telling.id);
            }
        }
        Ok(Self { by_id, span: applied.span(), is_cut })
    }

    /// Whether one is in force, or was so within these days: what it kept is erased
    /// by the next round only.
    pub(super) fn keep_something(
        &self,
        facts: &Facts<'_, impl Read>,
        within: u64,
    ) -> Result<bool, Corruption> {
        let since = facts.now.0.saturating_sub(days(within).0);
        for hold in self.by_id.values() {
            let Some(released) = hold.released else { return Ok(true) };
            if since < facts.time(released)?.0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// No run erased what a hold froze then.
pub(super) fn legal_holds(facts: &Facts<'_, impl Read>, runs: &Runs) -> Result<Answer, Corruption> {
    let holds = Holds::load(facts)?;
    let (mut broken, mut untold) = (0_u64, 0_u64);
    for hold in holds.by_id.values() {
        let mut froze = runs.all.iter().map(|run| hold.froze(run));
        broken = broken.saturating_add(u64::from(froze.clone().any(|it| it == Some(true))));
        untold = untold.saturating_add(u64::from(froze.any(|it| it.is_none())));
    }
    // A run that was not read came before every one that was.
    let first = runs.all.first().filter(|_| runs.is_cut).map(|run| run.id);
    let is_unread = first.is_some_and(|first| {
        holds.by_id.values().any(|hold| hold.applied.0.saturating_add(1) < first.0)
    });
    Ok(Answer::all(holds.span, holds.span.count.saturating_sub(broken))
        .with("runs", runs.all.len() as u64)
        .open_if(0 < untold, "what a hold with a filter froze is not told by its entry alone")
        .open_if(holds.is_cut || is_unread, CUT))
}
