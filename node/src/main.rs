//! The one binary: arguments, subcommand, exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use node::run::{self, Stopped};
use node::{config, demo};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Records, decides and proves what software that acts on its own may do.
#[derive(Debug, Parser)]
#[command(name = "lexecon", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    globals: cli::Globals,
    #[command(subcommand)]
    command: cli::Command,
}

/// Exit codes of architecture: 2 wrong usage, 3 could not be carried out.
const WRONG_USAGE: u8 = 2;
const NOT_CARRIED_OUT: u8 = 3;

fn main() -> ExitCode {
    // A replica whose consensus task died must not linger half alive: whoever
    // supervises it starts it again, and the log says what was promised.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
    // What speaks HTTP asks for one, also where it is to a loopback address. Set
    // already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("serve", flags)) => serve(flags),
        Some(("demo", flags)) => demo::run(flags),
        _ => match Cli::from_arg_matches(&matches) {
            Ok(parsed) => ask(&parsed),
            Err(err) => {
                let _ = err.print();
                ExitCode::from(WRONG_USAGE)
            }
        },
    }
}

/// Every subcommand: those of the client, and those of the server.
fn command() -> clap::Command {
    let serve = clap::Command::new("serve")
        .about("Run one node: REST and gRPC, the policy engine, a replica of the ledger")
        .long_about(
            "Run one node. Without --join an empty data directory founds a cluster of one, which \
             is a full cluster; with --join it becomes a member of an existing one. A directory \
             that belongs to a cluster ignores both and resumes.\n\nExample:\n  \
             lexecon serve --node-id n1 --data-dir ./n1 --listen 127.0.0.1:8000 --peer-listen \
             127.0.0.1:9000\n  lexecon serve --node-id n2 --data-dir ./n2 --listen 127.0.0.1:8001 \
             --peer-listen 127.0.0.1:9001 --join http://127.0.0.1:8000",
        )
        .args(config::flags());
    Cli::command().subcommand(serve).subcommand(demo::command())
}

/// Runs a command of a client.
fn ask(parsed: &Cli) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(cli::run(&parsed.command, &parsed.globals)).into(),
        Err(error) => fail(&format!("cannot start the runtime: {error}")),
    }
}

fn serve(flags: &clap::ArgMatches) -> ExitCode {
    match run::serve(flags) {
        Ok(Stopped::Asked) => ExitCode::SUCCESS,
        Ok(Stopped::Printed(settings)) => {
            // A closed pipe is the reader's choice.
            let _ = std::io::stdout().lock().write_all(settings.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(Stopped::Failed(why)) => fail(&why),
        // Another process has taken this one's place by then.
        Ok(Stopped::Diverged) => ExitCode::from(NOT_CARRIED_OUT),
        Err(error) => {
            let usage = matches!(error, run::StartError::Config(_));
            let code = if usage { WRONG_USAGE } else { NOT_CARRIED_OUT };
            fail(&with_causes(&error));
            ExitCode::from(code)
        }
    }
}

fn fail(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr().lock(), "lexecon: {why}");
    ExitCode::from(NOT_CARRIED_OUT)
}

/// An error and what caused it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_argument_of_any_command_has_the_name_of_another() {
        super::command().debug_assert();
    }
}
