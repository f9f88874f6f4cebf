//! `export.json`: what a package is of.
//!
//! It is read for what the check of records needs; further members are for
//! people.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ::ledger::export::Verified;
use types::{Json, Timestamp};

use super::fault::{Fault, PackageError, Reason};

/// The file.
pub const EXPORT: &str = "export.json";

const BYTES_MAX: u64 = 16 << 20;

/// What a package is of.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) scope: String,
    pub(super) origin: String,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) ledger_size: u64,
    /// How many records there are of each kind that was asked for.
    pub(super) records: BTreeMap<String, u64>,
}

impl About {
    pub(super) fn read(path: &Path) -> Result<Self, PackageError> {
        let mut text = Vec::new();
        let file = File::open(path).map_err(|_| Fault::of(EXPORT, Reason::FileMissing))?;
        file.take(BYTES_MAX).read_to_end(&mut text).map_err(PackageError::io(path))?;
        let json: Option<Json> = serde_json::from_slice(&text).ok();
        let about = json.as_ref().and_then(Self::parse);
        Ok(about.ok_or_else(|| Fault::of(EXPORT, Reason::ExportMalformed))?)
    }

    fn parse(json: &Json) -> Option<Self> {
        let all = json.as_object()?;
        let export = all.get("export")?.as_object()?;
        let time = |name: &str| match export.get(name)? {
            Json::Null => Some(None),
            time => {
                let text = time.as_str()?;
                let time: Timestamp = text.parse().ok()?;
                // One form, that of the ledger.
                (time.to_string() == text).then_some(Some(time))
            }
        };
        let word = |name: &str| Some(export.get(name)?.as_str()?.to_owned());
        let count = |(kind, count): (&str, &Json)| Some((kind.to_owned(), count.as_u64()?));
        Some(Self {
            scope: word("scope")?,
            origin: word("origin")?,
            from: time("from")?,
            to: time("to")?,
            ledger_size: export.get("ledger_size")?.as_u64()?,
            records: all.get("records")?.as_object()?.iter().map(count).collect::<Option<_>>()?,
        })
    }

    /// Whether it is of the ledger that lies beside it.
    pub(super) fn is_of(&self, ledger: &Verified) -> bool {
        self.origin == ledger.checkpoint.origin && self.ledger_size <= ledger.checkpoint.size
    }

    /// Whether the records of an entry of this time were asked for.
    pub(super) fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}
