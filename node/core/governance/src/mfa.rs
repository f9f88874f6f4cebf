//! Second factors.
//!
//! The secret is sealed with a key that is not in the state, and its codes are
//! computed where the request comes in.
//!
//! Invariants
//! - A time step counts once, whatever it is used for: a code that confirmed a
//!   second factor, or renewed its backup codes, opens no session.

use ledger::EntryType;
use types::{Digest, Object, SessionId, UserId};

use crate::access::check_level;
use crate::apply::{Context, Stop};
use crate::command::{ConfirmMfa, EnrollMfa, PrincipalKind, RenewBackupCodes};
use crate::login::about;
use crate::outcome::{Corruption, Outcome, Recorded, Rejection};
use crate::record::{MfaRecord, UserRecord};
use crate::store::{Store, Table};
use crate::{idempotency, session, view};

/// Backup codes of one account.
const BACKUP_CODES: usize = 10;

/// A sealed secret of 20 bytes has far less.
const SEALED_BYTES_MAX: usize = 256;

impl MfaRecord {
    /// After the code of a step was used, unless that step or a later one was.
    pub(crate) fn after_step(self, step: u64) -> Option<Self> {
        (self.last_step < step).then_some(Self { last_step: step, ..self })
    }

    /// After a backup code was used, unless it is none, or was.
    pub(crate) fn after_code(mut self, code_hash: &Digest) -> Option<Self> {
        let place = self.backup_code_hashes.iter().position(|hash| hash == code_hash)?;
        self.backup_code_hashes.remove(place);
        Some(self)
    }
}

pub(crate) fn enroll<S: Store>(
    context: &mut Context<'_, S>,
    enroll: &EnrollMfa,
) -> Result<Outcome, Stop> {
    check_level(context)?;
    let user = own(context, enroll.user)?;
    if user.mfa.is_some() {
        return Err(Rejection::MfaEnrolled.into());
    }
    if enroll.sealed_secret.is_empty() || SEALED_BYTES_MAX < enroll.sealed_secret.len() {
        return Err(Rejection::NotProven.into());
    }
    let user = UserRecord { pending_mfa: Some(enroll.sealed_secret.clone()), ..user };
    keep(context, enroll.user, &user)?;
    Ok(Outcome::Noted)
}

pub(crate) fn confirm<S: Store>(
    context: &mut Context<'_, S>,
    confirm: &ConfirmMfa,
) -> Result<Outcome, Stop> {
    check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let user = own(context, confirm.user)?;
    if user.mfa.is_some() {
        return Err(Rejection::MfaEnrolled.into());
    }
    if user.pending_mfa.as_ref() != Some(&confirm.sealed_secret) {
        return Err(Rejection::NoMfa.into());
    }
    check_codes(&confirm.backup_code_hashes)?;
    let mfa = MfaRecord {
        sealed_secret: confirm.sealed_secret.clone(),
        last_step: confirm.step,
        backup_code_hashes: confirm.backup_code_hashes.clone(),
    };
    let recorded = record(context, EntryType::MfaEnrolled, confirm.user)?;
    let user = UserRecord { mfa: Some(mfa), pending_mfa: None, ..user };
    keep(context, confirm.user, &user)?;
    // What was opened with a password alone ends: all but where it was confirmed.
    let asking = context.envelope.principal.credential_id.as_deref();
    let asking = asking.and_then(|session| session.parse::<SessionId>().ok());
    session::end_all(context, confirm.user, asking)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

pub(crate) fn renew<S: Store>(
    context: &mut Context<'_, S>,
    renew: &RenewBackupCodes,
) -> Result<Outcome, Stop> {
    check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let user = own(context, renew.user)?;
    let mfa = user.mfa.clone().ok_or(Rejection::NoMfa)?;
    let mfa = mfa.after_step(renew.step).ok_or(Rejection::InvalidCode)?;
    check_codes(&renew.backup_code_hashes)?;
    let mfa = MfaRecord { backup_code_hashes: renew.backup_code_hashes.clone(), ..mfa };
    let recorded = record(context, EntryType::BackupCodesRenewed, renew.user)?;
    keep(context, renew.user, &UserRecord { mfa: Some(mfa), ..user })?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// The account of who asks: a second factor is its owner's business alone.
fn own<S: Store>(context: &Context<'_, S>, user: UserId) -> Result<UserRecord, Stop> {
    let principal = &context.envelope.principal;
    if principal.kind != PrincipalKind::User || principal.id != user.to_string() {
        return Err(Rejection::NotAuthorised.into());
    }
    view::user(context.tables.read(), user)?.ok_or_else(|| Rejection::UnknownUser.into())
}

fn check_codes(hashes: &[Digest]) -> Result<(), Rejection> {
    let mut distinct = hashes.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let is_right = hashes.len() == BACKUP_CODES && distinct.len() == BACKUP_CODES;
    if is_right { Ok(()) } else { Err(Rejection::NotProven) }
}

fn record<S: Store>(
    context: &mut Context<'_, S>,
    entry_type: EntryType,
    user: UserId,
) -> Result<Recorded, Corruption> {
    let (data, actor) = (about(context, user), user.to_string());
    context.record_about(entry_type, Some(&actor), data, Object::new())
}

fn keep<S: Store>(
    context: &mut Context<'_, S>,
    id: UserId,
    user: &UserRecord,
) -> Result<(), Corruption> {
    context.tables.put_record(Table::User, &id.0.key(), user)
}

#[cfg(test)]
mod tests;
