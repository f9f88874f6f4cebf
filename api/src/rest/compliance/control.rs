//! One control or duty: how it stands, evidence that is linked to it, and who
//! vouches for that.
//!
//! Which kinds of evidence a control takes is judged here and not in `apply`:
//! the regulatory data belongs to a release of the program, and replicas of two
//! releases must come to the same state.

use governance::command::{AttestControl, Command, LinkControl};
use governance::control::{ATTESTED_MAX, full_name, links};
use governance::shown;
use register::{EU_AI_ACT, EvidenceKind, register};
use types::{ArtifactId, Object};

use super::framework::AS_OF;
use super::item::{
    ARTIFACTS, ATTESTATIONS, DETAIL, EVIDENCE_LIST, HUMAN, LAST, MISSING, PRIMITIVES, STATUS,
};
use super::{Assessed, known_framework, path_parts};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Checked, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, flag, integer, text, texts};
use crate::rest::named::{self, HUMAN_ID};
use crate::rest::recording::{self, record, record_or_note};

const ID: Kind = Kind::Text(Text::of(Alphabet::Name, 64));

/// A control as answers show it.
pub(super) const MEMBERS: &[Member] = &[
    text("control_id", "The control, or the duty."),
    text("framework", "Its framework, or `eu_ai_act`."),
    text("title", "What it is about."),
    text("category", "Under which heading it stands."),
    STATUS,
    DETAIL,
    EVIDENCE_LIST,
    HUMAN,
    ARTIFACTS,
    ATTESTATIONS,
    PRIMITIVES,
    MISSING,
    LAST,
];

/// Reply of `GET /compliance/{framework}/{control_id}`, and of an attestation.
pub(crate) const REPLY: &[Member] = &with_as_of();

const fn with_as_of() -> [Member; 14] {
    let mut members = [AS_OF; 14];
    let mut at = 0;
    while at < MEMBERS.len() {
        members[at] = MEMBERS[at];
        at += 1;
    }
    members
}

/// Body of `POST /compliance/{framework}/{control_id}/link-evidence`.
pub(crate) const LINK: &[Field] = &[
    Field::required("artifact_id", ID, "The evidence, registered before."),
    Field::optional(
        "evidence_type",
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "Which of the kinds that the control asks of humans it stands for; all of them when \
         absent.",
    ),
];

/// Reply of `POST /compliance/{framework}/{control_id}/link-evidence`.
pub(crate) const LINK_REPLY: &[Member] = &[
    text("framework", "The framework, or `eu_ai_act`."),
    text("control_id", "The control, or the duty."),
    text("artifact_id", "The evidence."),
    texts("evidence_types", "Kinds of evidence that it stands for."),
    flag("already_linked", "Whether it was before, and nothing was recorded."),
    integer("total_evidence_artifacts", "Artifacts that are linked to it."),
    integer("ledger_entry_id", "The entry that says so; null where it already was.").or_null(),
];

/// Body of `POST /compliance/{framework}/{control_id}/attest`.
pub(crate) const ATTEST: &[Field] = &[
    Field::required(
        "statement",
        Kind::Text(Text::any(10_000).at_least(20)),
        "What is vouched for.",
    ),
    Field::required(
        "artifact_ids",
        Kind::Texts { items_max: ATTESTED_MAX, item: Text::of(Alphabet::Name, 64) },
        "The evidence it rests on, linked before; at least one.",
    ),
    Field::optional("valid_until", Kind::Time, "Until when; without end when absent."),
    Field::optional("attested_by", HUMAN_ID, "Who vouches; required where nobody authenticates."),
];

/// A control or duty that a path names, and the kinds of evidence it takes.
pub(super) struct Named {
    framework: &'static str,
    id: &'static str,
    takes: &'static [EvidenceKind],
}

impl Named {
    fn of(path: &str) -> Result<Self, Problem> {
        let (framework, id) = path_parts(path);
        let unknown = |detail: String| Problem::new(Code::UNKNOWN_CONTROL, detail);
        if is_the_act(framework) {
            let duty = register().duty(id).filter(|(_, duty)| duty.assessable);
            let none = || unknown(format!("no duty of an operator is called `{id}`"));
            let (_, duty) = duty.ok_or_else(none)?;
            return Ok(Self { framework: EU_AI_ACT, id: &duty.id, takes: &duty.human_evidence });
        }
        let framework = known_framework(framework)?;
        let control = register().control(framework.id(), id);
        let control = control.ok_or_else(|| {
            unknown(format!("no control of `{}` is called `{id}`", framework.id()))
        })?;
        Ok(Self { framework: framework.id(), id: &control.id, takes: &control.human_evidence })
    }

    fn path(&self, verb: &str) -> String {
        format!("/compliance/{}/{}/{verb}", self.framework, self.id)
    }

    /// The kinds that an artifact stands for.
    fn stands_for(&self, given: Option<&str>) -> Result<Vec<String>, Problem> {
        let takes = self.takes.iter().map(|kind| kind.as_str());
        let Some(given) = given.map(str::to_ascii_lowercase) else {
            return Ok(takes.map(str::to_owned).collect());
        };
        if takes.clone().any(|kind| kind == given) {
            return Ok(vec![given]);
        }
        let names: Vec<&str> = takes.collect();
        let detail = match names.is_empty() {
            true => "is none: nothing is asked of humans for this".to_owned(),
            false => format!("must be one of {}", names.join(", ")),
        };
        Err(Problem::new(Code::ARTIFACT_DOES_NOT_FIT, format!("`evidence_type` {detail}")))
    }
}

/// Whether a path names the EU AI Act where others name a framework.
fn is_the_act(framework: &str) -> bool {
    matches!(framework.to_ascii_lowercase().as_str(), "eu-ai-act" | EU_AI_ACT)
}

/// `GET /compliance/{framework}/{control_id}`.
pub(super) fn get(assessed: &Assessed, call: &Call) -> Result<Object, Problem> {
    one(assessed, &asked(call)?)
}

/// The control or duty that the path names.
pub(super) fn asked(call: &Call) -> Result<Named, Problem> {
    Named::of(&call.path)
}

fn one(assessed: &Assessed, named: &Named) -> Result<Object, Problem> {
    let item = assessed.whole.item(named.framework, named.id);
    Ok(shown::control(&item.ok_or_else(Problem::internal)?))
}

/// `POST /compliance/{framework}/{control_id}/link-evidence`.
pub(super) async fn link<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let named = Named::of(&path)?;
    let body = body.into_fields();
    let evidence_types = named.stands_for(body.word("evidence_type"))?;
    let idempotency = key.map(|key| {
        idempotency::record(&principal, key, &named.path("link-evidence"), body.members())
    });
    let artifact = artifact(&body)?;
    let (framework, control_id) = (named.framework.to_owned(), named.id.to_owned());
    let link = LinkControl { framework, control_id, artifact, evidence_types };
    let types = link.evidence_types.clone();
    let command = Command::LinkControl(Box::new(link));
    let recorded = record_or_note(app, &principal, idempotency, command).await?;
    let entry = recorded.ok().map(|recording| recording.entry);
    if let Some(entry) = entry {
        recording::data(app, entry)?;
    }
    let mut reply = Object::new();
    reply.insert("framework", named.framework);
    reply.insert("control_id", named.id);
    reply.insert("artifact_id", artifact.to_string());
    reply.insert("evidence_types", types);
    reply.insert("already_linked", entry.is_none());
    let there = links(&app.backend.view()?, &full_name(named.framework, named.id))?;
    let mut there: Vec<ArtifactId> = there
        .into_iter()
        .filter(|(_, at)| entry.is_none_or(|entry| *at <= entry))
        .map(|(artifact, _)| artifact)
        .collect();
    // They come by artifact.
    there.dedup();
    reply.insert("total_evidence_artifacts", there.len() as u64);
    reply.insert("ledger_entry_id", entry.map(|entry| entry.0));
    Ok(match recorded {
        Ok(recording) => recording.answer(reply),
        Err(index) => Answer::json(reply).at(index),
    })
}

fn artifact(body: &Checked) -> Result<ArtifactId, Problem> {
    let id = body.word("artifact_id").and_then(|id| id.parse().ok());
    id.ok_or_else(unknown_artifact)
}

fn unknown_artifact() -> Problem {
    Problem::new(Code::UNKNOWN_ARTIFACT, "no such piece of evidence is recorded")
}

/// `POST /compliance/{framework}/{control_id}/attest`.
///
/// The reply is how the control stands as of the attestation, by what is final at
/// that moment: whoever attests does not wait for the checkpoint that will cover it.
/// What is to be kept and compared is what `GET` with `as_of` says, once one does.
pub(super) async fn attest<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let named = Named::of(&path)?;
    let mut body = body.into_fields();
    let idempotency =
        key.map(|key| idempotency::record(&principal, key, &named.path("attest"), body.members()));
    let principal = named::required(app, principal, &body, "attested_by")?;
    let attest = attestation(&named, &mut body)?;
    let command = Command::AttestControl(Box::new(attest));
    let recording = record(app, &principal, idempotency, command).await?;
    recording::data(app, recording.entry)?;
    let read = app.backend.view()?;
    let shared = std::sync::Arc::clone(&app.shared);
    let work = move || {
        let whole = shared.assessments.of(&read, recording.entry)?;
        let assessed = Assessed { whole, as_of: recording.entry, cluster: String::new() };
        let mut members = one(&assessed, &named)?;
        members.insert("as_of_index", recording.entry.0);
        Ok(recording.answer(members))
    };
    app.audit(work).await
}

fn attestation(named: &Named, body: &mut Checked) -> Result<AttestControl, Problem> {
    let given = body.texts("artifact_ids");
    if given.is_empty() {
        let fault = Fault::at("/artifact_ids", "missing", "must name at least one artifact");
        return Err(Problem::fault(fault));
    }
    let artifacts: Result<Vec<ArtifactId>, _> = given.iter().map(|id| id.parse()).collect();
    Ok(AttestControl {
        framework: named.framework.to_owned(),
        control_id: named.id.to_owned(),
        artifacts: artifacts.map_err(|_| unknown_artifact())?,
        statement: body.text("statement").unwrap_or_default(),
        valid_until: body.time("valid_until"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_control_or_a_duty() {
        for (path, framework, id) in [
            ("SOC2/CC6.1", "soc2", "CC6.1"),
            ("GDPR/ARTICLE_30", "gdpr", "Art.30"),
            ("fedramp/AC-1", "fedramp", "AC-1"),
            ("nist_ai_rmf/GOVERN 1.1", "nist_ai_rmf", "GOVERN 1.1"),
            ("dora/RTS-2024/1774-Art.12", "dora", "RTS-2024/1774-Art.12"),
            ("EU-AI-ACT/AIA-9.1", "eu_ai_act", "AIA-9.1"),
        ] {
            let named = Named::of(path).unwrap();
            assert_eq!((named.framework, named.id), (framework, id), "{path}");
        }
        for (path, code) in [
            ("soc3/CC6.1", Code::UNKNOWN_FRAMEWORK),
            ("soc2/CC99", Code::UNKNOWN_CONTROL),
            ("eu-ai-act/AIA-9.99", Code::UNKNOWN_CONTROL),
        ] {
            assert_eq!(Named::of(path).err().unwrap().code(), code, "{path}");
        }
    }

    #[test]
    fn evidence_stands_for_what_the_control_asks_of_humans() {
        let named = Named::of("soc2/CC6.1").unwrap();
        let all = named.stands_for(None).unwrap();
        assert_eq!(all, ["infrastructure_configuration", "asset_inventory"]);
        assert_eq!(named.stands_for(Some("ASSET_inventory")).unwrap(), ["asset_inventory"]);
        let refused = named.stands_for(Some("fria")).unwrap_err();
        assert_eq!(refused.code(), Code::ARTIFACT_DOES_NOT_FIT);
    }
}
