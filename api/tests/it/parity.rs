//! Sections 10 to 12 by gRPC: every row has its method, no member of either side
//! is missing on the other, and both answer the same to the same request.
//!
//! What is recorded is asked for twice under one `Idempotency-Key`, by REST and
//! then by gRPC: a member that gets lost on the way makes it another request.

use std::collections::BTreeSet;

use api::{AuthMode, Config};
use axum::body::Body;
use axum::http::Request;
use governance::access::AccountRole;
use governance::oversight::Role;
use prost_types::field_descriptor_proto::Type;
use proto::governance::v1::audit_client::AuditClient;
use proto::governance::v1::{
    DownloadExportRequest, ExportFile, GetExportRequest, RequestExportRequest,
};
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::accounts::{Person, admit, close};
use crate::common::{Node, Reply, Server};
use crate::description::document;
use crate::exports::complete;
use crate::grpc::{connect, refusal};
use crate::messages::{Messages, is_json, shown_name};

mod asked;

/// Rows that have no method, and what there is in its place.
const WITHOUT: &[(&str, &str)] = &[
    ("GET /", "reflection"),
    ("GET /checkpoint", "`Ledger.GetCheckpoint` has the text as a member"),
    ("GET /docs", "a page for browsers"),
    ("GET /health", "grpc.health.v1.Health"),
    ("GET /health/live", "grpc.health.v1.Health"),
    ("GET /health/ready", "grpc.health.v1.Health"),
    ("GET /health/startup", "grpc.health.v1.Health"),
    ("GET /metrics", "for scrapers"),
    ("GET /openapi.json", "reflection"),
    ("GET /status", OPERATOR),
    ("GET /cluster/nodes", OPERATOR),
    ("POST /cluster/nodes", OPERATOR),
    ("DELETE /cluster/nodes/{id}", OPERATOR),
    ("POST /cluster/nodes/{id}/demote", OPERATOR),
    ("POST /cluster/nodes/{id}/promote", OPERATOR),
    ("POST /cluster/snapshot", OPERATOR),
    ("POST /cluster/transfer-leader", OPERATOR),
];

/// Sections 15 and 16.
const OPERATOR: &str = "what operators do, by REST and the command line";

/// Files of the messages that are looked at here.
const FILES: &[&str] = &["audit", "controls", "documents", "incidents", "records", "systems"];

/// The methods whose messages are in those files.
fn is_ours(method: &str) -> bool {
    ["Audit/", "Compliance/", "Systems/"].iter().any(|service| method.starts_with(service))
}

#[test]
fn every_row_of_rest_has_its_method() {
    let messages = Messages::new();
    let with: BTreeSet<&str> =
        messages.methods.iter().flat_map(|it| &it.rows).map(String::as_str).collect();
    let document = document();
    let mut rows = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for verb in operations.as_object().unwrap().keys() {
            rows.insert(format!("{} {path}", verb.to_uppercase()));
        }
    }
    for row in &rows {
        let without = WITHOUT.iter().any(|(name, _)| name == row);
        assert_ne!(with.contains(row.as_str()), without, "{row}");
    }
    for row in with.iter().copied().chain(WITHOUT.iter().map(|(row, _)| *row)) {
        assert!(rows.contains(row), "REST has no {row}");
    }
}

#[tokio::test]
async fn article_11_is_found_by_its_number_too() {
    let (server, messages) = (Server::loaded().await, Messages::new());
    let row = "GET /compliance/eu-ai-act/article-{n}/documentation";
    let method = messages.of_row(row).clone();
    for (n, document) in [("11", "EU_AI_ACT_ARTICLE_11"), ("9", "EU_AI_ACT_ARTICLE_9")] {
        let message = messages.encode(&method.input, &json!({"n": n}));
        let reply = call(&server, &method.name, &message, &[]).await;
        let answer = messages.decode(&method.output, frame(&reply), &mut BTreeSet::new());
        assert_eq!(answer["document"]["document_type"], document);
    }
}

/// An operation of the description.
fn operation(document: &Value, row: &str) -> Value {
    let (verb, path) = row.split_once(' ').unwrap();
    document["paths"][path][verb.to_lowercase()].clone()
}

/// Names of its parameters at a place.
fn parameters(operation: &Value, place: &str) -> Vec<String> {
    let all = operation["parameters"].as_array().cloned().unwrap_or_default();
    let found = all.iter().filter(|parameter| parameter["in"] == place);
    found.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
}

/// The credential of a person.
fn bearer(who: u8) -> String {
    format!("Bearer {}", Person::new(who, "", AccountRole::Viewer).session())
}

/// A server that asks for credentials, and both interfaces of it.
struct Pair {
    server: Server,
    messages: Messages,
    document: Value,
    /// Fields that had a value in some answer.
    seen: BTreeSet<(String, String)>,
    /// Fields that were sent.
    sent: BTreeSet<(String, String)>,
    /// Requests so far.
    count: u64,
}

const ADMIN: u8 = 4;
const AUDITOR: u8 = 2;
const EXECUTIVE: u8 = 6;

/// Lets everybody log in who asks here.
fn admit_all(node: &Node) {
    admit(node, &Person::new(ADMIN, "admin", AccountRole::Admin));
    admit(node, &Person::new(AUDITOR, "auditor", AccountRole::Auditor));
    let executive = Person::new(EXECUTIVE, "executive", AccountRole::Viewer);
    admit(node, &Person { oversight: vec![Role::Executive], ..executive });
}

impl Pair {
    async fn new() -> Self {
        let open = Server::loaded().await;
        close(&open.node);
        admit_all(&open.node);
        let config = Config { auth: AuthMode::Required, ..Config::default() };
        let server = Server::with(open.node.clone(), config);
        Self {
            server,
            messages: Messages::new(),
            document: document(),
            seen: BTreeSet::new(),
            sent: BTreeSet::new(),
            count: 0,
        }
    }

    /// Days go by, and everybody logs in again.
    fn wait(&self, days: u64) {
        self.server.node.inner().now += days * 24 * 3_600 * 1_000_000;
        admit_all(&self.server.node);
    }

    /// Asks by both and says what both answer.
    async fn ask(&mut self, row: &str, members: Value) -> Value {
        self.ask_as(ADMIN, row, members).await
    }

    async fn ask_as(&mut self, who: u8, row: &str, members: Value) -> Value {
        self.count += 1;
        let key = format!("key-{}", self.count);
        let headers = [("authorization", bearer(who)), ("idempotency-key", key)];
        let rest = self.by_rest(row, &members, &headers).await;
        assert!([200, 202].contains(&rest.status), "{row} {members}: {}", rest.json());
        let method = self.messages.of_row(row).clone();
        for name in members.as_object().unwrap().keys() {
            self.sent.insert((method.input.clone(), name.clone()));
        }
        let message = self.messages.encode(&method.input, &members);
        let grpc = call(&self.server, &method.name, &message, &headers).await;
        let says_no_entry = || rest.json().get("ledger_entry_id").is_some_and(Value::is_null);
        let is_recorded = !row.starts_with("GET ") && !says_no_entry();
        let answer = self.messages.decode(&method.output, frame(&grpc), &mut self.seen);
        assert_eq!(is_recorded, grpc.header("idempotent-replayed") == "true", "{row} {members}");
        same(row, &rest, answer)
    }

    async fn by_rest(&self, row: &str, members: &Value, headers: &[(&str, String); 2]) -> Reply {
        let (verb, template) = row.split_once(' ').unwrap();
        let operation = operation(&self.document, row);
        let (mut path, mut query) = (template.to_owned(), String::new());
        let mut body = members.clone();
        let in_query = parameters(&operation, "query");
        for (name, value) in members.as_object().unwrap() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let place = format!("{{{name}}}");
            if path.contains(&place) {
                path = path.replace(&place, &escaped(&text));
            } else if in_query.contains(name) {
                query.push_str(&format!("{name}={}&", escaped(&text)));
            } else {
                continue;
            }
            body.as_object_mut().unwrap().remove(name);
        }
        let has_body = !["GET", "DELETE"].contains(&verb);
        assert!(has_body || body == json!({}), "{row} takes no {body}");
        let text = if has_body { body.to_string() } else { String::new() };
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let headers = if verb == "GET" { &headers[..1] } else { &headers[..] };
        self.server.call(verb, &format!("{path}?{query}"), &text, headers).await
    }

    /// Only what was sent by somebody and seen in an answer is known to come through.
    fn check_whole(&self) {
        let mut missing = self.messages.fields_of_files(FILES);
        missing.retain(|field| !self.seen.contains(field));
        let inputs = self.messages.methods.iter().map(|method| method.input.as_str());
        let inputs: BTreeSet<&str> = inputs.collect();
        // What is sent, and what the download, which is a stream, has.
        let nested = ["EntryFilter", "ActorPatterns", "ExportChunk", "ExportFile"];
        missing.retain(|(message, field)| {
            let name = message.rsplit('.').next().unwrap();
            // There is more than 100,000 records before it is a number.
            let is_rare = (name, field.as_str()) == ("AnonymizeReply", "not_looked_at");
            !inputs.contains(message.as_str()) && !nested.contains(&name) && !is_rare
        });
        assert!(missing.is_empty(), "in no answer: {missing:?}");
        let of_ours = self.messages.methods.iter().filter(|method| is_ours(&method.name));
        for method in of_ours.filter(|method| !is_elsewhere(&method.name)) {
            for field in self.messages.fields(&method.input) {
                let name = shown_name(field);
                let sent = self.sent.contains(&(method.input.clone(), name.to_owned()));
                assert!(sent || name == "read", "{}: `{name}` is never sent", method.name);
            }
        }
    }
}

/// Methods whose messages have tests beside those of article 14.
const OF_OVERSIGHT: [&str; 4] = [
    "Compliance/RecordIntervention",
    "Compliance/VerifyIntervention",
    "Compliance/LiftStop",
    "Compliance/OversightEffectiveness",
];

fn is_elsewhere(method: &str) -> bool {
    OF_OVERSIGHT.contains(&method) || method == "Audit/DownloadExport"
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Calls a method past the socket.
async fn call(server: &Server, name: &str, message: &[u8], headers: &[(&str, String)]) -> Reply {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let mut request = Request::builder()
        .method("POST")
        .uri(format!("/lexecon.governance.v1.{name}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let body = Body::from([&[0], length.as_slice(), message].concat());
    server.send(request.body(body).unwrap()).await
}

/// The only message of an answer.
fn frame(reply: &Reply) -> &[u8] {
    let refused = tonic::Status::from_header_map(&reply.headers);
    assert!(refused.is_none(), "{refused:?}");
    let (head, message) = reply.bytes.split_at(5);
    let length = u32::from_be_bytes(head[1..].try_into().unwrap());
    assert_eq!(usize::try_from(length).unwrap(), message.len());
    message
}

/// Compares both answers and gives that of REST.
fn same(row: &str, rest: &Reply, mut grpc: Value) -> Value {
    let is_text = grpc.get("text").is_some_and(Value::is_object);
    if is_text {
        let text = String::from_utf8(rest.bytes.clone()).unwrap();
        let expect = json!({"content_type": rest.header("content-type"), "text": text});
        assert_eq!(grpc["text"], expect, "{row}");
        assert!(grpc.as_object().unwrap().values().filter(|it| !it.is_null()).count() == 1);
        return Value::Null;
    }
    for name in ["document", "package"] {
        grpc = grpc.get(name).cloned().unwrap_or(grpc);
    }
    let mut rest = rest.json();
    let answer = rest.clone();
    level(&mut rest, &mut grpc);
    assert_eq!(rest, grpc, "{row}");
    answer
}

/// A message has every field; what only some answers have is null or empty there.
/// The counts of `intervention_breakdown` are one level higher than in REST.
fn level(rest: &mut Value, grpc: &mut Value) {
    match (rest, grpc) {
        (Value::Object(rest), Value::Object(grpc)) => {
            if let Some(Value::Object(by)) = rest.remove("intervention_breakdown") {
                rest.extend(by);
            }
            grpc.retain(|name, value| {
                rest.contains_key(name) || !(value.is_null() || *value == json!([]))
            });
            for (name, member) in rest {
                if let Some(other) = grpc.get_mut(name) {
                    level(member, other);
                }
            }
        }
        (Value::Array(rest), Value::Array(grpc)) => {
            rest.iter_mut().zip(grpc).for_each(|(one, other)| level(one, other));
        }
        (_, _) => (),
    }
}

#[tokio::test]
async fn both_answer_the_same_to_the_same_request() {
    let mut pair = Pair::new().await;
    asked::profile(&mut pair).await;
    asked::systems(&mut pair).await;
    asked::incidents(&mut pair).await;
    asked::documents(&mut pair).await;
    asked::frameworks(&mut pair).await;
    asked::duties(&mut pair).await;
    asked::records(&mut pair).await;
    asked::packages(&mut pair).await;
    asked::exports(&mut pair).await;
    asked::later(&mut pair).await;
    pair.check_whole();
}

/// A value that no member takes, and where it is refused.
fn wrong(messages: &Messages, message: &str) -> Vec<(Value, String)> {
    let long = || json!("x".repeat(20_000));
    let mut found = Vec::new();
    for field in messages.fields(message) {
        let name = shown_name(field).to_owned();
        let is_list = field.label() == prost_types::field_descriptor_proto::Label::Repeated;
        let one = |value: Value| if is_list { json!([value]) } else { value };
        match field.r#type() {
            Type::String if is_json(field) => found.push((json!({&name: []}), name)),
            Type::String => found.push((json!({&name: one(long())}), name)),
            Type::Int64 => found.push((json!({&name: one(json!(-1))}), name)),
            Type::Message => {
                for (value, at) in wrong(messages, field.type_name()) {
                    found.push((json!({&name: value}), format!("{name}/{at}")));
                }
            }
            _ => (),
        }
    }
    found
}

/// No field is left out on the way in: what is wrong in it is refused, and at its
/// place.
#[tokio::test]
async fn what_is_wrong_in_a_field_is_refused_at_its_place() {
    let server = Server::loaded().await;
    let (messages, document) = (Messages::new(), document());
    let mut count = 0;
    let ours = messages.methods.iter().filter(|method| is_ours(&method.name));
    for method in ours.filter(|method| !OF_OVERSIGHT.contains(&method.name.as_str())) {
        let in_path = parameters(&operation(&document, &method.rows[0]), "path");
        for (asked, at) in wrong(&messages, &method.input) {
            if in_path.contains(&at) || EXCEPT.contains(&at.as_str()) {
                continue;
            }
            let message = messages.encode(&method.input, &asked);
            let reply = call(&server, &method.name, &message, &[]).await;
            let status = tonic::Status::from_header_map(&reply.headers);
            let status = status.unwrap_or_else(|| panic!("{}: {at} is taken", method.name));
            let details = status.get_error_details();
            let faults = details.bad_request().map(|it| it.field_violations.clone());
            let names = |field: &str| {
                let field = field.trim_start_matches('/').trim_start_matches("read/");
                let at = at
                    .trim_start_matches("read/")
                    .replace("actor_patterns/patterns", "actor_patterns");
                field == at || field.starts_with(&format!("{at}/"))
            };
            let mut faults = faults.unwrap_or_default().into_iter();
            let is_told =
                faults.any(|it| names(&it.field) && !it.description.starts_with("missing"));
            assert!(is_told, "{}: {at}: {status:?}", method.name);
            count += 1;
        }
    }
    assert!(150 < count, "{count} fields were tried");
}

/// What no fault names: which file it is that a piece is wanted of.
const EXCEPT: [&str; 1] = ["if_sha256"];

/// The whole of a download, and how many messages its bytes came in.
async fn downloaded(
    client: &mut AuditClient<tonic::transport::Channel>,
    ask: DownloadExportRequest,
) -> (ExportFile, Vec<u8>, usize) {
    let mut stream = client.download_export(ask).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert!(first.data.is_empty());
    let (mut bytes, mut count) = (Vec::new(), 0);
    while let Some(chunk) = stream.message().await.unwrap() {
        assert!(chunk.file.is_none() && chunk.data.len() <= 256 << 10);
        bytes.extend_from_slice(&chunk.data);
        count += 1;
    }
    (first.file.unwrap(), bytes, count)
}

#[tokio::test]
async fn a_download_by_grpc_has_the_bytes_of_rest() {
    let server = Server::loaded().await;
    let mut client = AuditClient::new(connect(&server).await);
    let ask = RequestExportRequest {
        scope: "all".to_owned(),
        format: "json".to_owned(),
        ..RequestExportRequest::default()
    };
    let asked = client.request_export(ask).await.unwrap().into_inner();
    let (id, size) = (asked.export_id, asked.ledger_size);
    let ask = DownloadExportRequest { export_id: id.clone(), ..DownloadExportRequest::default() };
    let early = client.download_export(ask.clone()).await.unwrap_err();
    assert_eq!(refusal(&early), (Code::FailedPrecondition, "not_ready".to_owned()));
    complete(&server.node, &id);
    let status = GetExportRequest { export_id: id.clone(), read: None };
    let status = client.get_export(status).await.unwrap().into_inner();
    assert_eq!((status.status.as_str(), status.ledger_size), ("completed", size));
    let rest = server.get(&format!("/audit/exports/{id}/download")).await;
    let size = rest.bytes.len();
    let (file, bytes, count) = downloaded(&mut client, ask.clone()).await;
    assert!(bytes == rest.bytes, "other bytes");
    assert!(1 < count, "a large file comes in pieces");
    let name = format!("attachment; filename=\"{}\"", file.name);
    assert_eq!((rest.header("content-disposition"), file.offset), (name.as_str(), 0));
    assert_eq!(rest.header("content-type"), file.content_type);
    assert_eq!(rest.header("etag"), format!("\"{}\"", file.sha256));
    assert_eq!(file.size_bytes, size as u64);
    let told = (status.sha256.as_ref(), status.size_bytes);
    assert_eq!(told, (Some(&file.sha256), Some(file.size_bytes)));

    let later = DownloadExportRequest {
        offset: Some(300_000),
        if_sha256: Some(file.sha256.clone()),
        ..ask.clone()
    };
    let (piece, bytes, _) = downloaded(&mut client, later.clone()).await;
    assert_eq!((piece.offset, piece.size_bytes), (300_000, size as u64));
    assert!(bytes == rest.bytes[300_000..], "other bytes");
    let other = DownloadExportRequest { if_sha256: Some("0".repeat(64)), ..later.clone() };
    let (whole, bytes, _) = downloaded(&mut client, other).await;
    assert_eq!((whole.offset, bytes.len()), (0, size), "another file by now");
    let past = DownloadExportRequest { offset: Some(size as u64), ..ask.clone() };
    let past = client.download_export(past).await.unwrap_err();
    assert_eq!(refusal(&past), (Code::OutOfRange, "range_not_satisfiable".to_owned()));
    let unknown = DownloadExportRequest { export_id: "x".to_owned(), ..ask };
    let unknown = client.download_export(unknown).await.unwrap_err();
    assert_eq!(refusal(&unknown), (Code::NotFound, "unknown_export".to_owned()));
}

/// The auditor has an export for whom somebody else agreed, and nobody's else.
#[tokio::test]
async fn a_download_by_grpc_is_for_whom_it_is_by_rest() {
    let mut pair = Pair::new().await;
    let row = "POST /audit/export";
    let ask = json!({"scope": "all", "format": "csv"});
    let of_admin = pair.ask(row, ask.clone()).await["export_id"].as_str().unwrap().to_owned();
    let own = pair.ask_as(AUDITOR, row, ask).await["export_id"].as_str().unwrap().to_owned();
    pair.ask("POST /audit/exports/{export_id}/approve", json!({"export_id": own})).await;
    for id in [&of_admin, &own] {
        complete(&pair.server.node, id);
    }
    let mut client = AuditClient::new(connect(&pair.server).await);
    let auditor = bearer(AUDITOR);
    let with = |export_id: &str| {
        let ask = DownloadExportRequest { export_id: export_id.to_owned(), ..Default::default() };
        let mut request = tonic::Request::new(ask);
        request.metadata_mut().insert("authorization", auditor.parse().unwrap());
        request
    };
    assert!(client.download_export(with(&own)).await.is_ok());
    let refused = client.download_export(with(&of_admin)).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::PermissionDenied, "permission_denied".to_owned()));
    let nobody = DownloadExportRequest { export_id: own, ..Default::default() };
    let refused = client.download_export(nobody).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::Unauthenticated, "unauthenticated".to_owned()));
    assert_eq!(pair.server.node.read.lock().unwrap().len(), 1, "it is noted who was shown it");
}

/// A decision that was allowed, and one that was denied.
async fn decide(server: &Server) -> [Value; 2] {
    let bearer = bearer(ADMIN);
    let headers = [("authorization", bearer.as_str())];
    let allowed = json!({"actor": "ai_agent:claims_triage", "action": "read_claim",
                         "context": {"purpose": "triage"}});
    let denied = json!({"actor": "ai:x", "action": "read"});
    let allowed = server.call("POST", "/decide", &allowed.to_string(), &headers).await.json();
    [allowed, server.call("POST", "/decide", &denied.to_string(), &headers).await.json()]
}
