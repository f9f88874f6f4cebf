//! How large files of audit exports may be on this node.

use super::{ConfigError, Settings, bad};

/// Bytes that files may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportLimits {
    /// One file.
    pub file_bytes: u64,
    /// All of them together.
    pub directory_bytes: u64,
}

impl ExportLimits {
    /// What holds unless it is set: enough for some millions of decisions.
    pub const DEFAULT: Self = Self { file_bytes: 32 << 30, directory_bytes: 64 << 30 };
}

const MIB: u64 = 1 << 20;

impl Settings {
    /// Both are in MiB.
    pub(super) fn exports(&self) -> Result<ExportLimits, ConfigError> {
        let of = |key: &'static str, default: u64| -> Result<u64, ConfigError> {
            let Some(text) = self.text(key) else { return Ok(default) };
            let mib: u64 = self.parse(key, "a number of MiB")?;
            let bytes = mib.checked_mul(MIB).filter(|bytes| 0 < *bytes);
            bytes.ok_or_else(|| bad(key, &text, "a number of MiB"))
        };
        let limits = ExportLimits {
            file_bytes: of("exports.file_mib_max", ExportLimits::DEFAULT.file_bytes)?,
            directory_bytes: of(
                "exports.directory_mib_max",
                ExportLimits::DEFAULT.directory_bytes,
            )?,
        };
        if limits.directory_bytes < limits.file_bytes {
            let mib = limits.directory_bytes / MIB;
            let least = limits.file_bytes / MIB;
            let wanted = format!("at least exports.file_mib_max, which is {least}");
            return Err(bad("exports.directory_mib_max", &mib.to_string(), &wanted));
        }
        Ok(limits)
    }
}
