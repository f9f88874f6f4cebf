//! Sessions that `lexecon login` began, kept for later commands: one for each
//! first URL, in one file that nobody but its owner may read.
//!
//! Not here: ending them. The server does, and what it ended is forgotten by
//! `lexecon logout` or replaced by the next login.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use client::Credential;
use client::auth::login::Session;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use types::Json;

use crate::command::Globals;
use crate::failure::Failure;
use crate::output;

/// More clusters than somebody is logged in to; the oldest login goes first.
const SESSIONS_MAX: usize = 32;

/// The file, whether or not it is there.
#[derive(Debug)]
pub(crate) struct Kept {
    path: PathBuf,
}

/// A session of somebody at a cluster.
struct Entry {
    url: String,
    session_id: SecretString,
}

impl Kept {
    /// Where the sessions of this user are; `None` without a home.
    pub(crate) fn of(globals: &Globals) -> Option<Self> {
        // The XDG specification has relative paths ignored.
        let given = globals.config_home.as_ref().map(PathBuf::from);
        let home = given.filter(|path| path.is_absolute());
        let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".config")))?;
        Some(Self { path: home.join("lexecon").join("session") })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is kept for a URL.
    pub(crate) fn find(&self, url: &str) -> Result<Option<Credential>, Failure> {
        let entries = self.entries()?;
        let found = entries.into_iter().find(|entry| entry.url == key(url));
        Ok(found.map(|entry| Credential::new(entry.session_id)))
    }

    /// Keeps a session in the place of the one that was there. What could not be
    /// read is replaced: a login is what puts that right.
    pub(crate) fn put(&self, url: &str, session: &Session) -> Result<(), Failure> {
        let mut entries = self.entries().unwrap_or_default();
        entries.retain(|entry| entry.url != key(url));
        entries.push(Entry { url: key(url), session_id: session.session_id.clone() });
        let surplus = entries.len().saturating_sub(SESSIONS_MAX);
        entries.drain(..surplus);
        self.write(&entries)
    }

    /// Forgets what is kept for a URL.
    pub(crate) fn forget(&self, url: &str) -> Result<(), Failure> {
        let mut entries = self.entries()?;
        let count = entries.len();
        entries.retain(|entry| entry.url != key(url));
        if entries.len() == count { Ok(()) } else { self.write(&entries) }
    }

    fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let unusable = |why: String| Failure::Kept { path: self.path.clone(), why };
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(unusable(error.to_string())),
        };
        let mode = fs::metadata(&self.path).map(|found| found.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o077 != 0) {
            let why = "others may read it; take that away with `chmod 600`, or log in again";
            return Err(unusable(why.to_owned()));
        }
        read(&text).ok_or_else(|| unusable("it is damaged; log in again".to_owned()))
    }

    fn write(&self, entries: &[Entry]) -> Result<(), Failure> {
        let sessions = entries.iter().map(|entry| {
            Json::object([
                ("url", entry.url.as_str().into()),
                ("session_id", entry.session_id.expose_secret().into()),
            ])
        });
        let document = Json::object([("sessions", Json::Array(sessions.collect()))]);
        let text = Zeroizing::new(format!("{}\n", document.to_canonical()));
        if let Some(dir) = self.path.parent() {
            let made = private_dir(dir);
            made.map_err(|source| Failure::Unwritten { path: dir.to_owned(), source })?;
        }
        output::write_private(&self.path, text.as_bytes())
    }
}

/// Nothing was kept there yet, or nothing can be.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    fs::set_permissions(dir, Permissions::from_mode(0o700))
}

fn read(text: &str) -> Option<Vec<Entry>> {
    let document: Json = serde_json::from_str(text).ok()?;
    let sessions = document.as_object()?.get("sessions")?.as_array()?;
    let entries = sessions.iter().map(|session| {
        let session = session.as_object()?;
        let text = |name: &str| session.get(name).and_then(Json::as_str);
        Some(Entry {
            url: text("url")?.to_owned(),
            session_id: SecretString::from(text("session_id")?),
        })
    });
    entries.collect()
}

/// The same node is meant with or without a slash at the end.
fn key(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}
