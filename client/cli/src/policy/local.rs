//! Policies that are judged here and not by a node.

use std::path::Path;

use policy::{Compiled, Document, Warning};
use types::Json;

use crate::failure::Failure;
use crate::input;

/// Reads and checks a document.
pub(super) fn document(path: &Path) -> Result<(Document, Vec<Warning>), Failure> {
    let json = input::document(path)?;
    parse(&json, &path.display().to_string())
}

/// Checks a document that came from `origin`.
pub(super) fn parse(json: &Json, origin: &str) -> Result<(Document, Vec<Warning>), Failure> {
    Document::parse(json)
        .map_err(|faults| Failure::PolicyInvalid { origin: origin.to_owned(), faults })
}

/// Reads a document and makes it ready to be asked.
pub(super) fn compiled(path: &Path) -> Result<Compiled, Failure> {
    let (document, _) = document(path)?;
    compile(&document, &path.display().to_string())
}

/// Makes a document ready to be asked.
pub(super) fn compile(document: &Document, origin: &str) -> Result<Compiled, Failure> {
    Compiled::new(document)
        .map_err(|faults| Failure::PolicyInvalid { origin: origin.to_owned(), faults })
}
