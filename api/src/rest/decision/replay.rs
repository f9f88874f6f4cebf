//! A recorded decision, evaluated again from what was recorded: the same
//! answer, or a fault, or a reason why it cannot be done.

use governance::{NoReplay, Replay, Unreplayable};
use types::{DecisionId, Json};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, hash, integer, object, text, texts};

const JUDGED: &[Member] =
    &[text("outcome", "The outcome."), text("reason_code", "Which rule decided.")];

/// Reply of `GET /decisions/{decision_id}/replay`.
pub(crate) const REPLY: &[Member] = &[
    text("decision_id", "The decision."),
    flag("identical", "Whether nothing came out different; null where not replayed.").or_null(),
    text("unreplayable", "`erased` where what the evaluation asks for is gone.").or_null(),
    integer("policy_version", "The recorded version."),
    hash("policy_hash", "Its hash."),
    integer("engine_version", "The meaning of the language it was made by."),
    object("recorded", JUDGED, "What was decided."),
    object("replayed", JUDGED, "What came out now.").or_null(),
    texts("differences", "Members that came out different."),
];

/// `GET /decisions/{decision_id}/replay`.
pub(crate) async fn replay<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let unknown = || Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded");
    let id: DecisionId = call.path.parse().map_err(|_| unknown())?;
    let read = app.backend.view()?;
    // The recorded policy is compiled again, which may take a moment.
    let replay = app.study(move || Ok(governance::replay(&read, id)?)).await?;
    match replay {
        Ok(replay) => Ok(answer(&replay)),
        Err(NoReplay::UnknownDecision) => Err(unknown()),
        Err(NoReplay::Erased) => {
            Err(Problem::new(Code::ERASED, "the content of this decision has been erased"))
        }
    }
}

fn answer(replay: &Replay) -> Answer {
    let judged = |(outcome, reason): (policy::Verdict, policy::ReasonCode)| {
        Json::object([
            ("outcome", outcome.as_str().into()),
            ("reason_code", reason.as_str().into()),
        ])
    };
    Answer::members([
        ("decision_id", replay.decision_id.to_string().into()),
        ("identical", replay.is_identical.into()),
        ("unreplayable", replay.unreplayable.map(|Unreplayable::Erased| "erased").into()),
        ("policy_version", replay.policy_version.into()),
        ("policy_hash", replay.policy_hash.to_string().into()),
        ("engine_version", u64::from(replay.engine_version).into()),
        ("recorded", judged(replay.recorded)),
        ("replayed", replay.replayed.map(judged).into()),
        ("differences", replay.differences.to_vec().into()),
    ])
}
