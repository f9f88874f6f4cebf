//! `lexecon keys`.

use client::Client;
use client::keys::Keys;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{cell, table};

pub(crate) async fn run(client: &Client, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let reply = console.wait("the keys", client.keys()).await?;
    console.show(&reply.raw, || shown(&reply.value))?;
    Ok(Exit::Done)
}

fn shown(keys: &Keys) -> String {
    let rows = keys.keys.iter().map(|key| {
        [
            key.kid.clone(),
            key.usage.clone(),
            cell(key.name.as_ref()),
            key.status.clone(),
            cell(key.valid_from_index),
            cell(key.valid_until_index),
        ]
    });
    table(["KEY", "USE", "NAME", "STATUS", "FROM", "UNTIL"], rows.collect())
}
