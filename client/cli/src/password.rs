//! `lexecon password`.

use std::path::PathBuf;

use crate::command::Globals;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::secret::At;
use crate::table::fields;

pub(crate) const HELP: &str = "\
One's own password.

Example:

  lexecon password change";

const CHANGE_HELP: &str = "\
Changes one's own password; all other sessions of the account end. Both are asked for. Where standard \
input is no terminal, its first line is the old one and its second the new one.

A password that breaks the rules is refused with each rule that it breaks.

Example:

  lexecon password change --password-file passwords.txt";

/// What to do with one's own password.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Change it
    #[command(long_about = CHANGE_HELP)]
    Change {
        /// File with the old one on its first line and the new one on its second;
        /// `-` is standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    globals: &Globals,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let Verb::Change { password_file } = verb;
    let at = |line| password_file.as_ref().map(|path| At { path, line });
    let client = crate::connect(globals)?;
    let old = console.secret("Old password", at(0)).await?;
    let new = console.new_secret("New password", at(1)).await?;
    let change = client.change_password(&old, &new);
    let reply = console.wait("the password to change", change).await?;
    let entry = reply.value.ledger_entry_id.map(|entry| entry.to_string());
    console.show(&reply.raw, || {
        fields([("password", Some("changed".to_owned())), ("entry", entry)])
    })?;
    Ok(Exit::answer(reply.value.success))
}
