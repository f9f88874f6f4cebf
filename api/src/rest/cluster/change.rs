//! Changing the membership, or asking what a change would do.

use governance::access::{self, Right};
use governance::command::{KeyUsage, NodeDescription, PrincipalKind, PublicKey};
use governance::view;
use ledger::signature;
use types::{Json, Object};

use super::{Kept, ROW, row};
use crate::app::App;
use crate::backend::{Backend, Change, ChangeRefused, JoinBy, Joined, Plan};
use crate::call::{Answer, Call};
use crate::config::AuthMode;
use crate::fields::{Alphabet, Checked, Field, Kind, Text};
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, flag, integer, text, texts};
use crate::rest::token::now;
use crate::routes::Op;

const NAME: Kind = Kind::Text(Text::of(Alphabet::Name, 64));
const ADDRESS: Kind = Kind::Text(Text::of(Alphabet::Address, 255));

/// Query of every path that changes the membership.
pub(crate) const DRY_RUN: &[Field] = &[Field::optional(
    "dry_run",
    Kind::Bool,
    "Change nothing; answer `dry_run`, `allowed`, `reasons`, `voters_before`, `voters_after`.",
)
.default("false")];

const KEY: &[Field] = &[
    Field::required("kid", Kind::Text(Text::of(Alphabet::Name, 64)), "`key_` and a ULID."),
    Field::required(
        "use",
        Kind::Word(&["decision", "token", "checkpoint", "export"]),
        "What it signs.",
    ),
    Field::required(
        "x",
        Kind::Text(Text::of(Alphabet::Base64Url, 43)),
        "The Ed25519 public key, base64url without padding.",
    ),
];

/// Body of `POST /cluster/nodes`.
pub(crate) const NODE: &[Field] = &[
    Field::required("name", NAME, "Its name."),
    Field::required("api_address", ADDRESS, "`http://host:port` of its public interface."),
    Field::required("peer_address", ADDRESS, "`host:port` that other nodes dial."),
    Field::required(
        "keys",
        Kind::Objects { items_min: 4, items_max: 4, item: KEY },
        "Its public keys, one for each use.",
    ),
    Field::required(
        "nonce",
        Kind::Text(Text::of(Alphabet::Printable, 128)),
        "Drawn by the joiner; the same nonce gets the same answer.",
    ),
    Field::optional("region", Kind::Text(Text::any(255)), "Where it stands."),
    Field::optional("zone", Kind::Text(Text::any(255)), "Its failure domain."),
];

/// Body of `POST /cluster/transfer-leader`.
pub(crate) const TRANSFER: &[Field] =
    &[Field::optional("to", NAME, "Name of the next leader; any that has caught up by default.")];

/// Reply of each of them to `dry_run`.
pub(crate) const PLAN_REPLY: &[Member] = &[
    flag("dry_run", "True."),
    flag("allowed", "Whether it would be done."),
    texts("reasons", "Why it would not, or what else it would do."),
    texts("voters_before", "Names of the nodes that vote now."),
    texts("voters_after", "Names of those that would."),
];

/// Reply of promoting and demoting.
pub(crate) const NODE_REPLY: &[Member] = ROW;

/// Reply of `POST /cluster/nodes`: what never changes about the new member.
pub(crate) const JOIN_REPLY: &[Member] = &[
    text("cluster_id", "The cluster, which the joiner writes down before it starts."),
    text("node_id", "Its name."),
    integer("raft_id", "Its Raft id."),
    integer("incarnation", "1 for the first bearer of the name."),
    text("address", "Its public interface."),
    text("peer_address", "What other nodes dial."),
    text("region", "Where it stands.").or_null(),
    text("zone", "Its failure domain.").or_null(),
    text("role", "`learner`"),
    flag("voter", "False until it is promoted."),
];

/// Reply of `DELETE /cluster/nodes/{id}`.
pub(crate) const REMOVE_REPLY: &[Member] = &[flag("removed", "True.")];

/// Reply of `POST /cluster/transfer-leader`.
pub(crate) const TRANSFER_REPLY: &[Member] =
    &[text("leader_id", "Name of the leader afterwards, as far as known.").or_null()];

/// Reply of `POST /cluster/snapshot`.
pub(crate) const SNAPSHOT_REPLY: &[Member] = &[
    text("snapshot_id", "Its name."),
    integer("index", "Last log index in it."),
    integer("size_bytes", "Bytes on disk, shared with the state where unchanged."),
];

/// `POST /cluster/nodes`.
pub(crate) async fn add<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let by = join_allowed(app, &call)?;
    let dry_run = call.query.flag("dry_run");
    let mut fields = call.body.into_fields();
    let node = NodeDescription {
        name: fields.text("name").unwrap_or_default(),
        api_address: fields.text("api_address").unwrap_or_default(),
        peer_address: fields.text("peer_address").unwrap_or_default(),
        region: fields.text("region"),
        zone: fields.text("zone"),
        keys: keys(fields.nested_list("keys"))?,
    };
    let nonce = fields.text("nonce").unwrap_or_default();
    check_addresses(&node)?;
    if dry_run {
        return Ok(planned(plan_join(app, &node)));
    }
    let joined = app.backend.join(node.clone(), nonce, by).await?;
    Ok(Answer::json(joined_json(&joined, node)))
}

/// Whether who asks may let a node join. The route is public because a joiner
/// shows something of its own, which is judged here: an operator, a token, or
/// anybody as long as the cluster is open.
fn join_allowed<B: Backend>(app: &App<B>, call: &Call) -> Result<JoinBy, Problem> {
    let refused = || {
        let detail = "a node joins with a token: see `lexecon cluster token`";
        Problem::new(Code::JOIN_REFUSED, detail)
    };
    if let Some(hash) = call.join_token {
        // `apply` decides; what cannot count is not put in the log, and learns
        // nothing of the cluster.
        let read = app.backend.view()?;
        let now = now(app, &read)?;
        let known = view::join_token(&read, &hash)?;
        let counts = known.is_some_and(|token| now < token.expires_at);
        return if counts { Ok(JoinBy::Token(hash)) } else { Err(refused()) };
    }
    match call.principal.kind {
        PrincipalKind::User | PrincipalKind::ApiKey | PrincipalKind::Node => {
            call.authority.permits(Right::Operator, None)?;
            Ok(JoinBy::Leave)
        }
        PrincipalKind::Nobody => match app.config.auth {
            AuthMode::Open if !access::is_closed(&app.backend.view()?)? => Ok(JoinBy::Leave),
            AuthMode::Open | AuthMode::Required => Err(refused()),
        },
    }
}

/// Exactly one key for each use, so that a node can always sign what it must.
fn keys(given: Vec<Checked>) -> Result<Vec<PublicKey>, Problem> {
    let mut faults = Vec::new();
    let mut keys: Vec<PublicKey> = Vec::new();
    for (at, key) in given.into_iter().enumerate() {
        let refuse =
            |name: &str, code, detail: &str| Fault::at(format!("/keys/{at}/{name}"), code, detail);
        let id = key.word("kid").and_then(|kid| kid.parse().ok());
        let bytes = key.word("x").and_then(signature::from_text);
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let usage = key.word("use");
        let usage = KeyUsage::ALL.into_iter().find(|known| usage == Some(known.as_str()));
        match (id, bytes, usage) {
            (None, _, _) => faults.push(refuse("kid", "bad_format", "must be `key_` and a ULID")),
            (_, None, _) => faults.push(refuse("x", "bad_format", "must be 32 bytes as base64url")),
            (_, _, None) => faults.push(refuse("use", "not_one_of", "is no use of a key")),
            (Some(_), Some(_), Some(usage)) if keys.iter().any(|key| key.usage == usage) => {
                faults.push(refuse("use", "duplicate", "there is one key for each use"));
            }
            (Some(id), Some(bytes), Some(usage)) => keys.push(PublicKey { id, usage, bytes }),
        }
    }
    if faults.is_empty() { Ok(keys) } else { Err(Problem::faults(faults)) }
}

/// Other nodes dial these, so a form that cannot be dialled is refused here.
fn check_addresses(node: &NodeDescription) -> Result<(), Problem> {
    let host_and_port = |text: &str| {
        let (host, port) = text.rsplit_once(':')?;
        let port: u16 = port.parse().ok()?;
        (!host.is_empty() && !host.contains('/') && 0 < port).then_some(())
    };
    let api = node.api_address.as_str();
    let api = api.strip_prefix("http://").or_else(|| api.strip_prefix("https://"));
    let mut faults = Vec::new();
    if api.and_then(host_and_port).is_none() {
        faults.push(Fault::at("/api_address", "bad_format", "must be `http[s]://host:port`"));
    }
    if host_and_port(&node.peer_address).is_none() {
        faults.push(Fault::at("/peer_address", "bad_format", "must be `host:port`"));
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::faults(faults)) }
}

/// A learner does not vote, so joining changes no quorum; only the name can be
/// in the way.
fn plan_join<B: Backend>(app: &App<B>, node: &NodeDescription) -> Plan {
    let status = app.backend.status();
    let bearer = status.members.iter().find(|member| member.node_id == node.name);
    let is_self = bearer.is_some_and(|bearer| bearer.raft_id == status.raft_id);
    let in_use = bearer.is_some_and(|bearer| is_self || bearer.reachable != Some(false));
    let reasons = match bearer {
        Some(_) if in_use => vec![ChangeRefused::NameInUse(node.name.clone()).to_string()],
        Some(_) => vec![format!("takes over the name `{}` of a node that is lost", node.name)],
        None => Vec::new(),
    };
    let voters = status.members.iter().filter(|member| member.voter);
    let voters: Vec<String> = voters.map(|member| member.node_id.clone()).collect();
    Plan { allowed: !in_use, reasons, voters_before: voters.clone(), voters_after: voters }
}

fn planned(plan: Plan) -> Answer {
    Answer::members([
        ("dry_run", true.into()),
        ("allowed", plan.allowed.into()),
        ("reasons", plan.reasons.into()),
        ("voters_before", plan.voters_before.into()),
        ("voters_after", plan.voters_after.into()),
    ])
}

fn joined_json(joined: &Joined, node: NodeDescription) -> Object {
    let mut reply = Object::new();
    reply.insert("cluster_id", joined.cluster_id.to_string());
    reply.insert("node_id", node.name);
    reply.insert("raft_id", joined.raft_id.0);
    reply.insert("incarnation", joined.incarnation);
    reply.insert("address", node.api_address);
    reply.insert("peer_address", node.peer_address);
    reply.insert("region", node.region);
    reply.insert("zone", node.zone);
    reply.insert("role", "learner");
    reply.insert("voter", false);
    reply
}

/// Promoting, demoting and removing a member.
pub(crate) async fn member<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let name = call.path;
    let change = match call.route.op {
        Op::NodeDemote => Change::Demote(name.clone()),
        Op::NodeRemove => Change::Remove(name.clone()),
        _ => Change::Promote(name.clone()),
    };
    let status = app.backend.status();
    let known = |name: &str| status.members.iter().any(|member| member.node_id == name);
    if !known(&name) {
        return Err(ChangeRefused::Unknown(name.chars().take(64).collect()).into());
    }
    if call.query.flag("dry_run") {
        return Ok(planned(app.backend.plan(&change).await?));
    }
    let removed = matches!(change, Change::Remove(_));
    app.backend.change(change).await?;
    if removed {
        return Ok(Answer::members([("removed", true.into())]));
    }
    let status = app.backend.status();
    let member = status.members.iter().find(|member| member.node_id == name);
    let member = member.ok_or(ChangeRefused::Unknown(name))?;
    Ok(Answer::json(row(app, &Kept::read(app)?, &status, member)))
}

/// `POST /cluster/transfer-leader`.
pub(crate) async fn transfer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let to = call.body.into_fields().text("to");
    let status = app.backend.status();
    if let Some(to) = to.as_ref().filter(|to| status.members.iter().all(|m| m.node_id != **to)) {
        return Err(ChangeRefused::Unknown(to.clone()).into());
    }
    let change = Change::Transfer(to);
    if call.query.flag("dry_run") {
        return Ok(planned(app.backend.plan(&change).await?));
    }
    let done = app.backend.change(change).await?;
    Ok(Answer::members([("leader_id", Json::from(done.leader_id))]))
}
