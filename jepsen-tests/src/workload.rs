//! Concurrent clients that ask for decisions until told to stop, and remember
//! every answer.
//!
//! Each decision has a request id of its own. A client that gets no answer, or
//! is told to come back, asks the next node again with the same id: that is
//! the way api.md gives to learn the truth. What stays unanswered to the end
//! is kept apart, since it may be recorded or not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use types::{Json, Object};

use crate::cluster::PATIENCE;
use crate::failure::Failure;
use crate::http::{Client, Lost, Reply};
use crate::wait;

/// Longer than the product's own 10 s for a write in flight.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Before the same request is sent again: a dead node refuses at once, and a
/// client that spins takes the processor from those that elect a leader.
const BEFORE_RETRY: Duration = Duration::from_millis(50);
/// How long one decision is asked for before it counts as unresolved.
const RESOLVE_WITHIN: Duration = Duration::from_secs(90);
/// A client stops by itself after this many, so a run is bounded.
const DECISIONS_MAX: u64 = 20_000;

/// A decision some node acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its idempotency key.
    pub request_id: String,
    /// Its id.
    pub decision_id: String,
    /// Its place in the ledger.
    pub entry_id: u64,
    /// The hash of its entry.
    pub entry_hash: String,
    /// When it was first asked for, since the workload began.
    pub called: Duration,
    /// When the answer was there.
    pub returned: Duration,
}

/// What the clients saw.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Acknowledged decisions.
    pub acknowledged: Vec<Acknowledged>,
    /// Request ids asked for and never answered: recorded once or not at all.
    pub unresolved: Vec<String>,
    /// Answers that no client of a correct cluster gets.
    pub unexpected: Vec<String>,
}

impl History {
    fn absorb(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.unresolved.extend(other.unresolved);
        self.unexpected.extend(other.unexpected);
    }
}

#[derive(Debug)]
struct Shared {
    nodes: Vec<SocketAddr>,
    began: Instant,
    stop: AtomicBool,
    acknowledged: AtomicU64,
}

/// Clients at work.
#[derive(Debug)]
pub struct Workload {
    shared: Arc<Shared>,
    clients: JoinSet<History>,
}

impl Workload {
    /// Sets this many clients to work, each going round all nodes.
    pub fn start(nodes: Vec<SocketAddr>, clients: usize) -> Self {
        let shared = Arc::new(Shared {
            nodes,
            began: Instant::now(),
            stop: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
        });
        let clients = (0..clients).map(|number| work(Arc::clone(&shared), number)).collect();
        Self { shared, clients }
    }

    /// Decisions acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many more are acknowledged.
    ///
    /// # Errors
    /// [`Failure::TooLate`] if decisions have stopped flowing.
    pub async fn wait_for_more(&self, count: u64) -> Result<(), Failure> {
        let wanted = self.acknowledged() + count;
        wait::until("decisions to flow", PATIENCE, async || match self.acknowledged() {
            enough if wanted <= enough => Ok(()),
            so_far => Err(format!("{so_far} of {wanted} acknowledged")),
        })
        .await
    }

    /// Tells the clients to stop; each first learns what became of its last
    /// decision.
    pub async fn stop(mut self) -> History {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut history = History::default();
        while let Some(ended) = self.clients.join_next().await {
            match ended {
                Ok(one) => history.absorb(one),
                Err(err) => history.unexpected.push(format!("a client ended: {err}")),
            }
        }
        history
    }
}

async fn work(shared: Arc<Shared>, number: usize) -> History {
    let patient = |address: &SocketAddr| Client::new(*address, ANSWER_WITHIN);
    let mut clients: Vec<Client> = shared.nodes.iter().map(patient).collect();
    let mut history = History::default();
    let mut turn = number;
    for count in 0..DECISIONS_MAX {
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let request_id = format!("client-{number}-{count}");
        match resolve(&shared, &mut clients, &mut turn, &request_id).await {
            Resolved::Yes(acknowledged) => {
                history.acknowledged.push(acknowledged);
                shared.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Resolved::Unknown => history.unresolved.push(request_id),
            Resolved::Unexpected(answer) => {
                history.unexpected.push(format!("{request_id}: {answer}"));
                history.unresolved.push(request_id);
            }
        }
        turn += 1;
    }
    history
}

enum Resolved {
    Yes(Acknowledged),
    Unknown,
    Unexpected(String),
}

async fn resolve(
    shared: &Shared,
    clients: &mut [Client],
    turn: &mut usize,
    request_id: &str,
) -> Resolved {
    let body = decide_body(request_id);
    let called = shared.began.elapsed();
    let deadline = Instant::now() + RESOLVE_WITHIN;
    while Instant::now() < deadline {
        let at = *turn % clients.len();
        let reply = clients[at].post("/decide", &body).await;
        match judge(reply) {
            Answer::Recorded(json) => {
                let acknowledged =
                    read_acknowledged(&json, request_id, called, shared.began.elapsed());
                return acknowledged
                    .map_or_else(|| Resolved::Unexpected(json.to_canonical()), Resolved::Yes);
            }
            Answer::AskAgain => {
                *turn += 1;
                sleep(BEFORE_RETRY).await;
            }
            Answer::Wrong(answer) => return Resolved::Unexpected(answer),
        }
    }
    Resolved::Unknown
}

enum Answer {
    Recorded(Json),
    AskAgain,
    Wrong(String),
}

/// Not now (429, 503) and no reply at all mean the same to a client with a
/// request id; any other refusal of this well-formed request is a bug.
fn judge(reply: Result<Reply, Lost>) -> Answer {
    match reply {
        Err(_) => Answer::AskAgain,
        Ok(reply) if reply.status == 429 || reply.status == 503 => Answer::AskAgain,
        Ok(reply) => match reply.json() {
            Some(json) if reply.status == 200 => Answer::Recorded(json),
            Some(_) | None => Answer::Wrong(format!("{} {}", reply.status, reply.quoted())),
        },
    }
}

/// The decision every client asks for.
pub fn decide_body(request_id: &str) -> Json {
    Json::object([
        ("actor", "ai_agent:claims_triage".into()),
        ("action", "read_claim".into()),
        ("context", Json::object([("purpose", "triage".into()), ("channel", "phone".into())])),
        ("request_id", request_id.into()),
    ])
}

/// A policy under which that decision is allowed, so that tokens are made too.
pub fn policy() -> Json {
    let term = |id: &str, kind: &str| Json::object([("id", id.into()), ("type", kind.into())]);
    let relation = Json::object([
        ("type", "permits".into()),
        ("subject", "actor:ai_agent:claims_triage".into()),
        ("action", "action:read_claim".into()),
        ("conditions", Json::Array(vec![Json::object([("purpose", "triage".into())])])),
        ("justification", "triage may read open claims".into()),
    ]);
    let terms =
        vec![term("actor:ai_agent:claims_triage", "actor"), term("action:read_claim", "action")];
    Json::object([
        ("name", "Claims desk".into()),
        ("mode", "strict".into()),
        ("terms", Json::Array(terms)),
        ("relations", Json::Array(vec![relation])),
    ])
}

fn read_acknowledged(
    reply: &Json,
    request_id: &str,
    called: Duration,
    returned: Duration,
) -> Option<Acknowledged> {
    let reply: &Object = reply.as_object()?;
    let text = |name: &str| reply.get(name).and_then(Json::as_str).map(str::to_owned);
    Some(Acknowledged {
        request_id: text("request_id").filter(|id| id == request_id)?,
        decision_id: text("decision_id")?,
        entry_id: reply.get("ledger_entry_id").and_then(Json::as_u64)?,
        entry_hash: text("ledger_entry_hash")?,
        called,
        returned,
    })
}
