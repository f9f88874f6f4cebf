//! `lexecon admin`: the first administrator. There is no account before, so it is
//! made over the socket of the node, which needs none.

use std::path::PathBuf;

use crate::command::Globals;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::user::{Person, account, new_user};

pub(crate) const HELP: &str = "\
The first administrator. A cluster has no account until somebody who may open the socket of a node \
makes one.

Example:

  lexecon admin create --data-dir ./n1 --username jane --email jane@example.com";

const CREATE_HELP: &str = "\
Makes an administrator over the socket in the data directory of a node of this machine, or over the \
one that --socket names. The password is asked for; where standard input is no terminal, its first \
line is taken. From then on nobody is served without a credential.

An administrator must enroll a second factor after the first login, before anything else.

Examples:

  lexecon admin create --data-dir ./n1 --username jane --email jane@example.com

  lexecon admin create --socket /run/lexecon/admin.sock --username jane --email jane@example.com \
--oversight-role executive --password-file password.txt";

/// Name of the socket in the data directory of a node.
const SOCKET: &str = "admin.sock";

/// What to do with administrators.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Make one
    #[command(long_about = CREATE_HELP)]
    Create(Box<CreateArgs>),
}

/// An administrator to be made.
#[derive(Clone, Debug, clap::Args)]
pub struct CreateArgs {
    /// Data directory of a node of this machine
    #[arg(long, env = "LEXECON_DATA_DIR", value_name = "DIR", default_value = "lexecon-data")]
    data_dir: PathBuf,
    #[command(flatten)]
    person: Person,
}

pub(crate) async fn run(
    verb: &Verb,
    globals: &Globals,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let Verb::Create(args) = verb;
    let CreateArgs { data_dir, person } = &**args;
    let socket = globals.socket.clone().unwrap_or_else(|| data_dir.join(SOCKET));
    let client = crate::connect(&Globals { socket: Some(socket), ..globals.clone() })?;
    let new = new_user(person, "admin", console).await?;
    let reply = console.wait("the account", client.user_create(&new)).await?;
    console.show(&reply.raw, || account(&reply.value))?;
    console.notice("log in with `lexecon login`, then enroll with `lexecon mfa enroll`")?;
    Ok(Exit::Done)
}
