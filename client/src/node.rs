//! Where a node is asked: over the network, or over a socket of this machine.

use std::net::IpAddr;
use std::path::PathBuf;

use reqwest::Url;

use crate::error::Error;

const URLS_MAX: usize = 16;
const SOCKET: &str = "unix://";

/// A node that may be asked.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What the paths of calls are below.
    pub(crate) base: Url,
    /// The socket that connections go to, instead of the host of `base`.
    pub(crate) socket: Option<PathBuf>,
    /// Where it is, for people.
    pub(crate) shown: String,
}

impl Node {
    /// Whether nobody between can read what is sent.
    fn is_private(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        self.socket.is_some() || self.base.scheme() == "https" || is_here
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        match text.strip_prefix(SOCKET) {
            Some(path) => Self::at_socket(path),
            None => Self::at_url(text),
        }
    }

    /// The path is taken as it is: it is the name of a file, and no URL escapes
    /// anything in it.
    fn at_socket(path: &str) -> Result<Self, Error> {
        let shown = format!("{SOCKET}{path}");
        if !path.starts_with('/') {
            return Err(refused(&shown, "the path of a socket must begin with `/`"));
        }
        // Every request names a host, and over a socket nobody looks at it.
        let base = Url::parse("http://localhost");
        let base = base.map_err(|error| refused(&shown, &error.to_string()))?;
        Ok(Self { base, socket: Some(PathBuf::from(path)), shown })
    }

    fn at_url(text: &str) -> Result<Self, Error> {
        let base = Url::parse(text).map_err(|error| refused(text, &error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(refused(text, "must begin with `http://`, `https://` or `unix:///`"));
        }
        if base.query().is_some() || base.fragment().is_some() || !base.username().is_empty() {
            return Err(refused(text, "must be scheme, host, port and path alone"));
        }
        Ok(Self { shown: base.to_string(), base, socket: None })
    }
}

fn refused(text: &str, why: &str) -> Error {
    Error::Misused(format!("`{text}` is not the url of a node: {why}"))
}

/// Refuses to send a secret where others can read it on its way.
pub(crate) fn check_private(nodes: &[Node]) -> Result<(), Error> {
    match nodes.iter().find(|node| !node.is_private()) {
        Some(node) => {
            let why = "a credential goes over `https://`, or to this machine";
            Err(refused(&node.shown, why))
        }
        None => Ok(()),
    }
}

/// The nodes of a client. A socket is a node of this machine and has none beside
/// it: all connections of a client go the same way.
pub(crate) fn nodes(urls: &[String]) -> Result<Vec<Node>, Error> {
    let count = urls.len();
    if urls.is_empty() || URLS_MAX < count {
        return Err(Error::Misused(format!("{count} urls given, must be 1..{URLS_MAX}")));
    }
    let nodes: Vec<Node> = urls.iter().map(|url| Node::parse(url)).collect::<Result<_, _>>()?;
    match nodes.iter().find(|node| node.socket.is_some()) {
        Some(Node { shown, .. }) if 1 < count => {
            Err(Error::Misused(format!("`{shown}` is a socket, which must be the only url")))
        }
        Some(_) | None => Ok(nodes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_goes_where_nobody_else_reads_it() {
        let check = |url: &str| check_private(&nodes(&[url.to_owned()]).unwrap());
        for private in [
            "https://n1.example",
            "http://localhost:8000",
            "http://127.0.0.1:8000",
            "http://[::1]:8000",
            "unix:///run/admin.sock",
        ] {
            assert!(check(private).is_ok(), "{private}");
        }
        for open in ["http://n1.example:8000", "http://10.0.0.1", "http://localhost.example"] {
            assert!(matches!(check(open), Err(Error::Misused(_))), "{open}");
        }
    }
}
