//! The files of exports that this node has. They follow from the ledger: one that
//! is gone is made again.
//!
//! Invariants
//! - A file has its name only once it is whole and on the disk.
//! - A name says of which entries and after which erasure the file is, so that what
//!   an erasure took is found here without opening anything.
//! - Together the files are no larger than [`ExportLimits`] say: the oldest go.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use types::EntryId;
use types::digest::to_hex;

use super::build::{FORM, Plan};
use super::output::Output;
use crate::config::ExportLimits;

/// The end of the name of a file, or of a folder, that is not whole.
pub(crate) const PART: &str = ".part";

/// The directory of exports.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    directory: PathBuf,
    limits: ExportLimits,
}

impl Files {
    /// The directory below that of the data. What was not whole when the node
    /// stopped goes.
    pub(crate) fn open(data: &Path, limits: ExportLimits) -> io::Result<Self> {
        let directory = data.join("exports");
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let files = Self { directory, limits };
        for found in files.list()? {
            if found.name.ends_with(PART) {
                match found.path.is_dir() {
                    true => fs::remove_dir_all(&found.path)?,
                    false => fs::remove_file(&found.path)?,
                }
            }
        }
        Ok(files)
    }

    fn path(&self, plan: &Plan) -> PathBuf {
        self.directory.join(name(plan))
    }

    /// The file of a plan, if it is here and has so many bytes.
    pub(crate) fn find(&self, plan: &Plan, bytes: u64) -> io::Result<Option<File>> {
        match File::open(self.path(plan)) {
            Ok(file) => Ok((file.metadata()?.len() == bytes).then_some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Begins a file, in place of one that was begun before.
    pub(crate) fn begin(&self, plan: &Plan) -> io::Result<Output> {
        let path = self.part(plan);
        remove(&path)?;
        Output::create(&path, self.limits.file_bytes)
    }

    fn part(&self, plan: &Plan) -> PathBuf {
        self.directory.join(format!("{}{PART}", name(plan)))
    }

    /// Gives a whole file its name, and makes room for it.
    pub(crate) fn keep(&self, plan: &Plan) -> io::Result<()> {
        let path = self.path(plan);
        fs::rename(self.part(plan), &path)?;
        File::open(&self.directory)?.sync_all()?;
        self.trim(&path)
    }

    /// Takes back a file that was begun.
    pub(crate) fn discard(&self, plan: &Plan) -> io::Result<()> {
        remove(&self.part(plan))
    }

    /// Removes the oldest until the rest fits; `kept` stays.
    fn trim(&self, kept: &Path) -> io::Result<()> {
        let mut files = self.list()?;
        files.sort_by_key(|file| file.modified);
        let mut total: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files.iter().filter(|file| file.path != kept) {
            if total <= self.limits.directory_bytes {
                break;
            }
            remove(&file.path)?;
            total = total.saturating_sub(file.bytes);
        }
        Ok(())
    }

    /// Removes what shows more than is left: files after another erasure than the
    /// last that touched their entries.
    pub(crate) fn forget<E: From<io::Error>>(
        &self,
        erasures_through: impl Fn(u64) -> Result<Option<EntryId>, E>,
    ) -> Result<u64, E> {
        let mut removed = 0;
        for file in self.list()? {
            let Some((ledger_size, erasures)) = read_name(&file.name) else { continue };
            if erasures_through(ledger_size)? != erasures {
                remove(&file.path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn list(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            found.push(Found {
                path: entry.path(),
                name: entry.file_name().to_string_lossy().into_owned(),
                bytes: metadata.len(),
                modified: metadata.modified()?,
            });
        }
        Ok(found)
    }
}

struct Found {
    path: PathBuf,
    name: String,
    bytes: u64,
    modified: SystemTime,
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// `<entries>.<erasure>.<digest of the rest>`
fn name(plan: &Plan) -> String {
    let of = &plan.selection;
    let time = |time: Option<types::Timestamp>| time.map_or("-".to_owned(), |at| at.0.to_string());
    let rest = [
        of.scope.as_str().to_owned(),
        plan.format.as_str().to_owned(),
        time(of.from),
        time(of.to),
        FORM.to_string(),
    ];
    let digest = ledger::hash::sha256(rest.join("\n").as_bytes());
    let erasure = plan.erasures_through.map_or("none".to_owned(), |run| run.0.to_string());
    let digest = to_hex(&digest.0);
    format!("{}.{erasure}.{}", of.ledger_size, digest.get(..32).unwrap_or_default())
}

/// Entries and erasure that a name tells, of a file that is not whole too.
fn read_name(name: &str) -> Option<(u64, Option<EntryId>)> {
    let (ledger_size, rest) = name.split_once('.')?;
    let (erasure, _) = rest.split_once('.')?;
    let erasure = match erasure {
        "none" => None,
        run => Some(EntryId(run.parse().ok()?)),
    };
    Some((ledger_size.parse().ok()?, erasure))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use governance::export::{ExportFormat, Scope, Selection};

    use super::*;

    fn plan(ledger_size: u64, run: Option<u64>) -> Plan {
        let scope = Scope::All;
        Plan {
            selection: Selection { scope, from: None, to: None, ledger_size },
            format: ExportFormat::Json,
            erasures_through: run.map(EntryId),
        }
    }

    fn keep(files: &Files, plan: &Plan) {
        let mut output = files.begin(plan).unwrap();
        output.write_all(b"text").unwrap();
        output.finish().unwrap();
        files.keep(plan).unwrap();
    }

    #[test]
    fn a_file_is_there_once_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::open(directory.path(), ExportLimits::DEFAULT).unwrap();
        let one = plan(7, None);
        let mut output = files.begin(&one).unwrap();
        output.write_all(b"half").unwrap();
        assert!(files.find(&one, 4).unwrap().is_none());
        drop(output);
        let files = Files::open(directory.path(), ExportLimits::DEFAULT).unwrap();
        assert!(files.list().unwrap().is_empty(), "what was not whole is gone");
        keep(&files, &one);
        assert!(files.find(&one, 4).unwrap().is_some());
        assert!(files.find(&plan(8, None), 4).unwrap().is_none());
        assert!(files.find(&one, 5).unwrap().is_none(), "it is not the one that is named");
        files.discard(&one).unwrap();
        assert!(files.find(&one, 4).unwrap().is_some(), "only what is not whole is discarded");
    }

    #[test]
    fn an_erasure_takes_the_files_that_it_touched_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::open(directory.path(), ExportLimits::DEFAULT).unwrap();
        for plan in [plan(5, None), plan(20, None), plan(20, Some(30))] {
            keep(&files, &plan);
        }
        // A run that is entry 30 and erased entry 9.
        let touched = |size: u64| Ok::<_, io::Error>((9 < size).then_some(EntryId(30)));
        assert_eq!(files.forget(touched).unwrap(), 1);
        assert!(files.find(&plan(5, None), 4).unwrap().is_some());
        assert!(files.find(&plan(20, None), 4).unwrap().is_none());
        assert!(files.find(&plan(20, Some(30)), 4).unwrap().is_some());
    }

    #[test]
    fn everything_asked_for_is_in_the_name() {
        let whole = plan(7, None);
        let other = |change: &dyn Fn(&mut Plan)| {
            let mut plan = whole;
            change(&mut plan);
            assert_ne!(name(&plan), name(&whole));
        };
        other(&|plan| plan.selection.scope = Scope::RiskOnly);
        other(&|plan| plan.selection.from = Some(types::Timestamp(7)));
        other(&|plan| plan.selection.to = Some(types::Timestamp(7)));
        other(&|plan| plan.selection.ledger_size = 8);
        other(&|plan| plan.format = ExportFormat::Csv);
        other(&|plan| plan.erasures_through = Some(EntryId(7)));
        assert_eq!(read_name(&name(&plan(7, Some(9)))), Some((7, Some(EntryId(9)))));
        assert_eq!(read_name("nothing"), None);
    }
}
