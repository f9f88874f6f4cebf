//! `lexecon login`, `logout` and `whoami`.

use std::path::PathBuf;

use client::auth::login::{Factor, Login, Session};
use client::auth::user::User;
use client::{Client, Error, Reply};
use secrecy::{ExposeSecret as _, SecretString};
use types::Json;

use crate::command::Globals;
use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::kept::Kept;
use crate::secret::At;
use crate::table::fields;
use crate::user::account;

pub(crate) const LOGIN_HELP: &str = "\
Begins a session, which later commands use with the same first --url unless they are given a key. \
It is kept in `$XDG_CONFIG_HOME/lexecon/session`, which nobody else may read, and ends after 15 \
minutes without use, after 12 hours, or with `lexecon logout`.

The password is asked for, and the code of a second factor where the account has one: six digits, or \
a backup code. Where standard input is no terminal, its lines are the answers.

Examples:

  lexecon login --username jane

  lexecon login --username jane --password-file password.txt --print";

pub(crate) const LOGOUT_HELP: &str = "\
Ends the session that `lexecon login` began with the same first --url, and forgets it. One that has \
ended already is forgotten too.

Exits 1 if nobody was logged in.

Example:

  lexecon logout";

pub(crate) const WHOAMI_HELP: &str = "\
The account that asks: its role, what that may do, and when its password must be changed.

Example:

  lexecon whoami";

/// Who logs in.
#[derive(Clone, Debug, clap::Args)]
pub struct LoginArgs {
    /// The name of the account; asked for at a terminal otherwise
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// File with the password on its first line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File with the code of the second factor on its first line
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
    /// Print the session instead of keeping it
    #[arg(long)]
    print: bool,
}

pub(crate) async fn login(
    args: &LoginArgs,
    globals: &Globals,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let url = url(globals)?;
    // What cannot be kept is found out before anything is asked for.
    let kept = match args.print {
        true => None,
        false => Some(Kept::of(globals).ok_or_else(homeless)?),
    };
    let client = crate::connect_as(globals, None)?;
    let reply = session(args, &client, console).await?;
    let session = &reply.value;
    match &kept {
        None => console.show(&reply.raw, || line(&session.session_id))?,
        Some(kept) => {
            kept.put(url, session)?;
            let path = kept.path().display().to_string();
            console.show(&without_secrets(&reply.raw), || shown(session, path))?;
        }
    }
    for advice in advice(session) {
        console.notice(advice)?;
    }
    Ok(Exit::Done)
}

/// The URL that a session is kept for.
fn url(globals: &Globals) -> Result<&str, Failure> {
    if globals.socket()?.is_some() {
        let why = "nobody logs in over a socket: whoever may open it is the operator";
        return Err(Failure::Usage(why.to_owned()));
    }
    let url = globals.url.first().map(String::as_str);
    url.ok_or_else(|| Failure::Usage("give --url".to_owned()))
}

fn homeless() -> Failure {
    Failure::Usage("there is no home to keep the session in: give --print".to_owned())
}

async fn session(
    args: &LoginArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Reply<Session>, Failure> {
    let username = match &args.username {
        Some(name) => name.clone(),
        None => console.typed("Username", "--username").await?,
    };
    let password = console.secret("Password", At::first(args.password_file.as_ref())).await?;
    let Reply { value, raw, meta } =
        console.wait("the login", client.login(&username, &password)).await?;
    let challenge = match value {
        Login::Begun(session) => return Ok(Reply { value: *session, raw, meta }),
        Login::CodeWanted(challenge) => challenge,
    };
    let code = console.secret("Code", At::first(args.code_file.as_ref())).await?;
    let factor = Factor::of(SecretString::from(code.expose_secret().trim()));
    console.wait("the login", client.login_code(&challenge, &factor)).await
}

/// A secret alone on its line, so that it can be piped.
pub(crate) fn line(secret: &SecretString) -> String {
    format!("{}\n", printable(secret.expose_secret()))
}

/// The reply without what is kept: output is copied to places that keep longer.
fn without_secrets(raw: &Json) -> Json {
    let mut shown = raw.as_object().cloned().unwrap_or_default();
    for name in ["session_id", "csrf_token"] {
        shown.insert(name, Json::Null);
    }
    Json::Object(shown)
}

fn shown(session: &Session, path: String) -> String {
    fields([
        ("logged in", Some(session.user.username.clone())),
        ("role", Some(session.user.role.clone())),
        ("expires", Some(format!("{}, unless it is used", session.expires_at))),
        ("kept in", Some(path)),
    ])
}

/// What must be done before anything else can be.
fn advice(session: &Session) -> impl Iterator<Item = &'static str> {
    let password = session
        .password_expired
        .then_some("the password must be changed first: `lexecon password change`");
    let mfa = session
        .mfa_enrollment_required
        .then_some("a second factor must be enrolled first: `lexecon mfa enroll`");
    password.into_iter().chain(mfa)
}

pub(crate) async fn logout(globals: &Globals, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let url = url(globals)?;
    let Some(credential) = crate::credential(globals)? else {
        console.notice(&format!("nobody is logged in at `{url}`"))?;
        return Ok(Exit::No);
    };
    // A session that was given is somebody else's to forget.
    let kept = Kept::of(globals).filter(|_| globals.key().is_none());
    let client = crate::connect_as(globals, Some(credential))?;
    match (console.wait("the logout", client.logout()).await, kept) {
        (Ok(reply), kept) => {
            kept.map(|kept| kept.forget(url)).transpose()?;
            console.show(&reply.raw, || fields([("logged out", Some(url.to_owned()))]))?;
        }
        (Err(failure), Some(kept)) if has_ended(&failure) => {
            kept.forget(url)?;
            console.notice("the session had ended already")?;
        }
        (Err(failure), _) => return Err(failure),
    }
    Ok(Exit::Done)
}

/// Whether a server knows nothing of the session any more.
fn has_ended(failure: &Failure) -> bool {
    match failure {
        Failure::Client(Error::SessionOver(_)) => true,
        Failure::Client(Error::Problem(problem)) => problem.status == 401,
        _ => false,
    }
}

pub(crate) async fn whoami(client: &Client, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let reply = console.wait("the account", client.me()).await?;
    let user: &User = &reply.value.user;
    console.show(&reply.raw, || account(user))?;
    Ok(Exit::Done)
}
