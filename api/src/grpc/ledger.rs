//! The service `Ledger`. Entries carry the bytes that were hashed.

use proto::governance::v1::ledger_server::Ledger;
use proto::governance::v1::{
    GetEntryRequest, InvalidEntry, LedgerEntry, LedgerHead, ListEntriesReply, ListEntriesRequest,
    ListKeysReply, ListKeysRequest, NodeKey, VerifyLedgerReply, VerifyLedgerRequest,
};
use tonic::{Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::{Input, Query};
use super::members::Members;
use crate::backend::Backend;
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
            query: Query::default().read(message.read),
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
        self.answer(&extensions, Ok(input), |reply| ListKeysReply {
            keys: Members(reply).list("keys", key),
        })
        .await
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
