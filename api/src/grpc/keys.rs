//! The service `Keys`.

use prost::Message as _;
use proto::governance::v1::keys_server::Keys;
use proto::governance::v1::{
    ListSignersReply, ListSignersRequest, RegisterSignerRequest, RetireKeyReply, RetireKeyRequest,
    RevokeSignerRequest, RotateKeyReply, RotateKeyRequest, Signer,
};
use tonic::{Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::{Input, Query};
use super::decisions::put;
use super::members::Members;
use crate::backend::Backend;
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Keys for Service<B> {
    async fn rotate(
        &self,
        request: Request<RotateKeyRequest>,
    ) -> Result<Response<RotateKeyReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let body = Json::object([("use", message.r#use.into())]);
        let input = Input { body: Some(body), bytes, ..Input::of(Op::KeyRotate) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            RotateKeyReply {
                key_id: reply.word("key_id"),
                replaces: reply.text("replaces"),
                r#use: reply.word("use"),
                node_id: reply.word("node_id"),
                ledger_entry_id: reply.count("ledger_entry_id"),
            }
        })
        .await
    }

    async fn retire(
        &self,
        request: Request<RetireKeyRequest>,
    ) -> Result<Response<RetireKeyReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        body.insert("reason", message.reason);
        // As REST leaves it out, so that both have one digest.
        if message.compromised {
            body.insert("compromised", true);
        }
        let input = Input {
            path: message.kid,
            body: Some(Json::Object(body)),
            bytes,
            ..Input::of(Op::KeyRetire)
        };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            RetireKeyReply {
                key_id: reply.word("key_id"),
                status: reply.word("status"),
                valid_until_index: reply.count("valid_until_index"),
                ledger_entry_id: reply.count("ledger_entry_id"),
            }
        })
        .await
    }

    async fn register_signer(
        &self,
        request: Request<RegisterSignerRequest>,
    ) -> Result<Response<Signer>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        body.insert("name", message.name);
        body.insert("public_key", message.public_key);
        put(&mut body, "owner", message.owner);
        let body = Some(Json::Object(body));
        let input = Input { body, bytes, ..Input::of(Op::SignerRegister) };
        self.answer(&extensions, Ok(input), |reply| signer(Members(reply))).await
    }

    async fn list_signers(
        &self,
        request: Request<ListSignersRequest>,
    ) -> Result<Response<ListSignersReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Signers) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListSignersReply {
                signers: reply.list("signers", signer),
                total: reply.count("total"),
                total_exact: reply.flag("total_exact"),
                next: reply.text("next"),
            }
        })
        .await
    }

    async fn revoke_signer(
        &self,
        request: Request<RevokeSignerRequest>,
    ) -> Result<Response<Signer>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let body = Some(Json::object([("reason", message.reason.into())]));
        let path = message.key_id;
        let input = Input { path, body, bytes, ..Input::of(Op::SignerRevoke) };
        self.answer(&extensions, Ok(input), |reply| signer(Members(reply))).await
    }
}

fn signer(mut signer: Members) -> Signer {
    Signer {
        key_id: signer.word("key_id"),
        name: signer.text("name"),
        owner: signer.text("owner"),
        public_key: signer.word("public_key"),
        status: signer.word("status"),
        registered_at: signer.word("registered_at"),
        ledger_entry_id: signer.count("ledger_entry_id"),
    }
}
