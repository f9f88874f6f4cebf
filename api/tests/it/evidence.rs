//! Evidence over REST and gRPC: keeping it, whole or in chunks, saying what it
//! is about, signing it, finding it again, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use governance::command::{Command, ErasedPart};
use governance::{Outcome, Table};
use proto::governance::v1::evidence_client::EvidenceClient;
use proto::governance::v1::keys_client::KeysClient;
use proto::governance::v1::{
    EvidenceOfDecisionRequest, EvidenceStatisticsRequest, GetArtifactContentRequest,
    GetArtifactRequest, LinkEvidenceRequest, ListArtifactsRequest, ListSignersRequest,
    RegisterEvidenceRequest, RegisterSignerRequest, RevokeSignerRequest, SignArtifactRequest,
    VerifyArtifactRequest,
};
use serde_json::{Value, json};
use tonic::Code;

use crate::common::{Server, envelope};
use crate::grpc::{connect, refusal};

const UNKNOWN: &str = "evd_00000000000000000000000001";

fn report() -> Value {
    json!({"artifact_type": "external_report", "content": "pen test summary", "source": "acme"})
}

fn with(mut body: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn registered(server: &Server, body: Value) -> Value {
    let reply = server.post("/evidence/register", &body).await;
    assert_eq!(reply.outcome(), "200", "{}", String::from_utf8_lossy(&reply.bytes));
    reply.json()
}

async fn decided(server: &Server) -> Value {
    server.post("/decide", json!({"actor": "ai:a", "action": "read"})).await.json()
}

fn id(artifact: &Value) -> &str {
    artifact["artifact_id"].as_str().unwrap()
}

fn path(artifact: &Value, end: &str) -> String {
    format!("/evidence/{}{end}", id(artifact))
}

fn sha256(bytes: &[u8]) -> String {
    ledger::hash::sha256(bytes).to_string()
}

/// About a mebibyte that no compression would make small, and no text.
fn large() -> Vec<u8> {
    (0..(1_u32 << 20) + 7).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

fn large_body() -> Value {
    let content = STANDARD.encode(large());
    with(report(), json!({"content": content, "content_encoding": "base64"}))
}

fn rows(server: &Server, table: Table) -> usize {
    server.node.inner().store.rows().filter(|(of, ..)| *of == table).count()
}

fn signing(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn public_key(n: u8) -> String {
    ledger::signature::to_text(signing(n).verifying_key().as_bytes())
}

fn signer_body(n: u8) -> Value {
    json!({"name": format!("signer {n}"), "public_key": public_key(n),
           "owner": "act_human_user:jane"})
}

async fn signer(server: &Server, n: u8) -> Value {
    let reply = server.post("/keys/signers", signer_body(n)).await;
    assert_eq!(reply.outcome(), "200");
    reply.json()
}

fn signature(artifact: &Value, n: u8) -> String {
    let hash = artifact["sha256_hash"].as_str().unwrap();
    let text = format!("lexecon/evidence-signature/v1\n{}\n{hash}\n", id(artifact));
    ledger::signature::to_text(&signing(n).sign(text.as_bytes()).to_bytes())
}

#[tokio::test]
async fn an_artifact_is_shown_as_it_was_answered() {
    let server = Server::loaded().await;
    let decision = decided(&server).await;
    let more = json!({
        "artifact_type": "External_Report", "related_control_ids": ["SOC2:CC7.1"],
        "related_decision_ids": [decision["decision_id"]], "content_type": "text/plain",
        "storage_uri": "s3://bucket/report", "retention_days": 0, "metadata": {"case": [null]},
        "registered_by": "act_human_user:jane",
    });
    let artifact = registered(&server, with(report(), more)).await;
    let expect = json!({
        "artifact_id": artifact["artifact_id"], "artifact_type": "external_report",
        "sha256_hash": sha256(b"pen test summary"), "size_bytes": 16,
        "content_type": "text/plain", "source": "acme", "created_at": artifact["created_at"],
        "retention_until": null, "is_immutable": true, "storage_uri": "s3://bucket/report",
        "related_decision_ids": [decision["decision_id"]], "related_control_ids": ["soc2:CC7.1"],
        "signatures": [], "content_url": path(&artifact, "/content"),
        "registered_by": "act_human_user:jane", "metadata": {"case": [null]},
        "ledger_entry_id": decision["ledger_entry_id"].as_u64().unwrap() + 1,
    });
    assert_eq!(artifact, expect);
    let without = with(expect.clone(), json!({"content": null, "content_encoding": null}));
    assert_eq!(server.get(&path(&artifact, "")).await.json(), without);
    let shown = server.get(&path(&artifact, "?include_content=true")).await.json();
    let content = json!({"content": "pen test summary", "content_encoding": "utf-8"});
    assert_eq!(shown, with(expect, content));
    let entry = format!("/ledger/entries/{}", artifact["ledger_entry_id"]);
    let entry = server.get(&entry).await.json();
    assert_eq!(entry["entry_type"], "evidence_registered");
    assert_eq!(
        (&entry["actor"], &entry["data"]["by"]),
        (&Value::Null, &json!("act_human_user:jane"))
    );
    let personal = json!({"metadata": {"case": [null]}, "note": null, "source": "acme"});
    assert_eq!(entry["personal"], personal);
}

#[tokio::test]
async fn a_content_is_taken_as_it_is() {
    let server = Server::new();
    let artifact = registered(&server, with(report(), json!({"content": " a\n"}))).await;
    assert_eq!(artifact["sha256_hash"], sha256(b" a\n"));
    let bytes = json!({"content": "/w==", "content_encoding": "BASE64"});
    let artifact = registered(&server, with(report(), bytes)).await;
    assert_eq!(artifact["sha256_hash"], sha256(&[0xff]));
    let shown = server.get(&path(&artifact, "?include_content=1")).await.json();
    assert_eq!((&shown["content"], &shown["content_encoding"]), (&json!("/w=="), &json!("base64")));
}

#[tokio::test]
async fn what_is_not_valid_is_refused_with_every_fault() {
    let server = Server::new();
    for (more, faults) in [
        (json!({"artifact_type": "rumor"}), vec!["/artifact_type not_one_of"]),
        (json!({"content": " \n"}), vec!["/content missing"]),
        (json!({"content": 7}), vec!["/content wrong_type"]),
        (json!({"content": "/w=", "content_encoding": "base64"}), vec!["/content bad_format"]),
        (json!({"content_encoding": "utf-16"}), vec!["/content_encoding not_one_of"]),
        (json!({"source": " "}), vec!["/source missing"]),
        (json!({"source": "x".repeat(513)}), vec!["/source too_long"]),
        (json!({"content_type": "text"}), vec!["/content_type bad_format"]),
        (json!({"storage_uri": "a/b"}), vec!["/storage_uri bad_format"]),
        (json!({"retention_days": 36_501}), vec!["/retention_days out_of_range"]),
        (json!({"retention_days": -1}), vec!["/retention_days out_of_range"]),
        (
            json!({"related_control_ids": ["soc2:CC7.1", "SOC2:CC7.1"]}),
            vec!["/related_control_ids/1 duplicate"],
        ),
        (json!({"registered_by": "jane"}), vec!["/registered_by bad_format"]),
        (json!({"note": "x"}), vec!["/note unknown_field"]),
    ] {
        let reply = server.post("/evidence/register", with(report(), more.clone())).await;
        assert_eq!(
            (reply.status, reply.faults()),
            (422, faults.into_iter().map(str::to_owned).collect()),
            "{more}"
        );
    }
    let none = server.post("/evidence/register", "{}").await;
    assert_eq!(none.faults(), ["/artifact_type missing", "/content missing", "/source missing"]);
    assert_eq!(server.node.submitted(), 0);
}

#[tokio::test]
async fn what_names_something_unknown_is_refused() {
    let server = Server::new();
    let decision = "dec_00000000000000000000000001";
    for (more, expect) in [
        (json!({"related_decision_ids": [decision]}), "404 unknown_decision"),
        (json!({"related_decision_ids": ["x"]}), "404 unknown_decision"),
        (json!({"related_control_ids": ["soc2:CC99"]}), "404 unknown_control"),
        (json!({"related_control_ids": ["CC6.1"]}), "404 unknown_control"),
    ] {
        let reply = server.post("/evidence/register", with(report(), more)).await;
        assert_eq!(reply.outcome(), expect);
    }
    for artifact in [UNKNOWN, "evd_1", "dec_00000000000000000000000001"] {
        for end in ["", "/content"] {
            let reply = server.get(&format!("/evidence/{artifact}{end}")).await;
            assert_eq!(reply.outcome(), "404 unknown_artifact");
        }
        let verified = server.post(&format!("/evidence/{artifact}/verify"), "{}").await;
        assert_eq!(verified.outcome(), "404 unknown_artifact");
        let sign = json!({"key_id": "key_00000000000000000000000001", "signature": "A".repeat(86)});
        let signed = server.post(&format!("/evidence/{artifact}/sign"), sign).await;
        assert_eq!(signed.outcome(), "404 unknown_artifact");
    }
    for end in ["", "/lineage"] {
        let reply = server.get(&format!("/evidence/decision/{decision}{end}")).await;
        assert_eq!(reply.outcome(), "404 unknown_decision");
    }
    assert_eq!(server.node.ledger_size(), 1);
}

#[tokio::test]
async fn a_large_content_goes_in_chunks() {
    let server = Server::new();
    let artifact = registered(&server, large_body()).await;
    assert_eq!(server.node.submitted(), 6);
    assert_eq!(artifact["sha256_hash"], sha256(&large()));
    assert_eq!(artifact["size_bytes"], large().len());
    let content = server.get(&path(&artifact, "/content")).await;
    assert_eq!((content.status, content.bytes), (200, large()));
    assert_eq!((server.node.ledger_size(), rows(&server, Table::Upload)), (2, 0));
}

#[tokio::test]
async fn a_content_is_no_larger_than_that() {
    let server = Server::new();
    let limit = 16 << 20;
    let over = json!({"content": "x".repeat(limit + 1)});
    let reply = server.post("/evidence/register", with(report(), over)).await;
    assert_eq!(reply.outcome(), "413 content_too_large");
    let body = "x".repeat((24 << 20) + 1);
    assert_eq!(server.post("/evidence/register", body).await.outcome(), "413 payload_too_large");
    assert_eq!(server.node.submitted(), 0);
    let most = json!({"content": "x".repeat(limit)});
    let artifact = registered(&server, with(report(), most)).await;
    assert_eq!((artifact["size_bytes"].as_u64(), server.node.submitted()), (Some(16 << 20), 65));
}

#[tokio::test]
async fn an_upload_that_was_cut_off_goes_on_with_its_key() {
    let server = Server::new();
    let (body, keyed) = (large_body().to_string(), [("idempotency-key", "k")]);
    server.node.inner().lose = Some(3);
    let cut = server.call("POST", "/evidence/register", &body, &keyed).await;
    assert_eq!(cut.outcome(), "503 outcome_unknown");
    assert_eq!((rows(&server, Table::Upload), rows(&server, Table::Chunk)), (1, 3));
    let first = server.call("POST", "/evidence/register", &body, &keyed).await;
    assert_eq!((first.outcome().as_str(), first.header("idempotent-replayed")), ("200", ""));
    let before = server.node.submitted();
    let again = server.call("POST", "/evidence/register", &body, &keyed).await;
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), "true"));
    // The first chunk already says that all was recorded.
    assert_eq!((server.node.submitted() - before, rows(&server, Table::Upload)), (1, 0));
    assert_eq!((rows(&server, Table::Chunk), server.node.ledger_size()), (5, 2));
    let other = with(large_body(), json!({"source": "other"})).to_string();
    let conflict = server.call("POST", "/evidence/register", &other, &keyed).await;
    assert_eq!(conflict.outcome(), "409 idempotency_conflict");
}

#[tokio::test]
async fn an_upload_that_nobody_finishes_is_swept() {
    let server = Server::new();
    let unknown = json!({"related_decision_ids": ["dec_00000000000000000000000001"]});
    let reply = server.post("/evidence/register", with(large_body(), unknown)).await;
    assert_eq!(reply.outcome(), "404 unknown_decision");
    assert_eq!((rows(&server, Table::Upload), rows(&server, Table::Chunk)), (1, 5));
    server.node.inner().now += 600_000_000;
    assert_eq!(server.node.apply(envelope(Command::Tick)).outcome, Outcome::Ticked);
    assert_eq!((rows(&server, Table::Upload), rows(&server, Table::Chunk)), (0, 0));
    assert_eq!(server.node.ledger_size(), 1);
}

#[tokio::test]
async fn a_link_is_recorded_once() {
    let server = Server::loaded().await;
    let (decision, artifact) = (decided(&server).await, registered(&server, report()).await);
    let body = json!({"artifact_id": id(&artifact), "decision_id": decision["decision_id"],
                      "note": "found in it"});
    let keyed = [("idempotency-key", "k")];
    let linked = server.call("POST", "/evidence/link-decision", &body.to_string(), &keyed).await;
    let entry = artifact["ledger_entry_id"].as_u64().unwrap() + 1;
    let expect = json!({
        "artifact_id": id(&artifact), "decision_id": decision["decision_id"], "linked": true,
        "already_linked": false, "related_decision_ids": [decision["decision_id"]],
        "ledger_entry_id": entry,
    });
    assert_eq!(linked.json(), expect);
    let replayed = server.call("POST", "/evidence/link-decision", &body.to_string(), &keyed).await;
    assert_eq!((replayed.json(), replayed.header("idempotent-replayed")), (expect.clone(), "true"));
    let again = server.post("/evidence/link-decision", &body).await;
    let already = json!({"already_linked": true, "ledger_entry_id": null});
    assert_eq!(again.json(), with(expect, already));
    for (more, outcome) in [
        (json!({"artifact_id": UNKNOWN}), "404 unknown_artifact"),
        (json!({"decision_id": "dec_1"}), "404 unknown_decision"),
        (json!({"decision_id": "dec_00000000000000000000000001"}), "404 unknown_decision"),
    ] {
        let reply = server.post("/evidence/link-decision", with(body.clone(), more)).await;
        assert_eq!(reply.outcome(), outcome);
    }
    let of = format!("/evidence/decision/{}", decision["decision_id"].as_str().unwrap());
    let listed = server.get(&of).await.json();
    assert_eq!(
        (&listed["count"], &listed["artifacts"][0]["artifact_id"]),
        (&json!(1), &artifact["artifact_id"])
    );
    let path = format!("/decisions/{}", decision["decision_id"].as_str().unwrap());
    let shown = server.get(&path).await.json();
    assert_eq!(shown["evidence_ids"], json!([artifact["artifact_id"]]));
    let lineage = server.get(&format!("{of}/lineage")).await.json();
    let lineage = &lineage["artifacts"][0];
    assert_eq!(lineage["links"][0]["note"], "found in it");
    let types: Vec<_> =
        lineage["entries"].as_array().unwrap().iter().map(|it| &it["entry_type"]).collect();
    assert_eq!(types, ["evidence_registered", "evidence_linked"]);
    let hash = server.get(&format!("/ledger/entries/{entry}")).await.json()["current_hash"].clone();
    assert_eq!(lineage["entries"][1]["current_hash"], hash);
}

#[tokio::test]
async fn a_content_is_served_as_a_file() {
    let server = Server::new();
    let typed = |media: &str| with(report(), json!({"content_type": media}));
    let page = registered(&server, typed("text/html")).await;
    let image = registered(&server, typed("image/png")).await;
    let content = server.call("GET", &path(&page, "/content"), "", &[("accept", "image/*")]).await;
    assert_eq!(content.bytes, b"pen test summary");
    assert_eq!(content.header("content-type"), "application/octet-stream");
    assert_eq!(content.header("content-disposition"), "attachment");
    assert_eq!(content.header("x-content-type-options"), "nosniff");
    let tag = format!("\"{}\"", sha256(b"pen test summary"));
    assert_eq!(content.header("etag"), tag);
    let known = [("if-none-match", tag.as_str())];
    let same = server.call("GET", &path(&page, "/content"), "", &known).await;
    assert_eq!((same.status, same.bytes.len(), same.header("etag")), (304, 0, tag.as_str()));
    let other =
        server.call("GET", &path(&page, "/content"), "", &[("if-none-match", "\"x\"")]).await;
    assert_eq!(other.status, 200);
    let image = server.get(&path(&image, "/content")).await;
    assert_eq!(image.header("content-type"), "image/png");
}

#[tokio::test]
async fn an_artifact_is_verified_against_what_was_registered() {
    let server = Server::new();
    let artifact = registered(&server, large_body()).await;
    let (stored, other) = (sha256(&large()), sha256(b"x"));
    for (body, is_valid, computed) in [
        (json!({}), true, &stored),
        (json!({"content": "x"}), false, &other),
        (json!({"content": "eA==", "content_encoding": "base64"}), false, &other),
        (json!({"sha256": stored}), true, &stored),
        (json!({"sha256": other}), false, &other),
    ] {
        let reply = server.post(&path(&artifact, "/verify"), &body).await;
        let expect = json!({"artifact_id": id(&artifact), "is_valid": is_valid,
                            "stored_hash": stored, "computed_hash": computed});
        assert_eq!(reply.json(), expect, "{body}");
    }
    for (body, fault) in [
        (json!({"content": "x", "sha256": other}), "/sha256 conflicting_values"),
        (json!({"sha256": "x"}), "/sha256 bad_format"),
        (json!({"content": "x", "content_encoding": "base64"}), "/content bad_format"),
    ] {
        let reply = server.post(&path(&artifact, "/verify"), &body).await;
        assert_eq!(reply.faults(), [fault]);
    }
    assert_eq!(server.node.ledger_size(), 2);
}

#[tokio::test]
async fn a_registered_signer_signs_an_artifact_once() {
    let server = Server::new();
    let artifact = registered(&server, report()).await;
    let (one, two) = (signer(&server, 1).await, signer(&server, 2).await);
    let sign =
        |key: &Value, n| json!({"key_id": key["key_id"], "signature": signature(&artifact, n)});
    let path = path(&artifact, "/sign");
    let unknown = json!({"key_id": "key_0000000000000000000000ZZZZ"});
    for (body, expect) in [
        (sign(&one, 2), "422 signature_invalid"),
        (with(sign(&one, 1), json!({"signature": "AA"})), "422 signature_invalid"),
        (with(sign(&one, 1), unknown), "404 unknown_key"),
        (with(sign(&one, 1), json!({"key_id": "x"})), "404 unknown_key"),
    ] {
        assert_eq!(server.post(&path, body).await.outcome(), expect);
    }
    let signed = server.post(&path, sign(&one, 1)).await;
    let expect = json!({
        "artifact_id": id(&artifact), "signed": true, "key_id": one["key_id"],
        "signer": "signer 1", "algorithm": "Ed25519", "signed_at": signed.json()["signed_at"],
        "ledger_entry_id": server.node.ledger_size() - 1,
    });
    assert_eq!(signed.json(), expect);
    assert_eq!(server.post(&path, sign(&one, 1)).await.outcome(), "409 already_signed");
    let revoke = format!("/keys/signers/{}/revoke", two["key_id"].as_str().unwrap());
    let revoked = server.post(&revoke, json!({"reason": "left"})).await;
    assert_eq!(
        (&revoked.json()["status"], &revoked.json()["name"]),
        (&json!("revoked"), &json!("signer 2"))
    );
    assert_eq!(server.post(&path, sign(&two, 2)).await.outcome(), "409 not_allowed");
    let shown = server.get(&format!("/evidence/{}", id(&artifact))).await.json();
    let expect = json!([{
        "key_id": one["key_id"], "signer": "signer 1", "algorithm": "Ed25519",
        "signature": signature(&artifact, 1), "signed_at": signed.json()["signed_at"],
    }]);
    assert_eq!(shown["signatures"], expect);
}

#[tokio::test]
async fn a_signer_is_registered_listed_and_revoked() {
    let server = Server::new();
    let one = signer(&server, 1).await;
    let expect = json!({
        "key_id": one["key_id"], "name": "signer 1", "owner": "act_human_user:jane",
        "public_key": public_key(1), "status": "active", "registered_at": one["registered_at"],
        "ledger_entry_id": 1,
    });
    assert_eq!(one, expect);
    for (more, outcome) in [
        (json!({}), "409 already_exists"),
        (json!({"owner": null}), "422 validation_failed"),
        (json!({"owner": "jane"}), "422 validation_failed"),
        (json!({"public_key": "AQ"}), "422 validation_failed"),
        (json!({"public_key": "A".repeat(43)}), "422 validation_failed"),
        (json!({"public_key": "+"}), "422 validation_failed"),
        (json!({"name": "x".repeat(256)}), "422 validation_failed"),
    ] {
        let reply = server.post("/keys/signers", with(signer_body(1), more.clone())).await;
        assert_eq!(reply.outcome(), outcome, "{more}");
    }
    signer(&server, 2).await;
    let page = server.get("/keys/signers?limit=1").await.json();
    assert_eq!((&page["total"], page["signers"].as_array().unwrap().len()), (&json!(2), 1));
    let next = page["next"].as_str().unwrap();
    let rest = server.get(&format!("/keys/signers?after={next}")).await.json();
    assert_eq!((rest["signers"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    assert_eq!(server.get("/keys/signers?after=x").await.faults(), ["after bad_format"]);
    let revoke = |key: &str| format!("/keys/signers/{key}/revoke");
    let path = revoke(one["key_id"].as_str().unwrap());
    assert_eq!(server.post(&path, "{}").await.faults(), ["/reason missing"]);
    let revoked = server.post(&path, json!({"reason": "left"})).await.json();
    let ended = json!({"status": "revoked", "ledger_entry_id": 3});
    assert_eq!(revoked, with(expect, ended));
    let again = server.post(&path, json!({"reason": "left"})).await;
    assert_eq!(again.outcome(), "409 already_revoked");
    for unknown in ["key_0000000000000000000000ZZZZ", "x"] {
        let reply = server.post(&revoke(unknown), json!({"reason": "left"})).await;
        assert_eq!(reply.outcome(), "404 unknown_key");
    }
}

#[tokio::test]
async fn evidence_is_listed_and_counted() {
    let server = Server::loaded().await;
    let decision = decided(&server).await;
    let shot = json!({"artifact_type": "screenshot", "content": "xy", "source": "b & c",
                      "related_decision_ids": [decision["decision_id"]]});
    let (one, two) = (registered(&server, report()).await, registered(&server, shot).await);
    let at = one["created_at"].as_str().unwrap().to_owned();
    for (query, expect) in [
        (String::new(), vec![&one, &two]),
        ("?order=desc".to_owned(), vec![&two, &one]),
        ("?artifact_type=Screenshot".to_owned(), vec![&two]),
        ("?source=b+%26+c".to_owned(), vec![&two]),
        ("?source=b&artifact_type=screenshot".to_owned(), vec![]),
        (format!("?to={at}"), vec![]),
        (format!("?from={at}"), vec![&one, &two]),
        (format!("?after={}", one["ledger_entry_id"]), vec![&two]),
    ] {
        let page = server.get(&format!("/evidence{query}")).await.json();
        assert_eq!(page["artifacts"], json!(expect), "{query}");
    }
    let page = server.get("/evidence?limit=1").await.json();
    assert_eq!((&page["total"], &page["next"]), (&json!(2), &one["ledger_entry_id"]));
    assert_eq!(
        server.get("/evidence?artifact_type=x").await.faults(),
        ["artifact_type not_one_of"]
    );
    let counted = server.get("/evidence/statistics").await.json();
    assert_eq!(
        (&counted["total_artifacts"], &counted["total_size_bytes"]),
        (&json!(2), &json!(18))
    );
    assert_eq!(counted["artifact_types"]["screenshot"], 1);
    assert_eq!(counted["size_bytes_by_type"]["external_report"], 16);
    let others = ["signed_artifacts", "decisions_with_evidence", "controls_with_evidence"];
    assert_eq!(others.map(|name| counted[name].as_u64().unwrap()), [0, 1, 0]);
}

#[tokio::test]
async fn an_erased_artifact_is_gone() {
    let server = Server::new();
    let keyed = [("idempotency-key", "k")];
    let reply = server.call("POST", "/evidence/register", &report().to_string(), &keyed).await;
    let artifact = reply.json();
    let entry = artifact["ledger_entry_id"].as_u64().unwrap();
    server.node.erase(ErasedPart::Personal, entry);
    let shown = server.get(&path(&artifact, "")).await.json();
    assert_eq!((&shown["source"], &shown["sha256_hash"]), (&Value::Null, &artifact["sha256_hash"]));
    assert_eq!(server.get(&path(&artifact, "/content")).await.status, 200);
    let again = server.call("POST", "/evidence/register", &report().to_string(), &keyed).await;
    assert_eq!(again.outcome(), "410 erased");
    server.node.erase(ErasedPart::All, entry);
    for end in ["", "/content"] {
        assert_eq!(server.get(&path(&artifact, end)).await.outcome(), "410 erased");
    }
    assert_eq!(server.post(&path(&artifact, "/verify"), "{}").await.outcome(), "410 erased");
    assert_eq!(server.get("/evidence").await.json()["total"], 0);
    assert_eq!(rows(&server, Table::Chunk), 0);
}

#[tokio::test]
async fn as_many_uploads_as_there_may_be_are_told_apart_from_faults() {
    let server = Server::new();
    let unknown = json!({"related_decision_ids": ["dec_00000000000000000000000001"]});
    let unknown = with(large_body(), unknown);
    for _ in 0..64 {
        let reply = server.post("/evidence/register", &unknown).await;
        assert_eq!(reply.outcome(), "404 unknown_decision");
    }
    // What no state is needed to refuse is refused before anything is sent ahead.
    let control = with(large_body(), json!({"related_control_ids": ["soc2:CC99"]}));
    let reply = server.post("/evidence/register", control).await;
    assert_eq!(reply.outcome(), "404 unknown_control");
    let reply = server.post("/evidence/register", &unknown).await;
    assert_eq!((reply.outcome().as_str(), reply.header("retry-after")), ("429 overloaded", "1"));
    registered(&server, report()).await;
}

#[tokio::test]
async fn evidence_by_grpc_is_that_of_rest() {
    let server = Server::loaded().await;
    let decision = decided(&server).await;
    let decision_id = decision["decision_id"].as_str().unwrap().to_owned();
    let mut client = EvidenceClient::new(connect(&server).await);
    let request = RegisterEvidenceRequest {
        artifact_type: "audit_trail".to_owned(),
        content: "x".to_owned(),
        source: "acme".to_owned(),
        retention_days: Some(1),
        metadata_json: Some(r#"{"a":1}"#.to_owned()),
        ..RegisterEvidenceRequest::default()
    };
    let made = client.register(request.clone()).await.unwrap().into_inner();
    let rest = server.get(&format!("/evidence/{}", made.artifact_id)).await.json();
    assert_eq!(
        (rest["sha256_hash"].as_str(), &rest["metadata"]),
        (made.sha256_hash.as_deref(), &json!({"a": 1}))
    );
    assert_eq!(rest["retention_until"].as_str(), made.retention_until.as_deref());
    let artifact_id = made.artifact_id.clone();
    let link = LinkEvidenceRequest {
        artifact_id: artifact_id.clone(),
        decision_id: decision_id.clone(),
        note: None,
    };
    let linked = client.link_decision(link.clone()).await.unwrap().into_inner();
    assert!(linked.linked && !linked.already_linked);
    let again = client.link_decision(link).await.unwrap().into_inner();
    assert_eq!((again.already_linked, again.ledger_entry_id), (true, None));
    let get =
        GetArtifactRequest { artifact_id: artifact_id.clone(), include_content: true, read: None };
    let got = client.get(get).await.unwrap().into_inner();
    assert_eq!(
        (got.content.as_deref(), got.content_encoding.as_deref()),
        (Some("x"), Some("utf-8"))
    );
    let content = GetArtifactContentRequest { artifact_id: artifact_id.clone(), read: None };
    let content = client.get_content(content).await.unwrap().into_inner();
    assert_eq!((content.content.as_ref(), content.sha256_hash), (b"x".as_slice(), sha256(b"x")));
    let verify = VerifyArtifactRequest {
        artifact_id: artifact_id.clone(),
        content: Some("y".to_owned()),
        ..VerifyArtifactRequest::default()
    };
    assert!(!client.verify(verify).await.unwrap().into_inner().is_valid);
    let page = client.list(ListArtifactsRequest::default()).await.unwrap().into_inner();
    assert_eq!((page.total, page.next), (1, None));
    let counted = client.statistics(EvidenceStatisticsRequest::default()).await.unwrap();
    assert_eq!(counted.into_inner().artifact_types["audit_trail"], 1);
    let rumor = RegisterEvidenceRequest { artifact_type: "rumor".to_owned(), ..request };
    let refused = client.register(rumor).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "validation_failed".to_owned()));
    let unknown = GetArtifactRequest { artifact_id: UNKNOWN.to_owned(), ..Default::default() };
    let unknown = client.get(unknown).await.unwrap_err();
    assert_eq!(refusal(&unknown), (Code::NotFound, "unknown_artifact".to_owned()));
}

#[tokio::test]
async fn signers_by_grpc_are_those_of_rest() {
    let server = Server::loaded().await;
    let decision_id = decided(&server).await["decision_id"].as_str().unwrap().to_owned();
    let about = json!({"related_decision_ids": [decision_id]});
    let rest = registered(&server, with(report(), about)).await;
    let artifact_id = id(&rest).to_owned();
    let mut client = EvidenceClient::new(connect(&server).await);
    let mut keys = KeysClient::new(connect(&server).await);
    let register = RegisterSignerRequest {
        name: "s".to_owned(),
        public_key: public_key(1),
        owner: Some("act_human_user:jane".to_owned()),
    };
    let key = keys.register_signer(register.clone()).await.unwrap().into_inner();
    let exists = keys.register_signer(register).await.unwrap_err();
    assert_eq!(refusal(&exists).1, "already_exists");
    let (key_id, signature) = (key.key_id.clone(), signature(&rest, 1));
    let sign = SignArtifactRequest { artifact_id: artifact_id.clone(), key_id, signature };
    let signed = client.sign(sign.clone()).await.unwrap().into_inner();
    assert_eq!((signed.signed, signed.signer.as_deref()), (true, Some("s")));
    assert_eq!(refusal(&client.sign(sign).await.unwrap_err()).1, "already_signed");
    let listed = keys.list_signers(ListSignersRequest::default()).await.unwrap().into_inner();
    assert_eq!((listed.total, listed.signers[0].status.as_str()), (1, "active"));
    let revoke = RevokeSignerRequest { key_id: key.key_id, reason: "left".to_owned() };
    let revoked = keys.revoke_signer(revoke).await.unwrap().into_inner();
    assert_eq!(revoked.status, "revoked");
    let of = EvidenceOfDecisionRequest { decision_id, read: None };
    let about = client.of_decision(of.clone()).await.unwrap().into_inner();
    assert_eq!((about.count, about.artifacts[0].signatures.len()), (1, 1));
    let lineage = client.lineage(of).await.unwrap().into_inner();
    assert_eq!(lineage.artifacts[0].entries.len(), 2);
}
