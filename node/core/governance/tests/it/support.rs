//! A machine over a store in memory, and commands to feed it.

use ed25519_dalek::{Signer as _, SigningKey};
use governance::command::{
    Claim, Command, Cosign, Decide, EntryRange, Envelope, Erase, ErasedPart, ErasureCause, Found,
    HumanRole, Idempotency, Intervene, InterventionType, KeyUsage, LoadPolicy, NodeDescription,
    Place, Principal, PublicKey, StopScope,
};
use governance::{
    Applied, Cache, MemStore, Outcome, Recorded, Rejection, Seed, apply, apply_membership,
    finish_batch, view,
};
use ledger::Note;
use types::{
    ClusterId, DecisionId, Digest, EntryId, Json, KeyId, LogIndex, Object, RaftId, Timestamp, Ulid,
};

/// One replica.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) store: MemStore,
    pub(crate) cache: Cache,
    pub(crate) index: LogIndex,
}

impl Machine {
    pub(crate) fn founded() -> Self {
        let mut machine = Self::default();
        assert!(matches!(machine.run(1, found()), Outcome::Founded(_)));
        machine
    }

    /// The same with keys that can sign.
    pub(crate) fn founded_with_keys() -> Self {
        let mut machine = Self::default();
        let Command::Found(mut found) = found() else { panic!("no founding") };
        found.node = node_with_keys("n1");
        let outcome = machine.run(1, Command::Found(found));
        assert!(matches!(outcome, Outcome::Founded(_)));
        machine
    }

    pub(crate) fn origin(&self) -> String {
        view::cluster(&self.store).unwrap().unwrap().origin()
    }

    /// Applies a command in an entry of its own.
    pub(crate) fn run(&mut self, at: u64, command: Command) -> Outcome {
        let seed = u8::try_from(self.index.0 % 251).unwrap();
        self.apply(at, &envelope(command, seed))
    }

    /// The same on a node's own account.
    pub(crate) fn run_by(&mut self, node: &str, at: u64, command: Command) -> Outcome {
        let mut envelope = envelope(command, u8::try_from(self.index.0 % 251).unwrap());
        envelope.principal = Principal::node(node);
        self.apply(at, &envelope)
    }

    /// The same in the name of somebody whom nobody checked.
    pub(crate) fn run_as(&mut self, who: &str, at: u64, command: Command) -> Outcome {
        let mut envelope = envelope(command, u8::try_from(self.index.0 % 251).unwrap());
        envelope.principal.id = who.to_owned();
        self.apply(at, &envelope)
    }

    /// The same under an idempotency key.
    pub(crate) fn run_keyed(&mut self, at: u64, command: Command, key: &str, body: u8) -> Outcome {
        let mut envelope = envelope(command, u8::try_from(self.index.0 % 251).unwrap());
        let (scope, key) = (String::new(), key.to_owned());
        envelope.idempotency = Some(Idempotency { scope, key, body_digest: Digest([body; 32]) });
        self.apply(at, &envelope)
    }

    /// The same asked by somebody who says so, or who was authenticated.
    pub(crate) fn run_for(&mut self, principal: Principal, at: u64, command: Command) -> Outcome {
        let seed = u8::try_from(self.index.0 % 251).unwrap();
        self.apply(at, &Envelope { principal, ..envelope(command, seed) })
    }

    pub(crate) fn apply(&mut self, at: u64, envelope: &Envelope) -> Outcome {
        self.index.0 += 1;
        let applied = Applied { index: self.index, sub_index: 0, at: Timestamp(at) };
        let outcome = apply(&mut self.store, &mut self.cache, applied, envelope).unwrap();
        finish_batch(&mut self.store, &mut self.cache).unwrap();
        outcome
    }

    pub(crate) fn members(
        &mut self,
        index: u64,
        voters: &[Vec<RaftId>],
        learners: &[RaftId],
    ) -> Option<Recorded> {
        self.index = LogIndex(index);
        let recorded =
            apply_membership(&mut self.store, &mut self.cache, self.index, voters, learners);
        finish_batch(&mut self.store, &mut self.cache).unwrap();
        recorded.unwrap()
    }
}

pub(crate) fn envelope(command: Command, seed: u8) -> Envelope {
    Envelope {
        version: 1,
        group: "main".to_owned(),
        command,
        principal: Principal::nobody(),
        idempotency: None,
        seed: Seed([seed; 32]),
        asked_node: "n1".to_owned(),
    }
}

pub(crate) fn node(name: &str) -> NodeDescription {
    let key = |(n, usage): (u8, KeyUsage)| {
        let id = KeyId(Ulid(u128::from(n) + u128::from(name.as_bytes()[name.len() - 1]) * 16));
        PublicKey { id, usage, bytes: [n; 32] }
    };
    NodeDescription {
        name: name.to_owned(),
        api_address: "http://127.0.0.1:8000".to_owned(),
        peer_address: "127.0.0.1:9000".to_owned(),
        region: None,
        zone: None,
        keys: (0..).zip(KeyUsage::ALL).map(key).collect(),
    }
}

pub(crate) fn found() -> Command {
    Command::Found(Found {
        cluster_id: ClusterId(Ulid(1)),
        log_name: "lexecon.local".to_owned(),
        node: node("n1"),
        raft_id: RaftId(1),
    })
}

pub(crate) fn decide(actor: &str, action: &str) -> Command {
    let mut context = Object::new();
    context.insert("purpose", "triage");
    Command::Decide(Box::new(Decide {
        actor: actor.to_owned(),
        action: action.to_owned(),
        resource: None,
        tool: None,
        data_classes: Vec::new(),
        context,
        user_intent: None,
        risk: None,
        risk_level: None,
        policy_mode: None,
        expires_in_seconds: 300,
        request_id: None,
    }))
}

pub(crate) fn policy() -> Json {
    serde_json::from_str(
        r#"{"name":"desk","terms":[{"id":"actor:ai:a","type":"actor"},{"id":"action:read","type":"action"}],
            "relations":[{"type":"permits","subject":"actor:ai:a","action":"action:read",
                          "conditions":[{"purpose":"triage"}],"justification":"a may read"}]}"#,
    )
    .unwrap_or_else(|err| panic!("{err}"))
}

pub(crate) fn load(document: Json) -> Command {
    Command::LoadPolicy(Box::new(LoadPolicy {
        document,
        expected_active_version: None,
        acknowledge_widening: false,
        note: None,
    }))
}

/// Somebody whom nobody checked.
pub(crate) fn named(id: &str) -> Principal {
    Principal { id: id.to_owned(), ..Principal::nobody() }
}

pub(crate) const EXECUTIVE: &str = "act_human_user:executive:jane";

/// A machine proposed one thing, and a human decided another.
pub(crate) fn intervene(kind: InterventionType, proposed: &str, decided: &str) -> Intervene {
    let said = |decision: &str| {
        let mut said = Object::new();
        said.insert("decision", decision);
        said
    };
    Intervene {
        kind,
        decision: None,
        ai_recommendation: said(proposed),
        human_decision: said(decided),
        role: HumanRole::RiskManager,
        reason: "duplicate invoice".to_owned(),
        request_context: None,
        response_time_ms: None,
        display_digest: None,
        stop: None,
    }
}

/// Stops an actor, or every one, from an action, or every one.
pub(crate) fn stop(actor: Option<&str>, action: Option<&str>) -> Command {
    let (actor, action) = (actor.map(str::to_owned), action.map(str::to_owned));
    let stop = Some(StopScope { actor, action });
    let kind = InterventionType::EmergencyStop;
    Command::Intervene(Box::new(Intervene { stop, ..intervene(kind, "go", "stop") }))
}

/// Microseconds.
pub(crate) const SECOND: u64 = 1_000_000;

/// `data` of an entry.
pub(crate) fn data(machine: &Machine, id: EntryId) -> Object {
    let entry = view::entry(&machine.store, id).unwrap().unwrap();
    serde_json::from_str(&entry.data.unwrap().text).unwrap()
}

/// A member of an object that is an id.
pub(crate) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(data: &Object, name: &str) -> T {
    data.get(name).and_then(Json::as_str).unwrap().parse().unwrap()
}

/// The entry that a command made.
#[track_caller]
pub(crate) fn recorded(outcome: Outcome) -> EntryId {
    match outcome {
        Outcome::Recorded(recorded) => recorded.entry_id,
        other => panic!("not recorded: {other:?}"),
    }
}

/// Why a command was refused.
#[track_caller]
pub(crate) fn refused(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected(why) => why,
        other => panic!("not refused: {other:?}"),
    }
}

/// Asks for a decision.
pub(crate) fn decided(machine: &mut Machine, at: u64, actor: &str) -> DecisionId {
    let Outcome::Decided(decided) = machine.run(at, decide(actor, "read")) else {
        panic!("not decided")
    };
    id(decided.data.as_object().unwrap(), "decision_id")
}

pub(crate) fn erase(part: ErasedPart, id: EntryId) -> Command {
    let ranges = vec![EntryRange { from: id, to: id }];
    Command::Erase(Erase { part, ranges, cause: ErasureCause::Request })
}

/// The private key of a node for checkpoints.
fn signing(name: &str) -> SigningKey {
    SigningKey::from_bytes(&[name.as_bytes()[name.len() - 1]; 32])
}

/// A node whose key for checkpoints can sign.
pub(crate) fn node_with_keys(name: &str) -> NodeDescription {
    let mut node = node(name);
    for key in node.keys.iter_mut().filter(|key| key.usage == KeyUsage::Checkpoint) {
        key.bytes = signing(name).verifying_key().to_bytes();
    }
    node
}

/// A claim signed by a node.
pub(crate) fn cosign(origin: &str, place: Place, claim: &Claim, name: &str) -> Command {
    let text = claim.checkpoint(origin.to_owned()).to_text();
    let key = node(name).keys.iter().find(|key| key.usage == KeyUsage::Checkpoint).unwrap().id;
    let signature = signing(name).sign(text.as_bytes()).to_bytes().to_vec();
    Command::Cosign(Box::new(Cosign { place, claim: claim.clone(), key, signature, rsa: None }))
}

/// Whether one of the lines is of this node.
pub(crate) fn signed_by(note: &Note, name: &str) -> bool {
    let public = signing(name).verifying_key().to_bytes();
    note.signatures.iter().any(|line| ledger::note::verify_ed25519(&public, line, &note.text))
}
