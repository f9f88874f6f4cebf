//! Humans that a body names: `authorized_by`, `resolved_by` and their like.
//!
//! Where nobody authenticates, the body says who asks, and the entry says that
//! nobody checked. Where a credential says it, the body can only agree: by the
//! id of the account or by its name.

use governance::command::{Principal, PrincipalKind};
use governance::oversight::HUMAN;
use governance::view;
use types::UserId;

use crate::app::App;
use crate::backend::Backend;
use crate::fields::{Alphabet, Checked, Kind, Text};
use crate::problem::{Code, Fault, Problem};

/// The kind of such a member: `act_human_user:<name>`.
pub(crate) const HUMAN_ID: Kind = Kind::Text(Text::of(Alphabet::Actor, 255));

/// Who asks, where this member of the body must say it.
pub(crate) fn required<B: Backend>(
    app: &App<B>,
    principal: Principal,
    body: &Checked,
    name: &str,
) -> Result<Principal, Problem> {
    let principal = optional(app, principal, body, name)?;
    if principal.id.is_empty() {
        let missing = "is required where nobody authenticates";
        return Err(Problem::fault(Fault::at(format!("/{name}"), "missing", missing)));
    }
    Ok(principal)
}

/// Who asks, where this member of the body may say it.
pub(crate) fn optional<B: Backend>(
    app: &App<B>,
    principal: Principal,
    body: &Checked,
    name: &str,
) -> Result<Principal, Problem> {
    let Some(named) = body.word(name).filter(|named| *named != principal.id) else {
        return Ok(principal);
    };
    // An id of an account means nobody where there are none.
    let is_account = principal.kind != PrincipalKind::Nobody && named.parse::<UserId>().is_ok();
    if let (false, Err(detail)) = (is_account, check(named)) {
        return Err(Problem::fault(Fault::at(format!("/{name}"), "bad_format", detail)));
    }
    match principal.kind {
        PrincipalKind::Nobody => Ok(Principal { id: named.to_owned(), ..principal }),
        PrincipalKind::User if is_name_of(app, &principal, named)? => Ok(principal),
        PrincipalKind::User | PrincipalKind::ApiKey | PrincipalKind::Node => {
            let detail = format!("`{name}` is not who the credential says");
            Err(Problem::new(Code::PRINCIPAL_MISMATCH, detail))
        }
    }
}

/// Whether the account of a principal has the name that a human id gives.
fn is_name_of<B: Backend>(
    app: &App<B>,
    principal: &Principal,
    named: &str,
) -> Result<bool, Problem> {
    let Some(username) = named.strip_prefix(HUMAN) else { return Ok(false) };
    let account = view::user_by_username(&app.backend.view()?, username)?;
    Ok(account.is_some_and(|(id, _)| id.to_string() == principal.id))
}

/// Whether a text is the id of a human.
pub(crate) fn check(id: &str) -> Result<(), &'static str> {
    match id.strip_prefix(HUMAN) {
        Some(name) if !name.is_empty() => Ok(()),
        Some(_) | None => Err("must be `act_human_user:<name>`"),
    }
}
