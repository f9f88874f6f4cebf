//! Whether what was shown at a login still holds, and was not shown before.

use types::{Digest, UserId};

use crate::apply::{Context, Stop};
use crate::command::{LoginProof, OpenSession};
use crate::keys;
use crate::login::challenges;
use crate::outcome::Rejection;
use crate::record::{ChallengeRecord, MfaRecord, UserRecord};
use crate::store::{Store, Table};

/// A proof that holds.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) authn: &'static str,
    /// The second factor without what was used up of it.
    pub(super) mfa: Option<MfaRecord>,
    /// The challenge that was answered.
    pub(super) challenge: Option<(Digest, ChallengeRecord)>,
}

pub(super) fn check<S: Store>(
    context: &Context<'_, S>,
    user: &UserRecord,
    open: &OpenSession,
) -> Result<Shown, Stop> {
    match &open.proof {
        LoginProof::Password { version } => {
            // One who enrolled a second factor since must show it.
            if !challenges::has_password(user, *version) || user.mfa.is_some() {
                return Err(Rejection::InvalidCredentials.into());
            }
            Ok(Shown { authn: "password", mfa: None, challenge: None })
        }
        LoginProof::Totp { challenge_hash, step } => {
            let (mfa, challenge) = answered(context, user, open.user, challenge_hash)?;
            let challenge = Some((*challenge_hash, challenge));
            let mfa = Some(mfa.after_step(*step).ok_or(Rejection::InvalidCode)?);
            Ok(Shown { authn: "password+totp", mfa, challenge })
        }
        LoginProof::BackupCode { challenge_hash, code_hash } => {
            let (mfa, challenge) = answered(context, user, open.user, challenge_hash)?;
            let challenge = Some((*challenge_hash, challenge));
            let mfa = Some(mfa.after_code(code_hash).ok_or(Rejection::InvalidCode)?);
            Ok(Shown { authn: "password+backup_code", mfa, challenge })
        }
        LoginProof::Oidc { provider, subject } => {
            let row = keys::oidc(provider, subject);
            let linked = context.tables.record::<UserId>(Table::OidcLink, &row)?;
            if linked != Some(open.user) {
                return Err(Rejection::InvalidCredentials.into());
            }
            Ok(Shown { authn: "oidc", mfa: user.mfa.clone(), challenge: None })
        }
    }
}

/// The second factor that a challenge asks for, and the challenge.
fn answered<S: Store>(
    context: &Context<'_, S>,
    user: &UserRecord,
    id: UserId,
    hash: &Digest,
) -> Result<(MfaRecord, ChallengeRecord), Stop> {
    let challenge = challenges::live(context, hash, id)?;
    if !challenges::has_password(user, challenge.password_version) {
        return Err(Rejection::InvalidCredentials.into());
    }
    // It was taken away since: a login begins anew, without it.
    let mfa = user.mfa.clone().ok_or(Rejection::ChallengeExpired)?;
    Ok((mfa, challenge))
}
