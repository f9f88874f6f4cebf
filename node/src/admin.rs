//! The socket of the administrator: the interface again, for whoever may open a
//! file of the data directory. There the first account is made, and the cluster
//! is run where nobody can log in.
//!
//! It is for the owner of the directory alone: mode 600 in a directory of mode
//! 700. What comes through it is recorded as the node's, `authn` being
//! `admin_socket`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use storage::DataDir;
use tokio::net::UnixListener;

/// Name of the socket in the data directory.
const NAME: &str = "admin.sock";

/// Listens on the socket. One that a former process left is replaced: the lock
/// of the directory says that it is gone. `None` where there can be none, as
/// under a path that is too long for a socket.
pub(crate) fn listen(dir: &DataDir) -> Option<UnixListener> {
    let path = dir.path().join(NAME);
    let made = || -> io::Result<UnixListener> {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => (),
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    match made() {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%error, "there is no admin socket: give a shorter data directory");
            None
        }
    }
}

/// Takes the socket away, so that nobody waits for an answer.
pub(crate) fn remove(dir: &DataDir) {
    if let Err(error) = fs::remove_file(dir.path().join(NAME))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(%error, "the admin socket stays");
    }
}
