//! Humans that a body names: `authorized_by`, `resolved_by` and their like.
//!
//! Where nobody authenticates, the body says who asks, and the entry says that
//! nobody checked. Where a credential says it, the body can only agree.

use governance::command::{Principal, PrincipalKind};
use governance::oversight::HUMAN;

use crate::fields::{Alphabet, Checked, Kind, Text};
use crate::problem::{Code, Fault, Problem};

/// The kind of such a member: `act_human_user:<name>`.
pub(crate) const HUMAN_ID: Kind = Kind::Text(Text::of(Alphabet::Actor, 255));

/// Who asks, where this member of the body must say it.
pub(crate) fn required(
    principal: Principal,
    body: &Checked,
    name: &str,
) -> Result<Principal, Problem> {
    let principal = optional(principal, body, name)?;
    if principal.id.is_empty() {
        let missing = "is required where nobody authenticates";
        return Err(Problem::fault(Fault::at(format!("/{name}"), "missing", missing)));
    }
    Ok(principal)
}

/// Who asks, where this member of the body may say it.
pub(crate) fn optional(
    principal: Principal,
    body: &Checked,
    name: &str,
) -> Result<Principal, Problem> {
    let Some(named) = body.word(name) else {
        return Ok(principal);
    };
    check(named)
        .map_err(|detail| Problem::fault(Fault::at(format!("/{name}"), "bad_format", detail)))?;
    match principal.kind {
        PrincipalKind::Nobody => Ok(Principal { id: named.to_owned(), ..principal }),
        PrincipalKind::User | PrincipalKind::ApiKey | PrincipalKind::Node => {
            if named == principal.id {
                return Ok(principal);
            }
            let detail = format!("`{name}` is not who the credential says");
            Err(Problem::new(Code::PRINCIPAL_MISMATCH, detail))
        }
    }
}

/// Whether a text is the id of a human.
pub(crate) fn check(id: &str) -> Result<(), &'static str> {
    match id.strip_prefix(HUMAN) {
        Some(name) if !name.is_empty() => Ok(()),
        Some(_) | None => Err("must be `act_human_user:<name>`"),
    }
}
