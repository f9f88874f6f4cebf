//! One's own password: what it must be, and changing it.

use governance::command::{ChangePassword, Command};
use governance::record::UserRecord;
use secrecy::SecretString;
use types::Object;

use super::login::{Attempt, invalid};
use super::{own, own_account, replayed};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::rest::recording::{Recording, record};
use crate::secrets::policy::{self, BYTES_MAX, CHARS_MIN, DISTINCT_MIN};

/// Passwords that may not come back; the record keeps as many.
const HISTORY: u32 = 5;
const AGE_DAYS_MAX: u32 = 90;

/// `GET /auth/password-policy`.
pub(crate) fn policy() -> Answer {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Answer::members([
        ("min_length", count(CHARS_MIN).into()),
        ("max_length", count(BYTES_MAX).into()),
        ("min_distinct", count(DISTINCT_MIN).into()),
        ("max_age_days", AGE_DAYS_MAX.into()),
        ("history_count", HISTORY.into()),
        ("require_uppercase", true.into()),
        ("require_lowercase", true.into()),
        ("require_digit", true.into()),
        ("require_special", true.into()),
    ])
}

/// Refuses a password that is easy to guess, with every rule it breaks.
pub(super) fn check(pointer: &str, password: &SecretString, name: &str) -> Result<(), Problem> {
    let faults = policy::faults(password, name);
    if faults.is_empty() {
        return Ok(());
    }
    let faults = faults.iter().map(|fault| Fault::at(pointer, fault.code(), fault.detail()));
    Err(Problem::password_policy(faults.collect()))
}

/// `POST /auth/change-password`. The passwords are no part of what makes a
/// request known: a digest of them in the state would be worth guessing.
pub(crate) async fn change<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let (id, _) = own(&call.principal)?;
    let Call { body, key, principal, address, .. } = call;
    let mut body = body.into_fields();
    let old = SecretString::from(body.text("old_password").unwrap_or_default());
    let new = SecretString::from(body.text("new_password").unwrap_or_default());
    let path = "/auth/change-password";
    let idempotency = key.map(|key| idempotency::record(&principal, key, path, body.members()));
    if let Some(entry) = replayed(app, idempotency.as_ref())? {
        return Ok(changed(Recording::repeated(app, entry)));
    }
    let user = own_account(app, id)?;
    let attempt = Attempt::of(&user.username, address);
    attempt.check(app)?;
    let UserRecord { username, password_hashes, password_version: version, .. } = user;
    let current = password_hashes.first().cloned();
    if !app.shared.hasher.verify(old, current).await? {
        return Err(attempt.fail(app, Some(id), None, invalid()).await);
    }
    check("/new_password", &new, &username)?;
    let password_hash = fresh(app, new, password_hashes).await?;
    let change = ChangePassword { user: id, version, password_hash };
    let command = Command::ChangePassword(Box::new(change));
    Ok(changed(record(app, &principal, idempotency, command).await?))
}

/// What is kept of a password that is none of the last ones.
async fn fresh<B: Backend>(
    app: &App<B>,
    password: SecretString,
    before: Vec<String>,
) -> Result<String, Problem> {
    if app.shared.hasher.verify_any(password.clone(), before).await? {
        let detail = "this is one of the last 5 passwords of the account";
        return Err(Problem::new(Code::PASSWORD_REUSED, detail));
    }
    Ok(app.shared.hasher.hash(password).await?)
}

fn changed(recording: Recording) -> Answer {
    let mut reply = Object::new();
    reply.insert("success", true);
    reply.insert("ledger_entry_id", recording.entry.0);
    recording.answer(reply)
}
