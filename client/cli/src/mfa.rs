//! `lexecon mfa`: one's own second factor.

use std::path::PathBuf;

use client::Client;
use client::auth::mfa::Enrollment;
use secrecy::{ExposeSecret as _, SecretString};

use crate::command::Globals;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::login::line;
use crate::secret::At;
use crate::table::fields;

pub(crate) const HELP: &str = "\
One's own second factor: six digits that an authenticator shows (RFC 6238), and backup codes for when \
it is lost. Administrators and whoever oversees must have one.

Example:

  lexecon mfa enroll";

const ENROLL_HELP: &str = "\
Enrolls a second factor: shows its secret and the otpauth URI of it once, asks for the first code, and \
shows ten backup codes once. The factor counts from then on. With --json each of the two replies is a \
line of its own.

Example:

  lexecon mfa enroll";

const CODES_HELP: &str = "\
Draws ten backup codes anew and shows them once, one a line; the old ones are void. It takes a code.

Example:

  lexecon mfa backup-codes > backup-codes.txt";

/// What to do with one's own second factor.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Enroll one
    #[command(long_about = ENROLL_HELP)]
    Enroll,
    /// Draw backup codes anew
    #[command(long_about = CODES_HELP)]
    BackupCodes {
        /// File with a code on its first line
        #[arg(long, value_name = "FILE")]
        code_file: Option<PathBuf>,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    globals: &Globals,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let client = crate::connect(globals)?;
    match verb {
        Verb::Enroll => enroll(&client, console).await,
        Verb::BackupCodes { code_file } => {
            let code = code(console, At::first(code_file.as_ref())).await?;
            let codes = client.mfa_backup_codes(&code);
            let reply = console.wait("the backup codes", codes).await?;
            console.show(&reply.raw, || lines(reply.value.backup_codes.as_deref()))?;
            console.notice("each is for one login; they are not shown again")?;
            Ok(Exit::Done)
        }
    }
}

async fn enroll(client: &Client, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let reply = console.wait("a secret", client.mfa_enroll()).await?;
    console.show(&reply.raw, || shown(&reply.value))?;
    console.notice("enter it in an authenticator; it is not shown again")?;
    let code = code(console, None).await?;
    let reply = console.wait("the second factor", client.mfa_confirm(&code)).await?;
    console.show(&reply.raw, || lines(reply.value.backup_codes.as_deref()))?;
    console.notice("these are backup codes, each for one login; they are not shown again")?;
    Ok(Exit::answer(reply.value.enabled))
}

async fn code(console: &mut Console<'_>, at: Option<At<'_>>) -> Result<SecretString, Failure> {
    let code = console.secret("Code", at).await?;
    Ok(SecretString::from(code.expose_secret().trim()))
}

fn shown(enrollment: &Enrollment) -> String {
    fields([
        ("secret", Some(enrollment.secret.expose_secret().to_owned())),
        ("uri", Some(enrollment.otpauth_uri.expose_secret().to_owned())),
    ])
}

fn lines(codes: Option<&[SecretString]>) -> String {
    codes.unwrap_or_default().iter().map(line).collect()
}
