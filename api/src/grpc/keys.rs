//! The service `Keys`.

use prost::Message as _;
use proto::governance::v1::keys_server::Keys;
use proto::governance::v1::{RetireKeyReply, RetireKeyRequest, RotateKeyReply, RotateKeyRequest};
use tonic::{Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::Input;
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
}
