//! The service `Ledger`. Entries carry the bytes that were hashed.

use proto::governance::v1::ledger_server::Ledger;
use proto::governance::v1::{
    CheckpointReply, ConsistencyReply, EntryGap, EntryProof, FinalCheckpoint, GetCheckpointRequest,
    GetEntryRequest, GetTileRequest, InclusionReply, InvalidEntry, LedgerEntry, LedgerHead,
    ListCheckpointsReply, ListCheckpointsRequest, ListEntriesReply, ListEntriesRequest,
    ListKeysReply, ListKeysRequest, NodeKey, NodeRsaKey, NoteSignature, ProveConsistencyRequest,
    ProveInclusionRequest, TileReply, VerifyLedgerReply, VerifyLedgerRequest,
};
use tonic::{Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::{Input, Query};
use super::members::Members;
use crate::backend::Backend;
use crate::call::Content;
use crate::problem::Problem;
use crate::routes::Op;

/// Members of a header, which an entry has all of.
const HEADER: [&str; 9] = [
    "actor_seq",
    "data_hash",
    "entry_type",
    "format",
    "id",
    "personal_hash",
    "previous_hash",
    "timestamp",
    "type_seq",
];

#[tonic::async_trait]
impl<B: Backend> Ledger for Service<B> {
    async fn list_entries(
        &self,
        request: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("verify", Some(message.verify))
            .put("proof", Some(message.proof))
            .put("after", message.after)
            .put("before", message.before)
            .put("entry_type", message.entry_type)
            .put("actor", message.actor)
            .put("from", message.from)
            .put("to", message.to)
            .put("order", Some(message.order).filter(|order| !order.is_empty()))
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Entries) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListEntriesReply {
                entries: reply.list("entries", entry),
                total: reply.count("total"),
                total_exact: reply.flag("total_exact"),
                next: reply.number("next"),
                chain_valid: reply.fact("chain_valid"),
                verified_through: reply.number("verified_through"),
                checkpoint: reply.text("checkpoint"),
                gaps: reply.list("gaps", gap),
                gaps_total: reply.number("gaps_total"),
            }
        })
        .await
    }

    async fn get_entry(
        &self,
        request: Request<GetEntryRequest>,
    ) -> Result<Response<LedgerEntry>, Status> {
        let (_, extensions, message) = request.into_parts();
        let input = Input {
            path: message.id.to_string(),
            query: Query::default().put("proof", Some(message.proof)).read(message.read),
            ..Input::of(Op::Entry)
        };
        self.answer(&extensions, Ok(input), |reply| entry(Members(reply))).await
    }

    async fn verify(
        &self,
        request: Request<VerifyLedgerRequest>,
    ) -> Result<Response<VerifyLedgerReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query =
            Query::default().put("from", message.from).put("to", message.to).read(message.read);
        let input = Input { query, ..Input::of(Op::LedgerVerify) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            VerifyLedgerReply {
                valid: reply.flag("valid"),
                entries_checked: reply.count("entries_checked"),
                entries_erased: reply.count("entries_erased"),
                first_invalid: reply.object("first_invalid", |mut invalid| InvalidEntry {
                    id: invalid.count("id"),
                    reason: invalid.word("reason"),
                }),
                head: reply.object("head", |mut head| LedgerHead {
                    id: head.count("id"),
                    hash: head.word("hash"),
                }),
                tree_size: reply.count("tree_size"),
                root_hash: reply.word("root_hash"),
                checkpoint: reply.text("checkpoint"),
                duration_ms: reply.count("duration_ms"),
            }
        })
        .await
    }

    async fn list_keys(
        &self,
        request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { query, ..Input::of(Op::Keys) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListKeysReply {
                keys: reply.list("keys", key),
                rsa_keys: reply.list("rsa_keys", rsa_key),
            }
        })
        .await
    }

    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<CheckpointReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("signatures", Some(message.signatures).filter(|word| !word.is_empty()))
            .read(message.read);
        let input = Input { query, ..Input::of(Op::LedgerCheckpoint) };
        self.answer(&extensions, Ok(input), |reply| checkpoint(Members(reply))).await
    }

    async fn list_checkpoints(
        &self,
        request: Request<ListCheckpointsRequest>,
    ) -> Result<Response<ListCheckpointsReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Checkpoints) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListCheckpointsReply {
                checkpoints: reply.list("checkpoints", |mut row| FinalCheckpoint {
                    size: row.count("size"),
                    root_hash: row.word("root_hash"),
                    timestamp: row.word("timestamp"),
                    checkpoint: row.word("checkpoint"),
                }),
                next: reply.number("next"),
            }
        })
        .await
    }

    async fn prove_inclusion(
        &self,
        request: Request<ProveInclusionRequest>,
    ) -> Result<Response<InclusionReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("id", Some(message.id))
            .put("size", message.size)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Inclusion) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            InclusionReply {
                id: reply.count("id"),
                leaf_index: reply.count("leaf_index"),
                leaf_hash: reply.word("leaf_hash"),
                tree_size: reply.count("tree_size"),
                root_hash: reply.word("root_hash"),
                hashes: reply.texts("hashes"),
                checkpoint: reply.text("checkpoint"),
            }
        })
        .await
    }

    async fn prove_consistency(
        &self,
        request: Request<ProveConsistencyRequest>,
    ) -> Result<Response<ConsistencyReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("from", Some(message.from))
            .put("to", message.to)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Consistency) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ConsistencyReply {
                from: reply.count("from"),
                to: reply.count("to"),
                from_root: reply.word("from_root"),
                to_root: reply.word("to_root"),
                hashes: reply.texts("hashes"),
                checkpoint: reply.text("checkpoint"),
            }
        })
        .await
    }

    async fn get_tile(
        &self,
        request: Request<GetTileRequest>,
    ) -> Result<Response<TileReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { path: message.path, query, ..Input::of(Op::Tile) };
        self.answer_any(&extensions, Ok(input), |content| match content {
            Content::Bytes { bytes, .. } => Ok(TileReply { tile: bytes }),
            Content::Json(_) | Content::File { .. } | Content::Download { .. } => {
                Err(Problem::internal())
            }
        })
        .await
    }
}

fn checkpoint(mut reply: Members) -> CheckpointReply {
    CheckpointReply {
        checkpoint: reply.word("checkpoint"),
        origin: reply.word("origin"),
        size: reply.count("size"),
        root_hash: reply.word("root_hash"),
        signatures: reply.list("signatures", note_signature),
        state_hash: reply.word("state_hash"),
        policy_hash: reply.word("policy_hash"),
        timestamp: reply.word("timestamp"),
    }
}

/// A line of a checkpoint.
pub(super) fn note_signature(mut signature: Members) -> NoteSignature {
    NoteSignature {
        name: signature.word("name"),
        key_id: signature.word("key_id"),
        r#type: signature.count("type"),
        valid: signature.flag("valid"),
    }
}

fn proof(mut proof: Members) -> EntryProof {
    EntryProof {
        leaf_index: proof.count("leaf_index"),
        tree_size: proof.count("tree_size"),
        root_hash: proof.word("root_hash"),
        hashes: proof.texts("hashes"),
        checkpoint: proof.text("checkpoint"),
    }
}

fn gap(mut gap: Members) -> EntryGap {
    EntryGap {
        seq: gap.count("seq"),
        id: gap.number("id"),
        header: gap.text("header"),
        proof: gap.object("proof", proof),
    }
}

fn rsa_key(mut key: Members) -> NodeRsaKey {
    NodeRsaKey {
        kid: key.word("kid"),
        kty: key.word("kty"),
        alg: key.word("alg"),
        n: key.word("n"),
        e: key.word("e"),
        name: key.word("name"),
        note_key_id: key.word("note_key_id"),
        status: key.word("status"),
        valid_from_index: key.count("valid_from_index"),
        valid_until_index: key.number("valid_until_index"),
    }
}

/// An entry. Its canonical members are the bytes that were stored, so writing
/// them again gives those bytes.
pub(super) fn entry(mut entry: Members) -> LedgerEntry {
    let mut header = Object::new();
    for name in HEADER {
        header.insert(name, entry.0.get(name).cloned().unwrap_or_default());
    }
    LedgerEntry {
        header: Json::Object(header).to_canonical().into(),
        id: entry.count("id"),
        format: entry.count("format"),
        entry_type: entry.word("entry_type"),
        timestamp: entry.word("timestamp"),
        actor: entry.text("actor"),
        data: entry.json_or_none("data").map(Into::into),
        salt: entry.text("salt"),
        data_hash: entry.word("data_hash"),
        personal: entry.json_or_none("personal").map(Into::into),
        personal_salt: entry.text("personal_salt"),
        personal_hash: entry.text("personal_hash"),
        previous_hash: entry.word("previous_hash"),
        current_hash: entry.word("current_hash"),
        type_seq: entry.count("type_seq"),
        actor_seq: entry.count("actor_seq"),
        erased_json: entry.json_or_none("erased"),
        proof: entry.object("proof", proof),
    }
}

fn key(mut key: Members) -> NodeKey {
    NodeKey {
        kid: key.word("kid"),
        kty: key.word("kty"),
        crv: key.word("crv"),
        x: key.word("x"),
        alg: key.word("alg"),
        r#use: key.word("use"),
        name: key.word("name"),
        note_key_id: key.word("note_key_id"),
        vkey: key.word("vkey"),
        status: key.word("status"),
        valid_from_index: key.count("valid_from_index"),
        valid_until_index: key.number("valid_until_index"),
    }
}
