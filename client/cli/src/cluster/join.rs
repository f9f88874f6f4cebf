//! `lexecon cluster add`: how a node is started so that it joins.
//!
//! A node asks for its own membership, with keys that never leave it; nobody
//! can add it from outside. So this changes nothing: it looks at the cluster and
//! prints the command to run.

use client::Client;
use client::cluster::Node;
use types::Json;

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) const HELP: &str = "\
Prints the command that starts a new node so that it joins this cluster. Nothing is changed yet: a \
node makes its keys itself and asks for its own membership.

Exits 1 if a member that is up has that name already. The name of a lost member is taken over.

Example:

  lexecon cluster add n4 --listen 127.0.0.1:8003 --peer-listen 127.0.0.1:9003 --data-dir /var/lib/n4";

/// The node that is to join.
#[derive(Clone, Debug, clap::Args)]
pub struct JoinArgs {
    /// Its name, 1..64 characters
    #[arg(value_parser = name)]
    name: String,
    /// Where it serves its API
    #[arg(long, value_name = "HOST:PORT")]
    listen: String,
    /// Where it serves other members
    #[arg(long, value_name = "HOST:PORT")]
    peer_listen: String,
    /// Where it keeps its data
    #[arg(long, value_name = "DIR", default_value = "lexecon-data")]
    data_dir: String,
    /// Where it is
    #[arg(long)]
    region: Option<String>,
    /// Where it is
    #[arg(long)]
    zone: Option<String>,
    /// Never vote: serve reads alone
    #[arg(long)]
    learner: bool,
}

fn name(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=64 => Ok(text.to_owned()),
        _ => Err("must have 1..64 characters".to_owned()),
    }
}

pub(super) async fn run(
    args: &JoinArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let nodes = console.wait("the nodes", client.nodes()).await?.value.nodes;
    let namesake = nodes.iter().find(|node| node.node_id == args.name);
    if namesake.is_some_and(|node| node.reachable != Some(false)) {
        console.notice(&format!("a member named `{}` is up", args.name))?;
        return Ok(Exit::No);
    }
    let words = words(args, &members(&nodes, &args.name));
    let raw = Json::object([
        ("command", words.clone().into()),
        ("takes_over", namesake.is_some().into()),
    ]);
    console.show(&raw, || shown(args, &words, namesake.is_some()))?;
    Ok(Exit::Done)
}

/// URLs of the members that can take the node in; any of them does.
fn members(nodes: &[Node], name: &str) -> Vec<String> {
    let up = nodes.iter().filter(|node| node.node_id != name && node.reachable != Some(false));
    let urls = up.map(|node| match node.address.contains("://") {
        true => node.address.clone(),
        false => format!("http://{}", node.address),
    });
    urls.collect()
}

fn words(args: &JoinArgs, members: &[String]) -> Vec<String> {
    let join = members.join(",");
    let mut words = vec!["lexecon", "serve", "--node-id", &args.name, "--data-dir", &args.data_dir];
    words.extend(["--listen", &args.listen, "--peer-listen", &args.peer_listen, "--join", &join]);
    for (flag, place) in [("--region", &args.region), ("--zone", &args.zone)] {
        if let Some(place) = place {
            words.extend([flag, place]);
        }
    }
    if args.learner {
        words.push("--learner");
    }
    words.into_iter().map(str::to_owned).collect()
}

fn shown(args: &JoinArgs, words: &[String], takes_over: bool) -> String {
    let command: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let then = match args.learner {
        true => "It stays a learner: it serves reads and never votes.",
        false => "Once it has caught up, it is promoted and votes.",
    };
    let taking_over = match takes_over {
        true => "\nIt takes the place of the lost member of that name, whose keys are retired.",
        false => "",
    };
    format!(
        "Run this on the new node:\n\n  {}\n\n\
         It makes its keys, asks a member to take it in as a learner, and copies the ledger.\n\
         {then}{taking_over}\n\
         Running it again after a crash is safe. Where the cluster demands authentication, set\n\
         LEXECON_JOIN_TOKEN there first. `lexecon cluster nodes` shows how far it is.\n",
        printable(&command.join(" "))
    )
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
        for (word, expect) in [
            ("http://a:1,http://b:2", "http://a:1,http://b:2"),
            ("a b", "'a b'"),
            ("", "''"),
            ("it's $x", r"'it'\''s $x'"),
        ] {
            assert_eq!(quoted(word), expect);
        }
    }
}
