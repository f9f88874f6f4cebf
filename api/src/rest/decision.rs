//! Decisions: asking for one, verifying one, looking one up.
//!
//! A reply is made from what the ledger holds and from nothing else, so the
//! first answer, a repeated one and one from another node agree in every signed
//! byte.

pub(crate) mod batch;
pub(crate) mod list;
pub(crate) mod receipt;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod reply;
pub(crate) mod token;
pub(crate) mod verify;

mod describe;

use governance::access::Permission::ViewAuditLogs;
use governance::access::{Authority, Right};
use governance::command::{
    Command, Decide, ENVELOPE_VERSION, Envelope, Idempotency, MAIN_GROUP, Principal, RiskInput,
};
use governance::{Read, Seed, view};
use policy::Mode;
use types::{EntryId, Json, LogIndex};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Checked, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
pub(crate) use describe::{
    BATCH_REPLY, EVALUATION_CONTEXT, LIST_REPLY, MATCHED_LIST, OBLIGATIONS, RECORD_REPLY, REPLY,
    VERIFY_REPLY,
};
pub(crate) use receipt::{RECEIPT_QUERY, RECEIPT_REPLY};
use reply::Recorded;

const DEFAULT_LIFE_SECONDS: u32 = 300;

/// The path whose keys a decision's are, however it is asked for.
const PATH: &str = "/decide";

pub(crate) const ACTOR: Text = Text::of(Alphabet::Actor, 255);
pub(crate) const ACTION: Text = Text::of(Alphabet::Action, 512);
pub(crate) const PERCENT: Kind = Kind::Integer { min: 0, max: 100 };

/// Risk by dimension.
pub(crate) const RISK: &[Field] = &[
    Field::optional("security", PERCENT, "Risk to security."),
    Field::optional("privacy", PERCENT, "Risk to privacy."),
    Field::optional("compliance", PERCENT, "Risk to compliance."),
    Field::optional("operational", PERCENT, "Risk to operations."),
    Field::optional("reputational", PERCENT, "Risk to reputation."),
    Field::optional("financial", PERCENT, "Financial risk."),
];

/// Body of `POST /decide`.
pub(crate) const DECIDE: &[Field] = &[
    Field::required("actor", Kind::Text(ACTOR), "Who wants to act."),
    Field::required("action", Kind::Text(ACTION), "What it wants to do.").or("proposed_action"),
    Field::optional("context", Kind::Context, "Facts that conditions look at.").default("{}"),
    Field::optional(
        "request_id",
        Kind::Text(Text::of(Alphabet::Printable, 128)),
        "Makes a repeated request known; generated when absent.",
    ),
    Field::optional("resource", Kind::Text(ACTION), "On what."),
    Field::optional("tool", Kind::Text(Text::of(Alphabet::Name, 255)), "With what."),
    Field::optional("user_intent", Kind::Text(Text::any(2048)), "Why, in the words of the user."),
    Field::optional(
        "data_classes",
        Kind::Texts { items_max: 1000, item: Text::any(512) },
        "Kinds of data that would be touched.",
    )
    .default("[]"),
    Field::optional("risk", Kind::Object(RISK), "Risk by dimension."),
    Field::optional(
        "risk_level",
        Kind::Integer { min: 1, max: 5 },
        "Risk as one number, 20 points each. With `risk` too, the higher score counts.",
    ),
    Field::optional(
        "policy_mode",
        Kind::Word(&["permissive", "strict", "paranoid"]),
        "A tighter mode than the one in force.",
    ),
    Field::optional(
        "expires_in",
        Kind::Integer { min: 1, max: 86_400 },
        "Life of the token in seconds.",
    )
    .default("300"),
    Field::optional("dry_run", Kind::Bool, "Evaluate only; nothing is recorded.").default("false"),
];

/// Body of `POST /decide/batch`.
pub(crate) const BATCH: &[Field] = &[Field::required(
    "requests",
    Kind::Bodies { items_max: 1000, item: DECIDE },
    "Bodies of `POST /decide`, decided in this order.",
)];

/// Query of `POST /decide/batch`.
pub(crate) const BATCH_QUERY: &[Field] = &[
    Field::optional(
        "signature",
        Kind::Word(&["each", "batch"]),
        "One signature for each decision, or one over the root of a tree of all.",
    )
    .default("\"each\""),
    Field::optional(
        "tokens",
        Kind::Word(&["now", "later"]),
        "Mint token texts now, or later by repeating an item by its `request_id`.",
    )
    .default("\"now\""),
];

/// A request for a decision, ready to be put in the log.
#[derive(Debug)]
pub(crate) struct Asked {
    decide: Decide,
    idempotency: Option<Idempotency>,
    dry_run: bool,
}

/// Where a request for a decision comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) principal: &'a Principal,
    /// `Idempotency-Key`, or what stands for it in a batch.
    pub(crate) key: Option<&'a Key>,
    /// Size of the body as it came.
    pub(crate) bytes: usize,
}

/// A key for a request that has no `request_id`.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) key: String,
    /// What the digest of the body begins with.
    pub(crate) path: String,
}

impl Asked {
    /// The same, if its asker may act as its actor.
    pub(crate) fn by(self, authority: &Authority) -> Result<Self, Problem> {
        authority.permits(Right::Actor, Some(&self.decide.actor))?;
        Ok(self)
    }

    pub(crate) fn new(
        mut body: Checked,
        origin: Origin<'_>,
        bytes_max: usize,
    ) -> Result<Self, Problem> {
        let dry_run = body.flag("dry_run");
        let request_id = body.word("request_id").map(str::to_owned);
        let own = request_id.clone().map(|key| Key { key, path: PATH.to_owned() });
        let key = own.or_else(|| origin.key.cloned()).filter(|_| !dry_run);
        let idempotency = key.map(|Key { key, path }| {
            idempotency::record(origin.principal, key, &path, body.members())
        });
        let context = body.object("context").unwrap_or_default();
        let context = check_size(context, origin.bytes, bytes_max)?;
        let decide = Decide {
            actor: body.text("actor").unwrap_or_default(),
            action: body.text("action").unwrap_or_default(),
            resource: body.text("resource"),
            tool: body.text("tool"),
            data_classes: body.texts("data_classes"),
            context,
            user_intent: body.text("user_intent"),
            risk: body.nested("risk").and_then(|risk| risk_input(&risk)),
            risk_level: body.integer("risk_level"),
            policy_mode: body.word("policy_mode").and_then(Mode::parse),
            expires_in_seconds: body.integer("expires_in").unwrap_or(DEFAULT_LIFE_SECONDS),
            request_id,
        };
        Ok(Self { decide, idempotency, dry_run })
    }
}

/// Canonical text is at most five times as long as what was sent: only numbers
/// with an exponent grow. So most contexts need not be measured.
fn check_size(
    context: types::Object,
    body_bytes: usize,
    bytes_max: usize,
) -> Result<types::Object, Problem> {
    const GROWTH_MAX: usize = 5;
    if body_bytes.saturating_mul(GROWTH_MAX) <= bytes_max {
        return Ok(context);
    }
    let context = Json::Object(context);
    let bytes = context.to_canonical().len();
    match context {
        Json::Object(context) if bytes <= bytes_max => Ok(context),
        _ => {
            let detail = format!("{bytes} bytes as canonical JSON, at most {bytes_max} are taken");
            Err(Problem::new(Code::CONTEXT_TOO_LARGE, detail))
        }
    }
}

/// No dimension at all is no risk given.
fn risk_input(risk: &Checked) -> Option<RiskInput> {
    (!risk.members().is_empty()).then(|| dimensions(risk))
}

/// Risk by dimension as it was sent.
pub(crate) fn dimensions(risk: &Checked) -> RiskInput {
    RiskInput {
        security: risk.integer("security"),
        privacy: risk.integer("privacy"),
        compliance: risk.integer("compliance"),
        operational: risk.integer("operational"),
        reputational: risk.integer("reputational"),
        financial: risk.integer("financial"),
    }
}

/// `POST /decide`.
pub(crate) async fn decide<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, authority, body_bytes, .. } = call;
    let body = body.into_fields();
    agree(key.as_deref(), body.word("request_id"))?;
    let key = key.map(|key| Key { key, path: PATH.to_owned() });
    let origin = Origin { principal: &principal, key: key.as_ref(), bytes: body_bytes };
    let asked = Asked::new(body, origin, app.config.context_bytes_max)?.by(&authority)?;
    if asked.dry_run {
        return preview(app, &asked.decide).map(Answer::json);
    }
    let (decided, index) = submit(app, &principal, asked).await?;
    let mut answer = Answer::json(reply::signed(app, &decided, reply::Tokens::Now)?).at(index);
    answer.replayed = decided.replayed;
    Ok(answer)
}

/// Puts a request in the log and reads what the ledger then holds.
pub(crate) async fn submit<B: Backend>(
    app: &App<B>,
    principal: &Principal,
    asked: Asked,
) -> Result<(Recorded, LogIndex), Problem> {
    let envelope = envelope(app, principal, asked)?;
    let timer = app.shared.metrics.decision_timer();
    let committed = app.backend.submit(envelope).await?;
    let recorded = reply::read(app, committed.outcome)?;
    drop(timer);
    Ok((recorded, committed.index))
}

/// A request as it would be decided, for who only asks about it.
pub(crate) fn asked<B: Backend>(
    app: &App<B>,
    principal: &Principal,
    body: Checked,
    bytes: usize,
) -> Result<Decide, Problem> {
    let origin = Origin { principal, key: None, bytes };
    Asked::new(body, origin, app.config.context_bytes_max).map(|asked| asked.decide)
}

/// The header and `request_id` are two places for one key.
fn agree(header: Option<&str>, request_id: Option<&str>) -> Result<(), Problem> {
    match (header, request_id) {
        (Some(header), Some(request_id)) if header != request_id => {
            let detail = format!("differs from the header `{}`", idempotency::HEADER);
            Err(Problem::fault(Fault::at("/request_id", "conflicting_values", detail)))
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

pub(crate) fn envelope<B: Backend>(
    app: &App<B>,
    principal: &Principal,
    asked: Asked,
) -> Result<Envelope, Problem> {
    envelope_of(app, principal, asked.idempotency, Command::Decide(Box::new(asked.decide)))
}

/// The envelope of a command that this node was asked for.
pub(crate) fn envelope_of<B: Backend>(
    app: &App<B>,
    principal: &Principal,
    idempotency: Option<Idempotency>,
    command: Command,
) -> Result<Envelope, Problem> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| {
        tracing::error!(%error, "the system gives no random numbers");
        Problem::internal()
    })?;
    Ok(Envelope {
        version: ENVELOPE_VERSION,
        group: MAIN_GROUP.to_owned(),
        command,
        principal: principal.clone(),
        idempotency,
        seed: Seed(seed),
        asked_node: app.backend.node_name().to_string(),
    })
}

/// Evaluates on this node's state; nothing is recorded.
fn preview<B: Backend>(app: &App<B>, decide: &Decide) -> Result<types::Object, Problem> {
    let read = app.backend.view()?;
    let head = view::head(&read)?;
    if head.size() == 0 {
        return Err(Problem::new(Code::STARTING, "the cluster has no genesis yet"));
    }
    let at = head.at.max(app.backend.now());
    let preview = governance::preview(&read, &app.shared.policies, at, decide)??;
    let mut reply = ledger::reply::signed_members(None, &preview.data, Some(&preview.personal));
    reply.insert("capability_token", Json::Null);
    reply.insert("signature", Json::Null);
    reply.insert("node", app.backend.node_name().as_ref());
    Ok(reply)
}

/// Whether an asker may see what is in an entry: who reads the ledger may, and
/// who may act as the actor it is about.
pub(crate) fn may_see(authority: &Authority, data: Option<&types::Object>) -> bool {
    authority.permits(Right::ActorOr(ViewAuditLogs), data.and_then(actor_of)).is_ok()
}

/// Whom the data of an entry is about.
pub(crate) fn actor_of(data: &types::Object) -> Option<&str> {
    data.get("actor").and_then(Json::as_str)
}

/// The same of an entry in the ledger; nobody once that is erased.
pub(crate) fn actor_of_entry(read: &impl Read, id: EntryId) -> Result<Option<String>, Problem> {
    let entry = view::entry(read, id)?.ok_or_else(Problem::internal)?;
    let data = reply::parts(&entry)?.data;
    Ok(data.as_ref().and_then(actor_of).map(str::to_owned))
}
