//! Logins at a provider of OpenID Connect: the authorization code flow with PKCE
//! (OpenID Connect Core 1.0, section 3.1; RFC 7636).
//!
//! What must survive between the two requests is in `state`, sealed with the key
//! of the cluster, so any node can finish what another began. A cookie binds it
//! to the browser that began it: without that, an attacker could have a victim
//! finish the attacker's login (RFC 6749, section 10.12).
//!
//! Not here: what the provider is asked and how its answer is verified
//! (`provider`), and what is in the state (`pending`).
//!
//! Invariants
//! - A code is exchanged once for each state at this node; the provider sees to
//!   that for all of them.
//! - An account gets a person of a provider only by an e-mail that the provider
//!   has verified. A new one is a viewer, unless the configuration says so.

mod http;
mod pending;
mod provider;

use std::net::IpAddr;

use governance::access::AccountRole;
use governance::command::{Command, LinkOidc, LoginProof, OidcAccount};
use governance::record::UserRecord;
use governance::view;
use secrecy::ExposeSecret as _;
use types::{Json, UserId};

use super::login::{self, Attempt};
use super::{done, submit, users};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::config::OidcProvider;
use crate::cookies;
use crate::fields::Checked;
use crate::problem::{Code, Fault, Problem};
use crate::secrets::{self, credential::hash_of};
use pending::{LIFE_SECONDS, Pending};
use provider::{Person, Provider};

pub(crate) use provider::Oidc;

/// Names that are tried for a new account before it is given up.
const NAMES_MAX: u32 = 100;

/// `GET /auth/oidc/providers`.
pub(crate) fn providers<B: Backend>(app: &App<B>) -> Answer {
    let shown = |provider: &OidcProvider| {
        Json::object([("name", provider.name.into()), ("issuer", provider.issuer.as_str().into())])
    };
    let mut all: Vec<&OidcProvider> = app.config.oidc.iter().collect();
    all.sort_unstable_by_key(|provider| provider.name);
    Answer::members([("providers", Json::Array(all.into_iter().map(shown).collect()))])
}

/// `GET /auth/oidc/login/{provider}`.
pub(crate) async fn begin<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let provider = Provider::of(app, &call.path)?;
    let binding = secrets::random_text()?;
    let binding_hash = hash_of(binding.expose_secret());
    let pending = Pending::new(provider.config.name, binding_hash, app.backend.now())?;
    let state = pending.seal(app)?;
    let url = provider.authorization_url(&pending, &state).await?;
    let answer = Answer::members([
        ("authorization_url", url.into()),
        ("state", state.into()),
        ("expires_at", pending.expires_at.to_string().into()),
    ]);
    Ok(answer.cookie(cookies::binding(&app.config, &binding, LIFE_SECONDS)))
}

/// `GET /auth/oidc/callback/{provider}`.
pub(crate) async fn finish<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, query, binding, address, .. } = call;
    let provider = Provider::of(app, &path)?;
    let state = query.word("state").unwrap_or_default();
    let pending = Pending::unseal(app, state)?.ok_or_else(not_begun)?;
    let is_same =
        binding.is_some_and(|cookie| hash_of(cookie.expose_secret()) == pending.binding_hash);
    let is_now = app.backend.now() < pending.expires_at;
    if !is_same || !is_now || pending.provider != provider.config.name {
        return Err(not_begun());
    }
    let code = code(&query, provider.config)?;
    if !app.shared.oidc.take(&pending, app.backend.now())? {
        return Err(not_begun());
    }
    let person = provider.person(code, &pending, app.backend.now()).await?;
    let answer = admit(app, provider.config, person, address).await?;
    Ok(answer.cookie(cookies::no_binding(&app.config)))
}

/// The code of an answer that is of this provider and no refusal.
fn code(query: &Checked, config: &OidcProvider) -> Result<String, Problem> {
    // RFC 9207: an answer that names another provider was mixed up.
    if query.word("iss").is_some_and(|issuer| issuer != config.issuer) {
        return Err(not_begun());
    }
    if query.word("error").is_some() {
        return Err(not_vouched());
    }
    let missing = || Problem::fault(Fault::parameter("code", "missing", "is required"));
    query.word("code").map(str::to_owned).ok_or_else(missing)
}

fn not_begun() -> Problem {
    let detail = "this login is not one that this browser began here, or it is over: begin again";
    Problem::new(Code::INVALID_CREDENTIALS, detail)
}

/// 401 of a login whose provider does not say what is needed: one text for all
/// reasons, which the log of the node tells apart.
fn not_vouched() -> Problem {
    let detail = "what the provider says logs nobody in";
    Problem::new(Code::INVALID_CREDENTIALS, detail)
}

/// Begins a session for a person that a provider vouches for.
async fn admit<B: Backend>(
    app: &App<B>,
    config: &OidcProvider,
    person: Person,
    address: IpAddr,
) -> Result<Answer, Problem> {
    let known = view::user_of_oidc(&app.backend.view()?, config.name, &person.subject)?;
    let (id, user) = match known {
        Some(known) => known,
        None => link(app, config, &person).await?,
    };
    if user.is_disabled {
        return Err(not_vouched());
    }
    let attempt = Attempt::of(&user.username, address);
    let proof =
        LoginProof::Oidc { provider: config.name.to_owned(), subject: person.subject.clone() };
    login::open(app, id, proof, attempt).await
}

/// Gives a person an account: the one of its e-mail, or a new one.
async fn link<B: Backend>(
    app: &App<B>,
    config: &OidcProvider,
    person: &Person,
) -> Result<(UserId, UserRecord), Problem> {
    // Not even a new account gets an e-mail that nobody has verified: its owner
    // would later be linked to the account of somebody else.
    let email =
        person.email.as_deref().filter(|email| users::is_email(email)).ok_or_else(|| {
            tracing::warn!(
                provider = config.name,
                "a person without verified e-mail was not admitted"
            );
            not_vouched()
        })?;
    let found = view::user_by_email(&app.backend.view()?, email)?;
    let account = match found {
        Some((_, user)) if user.is_disabled => return Err(not_vouched()),
        Some((id, _)) => OidcAccount::Existing(id),
        None => OidcAccount::New {
            username: free_name(app, email)?,
            email: email.to_owned(),
            full_name: person.name.clone(),
            role: role(config, &person.roles),
        },
    };
    let (provider, subject) = (config.name.to_owned(), person.subject.clone());
    let link = LinkOidc { provider, subject, account };
    let committed = submit(app, Command::LinkOidc(Box::new(link))).await?;
    done(app, committed.outcome)?;
    let linked = view::user_of_oidc(&app.backend.view()?, config.name, &person.subject)?;
    linked.ok_or_else(Problem::internal)
}

/// The role of a new account.
fn role(config: &OidcProvider, values: &[String]) -> AccountRole {
    let mapped = config.roles.iter().find(|(value, _)| values.contains(value));
    mapped.map_or(AccountRole::Viewer, |(_, role)| *role)
}

/// A user name made of an e-mail that nobody has.
fn free_name<B: Backend>(app: &App<B>, email: &str) -> Result<String, Problem> {
    let read = app.backend.view()?;
    let base = name_of(email);
    for number in 1..=NAMES_MAX {
        let name = if number == 1 { base.clone() } else { format!("{base}-{number}") };
        if view::user_by_username(&read, &name)?.is_none() {
            return Ok(name);
        }
    }
    let detail = "there are too many accounts of this name: an administrator must make this one";
    Err(Problem::new(Code::ALREADY_EXISTS, detail))
}

/// The part of an e-mail before the `@`, of what a user name may have.
fn name_of(email: &str) -> String {
    /// Leaves room for a number.
    const CHARS_MAX: usize = 60;
    let local = email.split('@').next().unwrap_or_default();
    let plain = local.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() || "_-.".contains(c) => c,
        _ => '-',
    });
    plain.take(CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_is_made_of_what_it_may_have() {
        assert_eq!(name_of("jane.doe@example.com"), "jane.doe");
        assert_eq!(name_of("j+x'y@example.com"), "j-x-y");
        assert_eq!(name_of(&format!("{}@example.com", "a".repeat(90))).len(), 60);
    }

    #[test]
    fn nobody_is_an_administrator_who_is_not_mapped_to_be_one() {
        let config = |roles: &[(&str, AccountRole)]| OidcProvider {
            name: "custom",
            issuer: String::new(),
            client_id: String::new(),
            client_secret: None,
            scopes: Vec::new(),
            role_claim: None,
            roles: roles.iter().map(|(value, role)| ((*value).to_owned(), *role)).collect(),
        };
        let values = ["admin".to_owned(), "ops".to_owned()];
        assert_eq!(role(&config(&[]), &values), AccountRole::Viewer);
        let mapped = config(&[("audit", AccountRole::Admin), ("ops", AccountRole::Auditor)]);
        assert_eq!(role(&mapped, &values), AccountRole::Auditor);
        assert_eq!(role(&mapped, &[]), AccountRole::Viewer);
    }
}
