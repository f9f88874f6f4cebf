//! Sessions: which there are, and ending them.

use governance::access::{self, Permission, Right};
use governance::command::{Command, RevokeSession};
use governance::record::SessionRecord;
use governance::{Rejection, view};
use types::{Json, Object, SessionId, UserId};

use super::{own, page};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::cookies;
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::rest::recording::record;
use crate::rest::token::now;

/// `POST /auth/logout`.
pub(crate) async fn logout<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let (_, session) = own(&call.principal)?;
    let answer = end(app, call, session, "success").await?;
    Ok(answer.cookie(cookies::no_session(&app.config)))
}

/// `DELETE /auth/sessions/{id}`. Whose session it is, the state machine looks at.
pub(crate) async fn revoke<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let unknown = |_| Problem::new(Code::UNKNOWN_SESSION, "there is no such session");
    let session = call.path.parse().map_err(unknown)?;
    end(app, call, session, "revoked").await
}

async fn end<B: Backend>(
    app: &App<B>,
    call: Call,
    session: SessionId,
    member: &str,
) -> Result<Answer, Problem> {
    let Call { route, body, key, principal, .. } = call;
    let body = body.into_fields();
    let path = route.path.replace("{id}", &session.to_string());
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let command = Command::RevokeSession(RevokeSession { session });
    let recording = record(app, &principal, idempotency, command).await?;
    let mut reply = Object::new();
    reply.insert(member, true);
    reply.insert("ledger_entry_id", recording.entry.0);
    Ok(recording.answer(reply))
}

/// `GET /auth/sessions`.
pub(crate) async fn list_sessions<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let user = whose(&call)?;
    let query = page(&call.query)?;
    let current = own(&call.principal).ok().map(|(_, session)| session);
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    let work = move || {
        let page = view::sessions_page(&read, user, now, query)?;
        let sessions = page.rows.iter().map(|(id, session)| shown(*id, session, current));
        Ok(Answer::members([
            ("sessions", Json::Array(sessions.collect())),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", page.next.map(|next| next.to_string()).into()),
        ]))
    };
    app.blocking(work).await
}

/// Whose sessions are asked for: one's own, those of an account, or all.
fn whose(call: &Call) -> Result<Option<UserId>, Problem> {
    let named = call.query.word("user_id").map(|id| {
        let refused = || Fault::parameter("user_id", "bad_format", "is no id of an account");
        id.parse::<UserId>().map_err(|_| Problem::fault(refused()))
    });
    let named = named.transpose()?;
    let is_all = call.query.flag("all");
    if named.is_none() && !is_all {
        return Ok(Some(own(&call.principal)?.0));
    }
    if is_all && named.is_some() {
        let detail = "is there beside `user_id`";
        return Err(Problem::fault(Fault::parameter("all", "conflicting_values", detail)));
    }
    let is_own = |named| own(&call.principal).is_ok_and(|(user, _)| user == named);
    if named.is_some_and(is_own) {
        return Ok(named);
    }
    let managing = Right::Holds(Permission::ManageUsers);
    let permitted = call.authority.permits(managing, None);
    permitted.map_err(|why| Problem::from(Rejection::Denied(why)))?;
    Ok(named)
}

fn shown(id: SessionId, session: &SessionRecord, current: Option<SessionId>) -> Json {
    Json::object([
        ("id", id.to_string().into()),
        ("user_id", session.user.to_string().into()),
        ("created_at", session.created_at.to_string().into()),
        ("last_used_at", session.touched_at.to_string().into()),
        ("expires_at", access::session_end(session).to_string().into()),
        ("address", session.address.clone().into()),
        ("authn", session.authn.clone().into()),
        ("current", (current == Some(id)).into()),
    ])
}
