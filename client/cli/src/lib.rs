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
mod keys;
mod ledger;
mod members;
mod output;
mod overrides;
mod oversight;
mod policy;
mod responsibility;
mod risk;
mod signer;
mod status;
mod stop;
mod table;
mod token;
mod verify;

use std::io::{self, Write};
use std::time::Duration;

use client::tls::{Identity, Trust};
use client::{Client, Options};

pub use command::{Command, Globals};
pub use exit::Exit;
pub use input::read_yaml;

use console::Console;
use failure::Failure;

/// Carries out a command and prints what it answers.
pub async fn run(command: &Command, globals: &Globals) -> Exit {
    run_with(command, globals, io::stdout(), io::stderr()).await
}

/// As [`run`], printing elsewhere.
pub async fn run_with(
    command: &Command,
    globals: &Globals,
    mut out: impl Write + Send,
    mut err: impl Write + Send,
) -> Exit {
    let mut console = Console::new(&mut out, &mut err, globals.json);
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
        Command::Status => status::run(&connect(globals)?, console).await,
        Command::Verify(args) => verify::run(args, console),
    }
}

fn connect(globals: &Globals) -> Result<Client, Failure> {
    let mut options = Options::new(&globals.url);
    options.timeout = Duration::from_secs(globals.timeout);
    options.credential = globals.api_key.clone().filter(|credential| !credential.is_empty());
    let identity = globals.client_cert_file.clone().zip(globals.client_key_file.clone());
    let identity = identity.map(|(cert_file, key_file)| Identity { cert_file, key_file });
    options.trust = Trust { ca_file: globals.ca_file.clone(), identity };
    Ok(Client::with_options(options)?)
}
