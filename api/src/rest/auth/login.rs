//! Logging in by name and password, and what every login ends with.
//!
//! Invariants
//! - Unknown names, wrong passwords, disabled accounts and accounts without a
//!   password get one answer, after the same work.
//! - A locked pair is told so before anything is hashed, whether or not the name
//!   has an account.

use std::net::IpAddr;

use governance::access::{self, Restriction};
use governance::command::{
    Command, FailLogin, LoginProof, OpenChallenge, OpenSession, Principal, PrincipalKind,
};
use governance::record::UserRecord;
use governance::{Outcome, Rejection, view};
use ledger::hash::sha256;
use secrecy::{ExposeSecret as _, SecretString};
use types::{Digest, Json, Object, Timestamp, UserId};

use super::{done, locked, refused, submit, users};
use crate::app::App;
use crate::auth::credential::Kind;
use crate::auth::csrf;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::cookies;
use crate::edge::address::block;
use crate::problem::{Code, Problem};
use crate::rest::token::now;
use crate::secrets::Credential;

/// A try to log in: an account, there or not, from an address.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) pair: Digest,
    pub(super) address: String,
}

impl Attempt {
    pub(super) fn of(username: &str, address: IpAddr) -> Self {
        let address = address.to_canonical();
        // Whoever has one IPv6 address has as many as he likes of the same block.
        let text = format!("{}\0{}", username.to_lowercase(), block(address));
        Self { pair: sha256(text.as_bytes()), address: address.to_string() }
    }

    /// Refuses a pair that is locked.
    pub(super) fn check<B: Backend>(&self, app: &App<B>) -> Result<(), Problem> {
        let read = app.backend.view()?;
        let now = now(app, &read)?;
        let pair = view::login_pair(&read, &self.pair)?;
        match pair.and_then(|pair| pair.locked_until).filter(|until| now < *until) {
            Some(until) => Err(locked(until, now)),
            None => Ok(()),
        }
    }

    /// Counts a failure, and says `why` it is one.
    pub(super) async fn fail<B: Backend>(
        &self,
        app: &App<B>,
        user: Option<UserId>,
        challenge_hash: Option<Digest>,
        why: Problem,
    ) -> Problem {
        let fail =
            FailLogin { user, pair: self.pair, address: self.address.clone(), challenge_hash };
        let committed = submit(app, Command::FailLogin(Box::new(fail))).await;
        match committed.and_then(|committed| done(app, committed.outcome)) {
            Ok(()) => why,
            // The lock that came with this failure is for the next try to see.
            Err(not_counted) => not_counted,
        }
    }
}

/// 401 of a login by name: one text for all reasons.
pub(super) fn invalid() -> Problem {
    Problem::new(Code::INVALID_CREDENTIALS, "the name or the password is not right")
}

/// `POST /auth/login`.
pub(crate) async fn login<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, address, .. } = call;
    let mut body = body.into_fields();
    let password = SecretString::from(body.text("password").unwrap_or_default());
    let username = body.text("username").unwrap_or_default();
    let attempt = Attempt::of(&username, address);
    attempt.check(app)?;
    let found = view::user_by_username(&app.backend.view()?, &username)?;
    let usable = found.as_ref().filter(|(_, user)| !user.is_disabled);
    let hash = usable.and_then(|(_, user)| user.password_hashes.first().cloned());
    let is_right = app.shared.hasher.verify(password, hash).await?;
    let id = found.as_ref().map(|(id, _)| *id);
    let Some((id, user)) = found.filter(|_| is_right) else {
        return Err(attempt.fail(app, id, None, invalid()).await);
    };
    let version = user.password_version;
    if user.mfa.is_some() {
        return challenge(app, id, version, attempt).await;
    }
    open(app, id, LoginProof::Password { version }, attempt).await
}

/// The password was right; the second factor is to come.
async fn challenge<B: Backend>(
    app: &App<B>,
    user: UserId,
    password_version: u32,
    attempt: Attempt,
) -> Result<Answer, Problem> {
    let challenge = Credential::draw(Kind::Challenge)?;
    let hash = challenge.hash();
    let Attempt { pair, address } = attempt;
    let open = OpenChallenge { user, password_version, challenge_hash: hash, pair, address };
    let committed = submit(app, Command::OpenChallenge(Box::new(open))).await?;
    done(app, committed.outcome)?;
    let kept = view::challenge(&app.backend.view()?, &hash)?.ok_or_else(Problem::internal)?;
    let reply = Login {
        challenge_id: Some(challenge.text().expose_secret().to_owned()),
        expires_at: kept.expires_at,
        session: None,
        restriction: None,
    };
    Ok(Answer::json(reply.members()).at(committed.index))
}

/// Begins a session for whoever has shown who it is.
pub(super) async fn open<B: Backend>(
    app: &App<B>,
    user: UserId,
    proof: LoginProof,
    attempt: Attempt,
) -> Result<Answer, Problem> {
    let of_code = match &proof {
        LoginProof::Totp { challenge_hash, .. } | LoginProof::BackupCode { challenge_hash, .. } => {
            Some(*challenge_hash)
        }
        LoginProof::Password { .. } | LoginProof::Oidc { .. } => None,
    };
    let session = Credential::draw(Kind::Session)?;
    let Attempt { pair, address } = attempt.clone();
    let open = OpenSession { user, proof, session_hash: session.hash(), pair, address };
    let committed = submit(app, Command::OpenSession(Box::new(open))).await?;
    match committed.outcome {
        // Another login used the same code a moment ago.
        Outcome::Rejected(why @ Rejection::InvalidCode) if of_code.is_some() => {
            return Err(attempt.fail(app, Some(user), of_code, refused(app, why)).await);
        }
        outcome => done(app, outcome)?,
    }
    let answer = begun(app, user, &session)?;
    Ok(answer.at(committed.index).cookie(cookies::session(&app.config, session.text())))
}

/// What a session that has begun is answered with.
fn begun<B: Backend>(app: &App<B>, id: UserId, drawn: &Credential) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    let found = view::session_by_hash(&read, &drawn.hash())?;
    let ended = || Problem::new(Code::SESSION_REVOKED, "the session was ended: log in again");
    let (session_id, session) = found.ok_or_else(ended)?;
    let user = view::user(&read, id)?.ok_or_else(ended)?;
    let principal = Principal {
        kind: PrincipalKind::User,
        id: id.to_string(),
        credential_id: Some(session_id.to_string()),
        authn: session.authn.clone(),
    };
    let authority = access::authority(&read, &principal, now)?;
    let authority = authority.map_err(|why| Problem::from(Rejection::Denied(why)))?;
    let reply = Login {
        challenge_id: None,
        expires_at: access::session_end(&session),
        session: Some((drawn.text(), id, &user)),
        restriction: authority.restriction,
    };
    Ok(Answer::json(reply.members()))
}

/// A reply to a login: a session, or a challenge.
struct Login<'a> {
    challenge_id: Option<String>,
    expires_at: Timestamp,
    session: Option<(&'a SecretString, UserId, &'a UserRecord)>,
    restriction: Option<Restriction>,
}

impl Login<'_> {
    fn members(self) -> Object {
        let text = self.session.map(|(text, _, _)| text);
        let user = self.session.map(|(_, id, user)| Json::Object(users::shown(id, user)));
        let mut reply = Object::new();
        reply.insert("success", self.session.is_some());
        reply.insert("mfa_required", self.challenge_id.is_some());
        reply.insert("challenge_id", self.challenge_id);
        reply.insert("session_id", text.map(|text| text.expose_secret().to_owned()));
        reply.insert("csrf_token", text.map(|text| csrf::token(text.expose_secret())));
        reply.insert("expires_at", self.expires_at.to_string());
        reply.insert("user", user);
        let is = |restriction| self.restriction == Some(restriction);
        reply.insert("password_expired", is(Restriction::PasswordExpired));
        reply.insert("mfa_enrollment_required", is(Restriction::MfaRequired));
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_of_a_name_in_any_letter_case_and_an_address_in_any_spelling() {
        let pair = |name: &str, address: &str| Attempt::of(name, address.parse().unwrap()).pair;
        assert_eq!(pair("Jane", "10.0.0.1"), pair("jane", "::ffff:10.0.0.1"));
        assert_eq!(pair("jane", "10.0.0.1"), sha256(b"jane\x0010.0.0.1"));
        assert_ne!(pair("jane", "10.0.0.1"), pair("jane", "10.0.0.2"));
        assert_ne!(pair("jane", "10.0.0.1"), pair("joan", "10.0.0.1"));
    }
}
