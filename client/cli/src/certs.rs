//! `lexecon certs`: a private certificate authority in a directory, and what it
//! signs. It asks nobody and needs no server.
//!
//! It is for clusters without an authority of their own. Where there is one, its
//! certificates serve as well: those of nodes need the URI that
//! [`authority::Subject`] writes.

pub mod authority;

mod files;
mod shown;

use std::path::PathBuf;

use types::Json;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::fields;
use authority::{Authority, Issued, Subject, Validity};

pub use authority::{Address, Error, Existing};

pub(crate) const HELP: &str = "\
A private certificate authority: its key and certificate in a directory, and the certificates of \
nodes and clients that it signs. Nothing is sent anywhere.

The directory needs care: who has `ca.key` can be any node. Keep it off the machines of the nodes, \
which need their own certificate and key, and `ca.crt`.

Examples:

  lexecon certs init --dir certs

  lexecon certs node n1 --dir certs --address n1.example.org --address 10.0.0.1";

const INIT_HELP: &str = "\
Makes the authority: `ca.key` (P-256, mode 600) and `ca.crt`, good for ten years.

Example:

  lexecon certs init --dir certs";

const NODE_HELP: &str = "\
Signs the certificate of a node: `node-NAME.crt` and `node-NAME.key` (mode 600), both for its API and \
towards other nodes. It names the node, by a URI, and the hosts at which clients reach it; `localhost`, \
127.0.0.1 and ::1 always.

A node that runs takes new files up within seconds.

Examples:

  lexecon certs node n1 --dir certs --address n1.example.org --address 10.0.0.1

  lexecon certs node n1 --dir certs --address n1.example.org --days 90 --force";

const CLIENT_HELP: &str = "\
Signs the certificate of a client, for servers that ask for one: `client-NAME.crt` and \
`client-NAME.key` (mode 600). It is of no use towards nodes.

Example:

  lexecon certs client ci --dir certs --days 30";

const SHOW_HELP: &str = "\
What the certificates in a file (PEM) name, and from when to when they hold.

Exits 1 if one of them does not hold now.

Example:

  lexecon certs show certs/node-n1.crt";

/// What to do with certificates.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Make an authority
    #[command(long_about = INIT_HELP)]
    Init {
        #[command(flatten)]
        place: Place,
    },
    /// Sign the certificate of a node
    #[command(long_about = NODE_HELP)]
    Node {
        /// Its name, as `--node-id` has it
        #[arg(value_parser = name)]
        name: String,
        #[command(flatten)]
        place: Place,
        /// A host at which clients reach it; may be given again
        #[arg(long = "address", value_name = "HOST", value_parser = address)]
        addresses: Vec<Address>,
        #[command(flatten)]
        time: Time,
    },
    /// Sign the certificate of a client
    #[command(long_about = CLIENT_HELP)]
    Client {
        /// What it is called
        #[arg(value_parser = name)]
        name: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        time: Time,
    },
    /// What certificates name, and how long they hold
    #[command(long_about = SHOW_HELP)]
    Show {
        /// Certificates (PEM)
        file: PathBuf,
    },
}

/// Where the authority lies.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// The directory of the authority
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Write over a key and certificate that are there
    #[arg(long)]
    force: bool,
}

/// How long a certificate holds.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Time {
    /// Days from now that it holds, though no longer than the authority
    #[arg(
        long,
        value_name = "N",
        default_value_t = 365,
        value_parser = clap::value_parser!(u32).range(1..=3650)
    )]
    days: u32,
}

impl Place {
    fn existing(&self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Keep }
    }
}

/// As `--node-id` takes it: it is part of a URI and of a file's name.
fn name(text: &str) -> Result<String, String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if (1..=64).contains(&text.len()) && text.bytes().all(known) {
        return Ok(text.to_owned());
    }
    Err("must be 1..64 letters, digits, `_`, `-` or `.`".to_owned())
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).ok_or_else(|| "must be a host name or an IP address".to_owned())
}

pub(crate) fn run(verb: &Verb, console: &mut Console<'_>) -> Result<Exit, Failure> {
    match verb {
        Verb::Init { place } => {
            let (_, issued) = Authority::create(&place.dir, place.existing())?;
            issued_shown(&issued, console)
        }
        Verb::Node { name, place, addresses, time } => {
            let subject = Subject::Node { name: name.clone(), addresses: addresses.clone() };
            issue(&subject, place, *time, console)
        }
        Verb::Client { name, place, time } => {
            issue(&Subject::Client { name: name.clone() }, place, *time, console)
        }
        Verb::Show { file } => shown::run(file, console),
    }
}

fn issue(
    subject: &Subject,
    place: &Place,
    time: Time,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let authority = Authority::open(&place.dir)?;
    let validity = Validity { days: time.days };
    issued_shown(&authority.issue(subject, validity, place.existing())?, console)
}

fn issued_shown(issued: &Issued, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let (certificate, key) = (issued.certificate.display(), issued.key.display());
    let raw = Json::object([
        ("certificate", certificate.to_string().into()),
        ("key", key.to_string().into()),
    ]);
    console.show(&raw, || {
        fields([("certificate", Some(certificate.to_string())), ("key", Some(key.to_string()))])
    })?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
