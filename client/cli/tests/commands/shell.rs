//! Runs a command line as the binary does, and keeps what it printed.

use clap::Parser;
use cli::{Command, Globals, Streams, run_with};

use crate::double::{Double, Said};

#[derive(Debug, Parser)]
#[command(name = "lexecon")]
pub(crate) struct Line {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) async fn run(words: &[&str]) -> Ran {
    run_typing(words, "").await
}

/// Runs a command whose questions are answered by these lines.
pub(crate) async fn run_typing(words: &[&str], input: &str) -> Ran {
    // No test reads what whoever runs it has logged in to.
    let home = ["--config-home", "/dev/null/none"];
    let home = home.iter().take(if words.contains(&"--config-home") { 0 } else { 2 });
    let words = std::iter::once("lexecon").chain(words.iter().copied());
    let line = match Line::try_parse_from(words.chain(home.copied())) {
        Ok(line) => line,
        Err(error) => {
            let exit = u8::try_from(error.exit_code()).unwrap();
            return Ran { exit, out: String::new(), err: error.to_string() };
        }
    };
    let (mut input, mut out, mut err) = (input.as_bytes(), Vec::new(), Vec::new());
    let streams = Streams { input: &mut input, out: &mut out, err: &mut err };
    let exit = run_with(&line.command, &line.globals, streams).await;
    Ran {
        exit: exit.code(),
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// Runs a command against a node that says this.
pub(crate) async fn ask(words: &[&str], said: Said) -> (Ran, Double) {
    let node = Double::start([said]).await;
    let words: Vec<&str> = words.iter().copied().chain(["--url", &node.url]).collect();
    (run(&words).await, node)
}

/// Checks what is printed for people, and that `--json` prints the reply.
#[track_caller]
pub(crate) fn check_ran(ran: &Ran, exit: u8, out: &str) {
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (exit, out, ""));
}

/// Asks twice, for people and for programs.
pub(crate) async fn check(words: &[&str], reply: &str, exit: u8, out: &str) {
    let (ran, _node) = ask(words, Said::ok(reply)).await;
    check_ran(&ran, exit, out);
    let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    let (ran, _node) = ask(&words, Said::ok(reply)).await;
    let raw: types::Json = serde_json::from_str(reply).unwrap();
    check_ran(&ran, exit, &format!("{}\n", raw.to_canonical()));
}
