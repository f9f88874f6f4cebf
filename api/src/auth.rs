//! Who asks, and what they may: found once for every request, before its body
//! is read.
//!
//! A credential leads to a session or a key, that to a principal, that to what
//! the state grants it. Deciding is `governance::access`; `apply` decides again.
//!
//! Invariants
//! - A credential that is shown and does not count is 401, on public paths too:
//!   nobody is taken for nobody who said to be somebody.
//! - What needs a credential is not answered from a state that may be older
//!   than a session lives without being used.

pub(crate) mod credential;
pub(crate) mod csrf;

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::{Extensions, HeaderMap, Method, Uri};
use governance::access::{self, Actors, Authority, Denied, Permissions, Right};
use governance::command::{Principal, PrincipalKind};
use governance::{Corruption, Read, view};
use types::Digest;

use crate::app::App;
use crate::backend::{self, Backend};
use crate::config::{AuthMode, Config};
use crate::cookies;
use crate::problem::{Code, Problem};
use crate::rest::token::now;
use crate::routes::{Op, Route};
use crate::secrets::credential::hash_of;
use crate::server::AdminSocket;
use credential::{Credential, Unreadable};

/// A node that has heard of no leader for so long may not know that a session
/// was ended.
const STALENESS_MAX: Duration = Duration::from_micros(access::SESSION_IDLE.0);

/// Who sends a request.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) principal: Principal,
    /// Where from: the peer, or what a trusted proxy says.
    pub(crate) address: IpAddr,
    /// SHA-256 of the token of a node that wants to join.
    pub(crate) join_token: Option<Digest>,
    standing: Standing,
}

#[derive(Clone, Debug)]
enum Standing {
    Has(Authority),
    /// Nobody, and why that is not enough.
    Nobody(Problem),
}

impl Asker {
    /// What the asker has, if that is enough for `right`. Where the actor of a
    /// request matters, the handler asks once it knows the actor.
    pub(crate) fn authority_for(&self, route: &Route) -> Result<Authority, Problem> {
        let right = route.who;
        let authority = match (&self.standing, right) {
            (Standing::Has(authority), _) => authority.clone(),
            // A credential that does not count here is no reason to take somebody
            // for nobody.
            (Standing::Nobody(why), Right::Public)
                if self.join_token.is_some() && route.op != Op::NodeAdd =>
            {
                return Err(why.clone());
            }
            (Standing::Nobody(_), Right::Public) => nothing(),
            (Standing::Nobody(why), _) => return Err(why.clone()),
        };
        authority.permits(at_the_edge(right), None)?;
        Ok(authority)
    }

    /// Why the asker is nobody, if so.
    pub(crate) fn is_nobody(&self) -> Option<&Problem> {
        match &self.standing {
            Standing::Has(_) => None,
            Standing::Nobody(why) => Some(why),
        }
    }

    /// Why the asker may ask for nothing that takes a credential, if so.
    pub(crate) fn refusal(&self) -> Option<Problem> {
        match &self.standing {
            Standing::Has(authority) => authority.permits(Right::Any, None).err().map(Into::into),
            Standing::Nobody(why) => Some(why.clone()),
        }
    }
}

/// The part of a right that does not depend on the request.
fn at_the_edge(right: Right) -> Right {
    match right {
        Right::Actor | Right::ActorOr(_) => Right::Any,
        Right::Public
        | Right::Own
        | Right::Any
        | Right::Holds(_)
        | Right::Human
        | Right::Oversight
        | Right::OversightRole
        | Right::OversightOr(_)
        | Right::Operator
        | Right::OperatorOrNode
        | Right::Node => right,
    }
}

/// What nobody has.
fn nothing() -> Authority {
    Authority {
        permissions: Permissions::NONE,
        oversight: Vec::new(),
        actors: Actors::Prefixes(Vec::new()),
        is_human: false,
        is_operator: false,
        is_node: false,
        restriction: None,
    }
}

/// The part of a request that tells who sends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) extensions: &'a Extensions,
}

impl Sent<'_> {
    fn changes(self) -> bool {
        ![Method::GET, Method::HEAD, Method::OPTIONS].contains(self.method)
    }
}

/// Whoever may open the socket of the node asks on the node's account.
fn administrator<B: Backend>(app: &App<B>, address: IpAddr) -> Asker {
    let principal = Principal::socket(&app.backend.node_name());
    Asker { principal, address, join_token: None, standing: Standing::Has(Authority::socket()) }
}

/// Finds out who asks.
pub(crate) fn authenticate<B: Backend>(
    app: &App<B>,
    sent: Sent<'_>,
    address: IpAddr,
) -> Result<Asker, Problem> {
    if sent.extensions.get::<AdminSocket>().is_some() {
        return Ok(administrator(app, address));
    }
    let shown = shown(sent.headers, cookies::session_name(&app.config))
        .map_err(|why| Problem::new(Code::UNAUTHENTICATED, why.detail()))?;
    let anonymous =
        |standing| Asker { principal: Principal::nobody(), address, join_token: None, standing };
    match (app.config.auth, shown) {
        (AuthMode::Open, Some(_)) => {
            let detail = "this node runs in open mode, where no credential is valid";
            Err(Problem::new(Code::UNAUTHENTICATED, detail))
        }
        (AuthMode::Open, None) => Ok(anonymous(in_open_mode(app, sent)?)),
        (AuthMode::Required, None) => {
            Ok(anonymous(Standing::Nobody(Denied::Unauthenticated.into())))
        }
        (AuthMode::Required, Some(Shown { credential: Credential::JoinToken(text), .. })) => {
            let detail = "a join token lets a node join, and nothing else";
            let standing = Standing::Nobody(Problem::new(Code::UNAUTHENTICATED, detail));
            let join_token = Some(hash_of(text));
            Ok(Asker { join_token, ..anonymous(standing) })
        }
        (AuthMode::Required, Some(shown)) => {
            let (principal, authority) = known(app, shown.credential)?;
            let changes = sent.changes();
            let session = shown.credential.text();
            let is_meant = || csrf::is_meant(sent, session, &app.config.cors_origins);
            if shown.by_cookie && changes && !is_meant() {
                let detail = "a request that changes something and shows a cookie needs \
                              `X-CSRF-Token`, from a page of this origin";
                return Err(Problem::new(Code::CSRF_REQUIRED, detail));
            }
            Ok(Asker { principal, address, join_token: None, standing: Standing::Has(authority) })
        }
    }
}

struct Shown<'a> {
    credential: Credential<'a>,
    by_cookie: bool,
}

/// The one credential that a request shows.
fn shown<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<Shown<'a>>, Unreadable> {
    let mut found: Option<Shown<'a>> = None;
    let mut take = |credential, by_cookie| match found.replace(Shown { credential, by_cookie }) {
        None => Ok(()),
        Some(_) => Err(Unreadable::Several),
    };
    for value in headers.get_all("authorization") {
        take(credential::bearer(value.as_bytes())?, false)?;
    }
    for value in headers.get_all("cookie") {
        if let Some(session) = credential::cookie(value.as_bytes(), name)? {
            take(session, true)?;
        }
    }
    Ok(found)
}

/// Whether a request shows a session by cookie, of any form.
pub(crate) fn shows_cookie(headers: &HeaderMap, config: &Config) -> bool {
    let mut values = headers.get_all("cookie").iter();
    let name = cookies::session_name(config);
    values.any(|value| credential::cookie(value.as_bytes(), name) != Ok(None))
}

/// In open mode everybody may do everything until somebody administers.
fn in_open_mode<B: Backend>(app: &App<B>, sent: Sent<'_>) -> Result<Standing, Problem> {
    let closed = &app.shared.closed;
    // A node that shows no state stays what it was last seen to be.
    if let Ok(read) = app.backend.view()
        && access::is_closed(&read)?
    {
        closed.store(true, Ordering::Relaxed);
    }
    if closed.load(Ordering::Relaxed) {
        let detail = "this cluster has accounts, so a credential is needed, and this node still \
                      runs in open mode, where none is valid: restart it with `--auth required`";
        return Ok(Standing::Nobody(Problem::new(Code::UNAUTHENTICATED, detail)));
    }
    // Everybody is whoever is on this machine, not what a page has a browser do.
    if !csrf::names_this_machine(sent) {
        let detail = "in open mode a node answers to `localhost` and to addresses, not to names";
        return Ok(Standing::Nobody(Problem::new(Code::UNAUTHENTICATED, detail)));
    }
    if sent.changes() && !csrf::is_same_origin(sent, &app.config.cors_origins) {
        let detail = "another site's page asks for this, and in open mode nobody says that they \
                      meant it";
        return Ok(Standing::Nobody(Problem::new(Code::CSRF_REQUIRED, detail)));
    }
    Ok(Standing::Has(Authority::open()))
}

/// Whose credential it is and what that one has, by one view of the state.
fn known<B: Backend>(
    app: &App<B>,
    credential: Credential<'_>,
) -> Result<(Principal, Authority), Problem> {
    if app.backend.staleness().is_none_or(|staleness| STALENESS_MAX <= staleness) {
        let detail = "this node has heard of no leader for so long that it cannot tell whether \
                      a credential still counts";
        return Err(Problem::new(Code::TOO_STALE, detail));
    }
    let read = app.backend.view()?;
    let Some((principal, handle)) = owner(&read, credential)? else {
        return Err(Denied::Unauthenticated.into());
    };
    let authority = access::authority(&read, &principal, now(app, &read)?)??;
    app.backend.note_use(handle);
    Ok((principal, authority))
}

fn owner(
    read: &impl Read,
    credential: Credential<'_>,
) -> Result<Option<(Principal, backend::Credential)>, Corruption> {
    let hash = hash_of(credential.text());
    Ok(match credential {
        Credential::Session(_) => view::session_by_hash(read, &hash)?.map(|(id, session)| {
            let principal = Principal {
                kind: PrincipalKind::User,
                id: session.user.to_string(),
                credential_id: Some(id.to_string()),
                authn: session.authn,
            };
            (principal, backend::Credential::Session(id))
        }),
        Credential::ApiKey(_) => view::api_key_by_hash(read, &hash)?.map(|(id, _)| {
            let principal = Principal {
                kind: PrincipalKind::ApiKey,
                id: id.to_string(),
                credential_id: Some(id.to_string()),
                authn: "api_key".to_owned(),
            };
            (principal, backend::Credential::ApiKey(id))
        }),
        Credential::JoinToken(_) => None,
    })
}
