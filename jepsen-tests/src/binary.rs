//! The binary under test: `LEXECON_BIN`, or the one beside this test's own
//! executable, built first if it is not there or older than its sources.
//!
//! `cargo test --workspace` has built it already; asking cargo again each time
//! would resolve features for one package alone and compile half the tree.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::failure::Failure;

static READY: OnceLock<PathBuf> = OnceLock::new();

/// Path of a `lexecon` that is as new as its sources. Builds at most once in
/// each process; two that build at once wait for each other in cargo.
///
/// # Errors
/// [`Failure::Build`] and what keeps cargo from running.
pub fn lexecon() -> Result<PathBuf, Failure> {
    if let Some(path) = env::var_os("LEXECON_BIN") {
        return Ok(path.into());
    }
    if let Some(path) = READY.get() {
        return Ok(path.clone());
    }
    let path = beside_us()?;
    if !is_fresh(&path) {
        build()?;
    }
    Ok(READY.get_or_init(|| path).clone())
}

/// Test executables lie in `<profile>/deps`, binaries in `<profile>`.
fn beside_us() -> Result<PathBuf, Failure> {
    let us = env::current_exe()
        .map_err(|source| Failure::File { path: PathBuf::from("/proc/self/exe"), source })?;
    let profile = us.ancestors().nth(2).unwrap_or(Path::new("."));
    Ok(profile.join("lexecon"))
}

/// Whether the binary is newer than every file that cargo's note beside it
/// says it was made from.
fn is_fresh(binary: &Path) -> bool {
    let Some(built) = modified(binary) else {
        return false;
    };
    let Ok(note) = fs::read_to_string(binary.with_extension("d")) else {
        return false;
    };
    let sources = note.split_once(": ").map_or("", |(_, sources)| sources);
    // A path with a space is written `\ ` and so looks absent here: then cargo
    // is asked, which is slow but right.
    sources.split_whitespace().all(|path| modified(Path::new(path)).is_some_and(|at| at <= built))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

fn build() -> Result<(), Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    // The features of the whole workspace: those of one package alone would
    // compile half the tree again.
    command.args(["build", "--locked", "--workspace", "--bin", "lexecon"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let status =
        command.status().map_err(|source| Failure::Run { program: cargo.into(), source })?;
    if status.success() { Ok(()) } else { Err(Failure::Build(status)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_older_than_a_source_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let (source, binary) = (dir.path().join("main.rs"), dir.path().join("lexecon"));
        fs::write(&source, "fn main() {}").unwrap();
        assert!(!is_fresh(&binary), "it is not there");
        fs::write(&binary, "elf").unwrap();
        assert!(!is_fresh(&binary), "nothing says what it was made from");
        let note = format!("{}: {}\n", binary.display(), source.display());
        fs::write(binary.with_extension("d"), note).unwrap();
        assert!(is_fresh(&binary));
        let later = modified(&binary).unwrap() + std::time::Duration::from_secs(5);
        fs::File::options().append(true).open(&source).unwrap().set_modified(later).unwrap();
        assert!(!is_fresh(&binary));
    }
}
