//! gRPC over a real socket, beside REST on the same port.

use api::Limits;
use proto::governance::v1::auth_client::AuthClient;
use proto::governance::v1::cluster_client::ClusterClient;
use proto::governance::v1::decisions_client::DecisionsClient;
use proto::governance::v1::keys_client::KeysClient;
use proto::governance::v1::ledger_client::LedgerClient;
use proto::governance::v1::policies_client::PoliciesClient;
use proto::governance::v1::{
    ClusterStatusRequest, CreateUserRequest, DecideBatchRequest, DecideRequest, DivergenceRequest,
    ExplainRequest, GetCheckpointRequest, GetDecisionRequest, GetEntryRequest, GetPolicyRequest,
    GetReceiptRequest, GetTileRequest, ImpactRequest, ListCheckpointsRequest, ListEntriesRequest,
    ListKeysRequest, ListPoliciesRequest, ListUsersRequest, LoadPolicyRequest, MeRequest,
    PasswordPolicyRequest, ProveConsistencyRequest, ProveInclusionRequest, ReadOptions,
    ReplayDecisionRequest, RetireKeyRequest, RiskInput, RollbackPolicyRequest, RotateKeyRequest,
    ValidatePolicyRequest, VerifyDecisionRequest, VerifyLedgerRequest, VerifyMfaRequest,
};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt as _;

use crate::common::{POLICY, Server};
use crate::server::listen;

pub(crate) async fn connect(server: &Server) -> Channel {
    let listening = listen(server, Limits::default()).await;
    let channel = Channel::from_shared(format!("http://{}", listening.address)).unwrap();
    channel.connect().await.unwrap()
}

fn decide() -> DecideRequest {
    DecideRequest {
        actor: "ai_agent:claims_triage".to_owned(),
        action: "read_claim".to_owned(),
        context_json: r#"{"purpose":"triage","amount":1.10}"#.to_owned(),
        request_id: Some("triage-1".to_owned()),
        ..DecideRequest::default()
    }
}

fn document() -> String {
    serde_json::from_str::<serde_json::Value>(POLICY).unwrap()["policy"].to_string()
}

/// Code of gRPC, then the code of the contract.
pub(crate) fn refusal(status: &Status) -> (Code, String) {
    let details = status.get_error_details();
    (status.code(), details.error_info().unwrap().reason.clone())
}

#[tokio::test]
async fn a_decision_by_grpc_is_the_decision_of_rest() {
    let server = Server::loaded().await;
    let mut client = DecisionsClient::new(connect(&server).await);
    let response = client.decide(decide()).await.unwrap();
    let metadata = response.metadata().clone();
    assert_eq!(metadata.get("x-lexecon-node").unwrap(), "n1");
    assert!(metadata.get("x-lexecon-applied-index").is_some());
    let reply = response.into_inner();
    assert!(reply.allowed);
    assert_eq!(reply.matched[0].conditions[0].actual_json, "\"triage\"");
    let rest = serde_json::json!({
        "actor": "ai_agent:claims_triage", "action": "read_claim", "request_id": "triage-1",
        "context": {"purpose": "triage", "amount": 1.1},
    });
    let rest = server.post("/decide", rest).await;
    assert_eq!(rest.header("idempotent-replayed"), "true");
    let rest = rest.json();
    assert_eq!(rest["decision_id"], *reply.decision_id.as_ref().unwrap());
    assert_eq!(rest["signature"]["value"], reply.signature.as_ref().unwrap().value);
    assert_eq!(rest["capability_token"], *reply.capability_token.as_ref().unwrap());
    let mut signed = rest.clone();
    for member in ["signature", "node", "capability_token"] {
        signed.as_object_mut().unwrap().remove(member);
    }
    assert_eq!(serde_json::from_str::<serde_json::Value>(&reply.signed_json).unwrap(), signed);

    let verify = VerifyDecisionRequest {
        signed_json: reply.signed_json.clone(),
        signature: reply.signature.clone(),
        capability_token: reply.capability_token.clone(),
        original_request: Some(decide()),
    };
    let verified = client.verify(verify.clone()).await.unwrap().into_inner();
    assert_eq!(verified.reason_code, "ok");
    assert_eq!(verified.checks.unwrap().token, Some(true));
    let changed = VerifyDecisionRequest {
        signed_json: reply.signed_json.replace("allowed", "denied"),
        ..verify
    };
    assert!(!client.verify(changed).await.unwrap().into_inner().verified);

    let get = GetDecisionRequest { decision_id: reply.decision_id.clone().unwrap(), read: None };
    let record = client.get(get).await.unwrap().into_inner();
    assert_eq!(record.context_json.as_deref(), Some(r#"{"amount":1.1,"purpose":"triage"}"#));
    assert_eq!(record.decision.unwrap().signed_json, reply.signed_json);
}

#[tokio::test]
async fn what_rest_refuses_grpc_refuses_with_the_same_code() {
    let server = Server::loaded().await;
    let mut client = DecisionsClient::new(connect(&server).await);
    for (request, expect) in [
        (
            DecideRequest { actor: String::new(), ..decide() },
            (Code::InvalidArgument, "validation_failed"),
        ),
        (
            DecideRequest { risk_level: Some(6), ..decide() },
            (Code::InvalidArgument, "validation_failed"),
        ),
        (
            DecideRequest { expires_in: Some(i64::MAX), ..decide() },
            (Code::InvalidArgument, "validation_failed"),
        ),
        (
            DecideRequest {
                risk: Some(RiskInput { privacy: Some(-1), ..RiskInput::default() }),
                ..decide()
            },
            (Code::InvalidArgument, "validation_failed"),
        ),
        (
            DecideRequest { context_json: "{".to_owned(), ..decide() },
            (Code::InvalidArgument, "malformed_json"),
        ),
        (
            DecideRequest { context_json: r#"{"a":1,"a":2}"#.to_owned(), ..decide() },
            (Code::InvalidArgument, "duplicate_key"),
        ),
        (
            DecideRequest { context_json: "[]".to_owned(), ..decide() },
            (Code::InvalidArgument, "validation_failed"),
        ),
        (
            DecideRequest { user_intent: Some("x".repeat(1 << 20)), ..decide() },
            (Code::InvalidArgument, "payload_too_large"),
        ),
        (
            DecideRequest {
                policy_mode: Some("permissive".to_owned()),
                request_id: None,
                ..decide()
            },
            (Code::InvalidArgument, "policy_mode_loosens"),
        ),
    ] {
        let refused = refusal(&client.decide(request.clone()).await.unwrap_err());
        assert_eq!((refused.0, refused.1.as_str()), expect, "{request:?}");
    }
    let status =
        client.decide(DecideRequest { actor: "a b".to_owned(), ..decide() }).await.unwrap_err();
    let faults = status.get_error_details();
    assert_eq!(faults.bad_request().unwrap().field_violations[0].field, "/actor");

    client.decide(decide()).await.unwrap();
    let other = DecideRequest { context_json: String::new(), ..decide() };
    let status = client.decide(other).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::FailedPrecondition, "idempotency_conflict".to_owned()));
    let get = GetDecisionRequest { decision_id: "dec_1".to_owned(), read: None };
    let status = client.get(get).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::NotFound, "unknown_decision".to_owned()));
}

#[tokio::test]
async fn metadata_is_judged_as_headers_are() {
    let server = Server::loaded().await;
    let mut client = DecisionsClient::new(connect(&server).await);
    for (name, value, expect) in [
        ("authorization", "Bearer x", (Code::Unauthenticated, "unauthenticated")),
        ("x-tenant-id", "acme", (Code::InvalidArgument, "tenant_unsupported")),
    ] {
        let mut request = Request::new(decide());
        request.metadata_mut().insert(name, value.parse().unwrap());
        let refused = refusal(&client.decide(request).await.unwrap_err());
        assert_eq!((refused.0, refused.1.as_str()), expect);
    }
}

#[tokio::test]
async fn a_batch_by_grpc_has_one_result_per_request() {
    let server = Server::loaded().await;
    let mut client = DecisionsClient::new(connect(&server).await);
    let wrong = DecideRequest { actor: String::new(), ..decide() };
    let requests = vec![decide(), wrong];
    let batch =
        DecideBatchRequest { requests, signature: "batch".to_owned(), tokens: "later".to_owned() };
    let reply = client.decide_batch(batch).await.unwrap().into_inner();
    assert_eq!(reply.count, 2);
    let decision = reply.results[0].decision.clone().unwrap();
    assert_eq!(decision.capability_token, None);
    assert!(reply.results[1].problem_json.as_ref().unwrap().contains("/actor"));
    let verify = VerifyDecisionRequest {
        signed_json: decision.signed_json,
        signature: decision.signature,
        ..VerifyDecisionRequest::default()
    };
    assert_eq!(client.verify(verify).await.unwrap().into_inner().reason_code, "ok");
}

#[tokio::test]
async fn policies_are_loaded_and_read_by_grpc() {
    let server = Server::new();
    let mut client = PoliciesClient::new(connect(&server).await);
    let valid = client.validate(ValidatePolicyRequest { document_json: document() }).await.unwrap();
    assert!(valid.get_ref().valid);
    let load = LoadPolicyRequest { document_json: document(), ..LoadPolicyRequest::default() };
    let loaded = client.load(load.clone()).await.unwrap().into_inner();
    assert_eq!((loaded.policy_version, loaded.terms_loaded), (1, 2));
    let stale = LoadPolicyRequest { expected_active_version: Some(0), ..load };
    let status = client.load(stale).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::FailedPrecondition, "policy_version_conflict".to_owned()));
    let active = client.get(GetPolicyRequest::default()).await.unwrap().into_inner();
    assert_eq!(active.version, 1);
    assert_eq!(active.policy_hash, valid.into_inner().policy_hash.unwrap());
    let zero = GetPolicyRequest { version: Some(0), read: None };
    assert!(!client.get(zero).await.unwrap().into_inner().active);
    let list = client.list(ListPoliciesRequest::default()).await.unwrap().into_inner();
    assert_eq!((list.policies.len(), list.active_version, list.next), (2, 1, None));
}

#[tokio::test]
async fn policies_are_asked_about_and_rolled_back_by_grpc() {
    let server = Server::loaded().await;
    let channel = connect(&server).await;
    let mut client = PoliciesClient::new(channel.clone());
    let mut decisions = DecisionsClient::new(channel);
    let made = decisions.decide(decide()).await.unwrap().into_inner();
    let sales = || DecideRequest {
        context_json: r#"{"purpose":"sales"}"#.to_owned(),
        request_id: None,
        ..decide()
    };
    let ask = ExplainRequest { request: Some(sales()), ..ExplainRequest::default() };
    let why = client.explain(ask).await.unwrap().into_inner();
    assert_eq!((why.outcome.as_str(), why.policy_version), ("denied", Some(1)));
    assert_eq!(why.near_misses[0].failed[0].actual_json, "\"sales\"");
    assert_eq!(why.minimal_flip.unwrap().changes[0].value_json, "\"triage\"");
    let ask = ExplainRequest { decision_id: made.decision_id.clone(), ..ExplainRequest::default() };
    let why = client.explain(ask).await.unwrap().into_inner();
    assert_eq!(why.matched, made.matched);
    let nothing = client.explain(ExplainRequest::default()).await.unwrap_err();
    assert_eq!(refusal(&nothing), (Code::InvalidArgument, "validation_failed".to_owned()));

    let closed = r#"{"terms":[]}"#.to_owned();
    let ask = ImpactRequest { document_json: closed.clone(), ..ImpactRequest::default() };
    let impact = client.impact(ask).await.unwrap().into_inner();
    assert_eq!(impact.allowed_to_denied.unwrap().count, 1);
    let load = LoadPolicyRequest { document_json: closed, ..LoadPolicyRequest::default() };
    client.load(load).await.unwrap();
    let back = RollbackPolicyRequest { version: 1, reason: "by mistake".to_owned() };
    let back = client.rollback(back).await.unwrap().into_inner();
    assert_eq!((back.policy_version, back.previous_version), (3, 2));
    let nowhere = RollbackPolicyRequest { version: 9, reason: "x".to_owned() };
    let status = client.rollback(nowhere).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::NotFound, "unknown_policy".to_owned()));

    let ask = ReplayDecisionRequest { decision_id: made.decision_id.unwrap(), read: None };
    let replay = decisions.replay(ask).await.unwrap().into_inner();
    assert_eq!((replay.identical, replay.policy_version), (Some(true), 1));
    assert_eq!(replay.recorded, replay.replayed);
}

#[tokio::test]
async fn entries_by_grpc_carry_the_bytes_that_were_hashed() {
    let server = Server::loaded().await;
    let channel = connect(&server).await;
    DecisionsClient::new(channel.clone()).decide(decide()).await.unwrap();
    let mut client = LedgerClient::new(channel);
    let list = ListEntriesRequest { verify: true, ..ListEntriesRequest::default() };
    let list = client.list_entries(list).await.unwrap().into_inner();
    assert_eq!(list.chain_valid, Some(true));
    assert_eq!(list.entries.len(), 3);
    for entry in &list.entries {
        assert_eq!(ledger::hash::entry_hash(&entry.header).to_string(), entry.current_hash);
        let salt = types::digest::from_hex(entry.salt.as_ref().unwrap()).unwrap();
        let hash = ledger::hash::part_hash(&salt.try_into().unwrap(), entry.data.as_ref().unwrap());
        assert_eq!(hash.to_string(), entry.data_hash);
    }
    let get = |id| GetEntryRequest { id, ..GetEntryRequest::default() };
    let entry = client.get_entry(get(2)).await.unwrap().into_inner();
    assert_eq!(entry, list.entries[2]);
    let status = client.get_entry(get(9)).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::NotFound, "unknown_entry".to_owned()));
    let verified = client.verify(VerifyLedgerRequest::default()).await.unwrap().into_inner();
    assert!(verified.valid);
    assert_eq!(verified.head.unwrap().hash, entry.current_hash);
    let keys = client.list_keys(ListKeysRequest::default()).await.unwrap().into_inner();
    assert_eq!(keys.keys.len(), 4);
}

#[tokio::test]
async fn checkpoints_tiles_and_proofs_by_grpc_are_those_of_rest() {
    let server = Server::loaded().await;
    let mut client = LedgerClient::new(connect(&server).await);
    let refused = client.get_checkpoint(GetCheckpointRequest::default()).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::Unavailable, "not_final".to_owned()));
    server.node.finalize();
    let all = GetCheckpointRequest { signatures: "all".to_owned(), read: None };
    let checkpoint = client.get_checkpoint(all).await.unwrap().into_inner();
    let note = String::from_utf8(server.get("/checkpoint").await.bytes).unwrap();
    assert_eq!((checkpoint.checkpoint.as_str(), checkpoint.size), (note.as_str(), 2));
    assert!(checkpoint.signatures[0].valid && checkpoint.signatures[0].r#type == 1);
    let list = client.list_checkpoints(ListCheckpointsRequest::default()).await.unwrap();
    assert_eq!(list.into_inner().checkpoints[0].checkpoint, note);
    let tile = |path: &str| GetTileRequest { path: path.to_owned(), read: None };
    let bundle = client.get_tile(tile("entries/000.p/2")).await.unwrap().into_inner();
    assert_eq!(bundle.tile, server.get("/tile/entries/000.p/2").await.bytes);
    let refused = client.get_tile(tile("0/000")).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::NotFound, "not_found".to_owned()));
    let prove = ProveInclusionRequest { id: 1, ..ProveInclusionRequest::default() };
    let proved = client.prove_inclusion(prove).await.unwrap().into_inner();
    let root: types::Digest = proved.root_hash.parse().unwrap();
    let leaf = proved.leaf_hash.parse().unwrap();
    let hashes: Vec<types::Digest> = proved.hashes.iter().map(|h| h.parse().unwrap()).collect();
    assert!(ledger::proof::verify_inclusion(leaf, 1, 2, &hashes, root));
    assert_eq!(proved.checkpoint, Some(note));
    let wrong = ProveInclusionRequest { id: 1, size: Some(1), read: None };
    let refused = client.prove_inclusion(wrong).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "validation_failed".to_owned()));
    let between = ProveConsistencyRequest { from: 1, ..ProveConsistencyRequest::default() };
    let between = client.prove_consistency(between).await.unwrap().into_inner();
    assert_eq!((between.from, between.to, between.to_root), (1, 2, proved.root_hash));
    let list = ListEntriesRequest { proof: true, ..ListEntriesRequest::default() };
    let list = client.list_entries(list).await.unwrap().into_inner();
    assert_eq!(list.entries[1].proof.as_ref().unwrap().hashes, proved.hashes);
    assert_eq!((list.gaps.len(), list.gaps_total), (0, None));
}

#[tokio::test]
async fn receipts_by_grpc_are_those_of_rest() {
    let server = Server::loaded().await;
    let mut client = DecisionsClient::new(connect(&server).await);
    let decision = client.decide(decide()).await.unwrap().into_inner();
    let decision_id = decision.decision_id.unwrap();
    let get =
        GetReceiptRequest { decision_id: decision_id.clone(), ..GetReceiptRequest::default() };
    let text = GetReceiptRequest { format: "tlog-proof".to_owned(), ..get.clone() };
    let refused = client.get_receipt(text.clone()).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::Unavailable, "not_final".to_owned()));
    server.node.finalize();
    let path = format!("/decisions/{decision_id}/receipt");
    let rest = server.get(&path).await.json();
    let waiting = GetReceiptRequest { wait: "final".to_owned(), ..get.clone() };
    let receipt = client.get_receipt(waiting).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(rest["checkpoint"], *receipt.checkpoint.as_ref().unwrap());
    assert_eq!(ledger::hash::entry_hash(&receipt.header).to_string(), receipt.leaf_hash);
    assert_eq!(rest["hashes"], serde_json::json!(receipt.hashes));
    let text = client.get_receipt(text).await.unwrap().into_inner().tlog_proof.unwrap();
    assert_eq!(text.as_bytes(), server.get(&format!("{path}?format=tlog-proof")).await.bytes);
    let wrong = GetReceiptRequest { format: "pdf".to_owned(), ..get };
    let refused = client.get_receipt(wrong).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "unsupported_format".to_owned()));
}

#[tokio::test]
async fn keys_are_rotated_and_retired_by_grpc() {
    let server = Server::new();
    let channel = connect(&server).await;
    let mut client = KeysClient::new(channel.clone());
    let rotate = RotateKeyRequest { r#use: "token".to_owned() };
    let rotated = client.rotate(rotate).await.unwrap().into_inner();
    assert_eq!((rotated.node_id.as_str(), rotated.ledger_entry_id), ("n1", 1));
    let retire =
        RetireKeyRequest { kid: rotated.key_id, reason: "test".to_owned(), compromised: true };
    let retired = client.retire(retire.clone()).await.unwrap().into_inner();
    assert_eq!((retired.status.as_str(), retired.valid_until_index), ("revoked", 2));
    let refused = client.retire(retire.clone()).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::FailedPrecondition, "already_revoked".to_owned()));
    let unknown = RetireKeyRequest { kid: "key_1".to_owned(), ..retire };
    let refused = client.retire(unknown).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::NotFound, "unknown_key".to_owned()));
    let refused = client.rotate(RotateKeyRequest::default()).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "validation_failed".to_owned()));
    let keys = LedgerClient::new(channel).list_keys(ListKeysRequest::default()).await.unwrap();
    assert_eq!((keys.get_ref().keys.len(), keys.get_ref().rsa_keys.len()), (5, 0));
}

#[tokio::test]
async fn divergence_by_grpc_is_that_of_rest() {
    let server = Server::loaded().await;
    let mut client = ClusterClient::new(connect(&server).await);
    let refused = client.divergence(DivergenceRequest::default()).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::Unavailable, "not_final".to_owned()));
    server.node.finalize();
    let found = client.divergence(DivergenceRequest::default()).await.unwrap().into_inner();
    assert_eq!((found.consistent, found.size, found.first_difference), (true, 2, None));
    assert_eq!(found.nodes[0].node_id, "n1");
    let one = DivergenceRequest { size: Some(1), read: None };
    let refused = client.divergence(one).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::NotFound, "unknown_checkpoint".to_owned()));
}

#[tokio::test]
async fn reads_by_grpc_are_as_fresh_as_asked() {
    let server = Server::loaded().await;
    let mut client = ClusterClient::new(connect(&server).await);
    let status = client.status(ClusterStatusRequest::default()).await.unwrap().into_inner();
    assert_eq!(status.voters, ["n1", "n2"]);
    server.node.inner().staleness = None;
    let read = ReadOptions { consistency: "bounded".to_owned(), max_staleness_ms: Some(5) };
    let refused = client.status(ClusterStatusRequest { read: Some(read) }).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::Unavailable, "too_stale".to_owned()));
    let mut ahead = Request::new(ClusterStatusRequest::default());
    ahead.metadata_mut().insert("x-lexecon-min-index", "1000".parse().unwrap());
    let refused = client.status(ahead).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::Unavailable, "min_index_timeout".to_owned()));
}

#[tokio::test]
async fn health_follows_the_node() {
    let server = Server::new();
    let mut client = HealthClient::new(connect(&server).await);
    let check = |service: &str| HealthCheckRequest { service: service.to_owned() };
    let status = client.check(check("")).await.unwrap().into_inner().status();
    assert_eq!(status, ServingStatus::Serving);
    let status = client.check(check("lexecon.governance.v1.Decisions")).await.unwrap();
    assert_eq!(status.into_inner().status(), ServingStatus::Serving);
    let status = client.check(check("lexecon.peer.v1.Peer")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let mut watch = client.watch(check("")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.node.inner().leader = None;
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
}

#[tokio::test]
async fn accounts_by_grpc_are_those_of_rest() {
    let server = Server::new();
    let mut client = AuthClient::new(connect(&server).await);
    let policy = client.password_policy(PasswordPolicyRequest {}).await.unwrap().into_inner();
    let rest = server.get("/auth/password-policy").await.json();
    assert_eq!(rest["min_length"], policy.min_length);
    assert!(policy.require_special);
    let users = client.list_users(ListUsersRequest::default()).await.unwrap().into_inner();
    assert_eq!((users.total, users.total_exact, users.next), (0, true, None));
    let me = client.me(MeRequest::default()).await.unwrap_err();
    assert_eq!(refusal(&me), (Code::Unauthenticated, "unauthenticated".to_owned()));
    let weak = CreateUserRequest {
        username: "jane".to_owned(),
        email: "jane@example.com".to_owned(),
        password: "short".to_owned(),
        role: "viewer".to_owned(),
        ..CreateUserRequest::default()
    };
    let weak = client.create_user(weak).await.unwrap_err();
    assert_eq!(refusal(&weak), (Code::InvalidArgument, "password_policy".to_owned()));
    assert!(!weak.get_error_details().bad_request().unwrap().field_violations.is_empty());
    let challenge = VerifyMfaRequest {
        challenge_id: "mfa_none".to_owned(),
        code: Some("123456".to_owned()),
        ..VerifyMfaRequest::default()
    };
    let challenge = client.verify_mfa(challenge).await.unwrap_err();
    assert_eq!(refusal(&challenge), (Code::Unauthenticated, "challenge_expired".to_owned()));
}

#[tokio::test]
async fn reflection_describes_the_public_services_alone() {
    let server = Server::new();
    let mut client = ServerReflectionClient::new(connect(&server).await);
    let ask =
        |message| ServerReflectionRequest { host: String::new(), message_request: Some(message) };
    let list = ask(MessageRequest::ListServices(String::new()));
    let peer = ask(MessageRequest::FileByFilename("peer/v1/peer.proto".to_owned()));
    let decisions = "lexecon.governance.v1.Decisions".to_owned();
    let decisions = ask(MessageRequest::FileContainingSymbol(decisions));
    let mut answers = Vec::new();
    for request in [list, decisions, peer] {
        let stream = futures::stream::iter([request]);
        let mut stream = client.server_reflection_info(stream).await.unwrap().into_inner();
        answers.push(stream.message().await);
    }
    let answer =
        |at: usize| answers[at].as_ref().ok().cloned().flatten().and_then(|a| a.message_response);
    let Some(MessageResponse::ListServicesResponse(services)) = answer(0) else {
        panic!("{answers:?}");
    };
    let names: Vec<&str> = services.service.iter().map(|service| service.name.as_str()).collect();
    for name in [
        "Decisions",
        "Tokens",
        "Policies",
        "Ledger",
        "Keys",
        "Cluster",
        "Compliance",
        "Auth",
        "Audit",
        "Systems",
    ] {
        assert!(names.contains(&format!("lexecon.governance.v1.{name}").as_str()), "{names:?}");
    }
    assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");
    assert!(names.iter().all(|name| !name.contains("peer")), "{names:?}");
    assert!(matches!(answer(1), Some(MessageResponse::FileDescriptorResponse(_))));
    assert!(!matches!(answer(2), Some(MessageResponse::FileDescriptorResponse(_))), "{answers:?}");
}
