//! Reading documents: JSON or YAML into the one value type, as strictly as a
//! node reads.
//!
//! What is read here is written anew before it is sent, so a node could not see
//! any more that a key came twice or that a number lost digits. Both are found
//! here, which needs the text of each number: a reader that hands out floats
//! has lost it.

mod json;
mod number;
mod place;
mod yaml;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use types::Json;

pub(crate) use json::read as json;
pub(crate) use place::{Place, Places, has_comments, places};

/// More than any document a node takes.
const BYTES_MAX: u64 = 16 << 20;

/// Levels of nesting that are read at all, as on a node.
const DEPTH_MAX: usize = 100;

/// Why a document was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The file gave no bytes.
    #[error("cannot read `{}`", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// More than is read.
    #[error("`{}` is longer than {BYTES_MAX} bytes", path.display())]
    TooLarge { path: PathBuf },
    /// The bytes are no document.
    #[error("`{}` is not a valid document: {why}", path.display())]
    Malformed { path: PathBuf, why: String },
}

/// How a document is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Yaml,
}

/// A document as it stands in its file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) form: Form,
    pub(crate) text: String,
}

impl Source {
    /// Reads a file; `-` is standard input. By the end of its name it is JSON
    /// or YAML; where that says nothing, what begins like an object is JSON.
    pub(crate) fn read(path: &Path) -> Result<Self, InputError> {
        let text = text(path)?;
        let is_json = match path.extension().and_then(|end| end.to_str()) {
            Some("json") => true,
            Some("yaml" | "yml") => false,
            Some(_) | None => text.trim_start().starts_with(['{', '[']),
        };
        let form = if is_json { Form::Json } else { Form::Yaml };
        Ok(Self { path: path.to_owned(), form, text })
    }

    /// What it says.
    pub(crate) fn document(&self) -> Result<Json, InputError> {
        parse(&self.text, self.form)
            .map_err(|why| InputError::Malformed { path: self.path.clone(), why })
    }
}

/// Reads a text of this form, or says what is wrong with it.
pub(crate) fn parse(text: &str, form: Form) -> Result<Json, String> {
    match form {
        Form::Json => json::read(text),
        Form::Yaml => yaml::read(text),
    }
}

/// Reads a document; `-` is standard input.
pub(crate) fn document(path: &Path) -> Result<Json, InputError> {
    Source::read(path)?.document()
}

/// Reads a YAML document that is at hand, for a program that links this crate;
/// else it says what is wrong with it.
pub fn read_yaml(text: &str) -> Result<Json, String> {
    yaml::read(text)
}

pub(crate) fn text(path: &Path) -> Result<String, InputError> {
    let malformed = |why: std::string::FromUtf8Error| InputError::Malformed {
        path: path.to_owned(),
        why: why.to_string(),
    };
    String::from_utf8(bytes(path)?).map_err(malformed)
}

/// Reads a file as it is; `-` is standard input.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, InputError> {
    let unreadable = |source| InputError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > BYTES_MAX {
        return Err(InputError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

/// The place of a member, for messages (RFC 6901).
pub(crate) fn member(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn too_deep(at: &str) -> String {
    format!("it is nested deeper than {DEPTH_MAX} levels at `{at}`")
}

fn twice(at: &str, key: &str) -> String {
    format!("key `{key}` is given twice at `{at}`")
}
