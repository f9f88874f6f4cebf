//! Every command can be learned from its help, and every example in it parses.

use clap::{CommandFactory as _, Parser as _};

use crate::shell::Line;

fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
    let path = format!("{path} {}", command.get_name());
    let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    found.push((path.clone(), long));
    for below in command.get_subcommands() {
        leaves(below, &path, found);
    }
}

/// The commands below the binary itself, with their help.
fn commands() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for command in Line::command().get_subcommands() {
        leaves(command, "lexecon", &mut found);
    }
    found
}

/// Takes a line apart as a shell does; redirections are no arguments.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            '<' | '>' if !is_quoted => return words,
            c => word.get_or_insert_default().push(c),
        }
    }
    assert!(!is_quoted, "{line}");
    words.extend(word);
    words
}

#[test]
fn the_definition_is_sound() {
    Line::command().debug_assert();
}

#[test]
fn every_command_has_an_example_and_every_example_parses() {
    let commands = commands();
    assert_eq!(commands.len(), 57, "{commands:#?}");
    for (path, long) in commands {
        let examples: Vec<&str> = long.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        assert!(!examples.is_empty(), "`{path}` has no example");
        for example in examples {
            let parsed = Line::try_parse_from(words(example));
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            assert!(example.starts_with(&path), "`{example}` is no example of `{path}`");
        }
    }
}

#[test]
fn the_usual_node_is_asked() {
    // Only where the environment of the test says nothing else.
    if std::env::var_os("LEXECON_URL").is_none() {
        let line = Line::try_parse_from(["lexecon", "status"]).unwrap();
        assert_eq!(line.globals.url, ["http://127.0.0.1:8000"]);
    }
    let line = Line::try_parse_from(["lexecon", "status", "--url", "http://a:1,http://b:2"]);
    assert_eq!(line.unwrap().globals.url, ["http://a:1", "http://b:2"]);
}

#[test]
fn a_credential_is_not_shown() {
    let line = Line::try_parse_from(["lexecon", "status", "--api-key", "lxk_secret"]).unwrap();
    assert!(!format!("{line:?}").contains("lxk_secret"));
}
