//! Who may do what: every path and every method of gRPC with every kind of
//! asker, written down in `permissions.txt`.
//!
//! `ok` is whatever is not 401 or 403: that somebody may ask, not that there is
//! an answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use api::{AuthMode, Config};
use axum::body::Body;
use axum::http::Request;
use governance::access::{AccountRole, Permission, Permissions};
use governance::oversight::Role;
use governance::{Cache, MemStore};
use prost::Message as _;
use proto::governance::v1 as pb;
use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use crate::accounts::{Person, Program, admit, close, equip};
use crate::cluster::joiner;
use crate::common::{ALLOWED, Node, POLICY, Server};
use crate::description::document;
use crate::messages::Messages;

const ACTOR: &str = "ai_agent:claims_triage";

/// Somebody who asks, and what the request then shows.
struct Asker {
    name: String,
    credential: Option<String>,
}

/// A server whose cluster has every kind of account, and a decision.
struct Scene {
    server: Server,
    store: MemStore,
    askers: Vec<Asker>,
    decision: String,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let open = Server::loaded().await;
        let decided = open.post("/decide", ALLOWED).await.json();
        let word = |name: &str| decided[name].as_str().unwrap().to_owned();
        let node = open.node.clone();
        close(&node);
        let askers = askers(&node);
        let store = node.inner().store.clone();
        let config = Config { auth: AuthMode::Required, ..Config::default() };
        let server = Server::with(node, config);
        Self { server, store, askers, decision: word("decision_id"), token: word("token_id") }
    }

    /// The state as it was: what an asker was allowed to change is for nobody
    /// after it.
    fn reset(&self) {
        let mut inner = self.server.node.inner();
        inner.store = self.store.clone();
        inner.cache = Cache::default();
    }

    async fn ask(
        &self,
        asker: &Asker,
        request: axum::http::request::Builder,
        body: Vec<u8>,
    ) -> String {
        self.reset();
        let request = match &asker.credential {
            Some(credential) => request.header("authorization", format!("Bearer {credential}")),
            None => request,
        };
        let reply = self.server.send(request.body(Body::from(body)).unwrap()).await;
        if reply.header("content-type").starts_with("application/grpc") {
            return grpc_outcome(&reply.headers, &reply.bytes);
        }
        match reply.status {
            401 | 403 => reply.json()["code"].as_str().unwrap().to_owned(),
            200 => item_outcome(&reply.bytes),
            _ => "ok".to_owned(),
        }
    }
}

/// A batch is answered 200 and refused item by item.
fn item_outcome(body: &[u8]) -> String {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return "ok".to_owned() };
    let problem = body
        .pointer("/results/0/problem")
        .or_else(|| body.pointer("/evaluations/0/context/problem"));
    match problem {
        Some(problem) if [401, 403].contains(&problem["status"].as_u64().unwrap()) => {
            problem["code"].as_str().unwrap().to_owned()
        }
        Some(_) | None => "ok".to_owned(),
    }
}

fn grpc_outcome(headers: &axum::http::HeaderMap, body: &[u8]) -> String {
    let status = tonic::Status::from_header_map(headers);
    match status {
        Some(status)
            if [tonic::Code::Unauthenticated, tonic::Code::PermissionDenied]
                .contains(&status.code()) =>
        {
            status.get_error_details().error_info().unwrap().reason.clone()
        }
        _ => {
            // The problem of an item is in its message, as JSON in text.
            let text = String::from_utf8_lossy(body);
            let denied = ["actor_not_covered", "unauthenticated"];
            denied.into_iter().find(|code| text.contains(code)).unwrap_or("ok").to_owned()
        }
    }
}

fn askers(node: &Node) -> Vec<Asker> {
    let mut askers = vec![Asker { name: "anonymous".to_owned(), credential: None }];
    for person in people() {
        admit(node, &person);
        let credential = Some(person.session());
        askers.push(Asker { name: person.username.to_owned(), credential });
    }
    for (name, program) in programs() {
        equip(node, &program);
        askers.push(Asker { name, credential: Some(program.key()) });
    }
    let unknown = Some(Program::new(99, &[]).key());
    askers.push(Asker { name: "unknown_key".to_owned(), credential: unknown });
    askers
}

fn people() -> Vec<Person> {
    use AccountRole::{Admin, Auditor, ComplianceOfficer, Viewer};
    let oversees = |number, username, role| Person {
        oversight: vec![role],
        ..Person::new(number, username, Viewer)
    };
    vec![
        Person::new(1, "viewer", Viewer),
        Person::new(2, "auditor", Auditor),
        Person::new(3, "compliance_officer", ComplianceOfficer),
        Person::new(4, "admin", Admin),
        Person { has_mfa: false, ..Person::new(5, "admin_before_mfa", Admin) },
        oversees(6, "executive", Role::Executive),
        oversees(7, "governance_lead", Role::GovernanceLead),
        oversees(8, "security_officer", Role::SecurityOfficer),
        Person { has_mfa: false, ..oversees(9, "executive_before_mfa", Role::Executive) },
        Person { password_days: 91, ..Person::new(10, "password_too_old", Admin) },
        Person { idle_minutes: 15, ..Person::new(11, "session_expired", Admin) },
        Person { is_disabled: true, ..Person::new(12, "session_revoked", Admin) },
    ]
}

fn programs() -> Vec<(String, Program)> {
    let mut programs = vec![
        ("key".to_owned(), Program::new(20, &[ACTOR])),
        ("key_of_others".to_owned(), Program::new(21, &["ai_agent:claims"])),
        ("key_revoked".to_owned(), Program { is_revoked: true, ..Program::new(22, &["*"]) }),
    ];
    for (permission, number) in Permission::ALL.into_iter().zip(23..) {
        let permissions = Permissions::of(&[permission]);
        let program = Program { permissions, ..Program::new(number, &["other"]) };
        programs.push((format!("key_{}", permission.as_str()), program));
    }
    programs
}

/// Outcomes of one route, each with those who get it in the order of askers.
type Outcomes = BTreeMap<String, Vec<String>>;

fn write(text: &mut String, name: &str, who: &str, outcomes: &Outcomes) {
    writeln!(text, "{name}  [{who}]").unwrap();
    for (outcome, askers) in outcomes {
        writeln!(text, "  {outcome}: {}", askers.join(" ")).unwrap();
    }
}

/// What is sent where an answer depends on it.
fn body(operation: &str) -> String {
    let evaluation = json!({
        "subject": {"type": "ai_agent", "id": "claims_triage"}, "action": {"name": "read_claim"},
        "resource": {"type": "claim", "id": "1"},
    });
    let decide = json!({"actor": ACTOR, "action": "read_claim"});
    match operation {
        "decide" => decide.to_string(),
        "decideBatch" => json!({"requests": [decide]}).to_string(),
        "evaluation" => evaluation.to_string(),
        "evaluations" => json!({"evaluations": [evaluation, evaluation]}).to_string(),
        "passwordChange" => json!({"old_password": "a", "new_password": "b"}).to_string(),
        "mfaConfirm" | "mfaBackupCodes" => json!({"code": "000000"}).to_string(),
        "tokenRevoke" => json!({"reason": "a test"}).to_string(),
        "nodeAdd" => joiner(json!({})).to_string(),
        "policyLoad" | "policyValidate" => POLICY.to_owned(),
        _ => "{}".to_owned(),
    }
}

async fn rest_table(scene: &Scene) -> Vec<(String, String, Outcomes)> {
    let mut table = Vec::new();
    let document = document();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let who = operation["x-lexecon-who"].as_str().unwrap().to_owned();
            let operation = operation["operationId"].as_str().unwrap();
            let uri = path
                .replace("{decision_id}", &scene.decision)
                .replace("{token_id}", &scene.token)
                .replace(['{', '}'], "");
            let sends = method != "get";
            let mut outcomes = Outcomes::new();
            for asker in &scene.askers {
                let mut request = Request::builder().method(&*method.to_uppercase()).uri(&uri);
                let mut sent = Vec::new();
                if sends && method != "delete" {
                    request = request.header("content-type", "application/json");
                    sent = body(operation).into_bytes();
                }
                let outcome = scene.ask(asker, request, sent).await;
                outcomes.entry(outcome).or_default().push(asker.name.clone());
            }
            table.push((format!("{} {path}", method.to_uppercase()), who, outcomes));
        }
    }
    table
}

fn decide() -> pb::DecideRequest {
    pb::DecideRequest {
        actor: ACTOR.to_owned(),
        action: "read_claim".to_owned(),
        ..pb::DecideRequest::default()
    }
}

fn evaluation() -> pb::EvaluationRequest {
    let of = |text: &str| text.to_owned();
    pb::EvaluationRequest {
        subject: Some(pb::EvaluationSubject {
            r#type: of("ai_agent"),
            id: of("claims_triage"),
            ..pb::EvaluationSubject::default()
        }),
        action: Some(pb::EvaluationAction {
            name: of("read_claim"),
            ..pb::EvaluationAction::default()
        }),
        resource: Some(pb::EvaluationResource {
            r#type: of("claim"),
            id: of("1"),
            ..pb::EvaluationResource::default()
        }),
        ..pb::EvaluationRequest::default()
    }
}

fn document_of() -> String {
    serde_json::from_str::<Value>(POLICY).unwrap()["policy"].to_string()
}

/// A message for a method, empty where nothing depends on it.
fn message(scene: &Scene, method: &str) -> Vec<u8> {
    match method {
        "Decisions/Decide" => decide().encode_to_vec(),
        "Decisions/DecideBatch" => {
            let requests = vec![decide()];
            pb::DecideBatchRequest { requests, ..pb::DecideBatchRequest::default() }.encode_to_vec()
        }
        "Policies/Evaluation" => evaluation().encode_to_vec(),
        "Policies/Evaluations" => {
            let pb::EvaluationRequest { subject, action, resource, .. } = evaluation();
            let all = pb::EvaluationsRequest { subject, action, resource, ..Default::default() };
            all.encode_to_vec()
        }
        "Policies/Load" => {
            pb::LoadPolicyRequest { document_json: document_of(), ..Default::default() }
                .encode_to_vec()
        }
        "Policies/Validate" => {
            pb::ValidatePolicyRequest { document_json: document_of() }.encode_to_vec()
        }
        "Policies/Impact" => {
            pb::ImpactRequest { document_json: document_of(), ..Default::default() }.encode_to_vec()
        }
        "Decisions/Get" => {
            let decision_id = scene.decision.clone();
            pb::GetDecisionRequest { decision_id, read: None }.encode_to_vec()
        }
        "Decisions/IssueToken" => {
            let decision_id = scene.decision.clone();
            pb::IssueTokenRequest { decision_id, expires_in: None }.encode_to_vec()
        }
        "Tokens/Revoke" => {
            let token_id = scene.token.clone();
            pb::RevokeTokenRequest { token_id, reason: "a test".to_owned() }.encode_to_vec()
        }
        _ => Vec::new(),
    }
}

async fn grpc_table(scene: &Scene) -> Vec<(String, Outcomes)> {
    let mut table = Vec::new();
    let set = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
    let files = set.file.iter().filter(|file| file.package() == "lexecon.governance.v1");
    for (service, method) in files.flat_map(|file| &file.service).flat_map(|service| {
        service.method.iter().map(move |method| (service.name(), method.name()))
    }) {
        let name = format!("{service}/{method}");
        let message = message(scene, &name);
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let frame = [&[0], length.as_slice(), &message].concat();
        let mut outcomes = Outcomes::new();
        for asker in &scene.askers {
            let request = Request::builder()
                .method("POST")
                .uri(format!("/lexecon.governance.v1.{name}"))
                .header("content-type", "application/grpc")
                .header("te", "trailers");
            let outcome = scene.ask(asker, request, frame.clone()).await;
            outcomes.entry(outcome).or_default().push(asker.name.clone());
        }
        table.push((name, outcomes));
    }
    table.sort_by(|a, b| a.0.cmp(&b.0));
    table
}

fn gets(outcomes: &Outcomes, asker: &str) -> String {
    let mut found = outcomes.iter().filter(|(_, askers)| askers.iter().any(|name| name == asker));
    found.next().unwrap().0.clone()
}

/// The right of such a route is known only once its handler knows the actor.
fn check_asked(name: &str, outcomes: &Outcomes) {
    assert_eq!(gets(outcomes, "key"), "ok", "{name} refuses a key that covers the actor");
    let refused = ["actor_not_covered", "permission_denied"];
    let others = gets(outcomes, "key_of_others");
    assert!(refused.contains(&others.as_str()), "{name} does not ask who the actor is: {others}");
}

/// Where nothing is sent, who may call a method is who may ask for its row.
fn check_same(
    messages: &Messages,
    rest: &[(String, String, Outcomes)],
    (name, outcomes): (&str, &Outcomes),
) {
    if !["Audit/", "Compliance/", "Systems/"].iter().any(|those| name.starts_with(those)) {
        return;
    }
    let method = messages.methods.iter().find(|method| method.name == name).unwrap();
    let row = rest.iter().find(|(row, ..)| *row == method.rows[0]).unwrap();
    assert_eq!(outcomes, &row.2, "{name}");
}

#[tokio::test]
async fn who_may_do_what_is_written_down() {
    let scene = Scene::new().await;
    let mut text = String::new();
    let rest = rest_table(&scene).await;
    for (name, who, outcomes) in &rest {
        assert_ne!(who, "node", "{name} has no rule");
        // A node joins by what it shows itself, which its handler judges.
        if who == "public" && name != "POST /cluster/nodes" {
            assert_eq!(gets(outcomes, "anonymous"), "ok", "{name} is public");
        } else if who != "public" {
            assert_eq!(gets(outcomes, "anonymous"), "unauthenticated", "{name}");
        }
        if who.starts_with("actor") {
            check_asked(name, outcomes);
        }
        write(&mut text, name, who, outcomes);
    }
    let messages = Messages::new();
    for (name, outcomes) in grpc_table(&scene).await {
        if ["Decide", "DecideBatch", "IssueToken", "Revoke", "Evaluation", "Evaluations"]
            .iter()
            .any(|of| {
                ["Decisions", "Tokens", "Policies"].iter().any(|s| name == format!("{s}/{of}"))
            })
        {
            check_asked(&name, &outcomes);
        }
        check_same(&messages, &rest, (&name, &outcomes));
        write(&mut text, &name, "gRPC", &outcomes);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/permissions.txt");
    if std::env::var_os("UPDATE_PERMISSIONS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "permissions.txt differs: run the tests with UPDATE_PERMISSIONS=1 and review"
    );
}
