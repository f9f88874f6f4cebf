//! Keys of programs: making them, ending them, which there are.

use governance::access::{self, Permission, Permissions};
use governance::command::{Command, CreateApiKey, RevokeApiKey};
use governance::record::ApiKeyRecord;
use governance::view;
use secrecy::ExposeSecret as _;
use types::{ApiKeyId, EntryId, Json, Object, Timestamp};

use super::{page, users};
use crate::app::App;
use crate::auth::credential::Kind;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::Checked;
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::rest::recording::{self, Recording, record};
use crate::rest::token::now;
use crate::secrets::Credential;

const PATH: &str = "/auth/api-keys";

/// `POST /auth/api-keys`.
pub(crate) async fn create<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    // One that is repeated may name an end that is past by now.
    if let Some(entry) = super::replayed(app, idempotency.as_ref())? {
        return created(app, Recording::repeated(app, entry), None);
    }
    let now = now(app, &app.backend.view()?)?;
    let drawn = Credential::draw(Kind::ApiKey)?;
    let create = CreateApiKey { key_hash: drawn.hash(), ..asked(&mut body, now)? };
    let command = Command::CreateApiKey(Box::new(create));
    let recording = record(app, &principal, idempotency, command).await?;
    let text = drawn.text().expose_secret();
    created(app, recording, Some(text).filter(|_| !recording.is_replayed()))
}

fn asked(body: &mut Checked, now: Timestamp) -> Result<CreateApiKey, Problem> {
    const NAMES: &str = "is the name of no permission";
    let fault =
        |pointer: &str, code, detail: &str| Err(Problem::fault(Fault::at(pointer, code, detail)));
    let actor_prefixes = body.texts("actor_prefixes");
    if actor_prefixes.is_empty() {
        return fault("/actor_prefixes", "out_of_range", "must have 1..100 items");
    }
    let expires_at = body.time("expires_at");
    if expires_at.is_some_and(|end| end <= now) {
        return fault("/expires_at", "out_of_range", "must be later than now");
    }
    let named = body.texts("permissions");
    let permissions = users::parsed(&named, "/permissions", NAMES, Permission::parse)?;
    Ok(CreateApiKey {
        name: body.text("name").unwrap_or_default(),
        key_hash: types::Digest([0; 32]),
        actor_prefixes,
        permissions: Permissions::of(&permissions),
        expires_at,
    })
}

/// The key that an entry made, and its text where this request made it.
fn created<B: Backend>(
    app: &App<B>,
    recording: Recording,
    text: Option<&str>,
) -> Result<Answer, Problem> {
    let id: ApiKeyId = recording::id(&recording::data(app, recording.entry)?, "actor")?;
    let read = app.backend.view()?;
    let key = view::api_key(&read, id)?.ok_or_else(unknown)?;
    let mut reply = shown(id, &key, now(app, &read)?, recording.entry);
    reply.insert("api_key", text);
    Ok(recording.answer(reply))
}

fn unknown() -> Problem {
    Problem::new(Code::UNKNOWN_KEY, "there is no such API key")
}

/// `DELETE /auth/api-keys/{id}`.
pub(crate) async fn revoke<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let id: ApiKeyId = path.parse().map_err(|_| unknown())?;
    let body = body.into_fields();
    let path = format!("{PATH}/{id}");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let command = Command::RevokeApiKey(RevokeApiKey { key: id });
    let recording = record(app, &principal, idempotency, command).await?;
    let mut reply = Object::new();
    reply.insert("revoked", true);
    reply.insert("ledger_entry_id", recording.entry.0);
    Ok(recording.answer(reply))
}

/// `GET /auth/api-keys`.
pub(crate) async fn list_keys<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let query = page(&call.query)?;
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    let work = move || {
        let page = view::api_keys_page(&read, query)?;
        let keys = page.rows.iter().map(|(id, key)| {
            Json::Object(shown(*id, key, now, key.revoked.unwrap_or(key.entry_id)))
        });
        Ok(Answer::members([
            ("api_keys", Json::Array(keys.collect())),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", page.next.map(|next| next.to_string()).into()),
        ]))
    };
    app.blocking(work).await
}

fn shown(id: ApiKeyId, key: &ApiKeyRecord, now: Timestamp, entry: EntryId) -> Object {
    let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let permissions: Vec<&str> = key.permissions.iter().map(Permission::as_str).collect();
    let status = match (key.revoked, access::is_key_alive(key, now)) {
        (Some(_), _) => "revoked",
        (None, true) => "active",
        (None, false) => "expired",
    };
    let mut reply = Object::new();
    reply.insert("key_id", id.to_string());
    reply.insert("name", key.name.as_str());
    reply.insert("actor_prefixes", key.actor_prefixes.clone());
    reply.insert("permissions", permissions);
    reply.insert("status", status);
    reply.insert("created_at", key.created_at.to_string());
    reply.insert("expires_at", text(key.expires_at));
    reply.insert("last_used_at", text(key.last_used_at));
    reply.insert("ledger_entry_id", entry.0);
    reply
}
