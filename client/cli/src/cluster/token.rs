//! `lexecon cluster token`: with it one node may join.

use client::Client;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::login::line;

pub(crate) const HELP: &str = "\
Makes a token with which one node may join, once and within an hour, and prints it alone. The node \
takes it from LEXECON_JOIN_TOKEN. It takes an operator: an administrator with a second factor, or the \
socket of a node.

Example:

  lexecon cluster token --socket ./n1/admin.sock > join-token";

pub(super) async fn run(
    expires_in: Option<u32>,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let reply = console.wait("the token", client.join_token(expires_in)).await?;
    let token = reply.value.join_token.as_ref();
    console.show(&reply.raw, || token.map(line).unwrap_or_default())?;
    console.notice(&format!(
        "one node may join with it until {}; it is not shown again",
        reply.value.expires_at
    ))?;
    Ok(Exit::answer(token.is_some()))
}
