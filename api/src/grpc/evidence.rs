//! The service `Evidence`.

use std::collections::HashMap;

use prost::Message as _;
use proto::governance::v1::evidence_server::Evidence;
use proto::governance::v1::{
    Artifact, ArtifactContent, ArtifactEntry, ArtifactLineage, ArtifactLink, ArtifactReply,
    ArtifactSignature, EvidenceLineage, EvidenceOfDecision, EvidenceOfDecisionRequest,
    EvidenceStatistics, EvidenceStatisticsRequest, GetArtifactContentRequest, GetArtifactRequest,
    LinkEvidenceReply, LinkEvidenceRequest, ListArtifactsReply, ListArtifactsRequest,
    RegisterEvidenceRequest, SignArtifactReply, SignArtifactRequest, VerifyArtifactReply,
    VerifyArtifactRequest,
};
use tonic::{Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::{Input, Query};
use super::decisions::{put, put_integer};
use super::members::Members;
use super::risks::metadata;
use crate::backend::Backend;
use crate::call::Content;
use crate::problem::Problem;
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Evidence for Service<B> {
    async fn register(
        &self,
        request: Request<RegisterEvidenceRequest>,
    ) -> Result<Response<Artifact>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.answer(&extensions, register(message), |reply| artifact(&mut Members(reply))).await
    }

    async fn link_decision(
        &self,
        request: Request<LinkEvidenceRequest>,
    ) -> Result<Response<LinkEvidenceReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        body.insert("artifact_id", message.artifact_id);
        body.insert("decision_id", message.decision_id);
        put(&mut body, "note", message.note);
        let body = Some(Json::Object(body));
        let input = Input { body, bytes, ..Input::of(Op::ArtifactLink) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            LinkEvidenceReply {
                artifact_id: reply.word("artifact_id"),
                decision_id: reply.word("decision_id"),
                linked: reply.flag("linked"),
                already_linked: reply.flag("already_linked"),
                related_decision_ids: reply.texts("related_decision_ids"),
                ledger_entry_id: reply.number("ledger_entry_id"),
            }
        })
        .await
    }

    async fn get(
        &self,
        request: Request<GetArtifactRequest>,
    ) -> Result<Response<ArtifactReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("include_content", Some(message.include_content))
            .read(message.read);
        let input = Input { path: message.artifact_id, query, ..Input::of(Op::Artifact) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ArtifactReply {
                artifact: Some(artifact(&mut reply)),
                content: reply.text("content"),
                content_encoding: reply.text("content_encoding"),
            }
        })
        .await
    }

    async fn get_content(
        &self,
        request: Request<GetArtifactContentRequest>,
    ) -> Result<Response<ArtifactContent>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { path: message.artifact_id, query, ..Input::of(Op::ArtifactContent) };
        self.answer_any(&extensions, Ok(input), |content| match content {
            Content::File { media, bytes: Some(content), sha256 } => Ok(ArtifactContent {
                content,
                content_type: media.to_owned(),
                sha256_hash: sha256.to_string(),
            }),
            Content::File { bytes: None, .. }
            | Content::Json(_)
            | Content::Bytes { .. }
            | Content::Download { .. } => Err(Problem::internal()),
        })
        .await
    }

    async fn verify(
        &self,
        request: Request<VerifyArtifactRequest>,
    ) -> Result<Response<VerifyArtifactReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        put(&mut body, "content", message.content);
        put(&mut body, "content_encoding", message.content_encoding);
        put(&mut body, "sha256", message.sha256);
        let (path, body) = (message.artifact_id, Some(Json::Object(body)));
        let input = Input { path, body, bytes, ..Input::of(Op::ArtifactVerify) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            VerifyArtifactReply {
                artifact_id: reply.word("artifact_id"),
                is_valid: reply.flag("is_valid"),
                stored_hash: reply.word("stored_hash"),
                computed_hash: reply.text("computed_hash"),
            }
        })
        .await
    }

    async fn sign(
        &self,
        request: Request<SignArtifactRequest>,
    ) -> Result<Response<SignArtifactReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let body = Json::object([
            ("key_id", message.key_id.into()),
            ("signature", message.signature.into()),
        ]);
        let (path, body) = (message.artifact_id, Some(body));
        let input = Input { path, body, bytes, ..Input::of(Op::ArtifactSign) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            SignArtifactReply {
                artifact_id: reply.word("artifact_id"),
                signed: reply.flag("signed"),
                key_id: reply.word("key_id"),
                signer: reply.text("signer"),
                algorithm: reply.word("algorithm"),
                signed_at: reply.word("signed_at"),
                ledger_entry_id: reply.count("ledger_entry_id"),
            }
        })
        .await
    }

    async fn of_decision(
        &self,
        request: Request<EvidenceOfDecisionRequest>,
    ) -> Result<Response<EvidenceOfDecision>, Status> {
        let (_, extensions, message) = request.into_parts();
        let input = about(message, Op::ArtifactsOfDecision);
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            EvidenceOfDecision {
                decision_id: reply.word("decision_id"),
                count: reply.count("count"),
                artifacts: reply.list("artifacts", |mut one| artifact(&mut one)),
            }
        })
        .await
    }

    async fn lineage(
        &self,
        request: Request<EvidenceOfDecisionRequest>,
    ) -> Result<Response<EvidenceLineage>, Status> {
        let (_, extensions, message) = request.into_parts();
        let input = about(message, Op::ArtifactLineage);
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            EvidenceLineage {
                decision_id: reply.word("decision_id"),
                count: reply.count("count"),
                artifacts: reply.list("artifacts", lineage),
            }
        })
        .await
    }

    async fn list(
        &self,
        request: Request<ListArtifactsRequest>,
    ) -> Result<Response<ListArtifactsReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .put("artifact_type", message.artifact_type)
            .put("source", message.source)
            .put("from", message.from)
            .put("to", message.to)
            .put("order", message.order)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Artifacts) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListArtifactsReply {
                artifacts: reply.list("artifacts", |mut one| artifact(&mut one)),
                total: reply.count("total"),
                total_exact: reply.flag("total_exact"),
                next: reply.number("next"),
            }
        })
        .await
    }

    async fn statistics(
        &self,
        request: Request<EvidenceStatisticsRequest>,
    ) -> Result<Response<EvidenceStatistics>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { query, ..Input::of(Op::ArtifactStatistics) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            EvidenceStatistics {
                total_artifacts: reply.count("total_artifacts"),
                total_size_bytes: reply.count("total_size_bytes"),
                artifact_types: reply.object("artifact_types", by_type).unwrap_or_default(),
                size_bytes_by_type: reply.object("size_bytes_by_type", by_type).unwrap_or_default(),
                signed_artifacts: reply.count("signed_artifacts"),
                decisions_with_evidence: reply.count("decisions_with_evidence"),
                controls_with_evidence: reply.count("controls_with_evidence"),
            }
        })
        .await
    }
}

fn register(message: RegisterEvidenceRequest) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    let mut body = Object::new();
    body.insert("artifact_type", message.artifact_type);
    body.insert("content", message.content);
    put(&mut body, "content_encoding", message.content_encoding);
    body.insert("source", message.source);
    put(&mut body, "content_type", message.content_type);
    // As REST leaves them out, so that both have one digest.
    for (name, ids) in [
        ("related_decision_ids", message.related_decision_ids),
        ("related_control_ids", message.related_control_ids),
    ] {
        if !ids.is_empty() {
            body.insert(name, ids);
        }
    }
    put(&mut body, "storage_uri", message.storage_uri);
    put_integer(&mut body, "retention_days", message.retention_days)?;
    put(&mut body, "registered_by", message.registered_by);
    put(&mut body, "metadata", metadata(message.metadata_json, Op::ArtifactRegister)?);
    let body = Some(Json::Object(body));
    Ok(Input { body, bytes, ..Input::of(Op::ArtifactRegister) })
}

fn about(message: EvidenceOfDecisionRequest, op: Op) -> Input {
    let query = Query::default().read(message.read);
    Input { path: message.decision_id, query, ..Input::of(op) }
}

fn artifact(artifact: &mut Members) -> Artifact {
    Artifact {
        artifact_id: artifact.word("artifact_id"),
        artifact_type: artifact.word("artifact_type"),
        sha256_hash: artifact.text("sha256_hash"),
        size_bytes: artifact.number("size_bytes"),
        content_type: artifact.text("content_type"),
        source: artifact.text("source"),
        created_at: artifact.word("created_at"),
        retention_until: artifact.text("retention_until"),
        is_immutable: artifact.flag("is_immutable"),
        storage_uri: artifact.text("storage_uri"),
        related_decision_ids: artifact.texts("related_decision_ids"),
        related_control_ids: artifact.texts("related_control_ids"),
        signatures: artifact.list("signatures", signature),
        content_url: artifact.word("content_url"),
        registered_by: artifact.text("registered_by"),
        metadata_json: artifact.json_or_none("metadata"),
        ledger_entry_id: artifact.count("ledger_entry_id"),
    }
}

fn signature(mut signature: Members) -> ArtifactSignature {
    ArtifactSignature {
        key_id: signature.word("key_id"),
        signer: signature.text("signer"),
        algorithm: signature.word("algorithm"),
        signature: signature.word("signature"),
        signed_at: signature.word("signed_at"),
    }
}

fn lineage(mut reply: Members) -> ArtifactLineage {
    let links = reply.list("links", |mut link| ArtifactLink {
        decision_id: link.word("decision_id"),
        note: link.text("note"),
        linked_at: link.word("linked_at"),
        ledger_entry_id: link.count("ledger_entry_id"),
    });
    let entries = reply.list("entries", |mut entry| ArtifactEntry {
        id: entry.count("id"),
        entry_type: entry.word("entry_type"),
        timestamp: entry.word("timestamp"),
        current_hash: entry.word("current_hash"),
    });
    ArtifactLineage { artifact: Some(artifact(&mut reply)), links, entries }
}

fn by_type(counts: Members) -> HashMap<String, u64> {
    let counts = counts.0.iter();
    counts.map(|(name, count)| (name.to_owned(), count.as_u64().unwrap_or_default())).collect()
}
