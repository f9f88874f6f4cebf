//! A policy of a thousand permits, and decisions under it.

use governance::Seed;
use governance::command::{
    Command, Decide, Envelope, Found, KeyUsage, LoadPolicy, NodeDescription, Principal, PublicKey,
    RiskInput,
};
use types::{ClusterId, Json, KeyId, Object, RaftId, Ulid};

const ACTORS: u64 = 1_000;

pub(crate) fn envelope(at: u64, command: Command) -> Envelope {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&at.to_be_bytes());
    Envelope {
        version: 1,
        group: "main".to_owned(),
        command,
        principal: Principal::nobody(),
        idempotency: None,
        seed: Seed(seed),
        asked_node: "n1".to_owned(),
    }
}

pub(crate) fn found() -> Command {
    let key = |(n, usage): (u8, KeyUsage)| PublicKey {
        id: KeyId(Ulid(u128::from(n))),
        usage,
        bytes: [n; 32],
    };
    Command::Found(Found {
        cluster_id: ClusterId(Ulid(1)),
        log_name: "lexecon.local".to_owned(),
        node: NodeDescription {
            name: "n1".to_owned(),
            api_address: "http://127.0.0.1:8000".to_owned(),
            peer_address: "127.0.0.1:9000".to_owned(),
            region: None,
            zone: None,
            keys: (0..).zip(KeyUsage::ALL).map(key).collect(),
        },
        raft_id: RaftId(1),
    })
}

pub(crate) fn actor(n: u64) -> String {
    format!("ai_agent:team_{}:agent_{n}", n % 50)
}

/// A permit for each agent; `purpose` is what it asks for.
pub(crate) fn document(purpose: &str) -> Json {
    let action = Json::object([("id", "action:claims:read".into()), ("type", "action".into())]);
    let agents = (0..ACTORS).map(|n| {
        Json::object([("id", format!("actor:{}", actor(n)).into()), ("type", "actor".into())])
    });
    let relations = (0..ACTORS).map(|n| {
        Json::object([
            ("type", "permits".into()),
            ("source", format!("actor:{}", actor(n)).into()),
            ("target", "action:claims:read".into()),
            ("conditions", Json::object([("purpose", purpose.into())])),
            ("justification", "Triage may read open claims".into()),
        ])
    });
    let relations = Json::Array(relations.collect());
    Json::object([
        ("terms", Json::Array(agents.chain([action]).collect())),
        ("relations", relations),
    ])
}

pub(crate) fn load() -> Command {
    Command::LoadPolicy(Box::new(LoadPolicy {
        document: document("triage"),
        expected_active_version: None,
        acknowledge_widening: false,
        note: None,
    }))
}

/// Nine in ten are allowed by the policy.
pub(crate) fn decide(n: u64, risk: Option<u8>) -> Command {
    let mut context = Object::new();
    context.insert("channel", "phone");
    context.insert("claim", format!("clm-{n:08}"));
    context.insert("purpose", if n % 10 == 9 { "marketing" } else { "triage" });
    Command::Decide(Box::new(Decide {
        actor: actor(n % ACTORS),
        action: "claims:read".to_owned(),
        resource: Some(format!("claim/{n:08}")),
        tool: None,
        data_classes: Vec::new(),
        context,
        user_intent: Some("answer the customer's question about the claim".to_owned()),
        risk: risk.map(|security| RiskInput { security: Some(security), ..RiskInput::default() }),
        risk_level: None,
        policy_mode: None,
        expires_in_seconds: 300,
        request_id: Some(format!("triage-{n:08}")),
    }))
}
