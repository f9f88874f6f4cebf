//! Exports for auditors, as this node makes them: files under the data directory
//! that follow from the ledger, and can be made again whenever they are gone.

pub(crate) mod output;
pub(crate) mod sink;

pub(crate) mod csv;
pub(crate) mod html;
pub(crate) mod markdown;
pub(crate) mod oscal;
pub(crate) mod report;
pub(crate) mod zip;

#[cfg(test)]
mod tests;
