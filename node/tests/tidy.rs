//! Rules about the source that neither rustc nor clippy checks: what may
//! depend on what, how long a function may grow, where files may lie, whether
//! the documents name what is there.
//!
//! A plain test, so `cargo test` is the only gate there is.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may depend on whom inside this repository: the architecture.
const MAY_USE: &[(&str, &[&str])] = &[
    ("node/core/types", &[]),
    ("node/core/policy", &["types"]),
    ("node/core/ledger", &["types"]),
    ("node/core/register", &["types"]),
    ("node/core/governance", &["types", "policy", "ledger", "register"]),
    ("proto", &[]),
    ("storage", &["types", "governance"]),
    ("raft", &["types", "governance", "proto"]),
    ("api", &["types", "governance", "proto", "ledger", "policy", "register"]),
    ("client", &["types", "ledger", "proto"]),
    ("client/cli", &["types", "policy", "ledger", "register", "governance", "client"]),
    (
        "node",
        &[
            "types",
            "policy",
            "ledger",
            "register",
            "governance",
            "proto",
            "storage",
            "raft",
            "api",
            "client",
            "cli",
        ],
    ),
    ("jepsen-tests", &["client", "proto", "ledger", "types"]),
    ("jepsen-tests/fuzz", &["ledger", "policy", "types"]),
    ("jepsen-tests/peers", &["policy", "types"]),
];

/// The top level is these folders and no others.
const FOLDERS: [&str; 8] =
    ["api", "client", "deploy", "jepsen-tests", "node", "proto", "raft", "storage"];

#[test]
fn crates_depend_only_downwards() {
    for (dir, allowed) in MAY_USE {
        for name in dependencies(dir).iter().filter(|name| is_ours(name)) {
            assert!(
                allowed.contains(&name.as_str()),
                "{dir} may not depend on {name}: see ARCHITECTURE.md"
            );
        }
    }
}

#[test]
fn every_crate_has_a_place_in_the_architecture() {
    let known: BTreeSet<String> = MAY_USE.iter().map(|(dir, _)| (*dir).to_owned()).collect();
    let found = files(&root(), &|name| name == "Cargo.toml").into_iter().map(|manifest| {
        let dir = manifest.parent().unwrap().to_owned();
        dir.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
    });
    assert_eq!(found.filter(|dir| !dir.is_empty()).collect::<BTreeSet<_>>(), known);
}

/// `proto` is code that others generate; the fuzz targets and the comparison
/// with others are workspaces of their own, which cannot inherit.
#[test]
fn every_crate_but_three_takes_the_lints_of_the_workspace() {
    const WITHOUT: [&str; 3] = ["proto", "jepsen-tests/fuzz", "jepsen-tests/peers"];
    for (dir, _) in MAY_USE.iter().filter(|(dir, _)| !WITHOUT.contains(dir)) {
        let manifest = read(&root().join(dir).join("Cargo.toml"));
        let lints: Vec<&str> = section(&manifest, "[lints]").collect();
        assert!(lints.contains(&"workspace = true"), "{dir}: no `[lints] workspace = true`");
    }
}

/// What core may take from outside. `ed25519-dalek` and `rsa` verify there and
/// never sign; `regex-automata` stands for one linear-time engine.
const CORE_MAY_USE: &[&str] = &[
    "base64",
    "bincode",
    "ed25519-dalek",
    "hmac",
    "regex-automata",
    "rsa",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
];

#[test]
fn core_takes_little_from_outside() {
    for (dir, _) in MAY_USE.iter().filter(|(dir, _)| dir.starts_with("node/core/")) {
        for name in dependencies(dir).iter().filter(|name| !is_ours(name)) {
            assert!(CORE_MAY_USE.contains(&name.as_str()), "{dir} may not depend on {name}");
        }
    }
}

#[test]
fn one_file_names_bincode() {
    let core = root().join("node/core");
    let naming: Vec<PathBuf> =
        sources(&core).into_iter().filter(|path| read(path).contains("bincode::")).collect();
    assert_eq!(naming, [core.join("governance/src/codec.rs")]);
}

#[test]
fn functions_fit_on_a_screen() {
    const LINES_MAX: usize = 70;
    let mut long = Vec::new();
    for path in sources(&root()) {
        let text = read(&path);
        for (name, lines) in functions(&text) {
            if LINES_MAX < lines {
                long.push(format!("{}: fn {name} has {lines} lines", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "longer than {LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn functions_are_measured_by_their_own_braces() {
    let text = "trait T {\n    fn declared(\n        &self,\n    );\n    fn short(&self) {}\n\
                \x20   fn long(&self) {\n        if x {\n        }\n    }\n}\n";
    assert_eq!(functions(text), [("short", 1), ("long", 4)]);
}

#[test]
fn files_can_be_read_at_one_sitting() {
    const LINES_MAX: usize = 800;
    for path in sources(&root()) {
        let lines = read(&path).lines().count();
        assert!(lines <= LINES_MAX, "{}: {lines} lines, at most {LINES_MAX}", path.display());
    }
}

#[test]
fn every_file_says_what_it_is() {
    let mut silent = sources(&root());
    silent.retain(|path| !read(path).starts_with("//!"));
    assert!(silent.is_empty(), "no `//!` header: {silent:?}");
}

/// A claim about security is worth its test: SECURITY.md names both.
#[test]
fn tests_that_claims_about_security_name_are_there() {
    let text = read(&root().join("SECURITY.md"));
    let (_, table) = text.split_once("## Where each claim is tested").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let mut named = 0;
    for row in table.lines().filter(|line| line.starts_with('|')).skip(2) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let source = read(&root().join(cells[2]));
        for name in cells[3].split('`').filter(|name| !name.trim().is_empty()) {
            assert!(source.contains(&format!("fn {name}(")), "{}: no test `{name}`", cells[2]);
            named += 1;
        }
    }
    assert!(40 < named, "{named} tests are named");
}

#[test]
fn the_top_level_has_eight_folders() {
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            assert!(FOLDERS.contains(&name.as_str()), "a ninth top-level folder: {name}");
        }
    }
}

/// The product says which evidence exists and which is missing; whether that
/// suffices is for a person to say.
#[test]
fn no_reply_claims_a_legal_status() {
    for path in sources(&root()).into_iter().filter(|path| !is_test(path)) {
        let text = read(&path).to_lowercase();
        for word in ["compliant", "non_compliant", "certified"] {
            let literal = format!("\"{word}\"");
            assert!(!text.contains(&literal), "{}: says {literal}", path.display());
        }
    }
}

#[test]
fn the_architecture_names_every_crate_and_nothing_that_is_not_there() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let named: BTreeSet<&str> = paths(&text).collect();
    for (dir, _) in MAY_USE {
        assert!(named.contains(dir), "ARCHITECTURE.md does not name {dir}");
    }
    for name in named {
        assert!(root().join(name).exists(), "ARCHITECTURE.md names {name}, which is not there");
    }
}

/// Words of a text that are a top-level folder or lie in one.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-./".contains(c))
        .map(|word| word.trim_end_matches(['.', '/']))
        .filter(|word| FOLDERS.contains(&word.split('/').next().unwrap_or(word)))
}

const GUIDES: [&str; 2] = ["README.md", "CONTRIBUTING.md"];

#[test]
fn every_make_target_a_guide_shows_exists() {
    let makefile = read(&root().join("Makefile"));
    let targets: BTreeSet<&str> =
        makefile.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    for guide in GUIDES {
        let text = read(&root().join(guide));
        let shown: Vec<&str> = commands(&text, "make ").collect();
        assert!(!shown.is_empty(), "{guide} shows no make target");
        for target in shown.iter().filter_map(|line| line.split(' ').nth(1)) {
            assert!(targets.contains(target), "{guide} shows `make {target}`");
        }
    }
}

#[test]
fn every_lexecon_command_a_guide_shows_exists() {
    for guide in GUIDES {
        let text = read(&root().join(guide));
        for line in commands(&text, "lexecon ") {
            let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            let words: Vec<&str> = line
                .split(' ')
                .skip(1)
                .take_while(|word| is_word(word) && !word.starts_with('-'))
                .take(2)
                .collect();
            let status = Command::new(env!("CARGO_BIN_EXE_lexecon"))
                .args(&words)
                .arg("--help")
                .output()
                .unwrap()
                .status;
            assert!(status.success(), "{guide} shows `{line}`, which is no command");
        }
    }
}

/// Lines of the code blocks of a document that begin so, less a prompt.
fn commands<'a>(text: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    let mut inside = false;
    let lines = text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        inside ^= is_fence;
        inside && !is_fence
    });
    lines
        .map(|line| line.trim_start().trim_start_matches("$ "))
        .filter(move |line| line.starts_with(start))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|err| panic!("cannot read {}: {err}", path.display()))
}

fn is_ours(name: &str) -> bool {
    MAY_USE.iter().any(|(dir, _)| dir.rsplit('/').next() == Some(name))
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

/// What a crate links, tests and builds apart.
fn dependencies(dir: &str) -> Vec<String> {
    let manifest = read(&root().join(dir).join("Cargo.toml"));
    let lines = section(&manifest, "[dependencies]").filter(|line| !line.starts_with('#'));
    let names = lines.filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The lines of one table of a manifest.
fn section<'a>(manifest: &'a str, table: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = manifest.lines().skip_while(move |line| *line != table).skip(1);
    lines.take_while(|line| !line.starts_with('['))
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    files(dir, &|name| name.ends_with(".rs"))
}

fn files(dir: &Path, is_wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match path.is_dir() {
            true if name == "target" || name.starts_with('.') => (),
            true => found.extend(files(&path, is_wanted)),
            false if is_wanted(&name) => found.push(path),
            false => (),
        }
    }
    found
}

/// Name and length of each function that has a body, told by rustfmt's layout:
/// it ends at the first line that is a closing brace as deep as its `fn`.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some((before, after)) = line.split_once("fn ") else {
            continue;
        };
        if !before.trim_start().split(' ').all(is_qualifier) {
            continue;
        }
        let name = after.split(['(', '<']).next().unwrap_or(after);
        let body = lines[start..].iter().position(|line| line.ends_with(['{', '}', ';']));
        let Some(body) = body.filter(|at| !lines[start + at].ends_with(';')) else {
            continue;
        };
        if lines[start + body].ends_with('}') {
            found.push((name, body + 1));
            continue;
        }
        let end = lines[start..]
            .iter()
            .position(|other| indent(other) == indent(line) && other.trim_start().starts_with('}'));
        found.push((name, end.map_or(1, |end| end + 1)));
    }
    found
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_qualifier(word: &str) -> bool {
    matches!(word, "" | "pub" | "pub(crate)" | "pub(super)" | "async" | "const" | "unsafe")
}
