//! What is asked of the organisation by the EU AI Act and by frameworks, what the
//! ledger shows of it, and what humans add.
//!
//! Every figure comes from an assessment as of an entry, and none is kept: the
//! same entry gives the same bytes on every node.

pub(crate) mod control;
pub(crate) mod duties;
pub(crate) mod framework;
mod item;
pub(crate) mod profile;
pub(crate) mod query;
pub(crate) mod timeline;

use std::sync::Arc;

use governance::compliance::Assessment;
use register::{Framework, Status};
use types::{EntryId, Json, Object};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::problem::{Code, Problem};
use crate::rest::as_of;
use crate::routes::Op;

/// Answers an operation of the area.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::Profile => profile::get(app, &call),
        Op::ProfileSet => profile::set(app, call).await,
        Op::ControlLink => control::link(app, call).await,
        Op::ControlAttest => control::attest(app, call).await,
        _ => from_assessment(app, call).await,
    }
}

/// Answers what follows from an assessment.
async fn from_assessment<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let shown = shown(&call)?;
    // Which checkpoints were final by then is settled only once one covers it.
    let entry = as_of::settled(app, as_of::asked(&call)?).await?;
    let read = app.backend.view()?;
    let shared = Arc::clone(&app.shared);
    app.audit(move || {
        let cluster = governance::view::cluster(&read)?.ok_or_else(Problem::internal)?;
        let whole = shared.assessments.of(&read, entry)?;
        let assessed = Assessed { whole, as_of: entry, cluster: cluster.id.to_string() };
        let mut members = shown(&assessed, &call)?;
        members.insert("as_of_index", entry.0);
        Ok(Answer::json(members))
    })
    .await
}

type Shown = fn(&Assessed, &Call) -> Result<Object, Problem>;

/// What shows the answer, once what the call names is there: whoever names nothing
/// waits neither for a checkpoint nor for an assessment to hear that.
fn shown(call: &Call) -> Result<Shown, Problem> {
    let of_framework = |shown: Shown| framework::asked(call).map(|_| shown);
    match call.route.op {
        Op::ComplianceStatistics => Ok(framework::statistics),
        Op::Timeline => Ok(timeline::timeline),
        Op::Queries => Ok(query::all),
        Op::Query => query::asked(call).map(|_| query::one as Shown),
        Op::Register => duties::asked(call).map(|_| duties::register_of as Shown),
        Op::RegisterArticle => duties::named(call).map(|_| duties::article as Shown),
        Op::Controls => of_framework(framework::controls),
        Op::Gaps => of_framework(framework::gaps),
        Op::ComplianceReport => of_framework(framework::report),
        Op::Coverage => of_framework(framework::coverage),
        Op::Control => control::asked(call).map(|_| control::get as Shown),
        _ => Err(Problem::new(Code::NOT_FOUND, "there is nothing at this path")),
    }
}

/// An assessment, and what it is one of.
pub(crate) struct Assessed {
    pub(crate) whole: Arc<Assessment>,
    pub(crate) as_of: EntryId,
    /// The cluster.
    pub(crate) cluster: String,
}

/// Counts by status, in the order of the statuses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ByStatus([u64; Status::ALL.len()]);

impl ByStatus {
    /// Counts items of these statuses.
    pub(crate) fn of(statuses: impl Iterator<Item = Status>) -> Self {
        let mut counts = Self::default();
        for status in statuses {
            counts.add(status, 1);
        }
        counts
    }

    fn add(&mut self, status: Status, more: u64) {
        let counts = Status::ALL.iter().zip(&mut self.0);
        for (_, count) in counts.filter(|(known, _)| **known == status) {
            *count = count.saturating_add(more);
        }
    }

    /// Both together.
    pub(crate) fn plus(mut self, other: Self) -> Self {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count = count.saturating_add(more);
        }
        self
    }

    fn get(&self, status: Status) -> u64 {
        let mut counts = Status::ALL.iter().zip(self.0);
        counts.find(|(known, _)| **known == status).map_or(0, |(_, count)| count)
    }

    /// How many there are.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Of those that apply, how many of a hundred have sufficient evidence. For
    /// machines: one number says nothing to a reader.
    pub(crate) fn percent(&self) -> u64 {
        let not = self.get(Status::NotApplicable);
        let sufficient = self.get(Status::EvidenceSufficient);
        let of = self.total().saturating_sub(not);
        sufficient.saturating_mul(100).checked_div(of).unwrap_or(0)
    }

    pub(crate) fn to_json(self) -> Json {
        let mut members = Object::new();
        for (status, count) in Status::ALL.iter().zip(self.0) {
            members.insert(status.as_str(), count);
        }
        Json::Object(members)
    }
}

/// The framework and the control that a path names, as it names them.
pub(crate) fn path_parts(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or((path, ""))
}

/// A framework by its name in a path, in any letter case.
pub(crate) fn known_framework(name: &str) -> Result<&'static Framework, Problem> {
    let unknown = || {
        let detail = format!("frameworks: {}", governance::profile::FRAMEWORKS.join(", "));
        Problem::new(Code::UNKNOWN_FRAMEWORK, detail)
    };
    register::register().framework(&name.to_ascii_lowercase()).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_of_what_applies_and_rounded_down() {
        let of = |sufficient: usize, insufficient: usize, not: usize| {
            let statuses = std::iter::repeat_n(Status::EvidenceSufficient, sufficient)
                .chain(std::iter::repeat_n(Status::Insufficient, insufficient))
                .chain(std::iter::repeat_n(Status::NotApplicable, not));
            ByStatus::of(statuses).percent()
        };
        assert_eq!(of(2, 1, 7), 66);
        assert_eq!(of(1, 0, 9), 100);
        assert_eq!(of(0, 0, 3), 0, "nothing applies");
        assert_eq!(of(0, 0, 0), 0);
    }

    #[test]
    fn a_framework_has_a_name_in_any_case() {
        for name in ["SOC2", "soc2", "FedRAMP", "pci_dss"] {
            assert_eq!(known_framework(name).unwrap().id(), name.to_ascii_lowercase());
        }
        for name in ["soc3", "eu_ai_act", ""] {
            assert_eq!(known_framework(name).unwrap_err().code(), Code::UNKNOWN_FRAMEWORK);
        }
    }
}
