//! `lexecon demo`: a real cluster in child processes on loopback, with sample
//! policies loaded, a decision made and verified on every node, and another that
//! shows what the policy is for, and how far all that goes as evidence; left
//! running to be tried out.

mod certificates;
mod children;
mod evidence;
mod scenario;
mod tour;

use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, value_parser};

use certificates::Certificates;
use children::Children;
use scenario::Scenario;

/// What the demo is told.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: u16,
    pub(crate) port: u16,
    pub(crate) peer_port: u16,
    pub(crate) dir: PathBuf,
    scenario: &'static Scenario,
    encrypt: bool,
    /// With `--tls`.
    certificates: Option<Certificates>,
}

impl Plan {
    /// Where clients reach a node, by its place.
    pub(crate) fn url(&self, number: u16) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port + number)
    }

    /// What its nodes are called.
    pub(crate) fn name(number: u16) -> String {
        format!("n{}", number + 1)
    }
}

/// Why the demo ended badly, in one sentence.
#[derive(Debug)]
pub(crate) struct DemoError(pub(crate) String);

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DemoError {
    pub(crate) fn new(what: &str, why: &dyn fmt::Display) -> Self {
        Self(format!("{what}: {why}"))
    }
}

/// The flags of `lexecon demo`.
pub fn command() -> Command {
    Command::new("demo")
        .about("Start a cluster on loopback, make a decision and verify it on every node")
        .long_about(
            "Start a cluster of child processes on loopback ports, load the sample policies, \
             make a decision and verify it on every node, and one that is not simply allowed. It \
             stays up until Ctrl-C. Without --data-dir everything is removed at the end.\n\n\
             Examples:\n  lexecon demo --nodes 3 --port 8000\n  lexecon demo --scenario payments\n  \
             lexecon demo --tls",
        )
        .arg(
            Arg::new("nodes")
                .long("nodes")
                .value_name("N")
                .default_value("3")
                .value_parser(value_parser!(u16).range(1..=9))
                .help("How many nodes"),
        )
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("PORT")
                .default_value("8000")
                .value_parser(value_parser!(u16).range(1024..=64_000))
                .help("Port of the first node; the others follow, and peers are 1000 above"),
        )
        .arg(
            Arg::new("data_dir")
                .long("data-dir")
                .value_name("DIR")
                .help("Keep everything in this directory, and resume from it"),
        )
        .arg(
            Arg::new("scenario")
                .long("scenario")
                .value_name("NAME")
                .default_value(scenario::CUSTOMER_SUPPORT.name)
                .value_parser(scenario::ALL.map(|scenario| scenario.name))
                .help("Which of the sample policies is in force, and what is asked of it"),
        )
        .arg(Arg::new("tls").long("tls").action(clap::ArgAction::SetTrue).help(
            "Serve https, and have the nodes show each other certificates of an authority made for it",
        ))
        .arg(
            Arg::new("encrypt")
                .long("encrypt")
                .action(clap::ArgAction::SetTrue)
                .help("Seal what the nodes keep, with keys drawn into files beside it"),
        )
        .arg(
            Arg::new("once")
                .long("once")
                .action(clap::ArgAction::SetTrue)
                .help("Stop after the tour instead of staying up"),
        )
}

/// Runs the demo.
pub fn run(flags: &ArgMatches) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(demo(flags)),
        Err(error) => Err(DemoError::new("cannot start the runtime", &error)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr().lock(), "lexecon demo: {error}");
            ExitCode::from(3)
        }
    }
}

async fn demo(flags: &ArgMatches) -> Result<(), DemoError> {
    let (dir, temporary) = match flags.get_one::<String>("data_dir") {
        Some(dir) => (PathBuf::from(dir), None),
        None => {
            let made = tempfile::Builder::new().prefix("lexecon-demo-").tempdir();
            let made = made.map_err(|err| DemoError::new("cannot make a directory", &err))?;
            (made.path().to_owned(), Some(made))
        }
    };
    let port = flags.get_one("port").copied().unwrap_or(8000);
    let nodes = flags.get_one("nodes").copied().unwrap_or(3);
    let scenario = flags.get_one::<String>("scenario").and_then(|name| scenario::find(name));
    let scenario = scenario.unwrap_or(&scenario::CUSTOMER_SUPPORT);
    let certificates = match flags.get_flag("tls") {
        true => Some(Certificates::make(&dir.join("certs"), nodes)?),
        false => None,
    };
    let encrypt = flags.get_flag("encrypt");
    let peer_port = port + 1000;
    let plan = Plan { nodes, port, peer_port, dir, scenario, encrypt, certificates };
    let mut children = Children::start(&plan)?;
    let toured = tokio::select! {
        toured = tour::tour(&plan) => toured,
        why = children.watch_start() => Err(why),
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    if toured.is_ok() && !flags.get_flag("once") {
        children.stay_up().await?;
    }
    children.stop().await;
    drop(temporary);
    toured
}

/// Writes a line for people; a reader that has gone does not matter.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
