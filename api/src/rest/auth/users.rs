//! Accounts: making them, changing them, looking them up.

use governance::access::{AccountRole, PASSWORD_MAX, Permission};
use governance::command::{ChangeUser, Command, CreateUser, UpdateUser, UserChange};
use governance::oversight::Role;
use governance::record::UserRecord;
use governance::view;
use secrecy::SecretString;
use types::{EntryId, Json, Object, Timestamp, UserId};

use super::{own, own_account, page, password, replayed, unknown_user};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::Checked;
use crate::idempotency;
use crate::problem::{Fault, Problem};
use crate::rest::recording::{self, Recording, record};
use crate::routes::Op;

/// `GET /auth/me`.
pub(crate) fn me<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let (id, _) = own(&call.principal)?;
    let user = own_account(app, id)?;
    Ok(Answer::members([("user", shown(id, &user).into())]))
}

/// `POST /auth/users`. The password is no part of what makes a request known: a
/// digest of it in the state would be worth guessing.
pub(crate) async fn create<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let password = SecretString::from(body.text("password").unwrap_or_default());
    let idempotency =
        key.map(|key| idempotency::record(&principal, key, "/auth/users", body.members()));
    if let Some(entry) = replayed(app, idempotency.as_ref())? {
        return created(app, Recording::repeated(app, entry));
    }
    let mut create = asked(&mut body)?;
    password::check("/password", &password, &create.username)?;
    create.password_hash = app.shared.hasher.hash(password).await?;
    let command = Command::CreateUser(Box::new(create));
    created(app, record(app, &principal, idempotency, command).await?)
}

fn asked(body: &mut Checked) -> Result<CreateUser, Problem> {
    let email = body.text("email").unwrap_or_default();
    if !is_email(&email) {
        let detail = "must have one `@`, and something on both sides of it";
        return Err(Problem::fault(Fault::at("/email", "bad_format", detail)));
    }
    let role = body.word("role").and_then(AccountRole::parse);
    Ok(CreateUser {
        username: body.text("username").unwrap_or_default(),
        email,
        full_name: body.text("full_name"),
        role: role.ok_or_else(Problem::internal)?,
        oversight: oversight(body)?,
        password_hash: String::new(),
    })
}

/// Whether a text is an address of e-mail, as far as that matters here.
pub(super) fn is_email(text: &str) -> bool {
    let is_plain = text.chars().all(|c| c.is_ascii_graphic());
    let halves = text.split_once('@').filter(|(_, domain)| !domain.contains('@'));
    is_plain && halves.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// Roles of oversight, each once, in order.
fn oversight(body: &mut Checked) -> Result<Vec<Role>, Problem> {
    const NAMES: &str = "must be `executive`, `governance_lead` or `security_officer`";
    let named = body.texts("oversight_roles");
    let parse = |word: &str| Role::ALL.into_iter().find(|role| role.as_str() == word);
    let mut roles = parsed(&named, "/oversight_roles", NAMES, parse)?;
    roles.sort_unstable();
    roles.dedup();
    Ok(roles)
}

/// Words of a list, in any letter case, each as what it names.
pub(super) fn parsed<T>(
    words: &[String],
    pointer: &str,
    detail: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Problem> {
    let mut faults = Vec::new();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        match parse(&word.to_ascii_lowercase()) {
            Some(value) => found.push(value),
            None => faults.push(Fault::at(format!("{pointer}/{at}"), "not_one_of", detail)),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(Problem::faults(faults)) }
}

/// The account that an entry made, as it is now.
fn created<B: Backend>(app: &App<B>, recording: Recording) -> Result<Answer, Problem> {
    let id = recording::id(&recording::data(app, recording.entry)?, "actor")?;
    changed(app, recording, id)
}

/// An account after a change of it.
fn changed<B: Backend>(app: &App<B>, recording: Recording, id: UserId) -> Result<Answer, Problem> {
    let user = view::user(&app.backend.view()?, id)?.ok_or_else(unknown_user)?;
    Ok(recording.answer(account(id, &user, recording.entry)))
}

/// `PATCH /auth/users/{id}`.
pub(crate) async fn update<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let id: UserId = path.parse().map_err(|_| unknown_user())?;
    let mut body = body.into_fields();
    if body.members().is_empty() {
        let detail = "names nothing that is to change";
        return Err(Problem::fault(Fault::at("", "missing", detail)));
    }
    let path = format!("/auth/users/{id}");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let has_oversight = body.members().get("oversight_roles").is_some();
    let update = UpdateUser {
        user: id,
        role: body.word("role").and_then(AccountRole::parse),
        full_name: body.text("full_name"),
        oversight: has_oversight.then(|| oversight(&mut body)).transpose()?,
    };
    let command = Command::UpdateUser(Box::new(update));
    let recording = record(app, &principal, idempotency, command).await?;
    changed(app, recording, id)
}

/// What is done to an account, and its path.
fn change_of(op: Op) -> Result<(UserChange, &'static str), Problem> {
    match op {
        // Entries name accounts, so none goes away. What they say of the person
        // is erased as that of any other entry.
        Op::UserDelete => Ok((UserChange::Disable, "")),
        Op::UserDisable => Ok((UserChange::Disable, "/disable")),
        Op::UserEnable => Ok((UserChange::Enable, "/enable")),
        Op::UserUnlock => Ok((UserChange::Unlock, "/unlock")),
        Op::UserResetMfa => Ok((UserChange::ResetMfa, "/reset-mfa")),
        other => {
            tracing::error!(?other, "an operation that changes no account came here");
            Err(Problem::internal())
        }
    }
}

/// `DELETE /auth/users/{id}`, and what is done to one with a reason.
pub(crate) async fn change<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { route, path, body, key, principal, .. } = call;
    let id: UserId = path.parse().map_err(|_| unknown_user())?;
    let (change, end) = change_of(route.op)?;
    let mut body = body.into_fields();
    let path = format!("{} /auth/users/{id}{end}", route.method.as_str());
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let reason = body.text("reason").unwrap_or_else(|| "deleted".to_owned());
    let command = Command::ChangeUser(Box::new(ChangeUser { user: id, change, reason }));
    let recording = record(app, &principal, idempotency, command).await?;
    changed(app, recording, id)
}

/// `GET /auth/users/{id}`.
pub(crate) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id: UserId = call.path.parse().map_err(|_| unknown_user())?;
    let user = view::user(&app.backend.view()?, id)?.ok_or_else(unknown_user)?;
    Ok(Answer::json(account(id, &user, user.entry_id)))
}

/// `GET /auth/users`.
pub(crate) async fn list_users<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let query = page(&call.query)?;
    let read = app.backend.view()?;
    let work = move || {
        let page = view::users_page(&read, query)?;
        let users =
            page.rows.iter().map(|(id, user)| Json::Object(account(*id, user, user.entry_id)));
        Ok(Answer::members([
            ("users", Json::Array(users.collect())),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", page.next.map(|next| next.to_string()).into()),
        ]))
    };
    app.blocking(work).await
}

fn account(id: UserId, user: &UserRecord, entry: EntryId) -> Object {
    let mut reply = shown(id, user);
    reply.insert("ledger_entry_id", entry.0);
    reply
}

/// What is shown of an account: no hash, no secret.
pub(super) fn shown(id: UserId, user: &UserRecord) -> Object {
    let has_password = !user.password_hashes.is_empty();
    let expires = user.password_set_at.checked_add(PASSWORD_MAX).filter(|_| has_password);
    let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let permissions = user.role.permissions();
    let permissions: Vec<&str> = permissions.iter().map(Permission::as_str).collect();
    let oversight: Vec<&str> = user.oversight.iter().map(|role| role.as_str()).collect();
    let mut reply = Object::new();
    reply.insert("user_id", id.to_string());
    reply.insert("username", user.username.as_str());
    reply.insert("email", user.email.as_str());
    reply.insert("full_name", user.full_name.as_deref());
    reply.insert("role", user.role.as_str());
    reply.insert("permissions", permissions);
    reply.insert("oversight_roles", oversight);
    reply.insert("mfa_enabled", user.mfa.is_some());
    reply.insert("last_login", text(user.last_login_at));
    reply.insert("password_expires_at", text(expires));
    reply.insert("status", if user.is_disabled { "disabled" } else { "active" });
    reply.insert("created_at", user.created_at.to_string());
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_has_one_at_and_both_sides() {
        for (text, expect) in [
            ("jane@example.com", true),
            ("jane", false),
            ("@example.com", false),
            ("jane@", false),
            ("jane@a@b", false),
            ("jane doe@example.com", false),
        ] {
            assert_eq!(is_email(text), expect, "{text}");
        }
    }
}
