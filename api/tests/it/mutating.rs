//! Every path that may record: an accepted request leaves exactly the entries it
//! should, a refused one none, and the same again under its key none either.
//!
//! The paths are those of the description, so a new one without a case fails.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::common::{ALLOWED, Server};

const LEAD: &str = "act_human_user:governance_lead:ana";
const EXECUTIVE: &str = "act_human_user:executive:jane";
const OFFICER: &str = "act_human_user:security_officer:sam";

/// A request that is accepted, and how many entries it leaves.
struct Case {
    method: &'static str,
    /// As in the description.
    path: &'static str,
    /// What stands for the path's parameter.
    parameter: &'static str,
    body: Value,
    entries: u64,
}

fn case(path: &'static str, parameter: &'static str, body: Value, entries: u64) -> Case {
    Case { method: "post", path, parameter, body, entries }
}

/// Paths that only look at something, whatever the method. `body` is made of the
/// names of things in the world, in angle brackets.
fn deciding() -> Vec<Case> {
    let asked = json!({"actor": "ai_agent:claims_triage", "action": "read_claim",
                       "context": {"purpose": "triage"}});
    let policy = json!({"policy": {"terms": [], "relations": []}});
    let tuple = json!({"subject": {"type": "user", "id": "a"}, "action": {"name": "read"},
                       "resource": {"type": "claim", "id": "1"}});
    vec![
        case("/decide", "", asked.clone(), 1),
        case("/decide/batch", "", json!({"requests": [asked, asked, asked]}), 3),
        case("/decide/verify", "", json!("<allowed reply>"), 0),
        case("/decisions/{decision_id}/token", "<approved>", json!({}), 1),
        case("/access/v1/evaluation", "", tuple.clone(), 1),
        case("/access/v1/evaluations", "", json!({"evaluations": [tuple, tuple]}), 2),
        case("/tokens/verify", "", json!({"token": "<token text>"}), 0),
        case("/tokens/{token_id}/revoke", "<token>", json!({"reason": "left"}), 1),
        case("/policies/load", "", policy.clone(), 1),
        case("/policies/validate", "", policy.clone(), 0),
        case("/policies/explain", "", asked.clone(), 0),
        case("/policies/impact", "", policy, 0),
        case("/policies/rollback", "", json!({"version": 0, "reason": "worse"}), 1),
        case("/risks/assess", "", json!({"decision_id": "<allowed>", "dimensions": {}}), 1),
    ]
}

/// What is kept as evidence, and by which keys it is signed.
fn evidencing() -> Vec<Case> {
    vec![
        case(
            "/evidence/register",
            "",
            json!({"artifact_type": "screenshot", "content": "x", "source": "desk"}),
            1,
        ),
        case(
            "/evidence/link-decision",
            "",
            json!({"artifact_id": "<artifact>", "decision_id": "<allowed>"}),
            1,
        ),
        case("/evidence/{artifact_id}/verify", "<artifact>", json!({}), 0),
        case(
            "/evidence/{artifact_id}/sign",
            "<artifact>",
            json!({"key_id": "<signer>", "signature": "<signature>"}),
            1,
        ),
        case(
            "/keys/signers",
            "",
            json!({"name": "b", "public_key": "<public>", "owner": OFFICER}),
            1,
        ),
        case("/keys/signers/{key_id}/revoke", "<signer>", json!({"reason": "lost"}), 1),
        case("/keys/rotate", "", json!({"use": "token"}), 1),
        case("/keys/{kid}/retire", "<key>", json!({"reason": "old"}), 1),
    ]
}

/// What humans do about decisions.
fn overseeing() -> Vec<Case> {
    let intervention = json!({"intervention_type": "approval",
        "ai_recommendation": {"decision": "pay", "confidence": 0.5},
        "human_decision": {"decision": "pay"}, "human_role": "executive",
        "reason": "seen and agreed", "human_id": EXECUTIVE});
    vec![
        case(
            "/escalations/create",
            "",
            json!({"decision_id": "<allowed>", "trigger": "actor_request", "escalated_to": [LEAD]}),
            1,
        ),
        case(
            "/escalations/{escalation_id}/acknowledge",
            "<escalation>",
            json!({"acknowledged_by": LEAD}),
            1,
        ),
        case(
            "/escalations/{escalation_id}/resolve",
            "<escalation>",
            json!({"outcome": "denied", "notes": "no", "resolved_by": LEAD}),
            1,
        ),
        case(
            "/overrides/execute",
            "",
            json!({"decision_id": "<denied>", "override_type": "risk_accepted",
                   "authorized_by": OFFICER, "justification": "the risk was looked at twice"}),
            1,
        ),
        case(
            "/overrides/{override_id}/review",
            "<override>",
            json!({"verdict": "upheld", "notes": "right", "reviewed_by": OFFICER}),
            1,
        ),
        case(
            "/responsibility/records",
            "",
            json!({"decision_id": "<allowed>", "decision_maker": "human_operator",
                   "responsible_party": LEAD, "role": "lead", "reasoning": "I looked at it",
                   "responsibility_level": "shared"}),
            1,
        ),
        case(
            "/responsibility/{record_id}/review",
            "<record>",
            json!({"outcome": "accepted", "notes": "so it is", "reviewed_by": OFFICER}),
            1,
        ),
        case("/compliance/eu-ai-act/article-14/intervention", "", intervention, 1),
        case(
            "/compliance/eu-ai-act/article-14/verify",
            "",
            json!({"intervention_id": "<intervention>"}),
            0,
        ),
        case(
            "/compliance/eu-ai-act/article-14/stops/{stop_id}/lift",
            "<stop>",
            json!({"reason": "over", "lifted_by": EXECUTIVE}),
            1,
        ),
    ]
}

/// What auditors ask for.
fn exporting() -> Vec<Case> {
    vec![case("/audit/export", "", json!({"scope": "all", "format": "json"}), 1)]
}

fn cases() -> Vec<Case> {
    let cases = deciding().into_iter().chain(evidencing()).chain(overseeing());
    cases.chain(exporting()).chain(retaining()).chain(complying()).chain(standing()).collect()
}

/// What waits for a second person is answered only where there are accounts:
/// `exports.rs` has its cases.
fn waits_for_another(path: &str) -> bool {
    path.starts_with("/audit/exports/")
}

/// How long records are kept.
fn retaining() -> Vec<Case> {
    const HOLDS: &str = "/compliance/eu-ai-act/article-12/legal-holds";
    let release = Case {
        method: "delete",
        path: "/compliance/eu-ai-act/article-12/legal-holds/{hold_id}",
        parameter: "<hold>",
        body: Value::Null,
        entries: 1,
    };
    vec![
        case(HOLDS, "", json!({"reason": "a claim", "entry_ids": [1, 0]}), 1),
        release,
        case(
            "/compliance/eu-ai-act/article-12/anonymize",
            "",
            json!({"subject": "ai_agent:claims_triage"}),
            1,
        ),
    ]
}

/// What is said of AI systems, and what went wrong with them.
fn complying() -> Vec<Case> {
    let incidents = "/compliance/eu-ai-act/article-73/incidents";
    let incident = json!({"title": "t", "description": "d", "category": "death",
                          "aware_at": "2027-03-04"});
    vec![
        case(
            "/systems",
            "",
            json!({"name": "b", "intended_purpose": "c", "role": "deployer",
                   "risk_route": "minimal"}),
            1,
        ),
        Case {
            method: "patch",
            ..case("/systems/{system_id}", "<system>", json!({"name": "c"}), 1)
        },
        // The incident, and the hold that keeps its records.
        case(incidents, "", incident, 2),
        case(
            "/compliance/eu-ai-act/article-73/incidents/{incident_id}/reported",
            "<incident>",
            json!({"authority": "a", "reference": "b"}),
            1,
        ),
        case(
            "/compliance/eu-ai-act/article-73/incidents/{incident_id}/close",
            "<incident>",
            json!({"notes": "over"}),
            1,
        ),
        Case {
            method: "put",
            ..case(
                "/compliance/eu-ai-act/annex-iv/{section}",
                "3",
                json!({"content": {"text": "x"}}),
                1,
            )
        },
    ]
}

/// What is said of the organisation and of controls.
fn standing() -> Vec<Case> {
    let profile = json!({"organisation_name": "Acme", "roles": ["deployer"],
        "risk_routes": ["minimal"], "reason": "first look"});
    let attest = json!({"statement": "I read it, and it says so.",
        "artifact_ids": ["<linked>"], "attested_by": LEAD});
    vec![
        Case { method: "put", ..case("/compliance/profile", "", profile, 1) },
        case(
            "/compliance/{framework}/{control_id}/link-evidence",
            "soc2",
            json!({"artifact_id": "<artifact>"}),
            1,
        ),
        case("/compliance/{framework}/{control_id}/attest", "soc2", attest, 1),
    ]
}

/// Membership is Raft's own: its entries come of applying the membership, which
/// only real nodes do (`jepsen-tests/tests/membership.rs`). A snapshot records
/// nothing.
fn is_of_the_cluster(path: &str) -> bool {
    path.starts_with("/cluster/")
}

/// Those of accounts have their cases in `auth_flow.rs`: from the first account
/// on, nothing here would be admitted.
fn is_of_accounts(path: &str) -> bool {
    path.starts_with("/auth/")
}

/// Something of each kind that requests may be about, by name.
struct World {
    server: Server,
    things: BTreeMap<&'static str, Value>,
}

impl World {
    async fn new() -> Self {
        let server = Server::loaded().await;
        let mut world = Self { server, things: BTreeMap::new() };
        world.decisions().await;
        world.oversight().await;
        world.evidence().await;
        let hold = json!({"reason": "a claim", "entry_ids": [0]});
        let hold = world.post("/compliance/eu-ai-act/article-12/legal-holds", hold).await;
        world.things.insert("hold", hold["hold_id"].clone());
        world.systems().await;
        world
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let reply = self.server.post(path, &body).await;
        assert_eq!(reply.outcome(), "200", "{path} {body}: {}", reply.json());
        reply.json()
    }

    async fn decisions(&mut self) {
        let allowed = self.post("/decide", serde_json::from_str(ALLOWED).unwrap()).await;
        let asked = json!({"actor": "ai_agent:claims_triage", "action": "close_account"});
        let denied = self.post("/decide", asked.clone()).await;
        let asked = json!({"actor": "ai_agent:claims_triage", "action": "read_claim",
                           "context": {"purpose": "triage"}, "risk": {"financial": 95}});
        let open = self.post("/decide", asked.clone()).await;
        let approved = self.post("/decide", asked).await;
        let path = format!("/escalations/{}/resolve", approved["escalation_id"].as_str().unwrap());
        let yes = json!({"outcome": "approved", "notes": "yes", "resolved_by": LEAD});
        self.post(&path, yes).await;
        self.things.extend([
            ("allowed", allowed["decision_id"].clone()),
            ("token", allowed["token_id"].clone()),
            ("token text", allowed["capability_token"].clone()),
            ("allowed reply", allowed),
            ("denied", denied["decision_id"].clone()),
            ("escalation", open["escalation_id"].clone()),
            ("approved", approved["decision_id"].clone()),
        ]);
    }

    async fn oversight(&mut self) {
        let asked = json!({"actor": "ai_agent:claims_triage", "action": "close_account"});
        let decision = self.post("/decide", asked).await["decision_id"].clone();
        let order = json!({"decision_id": decision, "override_type": "executive_override",
                           "authorized_by": EXECUTIVE,
                           "justification": "the regulator asked for it in writing"});
        let over = self.post("/overrides/execute", order).await;
        let record = json!({"decision_id": decision, "decision_maker": "human_operator",
            "responsible_party": LEAD, "role": "lead", "reasoning": "seen",
            "responsibility_level": "shared", "review_required": true});
        let record = self.post("/responsibility/records", record).await;
        let path = "/compliance/eu-ai-act/article-14/intervention";
        let stop = json!({"intervention_type": "emergency_stop", "human_role": "executive",
            "ai_recommendation": {"confidence": 1}, "human_decision": {"decision": "stop"},
            "reason": "too many", "human_id": EXECUTIVE, "stop": {"actor": "ai_agent:other"}});
        let stop = self.post(path, stop).await;
        self.things.extend([
            ("override", over["override_id"].clone()),
            ("record", record["record_id"].clone()),
            ("intervention", stop["intervention_id"].clone()),
            ("stop", stop["stop_id"].clone()),
        ]);
    }

    async fn evidence(&mut self) {
        let signer = SigningKey::from_bytes(&[77; 32]);
        let public = |key: &SigningKey| json!(base64url(&key.verifying_key().to_bytes()));
        let report = json!({"artifact_type": "external_report", "content": "fine", "source": "x"});
        let artifact = self.post("/evidence/register", report).await;
        let new = json!({"name": "a", "public_key": public(&signer), "owner": OFFICER});
        let registered = self.post("/keys/signers", new).await;
        let id = artifact["artifact_id"].as_str().unwrap();
        let hash = artifact["sha256_hash"].as_str().unwrap();
        let text = format!("lexecon/evidence-signature/v1\n{id}\n{hash}\n");
        let signature = signer.sign(text.as_bytes()).to_bytes();
        let keys = self.server.get("/keys").await.json();
        let linked = json!({"artifact_type": "screenshot", "content": "x", "source": "y"});
        let linked = self.post("/evidence/register", linked).await;
        let link = json!({"artifact_id": linked["artifact_id"]});
        self.post("/compliance/soc2/CC6.1/link-evidence", link).await;
        self.things.extend([
            ("linked", linked["artifact_id"].clone()),
            ("artifact", artifact["artifact_id"].clone()),
            ("signer", registered["key_id"].clone()),
            ("signature", json!(base64url(&signature))),
            ("public", public(&SigningKey::from_bytes(&[78; 32]))),
            ("key", keys["keys"][0]["kid"].clone()),
        ]);
    }

    async fn systems(&mut self) {
        let system = json!({"name": "a", "intended_purpose": "b", "role": "provider",
                            "risk_route": "annex_iii"});
        let system = self.post("/systems", system).await;
        let incident = json!({"title": "t", "description": "d", "category": "death",
                              "aware_at": "2027-03-04"});
        let path = "/compliance/eu-ai-act/article-73/incidents";
        let incident = self.post(path, incident).await;
        self.things.extend([
            ("system", system["system_id"].clone()),
            ("incident", incident["incident_id"].clone()),
        ]);
    }

    /// A body or a path with what its names stand for.
    fn fill(&self, body: &Value) -> Value {
        match body {
            Value::String(text) => match text.strip_prefix('<').and_then(|t| t.strip_suffix('>')) {
                Some(name) => self.things[name].clone(),
                None => body.clone(),
            },
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => {
                let filled = members.iter().map(|(name, value)| (name.clone(), self.fill(value)));
                Value::Object(filled.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => body.clone(),
        }
    }

    fn path(&self, case: &Case) -> String {
        match case.path.split_once('{') {
            Some((before, rest)) => {
                let parameter = self.fill(&json!(case.parameter));
                let after = rest.split_once('}').unwrap().1;
                // Where there is no body, the reason is a parameter of the query.
                let reason = if case.method == "delete" { "?reason=over" } else { "" };
                let path = format!("{before}{}{after}{reason}", parameter.as_str().unwrap());
                path.replace("{control_id}", "CC6.1")
            }
            None => case.path.to_owned(),
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// What says that a request was taken: what is still to be done is another status.
fn accepted(path: &str) -> &'static str {
    if path == "/audit/export" { "202" } else { "200" }
}

#[tokio::test]
async fn an_accepted_request_leaves_its_entries_and_a_refused_one_none() {
    for case in cases() {
        let world = World::new().await;
        let path = world.path(&case);
        let before = world.server.node.ledger_size();
        let grown = || world.server.node.ledger_size() - before;

        let nonsense = r#"{"nonsense":1}"#;
        let refused = world.server.call(&case.method.to_uppercase(), &path, nonsense, &[]).await;
        let is_refused = (400..500).contains(&refused.status) || case.entries == 0;
        assert!(is_refused, "{path}: {}", refused.status);
        assert_eq!(grown(), 0, "{path}: refused, and something was recorded");

        let body = match &case.body {
            Value::Null => String::new(),
            body => world.fill(body).to_string(),
        };
        let key = [("idempotency-key", "once")];
        let done = world.server.call(&case.method.to_uppercase(), &path, &body, &key).await;
        assert_eq!(done.outcome(), accepted(case.path), "{path} {body}: {}", done.json());
        assert_eq!(grown(), case.entries, "{path}");

        let again = world.server.call(&case.method.to_uppercase(), &path, &body, &key).await;
        assert_eq!(again.outcome(), accepted(case.path), "{path}: {}", again.json());
        let replayed = again.header("idempotent-replayed") == "true";
        // A node draws the key itself, so each rotation is another one.
        if case.path == "/keys/rotate" {
            continue;
        }
        assert_eq!(replayed, 0 < case.entries, "{path}: replayed {replayed}");
        assert_eq!(grown(), case.entries, "{path}: recorded twice under one key");
    }
}

#[tokio::test]
async fn every_path_that_takes_a_body_has_a_case() {
    let description = Server::new().get("/openapi.json").await.json();
    let mut there = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if method != "get"
                && method != "parameters"
                && !is_of_the_cluster(path)
                && !is_of_accounts(path)
                && !waits_for_another(path)
            {
                there.insert((method.clone(), path.clone()));
            }
        }
    }
    let cases = cases();
    let tried = cases.iter().map(|case| (case.method.to_owned(), case.path.to_owned()));
    assert_eq!(tried.collect::<BTreeSet<_>>(), there);
}
