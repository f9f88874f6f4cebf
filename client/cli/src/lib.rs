//! The commands of operators and auditors, noun first, then verb. A library:
//! `node` links it into the one binary.
//!
//! Each noun has a file with its arguments, its help and what it prints. What
//! is asked and answered is the client's business, not this crate's.
//!
//! Reading order: [`Command`], [`Exit`], `console` (how answers and failures
//! are shown), then any noun.
//!
//! Invariants
//! - With `--json`, standard output is the reply of the server and nothing
//!   else; notices and problems go to standard error.
//! - A reader that goes away is no failure, and the exit code stays.

pub mod certs;

mod admin;
mod api_key;
mod cluster;
mod command;
mod console;
mod decide;
mod decisions;
mod escalation;
mod evidence;
mod exit;
mod failure;
mod input;
mod intervention;
mod kept;
mod keys;
mod ledger;
mod login;
mod members;
mod mfa;
mod output;
mod overrides;
mod oversight;
mod password;
mod policy;
mod responsibility;
mod risk;
mod secret;
mod session;
mod signer;
mod status;
mod stop;
mod table;
mod token;
mod user;
mod verify;

mod audit;
mod compliance;

use std::fmt;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use client::tls::{Identity, Trust};
use client::{Client, Credential, Options};

pub use command::{Command, Globals};
pub use exit::Exit;
pub use input::read_yaml;

use console::Console;
use failure::Failure;
use kept::Kept;
use secret::Input;

/// What a command reads from, where it is not told in its arguments, and where
/// it prints.
pub struct Streams<'a> {
    /// Lines that answer what it asks for.
    pub input: &'a mut (dyn BufRead + Send),
    /// Its answer.
    pub out: &'a mut (dyn Write + Send),
    /// All else.
    pub err: &'a mut (dyn Write + Send),
}

impl fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

/// Carries out a command and prints what it answers.
pub async fn run(command: &Command, globals: &Globals) -> Exit {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let console = Console::new(&mut out, &mut err, globals.json).reading(Input::process());
    carry_out(command, globals, console).await
}

/// As [`run`], reading and printing elsewhere.
pub async fn run_with(command: &Command, globals: &Globals, streams: Streams<'_>) -> Exit {
    let Streams { input, out, err } = streams;
    let console = Console::new(out, err, globals.json).reading(Input::Lines(input));
    carry_out(command, globals, console).await
}

async fn carry_out(command: &Command, globals: &Globals, mut console: Console<'_>) -> Exit {
    match dispatch(command, globals, &mut console).await {
        Ok(exit) => exit,
        Err(failure) => console.fail(&failure),
    }
}

async fn dispatch(
    command: &Command,
    globals: &Globals,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match command {
        Command::Decide(args) => decide::run(args, &connect(globals)?, console).await,
        Command::Decisions(verb) => decisions::run(verb, &connect(globals)?, console).await,
        Command::Token(verb) => token::run(verb, globals, console).await,
        Command::Risk(verb) => risk::run(verb, &connect(globals)?, console).await,
        Command::Escalation(verb) => escalation::run(verb, &connect(globals)?, console).await,
        Command::Override(verb) => overrides::run(verb, &connect(globals)?, console).await,
        Command::Responsibility(verb) => {
            responsibility::run(verb, &connect(globals)?, console).await
        }
        Command::Evidence(verb) => evidence::run(verb, &connect(globals)?, console).await,
        Command::Signer(verb) => signer::run(verb, &connect(globals)?, console).await,
        Command::Intervention(verb) => intervention::run(verb, &connect(globals)?, console).await,
        Command::Stop(verb) => stop::run(verb, &connect(globals)?, console).await,
        Command::Oversight(verb) => oversight::run(verb, &connect(globals)?, console).await,
        Command::Policy(verb) => policy::run(verb, globals, console).await,
        Command::Ledger(verb) => ledger::run(verb, &connect(globals)?, console).await,
        Command::Cluster(verb) => cluster::run(verb, &connect(globals)?, console).await,
        Command::Keys { verb } => keys::run(verb.as_ref(), &connect(globals)?, console).await,
        Command::Certs(verb) => certs::run(verb, console),
        Command::Login(args) => secret::guarded(login::login(args, globals, console)).await,
        Command::Logout => login::logout(globals, console).await,
        Command::Whoami => login::whoami(&connect(globals)?, console).await,
        Command::Password(verb) => secret::guarded(password::run(verb, globals, console)).await,
        Command::Mfa(verb) => secret::guarded(mfa::run(verb, globals, console)).await,
        Command::Session(verb) => session::run(verb, &connect(globals)?, console).await,
        Command::User(verb) => secret::guarded(user::run(verb, globals, console)).await,
        Command::ApiKey(verb) => api_key::run(verb, &connect(globals)?, console).await,
        Command::Admin(verb) => secret::guarded(admin::run(verb, globals, console)).await,
        Command::Status => status::run(&connect(globals)?, console).await,
        Command::Verify(args) => verify::run(args, console),
        Command::Compliance(verb) => compliance::run(verb, &connect(globals)?, console).await,
        Command::Audit(verb) => audit::run(verb, &connect(globals)?, console).await,
    }
}

fn connect(globals: &Globals) -> Result<Client, Failure> {
    connect_as(globals, credential(globals)?)
}

/// A client on behalf of somebody, whatever is kept or given.
fn connect_as(globals: &Globals, credential: Option<Credential>) -> Result<Client, Failure> {
    let mut options = match globals.socket()? {
        Some(socket) => Options::new([socket]),
        None => Options::new(&globals.url),
    };
    options.timeout = Duration::from_secs(globals.timeout);
    options.credential = credential;
    let identity = globals.client_cert_file.clone().zip(globals.client_key_file.clone());
    let identity = identity.map(|(cert_file, key_file)| Identity { cert_file, key_file });
    options.trust = Trust { ca_file: globals.ca_file.clone(), identity };
    Ok(Client::with_options(options)?)
}

/// What is sent to say who asks. Over a socket nothing is: whoever may open it
/// needs no other credential, and one that is not valid would be refused.
fn credential(globals: &Globals) -> Result<Option<Credential>, Failure> {
    if globals.socket()?.is_some() {
        return Ok(None);
    }
    match globals.key() {
        Some(key) => Ok(Some(key.clone())),
        None => kept_credential(globals),
    }
}

fn kept_credential(globals: &Globals) -> Result<Option<Credential>, Failure> {
    match (Kept::of(globals), globals.url.first()) {
        (Some(kept), Some(url)) => kept.find(url),
        (None, _) | (_, None) => Ok(None),
    }
}
