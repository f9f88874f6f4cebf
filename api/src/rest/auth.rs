//! Who asks: logins, second factors, sessions, accounts, keys of programs.
//!
//! Passwords and codes are checked here by what `secrets` makes of them; what was
//! checked goes to the log as a fact with the version it holds for, and the
//! state machine has the last word.
//!
//! Invariants
//! - A secret is shown in the one reply that made it. A repeated request has
//!   null in its place.
//! - A failed login is counted by the cluster before it is answered, so that cutting a node
//!   off from the others gives nobody more tries.

pub(crate) mod api_keys;
pub(crate) mod describe;
pub(crate) mod join;
pub(crate) mod login;
pub(crate) mod mfa;
pub(crate) mod oidc;
pub(crate) mod password;
pub(crate) mod sessions;
pub(crate) mod users;

use governance::command::{Command, Idempotency, Principal, PrincipalKind};
use governance::record::UserRecord;
use governance::store::Direction;
use governance::view::{self, AccountQuery};
use governance::{Outcome, Rejection};
use types::{Digest, EntryId, SessionId, Timestamp, UserId};

use super::decision::envelope_of;
use super::token::now;
use crate::app::App;
use crate::backend::{Backend, Committed};
use crate::call::{Answer, Call};
use crate::fields::Checked;
use crate::problem::{Code, Fault, Problem};
use crate::routes::Op;

const LIMIT_DEFAULT: usize = 100;

/// Answers a call about who asks.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::Login => login::login(app, call).await,
        Op::MfaVerify => mfa::verify(app, call).await,
        Op::MfaEnroll => mfa::enroll(app, call).await,
        Op::MfaConfirm => mfa::confirm(app, call).await,
        Op::MfaBackupCodes => mfa::renew(app, call).await,
        Op::Logout => sessions::logout(app, call).await,
        Op::Me => users::me(app, &call),
        Op::PasswordChange => password::change(app, call).await,
        Op::PasswordPolicy => Ok(password::policy()),
        Op::Sessions => sessions::list_sessions(app, call).await,
        Op::SessionRevoke => sessions::revoke(app, call).await,
        Op::UserCreate => users::create(app, call).await,
        Op::Users => users::list_users(app, call).await,
        Op::User => users::get(app, &call),
        Op::UserUpdate => users::update(app, call).await,
        Op::UserDelete | Op::UserDisable | Op::UserEnable | Op::UserUnlock | Op::UserResetMfa => {
            users::change(app, call).await
        }
        Op::ApiKeyCreate => api_keys::create(app, call).await,
        Op::ApiKeys => api_keys::list_keys(app, call).await,
        Op::ApiKeyRevoke => api_keys::revoke(app, call).await,
        Op::OidcProviders => Ok(oidc::providers(app)),
        Op::OidcLogin => oidc::begin(app, call).await,
        Op::OidcCallback => oidc::finish(app, call).await,
        Op::JoinToken => join::issue(app, call).await,
        other => {
            tracing::error!(?other, "an operation that nothing carries out");
            Err(Problem::internal())
        }
    }
}

/// The account and the session of a person who asks about its own account.
fn own(principal: &Principal) -> Result<(UserId, SessionId), Problem> {
    match principal.kind {
        PrincipalKind::User => {
            let session = principal.credential_id.as_deref().and_then(|id| id.parse().ok());
            let ids = principal.id.parse().ok().zip(session);
            ids.ok_or_else(Problem::internal)
        }
        PrincipalKind::Nobody => Err(Problem::new(
            Code::UNAUTHENTICATED,
            "log in first: this is about one's own account",
        )),
        PrincipalKind::ApiKey | PrincipalKind::Node => {
            Err(Problem::new(Code::NOT_AUTHORISED, "only a person has an account"))
        }
    }
}

/// The account of a person who asks, as it is now.
fn own_account<B: Backend>(app: &App<B>, id: UserId) -> Result<UserRecord, Problem> {
    let read = app.backend.view()?;
    view::user(&read, id)?.ok_or_else(unknown_user)
}

fn unknown_user() -> Problem {
    Problem::new(Code::UNKNOWN_USER, "there is no such account")
}

/// Which page of a list a query asks for.
fn page<I: std::str::FromStr>(query: &Checked) -> Result<AccountQuery<I>, Problem> {
    let refused =
        || Problem::fault(Fault::parameter("after", "bad_format", "is no `next` of a page"));
    let after = query.word("after").map(|text| text.parse().map_err(|_| refused()));
    let direction = match query.word("order") {
        Some("desc") => Direction::Descending,
        Some(_) | None => Direction::Ascending,
    };
    let limit = query.integer("limit").unwrap_or(LIMIT_DEFAULT);
    Ok(AccountQuery { after: after.transpose()?, direction, limit })
}

/// Puts a command in the log on this node's own account: who logs in is nobody
/// yet.
async fn submit<B: Backend>(app: &App<B>, command: Command) -> Result<Committed, Problem> {
    let node = Principal::node(&app.backend.node_name());
    let envelope = envelope_of(app, &node, None, command)?;
    Ok(app.backend.submit(envelope).await?)
}

/// Whether a command was done, or why it was refused.
fn done<B: Backend>(app: &App<B>, outcome: Outcome) -> Result<(), Problem> {
    match outcome {
        // Replayed: the log took it twice, since this node did not hear of it.
        Outcome::Recorded(_) | Outcome::Replayed(_) | Outcome::Noted => Ok(()),
        Outcome::Rejected(why) => Err(refused(app, why)),
        other => {
            tracing::error!(?other, "a command had an outcome that is none of its own");
            Err(Problem::internal())
        }
    }
}

/// A refusal, with when to come back where that is known.
fn refused<B: Backend>(app: &App<B>, why: Rejection) -> Problem {
    match why {
        Rejection::AccountLocked { until } => match app.backend.view() {
            Ok(read) => now(app, &read).map_or_else(|why| why, |now| locked(until, now)),
            Err(why) => why.into(),
        },
        other => other.into(),
    }
}

/// 423: which of name and address is not said, for names that nobody has too.
fn locked(until: Timestamp, now: Timestamp) -> Problem {
    let seconds = until.0.saturating_sub(now.0).div_ceil(1_000_000).max(1);
    let detail = "too many logins failed for this account from this address";
    Problem::new(Code::ACCOUNT_LOCKED, detail).retry_in(seconds)
}

/// The entry that a repeated request recorded, where it is one. What shows a
/// secret once, or checks one that is used up, asks this first.
fn replayed<B: Backend>(
    app: &App<B>,
    idempotency: Option<&Idempotency>,
) -> Result<Option<EntryId>, Problem> {
    let Some(key) = idempotency else { return Ok(None) };
    let read = app.backend.view()?;
    match view::command(&read, key, now(app, &read)?)? {
        Some((entry, digest)) if digest == key.body_digest => Ok(Some(entry)),
        // An erasure took the digest of the body.
        Some((_, digest)) if digest == Digest::default() => Err(Rejection::Erased.into()),
        Some(_) => Err(Rejection::IdempotencyConflict { key: key.key.clone() }.into()),
        None => Ok(None),
    }
}
