//! Second factors: codes after a password, and enrolling them.

use governance::command::{Command, ConfirmMfa, EnrollMfa, LoginProof, RenewBackupCodes};
use governance::record::{ChallengeRecord, MfaRecord, UserRecord};
use governance::view;
use secrecy::{ExposeSecret as _, SecretString};
use types::{Digest, Json, UserId};

use super::login::{self, Attempt};
use super::{own, own_account, replayed, unknown_user};
use crate::app::App;
use crate::auth::credential::Kind;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::Checked;
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::rest::recording::{Recording, record, record_or_note};
use crate::rest::token::now;
use crate::secrets::{BackupCode, Credential, NoRandomness, backup_code, totp};

/// What secrets of RFC 6238 are sealed for.
const TOTP: &str = "totp";
/// Wrong codes that one login takes.
const TRIES_MAX: u8 = 3;

/// `POST /auth/mfa/verify`.
pub(crate) async fn verify<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, address, .. } = call;
    let mut body = body.into_fields();
    let challenge = SecretString::from(body.text("challenge_id").unwrap_or_default());
    let given = given(&mut body)?;
    let challenge_hash = Credential::parse(Kind::Challenge, challenge).ok_or_else(expired)?.hash();
    let (id, user) = challenged(app, &challenge_hash)?;
    let attempt = Attempt::of(&user.username, address);
    attempt.check(app)?;
    let mfa = user.mfa.as_ref().ok_or_else(expired)?;
    match proof(app, (id, mfa), challenge_hash, &given)? {
        Some(proof) => login::open(app, id, proof, attempt).await,
        None => Err(attempt.fail(app, Some(id), Some(challenge_hash), invalid()).await),
    }
}

enum Given {
    Code(SecretString),
    Backup(SecretString),
}

/// One of the two, and not both.
fn given(body: &mut Checked) -> Result<Given, Problem> {
    let code = body.text("code").map(SecretString::from);
    let backup = body.text("backup_code").map(SecretString::from);
    let refused = |code, detail| Err(Problem::fault(Fault::at("/code", code, detail)));
    match (code, backup) {
        (Some(code), None) => Ok(Given::Code(code)),
        (None, Some(code)) => Ok(Given::Backup(code)),
        (None, None) => refused("missing", "is required where there is no `backup_code`"),
        (Some(_), Some(_)) => refused("conflicting_values", "is there beside a `backup_code`"),
    }
}

/// Whose login waits for its second factor.
fn challenged<B: Backend>(app: &App<B>, hash: &Digest) -> Result<(UserId, UserRecord), Problem> {
    let read = app.backend.view()?;
    let kept = view::challenge(&read, hash)?.ok_or_else(expired)?;
    let ChallengeRecord { user, password_version, expires_at, failures } = kept;
    if expires_at <= now(app, &read)? {
        return Err(expired());
    }
    if TRIES_MAX <= failures {
        let detail = "this login takes no more codes: begin again";
        return Err(Problem::new(Code::RATE_LIMITED, detail));
    }
    let account = view::user(&read, user)?;
    let is_current =
        |account: &UserRecord| !account.is_disabled && account.password_version == password_version;
    account.filter(is_current).map(|account| (user, account)).ok_or_else(expired)
}

/// What a code shows; nothing, where it is wrong.
fn proof<B: Backend>(
    app: &App<B>,
    (id, mfa): (UserId, &MfaRecord),
    challenge_hash: Digest,
    given: &Given,
) -> Result<Option<LoginProof>, Problem> {
    Ok(match given {
        Given::Code(code) => {
            let step = step(app, &mfa.sealed_secret, code, Some(mfa.last_step))?;
            step.map(|step| LoginProof::Totp { challenge_hash, step })
        }
        Given::Backup(code) => {
            let hash = BackupCode::parse(code.expose_secret()).map(|code| code.hash(id));
            let known = hash.filter(|hash| mfa.backup_code_hashes.contains(hash));
            known.map(|code_hash| LoginProof::BackupCode { challenge_hash, code_hash })
        }
    })
}

/// The time step of a code by this node's clock; none where it is wrong.
fn step<B: Backend>(
    app: &App<B>,
    sealed: &[u8],
    code: &SecretString,
    last: Option<u64>,
) -> Result<Option<u64>, Problem> {
    let secret = app.backend.unseal(TOTP, sealed)?.ok_or_else(|| {
        tracing::error!("a second factor cannot be unsealed: was the key of the cluster replaced?");
        Problem::internal()
    })?;
    let step = totp::step(&secret, code.expose_secret(), app.backend.now());
    Ok(step.filter(|step| last.is_none_or(|last| last < *step)))
}

fn expired() -> Problem {
    Problem::new(Code::CHALLENGE_EXPIRED, "this login is over: begin again")
}

fn invalid() -> Problem {
    Problem::new(Code::INVALID_CODE, "the code is not right, or was used before")
}

/// `POST /auth/mfa/enroll`. Every request draws another secret, and the last one
/// counts.
pub(crate) async fn enroll<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let (id, _) = own(&call.principal)?;
    let user = own_account(app, id)?;
    if user.mfa.is_some() {
        return Err(enrolled());
    }
    let secret = totp::draw()?;
    let sealed_secret = app.backend.seal(TOTP, secret.expose_secret())?;
    let command = Command::EnrollMfa(Box::new(EnrollMfa { user: id, sealed_secret }));
    let noted = record_or_note(app, &call.principal, None, command).await?;
    let uri = totp::otpauth_uri(&user.username, &secret);
    let answer = Answer::members([
        ("otpauth_uri", uri.expose_secret().into()),
        ("secret", totp::base32(&secret).expose_secret().into()),
    ]);
    Ok(match noted {
        Err(index) => answer.at(index),
        Ok(_) => answer,
    })
}

fn enrolled() -> Problem {
    Problem::new(Code::ALREADY_ENROLLED, "the account has a second factor already")
}

/// `POST /auth/mfa/confirm`.
pub(crate) async fn confirm<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let (id, _) = own(&call.principal)?;
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let code = SecretString::from(body.text("code").unwrap_or_default());
    let idempotency =
        key.map(|key| idempotency::record(&principal, key, "/auth/mfa/confirm", body.members()));
    if let Some(entry) = replayed(app, idempotency.as_ref())? {
        return Ok(confirmed(Recording::repeated(app, entry), None));
    }
    let user = own_account(app, id)?;
    if user.mfa.is_some() {
        return Err(enrolled());
    }
    let none = || Problem::new(Code::NOT_ALLOWED, "enroll a second factor first");
    let sealed_secret = user.pending_mfa.ok_or_else(none)?;
    let step = step(app, &sealed_secret, &code, None)?.ok_or_else(invalid)?;
    let (codes, backup_code_hashes) = draw_codes(id)?;
    let confirm = ConfirmMfa { user: id, sealed_secret, step, backup_code_hashes };
    let command = Command::ConfirmMfa(Box::new(confirm));
    let recording = record(app, &principal, idempotency, command).await?;
    Ok(confirmed(recording, Some(codes)))
}

fn confirmed(recording: Recording, codes: Option<Codes>) -> Answer {
    let mut reply = shown(recording, codes);
    reply.insert("enabled", true);
    recording.answer(reply)
}

/// `POST /auth/mfa/backup-codes`. A wrong code counts as a failed login: who has
/// a session has not the factor yet.
pub(crate) async fn renew<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let (id, _) = own(&call.principal)?;
    let Call { body, key, principal, address, .. } = call;
    let mut body = body.into_fields();
    let code = SecretString::from(body.text("code").unwrap_or_default());
    let path = "/auth/mfa/backup-codes";
    let idempotency = key.map(|key| idempotency::record(&principal, key, path, body.members()));
    if let Some(entry) = replayed(app, idempotency.as_ref())? {
        let recording = Recording::repeated(app, entry);
        return Ok(recording.answer(shown(recording, None)));
    }
    let user = view::user(&app.backend.view()?, id)?.ok_or_else(unknown_user)?;
    let attempt = Attempt::of(&user.username, address);
    attempt.check(app)?;
    let none = || Problem::new(Code::NOT_ALLOWED, "the account has no second factor");
    let mfa = user.mfa.ok_or_else(none)?;
    let Some(step) = step(app, &mfa.sealed_secret, &code, Some(mfa.last_step))? else {
        return Err(attempt.fail(app, Some(id), None, invalid()).await);
    };
    let (codes, backup_code_hashes) = draw_codes(id)?;
    let renew = RenewBackupCodes { user: id, step, backup_code_hashes };
    let command = Command::RenewBackupCodes(Box::new(renew));
    let recording = record(app, &principal, idempotency, command).await?;
    Ok(recording.answer(shown(recording, Some(codes))))
}

type Codes = [BackupCode; backup_code::CODES];

/// New codes, and what is kept of them.
fn draw_codes(user: UserId) -> Result<(Codes, Vec<Digest>), NoRandomness> {
    let codes = BackupCode::draw_all()?;
    let hashes = codes.iter().map(|code| code.hash(user)).collect();
    Ok((codes, hashes))
}

/// Codes are shown where they were made: not when another node, or an earlier
/// request, made those that count.
fn shown(recording: Recording, codes: Option<Codes>) -> types::Object {
    let codes = codes.filter(|_| !recording.is_replayed()).map(|codes| {
        let texts = codes.iter().map(|code| Json::from(code.text().expose_secret()));
        Json::Array(texts.collect())
    });
    let mut reply = types::Object::new();
    reply.insert("backup_codes", codes);
    reply.insert("ledger_entry_id", recording.entry.0);
    reply
}
