//! `lexecon cluster`.

mod join;
mod token;

use client::Client;
use client::cluster::{Change, ClusterStatus, Comparison, Difference, Node, Nodes, Plan};
use client::reply::Reply;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{NONE, cell, fields, short, table};

use join::JoinArgs;

pub(crate) const HELP: &str = "\
Who belongs to the cluster, who leads it, and changing that. Changes are entries of the ledger.

Each change takes --dry-run, which says whether it would be carried out and who would vote after \
it. A change is sent once: where its outcome is unknown, `lexecon cluster nodes` tells.

Example:

  lexecon cluster nodes";

const STATUS_HELP: &str = "\
The cluster as the node that answers sees it: leader, term, progress, and whether the replicas \
agree.

Example:

  lexecon cluster status --json";

const DIVERGENCE_HELP: &str = "\
What each voter found at a final checkpoint, by executing the log itself. Exits 1 where one found \
something else than the majority.

Example:

  lexecon cluster divergence --size 134";

const NODES_HELP: &str = "\
Every member, whether it votes, and how far it is behind.

Example:

  lexecon cluster nodes --url http://127.0.0.1:8000,http://127.0.0.1:8001";

const PROMOTE_HELP: &str = "\
Lets a learner vote. Refused while it has not caught up.

Example:

  lexecon cluster promote n4";

const DEMOTE_HELP: &str = "\
Lets a voter vote no longer; it stays a learner and keeps its copy of the ledger.

Example:

  lexecon cluster demote n4 --dry-run";

const REMOVE_HELP: &str = "\
Lets a member go for good: its place and its Raft id are never used again. Refused where the \
others could not decide without it.

Examples:

  lexecon cluster remove n4 --dry-run

  lexecon cluster remove n4";

const TRANSFER_HELP: &str = "\
Lets another voter lead: the one named, or whichever is best.

Example:

  lexecon cluster transfer-leader --to n2";

const SNAPSHOT_HELP: &str = "\
Has the node that is asked write a snapshot of its state, so that older log can go.

Example:

  lexecon cluster snapshot --url http://127.0.0.1:8001";

/// What to do with the cluster.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// The cluster as one node sees it
    #[command(long_about = STATUS_HELP)]
    Status,
    /// Whether the voters found the same, each by itself
    #[command(long_about = DIVERGENCE_HELP)]
    Divergence {
        /// Size of a final checkpoint; the last one otherwise
        #[arg(long)]
        size: Option<u64>,
    },
    /// List every member
    #[command(long_about = NODES_HELP)]
    Nodes,
    /// Say how a new node is started so that it joins
    #[command(long_about = join::HELP)]
    Add(JoinArgs),
    /// Make a token with which one node may join
    #[command(long_about = token::HELP)]
    Token {
        /// Seconds in which it is taken; an hour otherwise
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
        expires_in: Option<u32>,
    },
    /// Let a learner vote
    #[command(long_about = PROMOTE_HELP)]
    Promote(Member),
    /// Let a voter vote no longer
    #[command(long_about = DEMOTE_HELP)]
    Demote(Member),
    /// Let a member go
    #[command(long_about = REMOVE_HELP)]
    Remove(Member),
    /// Let another node lead
    #[command(long_about = TRANSFER_HELP)]
    TransferLeader {
        /// The node that is to lead
        #[arg(long, value_name = "NAME")]
        to: Option<String>,
        /// Change nothing; say what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Write a snapshot
    #[command(long_about = SNAPSHOT_HELP)]
    Snapshot,
}

/// A member that is to change.
#[derive(Clone, Debug, clap::Args)]
pub struct Member {
    /// Its name
    name: String,
    /// Change nothing; say what would change
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    if let Some(change) = asked_about(verb) {
        return plan(&change, client, console).await;
    }
    match verb {
        Verb::Status => {
            let reply = console.wait("the cluster", client.cluster_status()).await?;
            console.show(&reply.raw, || shown_status(&reply.value))?;
        }
        Verb::Divergence { size } => {
            let reply = console.wait("the comparison", client.divergence(*size)).await?;
            console.show(&reply.raw, || shown_comparison(&reply.value))?;
            return Ok(Exit::answer(reply.value.consistent));
        }
        Verb::Nodes => {
            let reply = console.wait("the nodes", client.nodes()).await?;
            console.show(&reply.raw, || shown_nodes(&reply.value))?;
        }
        Verb::Add(args) => return join::run(args, client, console).await,
        Verb::Token { expires_in } => return token::run(*expires_in, client, console).await,
        Verb::Promote(member) => {
            let what = format!("`{}` to be promoted", member.name);
            let reply = console.wait(&what, client.promote(&member.name)).await?;
            show_node(&reply, console)?;
        }
        Verb::Demote(member) => {
            let what = format!("`{}` to be demoted", member.name);
            let reply = console.wait(&what, client.demote(&member.name)).await?;
            show_node(&reply, console)?;
        }
        Verb::Remove(member) => {
            let what = format!("`{}` to be removed", member.name);
            let reply = console.wait(&what, client.remove(&member.name)).await?;
            let text = || fields([("removed", Some(member.name.clone()))]);
            console.show(&reply.raw, text)?;
            return Ok(Exit::answer(reply.value.removed));
        }
        Verb::TransferLeader { to, .. } => {
            let transfer = client.transfer_leader(to.as_deref());
            let reply = console.wait("another leader", transfer).await?;
            let text = || fields([("leader", Some(cell(reply.value.leader_id.as_ref())))]);
            console.show(&reply.raw, text)?;
        }
        Verb::Snapshot => {
            let reply = console.wait("the snapshot", client.snapshot()).await?;
            let snapshot = &reply.value;
            let text = || {
                fields([
                    ("snapshot", Some(snapshot.snapshot_id.clone())),
                    ("index", Some(snapshot.index.to_string())),
                    ("bytes", Some(snapshot.size_bytes.to_string())),
                ])
            };
            console.show(&reply.raw, text)?;
        }
    }
    Ok(Exit::Done)
}

/// The change that is asked about and not to be made.
fn asked_about(verb: &Verb) -> Option<Change> {
    match verb {
        Verb::Promote(Member { name, dry_run: true }) => Some(Change::Promote(name.clone())),
        Verb::Demote(Member { name, dry_run: true }) => Some(Change::Demote(name.clone())),
        Verb::Remove(Member { name, dry_run: true }) => Some(Change::Remove(name.clone())),
        Verb::TransferLeader { to, dry_run: true } => Some(Change::Transfer(to.clone())),
        Verb::Status
        | Verb::Divergence { .. }
        | Verb::Nodes
        | Verb::Add(_)
        | Verb::Token { .. }
        | Verb::Promote(_)
        | Verb::Demote(_)
        | Verb::Remove(_)
        | Verb::TransferLeader { .. }
        | Verb::Snapshot => None,
    }
}

async fn plan(
    change: &Change,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let reply = console.wait("the plan", client.plan(change)).await?;
    console.show(&reply.raw, || shown_plan(&reply.value))?;
    Ok(Exit::answer(reply.value.allowed))
}

fn shown_plan(plan: &Plan) -> String {
    let answer = if plan.allowed { "would be carried out" } else { "would be refused" };
    let reasons = (!plan.reasons.is_empty()).then(|| plan.reasons.join("; "));
    fields([
        ("change", Some(answer.to_owned())),
        ("reasons", reasons),
        ("voters", Some(plan.voters_before.join(" "))),
        ("after", Some(plan.voters_after.join(" "))),
    ])
}

fn show_node(reply: &Reply<Node>, console: &mut Console<'_>) -> Result<(), Failure> {
    console.show(&reply.raw, || rows(std::slice::from_ref(&reply.value)))
}

fn shown_nodes(nodes: &Nodes) -> String {
    rows(&nodes.nodes)
}

fn rows(nodes: &[Node]) -> String {
    let rows = nodes.iter().map(|node| {
        let place = match (&node.region, &node.zone) {
            (Some(region), Some(zone)) => format!("{region}/{zone}"),
            (Some(place), None) | (None, Some(place)) => place.clone(),
            (None, None) => NONE.to_owned(),
        };
        [
            node.node_id.clone(),
            node.role.clone(),
            if node.voter { "yes" } else { "no" }.to_owned(),
            state(node).to_owned(),
            cell(node.applied_index),
            cell(node.lag_entries),
            node.address.clone(),
            node.peer_address.clone(),
            place,
            cell(node.version.as_ref()),
        ]
    });
    let header =
        ["NAME", "ROLE", "VOTES", "STATE", "APPLIED", "LAG", "ADDRESS", "PEER", "PLACE", "VERSION"];
    table(header, rows.collect())
}

fn shown_comparison(comparison: &Comparison) -> String {
    let hash =
        |hash: &Option<String>| hash.as_ref().map_or_else(|| NONE.to_owned(), |hash| short(hash));
    let rows = comparison.nodes.iter().map(|node| {
        [
            node.node_id.clone(),
            hash(&node.root_hash),
            hash(&node.state_hash),
            hash(&node.policy_hash),
        ]
    });
    let mut text = table(["NAME", "ROOT", "STATE", "POLICY"], rows.collect());
    let size = comparison.size;
    text.push_str(&match &comparison.first_difference {
        None => format!("those who signed agree at size {size}\n"),
        Some(Difference { entry_id, node_id, field }) => {
            let node_id = crate::console::printable(node_id);
            let from = entry_id.map(|id| format!(", from entry {id} on")).unwrap_or_default();
            format!(
                "`{node_id}` does NOT agree at size {size}: {}{from}\n",
                crate::console::printable(field)
            )
        }
    });
    text
}

fn state(node: &Node) -> &'static str {
    match (node.quarantined, node.reachable) {
        (Some(true), _) => "quarantined",
        (_, Some(true)) => "up",
        (_, Some(false)) => "unreachable",
        (_, None) => "unknown",
    }
}

fn shown_status(status: &ClusterStatus) -> String {
    let agreement = match (status.divergence.consistent, status.divergence.checked_at_size) {
        (Some(true), Some(size)) => format!("yes, at size {size}"),
        (Some(true), None) => "yes".to_owned(),
        (Some(false), _) => "NO".to_owned(),
        (None, _) => "not compared yet".to_owned(),
    };
    let applied = format!("{} of {}", status.applied_index, status.commit_index);
    fields([
        ("cluster", Some(status.cluster_id.clone())),
        ("node", Some(format!("{} ({})", status.node_id, status.role))),
        ("leader", Some(format!("{} in term {}", cell(status.leader_id.as_ref()), status.term))),
        ("applied", Some(applied)),
        ("ledger", Some(format!("{} {}", status.ledger_size, status.root_hash))),
        ("state", Some(status.state_hash.clone())),
        ("policy", Some(status.policy_hash.clone())),
        ("voters", Some(status.voters.join(" "))),
        ("learners", (!status.learners.is_empty()).then(|| status.learners.join(" "))),
        ("level", Some(status.feature_level.to_string())),
        ("replicas agree", Some(agreement)),
    ])
}
