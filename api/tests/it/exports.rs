//! Exports through the interface: who may ask, let one go out, and take it away;
//! what is said of one at every step; downloads in pieces.

use api::{AuthMode, Config};
use base64::Engine as _;
use ed25519_dalek::VerifyingKey;
use governance::access::{AccountRole, Permission, Permissions};
use governance::command::{BuiltExport, ClaimExport, Command, CompleteExport, ErasedPart};
use governance::export;
use governance::{Outcome, view};
use serde_json::{Value, json};
use types::{EntryId, ExportId};

use crate::accounts::{Person, Program, admit, close, equip};
use crate::answers::conforms;
use crate::common::{ALLOWED, Node, Server, envelope_of, export_text};
use crate::description::document;

fn asking() -> Value {
    json!({"scope": "all", "format": "json"})
}

/// Asks for an export and says which that made.
async fn requested(server: &Server, body: Value) -> String {
    let reply = server.post("/audit/export", body).await;
    assert_eq!(reply.status, 202, "{}", reply.json());
    reply.json()["export_id"].as_str().unwrap().to_owned()
}

/// A node reports the file that the double hands out.
pub(crate) fn complete(node: &Node, id: &str) {
    let export: ExportId = id.parse().unwrap();
    node.finalize();
    let claim = Command::ClaimExport(ClaimExport { export, worked: 0, percent: 0 });
    assert_eq!(node.apply(envelope_of("n1", claim)).outcome, Outcome::Noted);
    report(node, export);
}

fn report(node: &Node, export: ExportId) {
    let store = node.inner().store.clone();
    let size = export::export(&store, export).unwrap().unwrap().ledger_size;
    let checkpoint = view::first_final(&store, EntryId(size - 1)).unwrap().unwrap();
    let text = export_text(export);
    let built = BuiltExport {
        record_count: 5,
        size_bytes: text.len() as u64,
        sha256: ledger::hash::sha256(text.as_bytes()),
        checkpoint_size: checkpoint.claim.size,
        erasures_through: export::erasures_through(&store, size).unwrap(),
        form: 1,
    };
    let complete = Command::CompleteExport(Box::new(CompleteExport { export, built }));
    let outcome = node.apply(envelope_of("n1", complete)).outcome;
    assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
}

fn of_path(document: &Value, path: &str, method: &str, status: &str) -> Value {
    let operation = &document["paths"][path][method];
    operation["responses"][status]["content"]["application/json"]["schema"].clone()
}

#[tokio::test]
async fn an_export_is_accepted_built_and_taken_away() {
    let server = Server::loaded().await;
    server.post("/decide", ALLOWED).await;
    let size = server.node.ledger_size();
    let document = document();
    let body = json!({"scope": "ALL", "format": "Json", "purpose": "annual audit",
                      "requester": "act_human_user:maria"});
    let reply = server.post("/audit/export", &body).await;
    assert_eq!(reply.status, 202);
    conforms(&of_path(&document, "/audit/export", "post", "202"), &reply.json(), "export");
    let id = reply.json()["export_id"].as_str().unwrap().to_owned();
    let status_url = reply.json()["status_url"].as_str().unwrap().to_owned();
    assert_eq!(reply.json()["ledger_size"], size);
    assert_eq!(status_url, format!("/audit/status/{id}"));
    let status = server.get(&status_url).await.json();
    let schema = of_path(&document, "/audit/status/{export_id}", "get", "200");
    conforms(&schema, &status, "status");
    assert_eq!(
        (&status["status"], &status["purpose"], &status["requested_by"]),
        (&json!("pending"), &json!("annual audit"), &json!("act_human_user:maria"))
    );
    assert!(status["download_url"].is_null() && status["sha256"].is_null());
    let early = server.get(&format!("/audit/exports/{id}/download")).await;
    assert_eq!(early.outcome(), "409 not_ready");
    complete(&server.node, &id);
    let status = server.get(&status_url).await.json();
    conforms(&schema, &status, "status");
    assert_eq!((&status["status"], &status["record_count"]), (&json!("completed"), &json!(5)));
    let file = server.get(status["download_url"].as_str().unwrap()).await;
    assert_eq!(file.status, 200);
    assert_eq!(file.bytes, export_text(id.parse().unwrap()).as_bytes());
    let sha256 = ledger::hash::sha256(&file.bytes);
    assert_eq!(status["sha256"], sha256.to_string());
    let digest = base64::engine::general_purpose::STANDARD.encode(sha256.0);
    assert_eq!(file.header("digest"), format!("sha-256={digest}"));
    assert_eq!(file.header("content-type"), "application/json");
    let name = format!("attachment; filename=\"lexecon-all-{size}.json\"");
    assert_eq!(file.header("content-disposition"), name);
    signed(&server, &status).await;
}

/// The signature is one of a key for exports over the digest.
async fn signed(server: &Server, status: &Value) {
    let keys = server.get("/keys").await.json();
    let of_exports = |key: &&Value| key["use"] == "export";
    let key = keys["keys"].as_array().unwrap().iter().find(of_exports).unwrap();
    let signature = &status["signature"];
    assert_eq!(signature["key_id"], key["kid"]);
    let bytes = |text: &Value| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
    };
    let public: [u8; 32] = bytes(&key["x"]).try_into().unwrap();
    let signature: [u8; 64] = bytes(&signature["value"]).try_into().unwrap();
    let text = format!("lexecon/export/v1\n{}\n", status["sha256"].as_str().unwrap());
    let key = VerifyingKey::from_bytes(&public).unwrap();
    key.verify_strict(text.as_bytes(), &signature.into()).unwrap();
}

#[tokio::test]
async fn a_download_that_broke_off_is_taken_up() {
    let server = Server::loaded().await;
    let id = requested(&server, asking()).await;
    complete(&server.node, &id);
    let path = format!("/audit/exports/{id}/download");
    let whole = server.get(&path).await;
    let (size, etag) = (whole.bytes.len(), whole.header("etag").to_owned());
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let first = server.call("GET", &path, "", &[("range", "bytes=0-299999")]).await;
    let rest = [("range", "bytes=300000-"), ("if-range", etag.as_str())];
    let rest = server.call("GET", &path, "", &rest).await;
    for (piece, range) in [(&first, "0-299999".to_owned()), (&rest, format!("300000-{}", size - 1))]
    {
        assert_eq!(piece.status, 206);
        assert_eq!(piece.header("content-range"), format!("bytes {range}/{size}"));
        assert_eq!(piece.header("digest"), whole.header("digest"));
    }
    assert_eq!([first.bytes, rest.bytes].concat(), whole.bytes);
    let other = [("range", "bytes=3-"), ("if-range", "\"other\"")];
    assert_eq!(server.call("GET", &path, "", &other).await.status, 200, "another file by now");
    let past = format!("bytes={size}-");
    let past = server.call("GET", &path, "", &[("range", past.as_str())]).await;
    assert_eq!(past.outcome(), "416 range_not_satisfiable");
    assert_eq!(past.header("content-range"), format!("bytes */{size}"));
    let head = server.call("HEAD", &path, "", &[]).await;
    assert_eq!((head.status, head.header("content-length")), (200, size.to_string().as_str()));
    assert!(head.bytes.is_empty());
}

#[tokio::test]
async fn a_file_that_is_not_here_yet_is_asked_for_again() {
    let server = Server::loaded().await;
    let id = requested(&server, asking()).await;
    complete(&server.node, &id);
    server.node.inner().has_exports = false;
    let reply = server.get(&format!("/audit/exports/{id}/download")).await;
    assert_eq!(reply.outcome(), "409 not_ready");
    server.node.inner().has_exports = true;
    assert_eq!(server.get(&format!("/audit/exports/{id}/download")).await.status, 200);
}

#[tokio::test]
async fn after_an_erasure_the_file_is_another() {
    let server = Server::loaded().await;
    server.post("/decide", ALLOWED).await;
    let decision = server.node.ledger_size() - 1;
    let id = requested(&server, asking()).await;
    complete(&server.node, &id);
    let path = format!("/audit/status/{id}");
    assert!(server.get(&path).await.json()["erasures_through"].is_null());
    server.node.erase(ErasedPart::Personal, decision);
    let run = server.node.ledger_size() - 1;
    let status = server.get(&path).await.json();
    assert_eq!(status["erasures_through"], run);
    assert!(status["sha256"].is_null() && status["signature"].is_null(), "{status}");
    report(&server.node, id.parse().unwrap());
    let status = server.get(&path).await.json();
    assert_eq!(status["erasures_through"], run);
    assert!(status["sha256"].is_string());
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let server = Server::loaded().await;
    let size = server.node.ledger_size();
    for (body, code) in [
        (json!({"scope": "some", "format": "json"}), "422 validation_failed"),
        (json!({"scope": "all", "format": "pdf"}), "422 validation_failed"),
        (json!({"format": "json"}), "422 validation_failed"),
        (json!({"scope": "all", "format": "json", "x": 1}), "422 unknown_field"),
        (json!({"scope": "all", "format": "json", "ledger_size": 0}), "422 validation_failed"),
        (
            json!({"scope": "all", "format": "json", "ledger_size": size + 1}),
            "422 validation_failed",
        ),
        (
            json!({"scope": "all", "format": "json", "from": "2027-03-05", "to": "2027-03-04"}),
            "422 validation_failed",
        ),
    ] {
        let reply = server.post("/audit/export", &body).await;
        assert_eq!(reply.outcome(), code, "{body}");
    }
    let pinned = json!({"scope": "all", "format": "zip", "ledger_size": size});
    requested(&server, pinned).await;
    for path in ["/audit/status/exp_00000000000000000000000001", "/audit/exports/x/download"] {
        assert_eq!(server.get(path).await.outcome(), "404 unknown_export");
    }
    let id = requested(&server, asking()).await;
    let reply = server.post(&format!("/audit/exports/{id}/approve"), "{}").await;
    assert_eq!(reply.outcome(), "409 already_resolved", "in open mode nothing waits");
}

/// A closed cluster, and by whom it is asked.
struct Closed {
    server: Server,
}

impl Closed {
    async fn new() -> Self {
        let open = Server::loaded().await;
        let node = open.node.clone();
        close(&node);
        use AccountRole::{Admin, Auditor, ComplianceOfficer, Viewer};
        for (number, username, role) in [
            (1, "viewer", Viewer),
            (2, "auditor", Auditor),
            (3, "officer", ComplianceOfficer),
            (4, "admin", Admin),
        ] {
            admit(&node, &Person::new(number, username, role));
        }
        let permissions = Permissions::of(&[Permission::RequestAuditPacket]);
        equip(&node, &Program { permissions, ..Program::new(9, &["*"]) });
        let config = Config { auth: AuthMode::Required, ..Config::default() };
        Self { server: Server::with(node, config) }
    }

    async fn ask(&self, who: u8, method: &str, path: &str, body: &str) -> crate::common::Reply {
        let credential = match who {
            9 => Program::new(9, &[]).key(),
            number => Person::new(number, "", AccountRole::Viewer).session(),
        };
        let bearer = format!("Bearer {credential}");
        self.server.call(method, path, body, &[("authorization", bearer.as_str())]).await
    }

    async fn requested(&self, who: u8) -> (String, Value) {
        let reply = self.ask(who, "POST", "/audit/export", &asking().to_string()).await;
        assert_eq!(reply.status, 202, "{}", reply.json());
        let reply = reply.json();
        (reply["export_id"].as_str().unwrap().to_owned(), reply["status"].clone())
    }
}

const VIEWER: u8 = 1;
const AUDITOR: u8 = 2;
const OFFICER: u8 = 3;
const ADMIN: u8 = 4;
const PROGRAM: u8 = 9;

#[tokio::test]
async fn an_auditor_waits_until_somebody_else_agrees() {
    let closed = Closed::new().await;
    let refused = closed.ask(VIEWER, "POST", "/audit/export", &asking().to_string()).await;
    assert_eq!(refused.outcome(), "403 permission_denied");
    let (id, status) = closed.requested(AUDITOR).await;
    assert_eq!(status, "awaiting_approval");
    let approve = format!("/audit/exports/{id}/approve");
    let own = closed.ask(AUDITOR, "POST", &approve, "{}").await;
    assert_eq!(own.outcome(), "403 permission_denied");
    let notes = json!({"notes": "for the supervisor"}).to_string();
    let reply = closed.ask(OFFICER, "POST", &approve, &notes).await;
    assert_eq!(reply.status, 200);
    let document = document();
    let schema = of_path(&document, "/audit/exports/{export_id}/approve", "post", "200");
    conforms(&schema, &reply.json(), "approve");
    assert_eq!(reply.json()["status"], "pending");
    complete(&closed.server.node, &id);
    let again = closed.ask(ADMIN, "POST", &approve, "{}").await;
    assert_eq!(again.outcome(), "409 already_resolved");
    let download = format!("/audit/exports/{id}/download");
    assert_eq!(closed.ask(AUDITOR, "GET", &download, "").await.status, 200, "it is its own");
    assert_eq!(closed.ask(OFFICER, "GET", &download, "").await.status, 200, "export_data");
    let others = closed.ask(PROGRAM, "GET", &download, "").await;
    assert_eq!(others.outcome(), "403 permission_denied");
    let seen = closed.server.node.read.lock().unwrap().len();
    assert_eq!(seen, 2, "it is noted who was shown personal parts");
}

#[tokio::test]
async fn nobody_agrees_with_themselves_and_a_rejection_is_the_end() {
    let closed = Closed::new().await;
    let (served, status) = closed.requested(ADMIN).await;
    assert_eq!(status, "pending", "who may take exports away is served at once");
    let (id, _) = closed.requested(AUDITOR).await;
    let reject = format!("/audit/exports/{id}/reject");
    let notes = json!({"notes": "not needed"}).to_string();
    let reply = closed.ask(ADMIN, "POST", &reject, &notes).await;
    assert_eq!(reply.json()["status"], "failed");
    assert_eq!(reply.json()["error"], "the request was rejected");
    let schema = of_path(&document(), "/audit/exports/{export_id}/reject", "post", "200");
    conforms(&schema, &reply.json(), "reject");
    // The key's owner is the viewer here, who may not approve anyway.
    let (program, status) = closed.requested(PROGRAM).await;
    assert_eq!(status, "awaiting_approval");
    let approve = format!("/audit/exports/{program}/approve");
    assert_eq!(closed.ask(OFFICER, "POST", &approve, "{}").await.status, 200);
    let listed = closed.ask(AUDITOR, "GET", "/audit/exports?status=pending", "").await.json();
    let ids: Vec<&str> = listed["exports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["export_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [served.as_str(), program.as_str()]);
    assert_eq!(listed["total"], 2);
}

#[tokio::test]
async fn how_an_export_stands_is_for_who_asked_and_for_auditors() {
    let closed = Closed::new().await;
    let (id, _) = closed.requested(PROGRAM).await;
    let path = format!("/audit/status/{id}");
    assert_eq!(closed.ask(PROGRAM, "GET", &path, "").await.status, 200);
    assert_eq!(closed.ask(AUDITOR, "GET", &path, "").await.status, 200);
    let refused = closed.ask(VIEWER, "GET", &path, "").await;
    assert_eq!(refused.outcome(), "403 permission_denied");
    assert_eq!(
        closed.ask(PROGRAM, "GET", "/audit/exports", "").await.outcome(),
        "403 permission_denied"
    );
}

#[tokio::test]
async fn an_answer_that_is_repeated_is_the_same() {
    let closed = Closed::new().await;
    let (id, _) = closed.requested(AUDITOR).await;
    let approve = format!("/audit/exports/{id}/approve");
    let bearer = format!("Bearer {}", Person::new(OFFICER, "", AccountRole::Viewer).session());
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "once")];
    let first = closed.server.call("POST", &approve, "{}", &headers).await;
    complete(&closed.server.node, &id);
    let again = closed.server.call("POST", &approve, "{}", &headers).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json(), first.json());
}
