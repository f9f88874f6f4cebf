//! The service `Tokens`.

use prost::Message as _;
use proto::governance::v1::tokens_server::Tokens;
use proto::governance::v1::{
    GetTokenRequest, RevokeTokenReply, RevokeTokenRequest, Token, TokenClaims, VerifyTokenReply,
    VerifyTokenRequest,
};
use tonic::{Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::{Input, Query};
use super::members::Members;
use crate::backend::Backend;
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Tokens for Service<B> {
    async fn verify(
        &self,
        request: Request<VerifyTokenRequest>,
    ) -> Result<Response<VerifyTokenReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let VerifyTokenRequest { token, actor, action, resource, tool } = message;
        let mut body = Object::new();
        body.insert("token", token);
        for (name, expected) in
            [("actor", actor), ("action", action), ("resource", resource), ("tool", tool)]
        {
            body.insert(name, expected);
        }
        let body = Some(Json::Object(body));
        let input = Input { body, bytes, ..Input::of(Op::TokenVerify) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            VerifyTokenReply {
                valid: reply.flag("valid"),
                reason_code: reply.word("reason_code"),
                token_id: reply.text("token_id"),
                claims: reply.object("claims", claims),
                expires_at: reply.text("expires_at"),
                revoked_at: reply.text("revoked_at"),
            }
        })
        .await
    }

    async fn get(&self, request: Request<GetTokenRequest>) -> Result<Response<Token>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { path: message.token_id, query, ..Input::of(Op::Token) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            Token {
                token_id: reply.word("token_id"),
                status: reply.word("status"),
                claims: reply.object("claims", claims),
                issued_at: reply.word("issued_at"),
                expires_at: reply.word("expires_at"),
                revoked_at: reply.text("revoked_at"),
                revoked_by: reply.text("revoked_by"),
                revoke_reason: reply.text("revoke_reason"),
                decision_id: reply.word("decision_id"),
            }
        })
        .await
    }

    async fn revoke(
        &self,
        request: Request<RevokeTokenRequest>,
    ) -> Result<Response<RevokeTokenReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let body = Some(Json::object([("reason", message.reason.into())]));
        let path = message.token_id;
        let input = Input { path, body, bytes, ..Input::of(Op::TokenRevoke) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            RevokeTokenReply {
                token_id: reply.word("token_id"),
                status: reply.word("status"),
                revoked_at: reply.word("revoked_at"),
                ledger_entry_id: reply.count("ledger_entry_id"),
            }
        })
        .await
    }
}

fn claims(mut claims: Members) -> TokenClaims {
    TokenClaims {
        v: claims.count("v"),
        jti: claims.word("jti"),
        sub: claims.word("sub"),
        act: claims.word("act"),
        res: claims.text("res"),
        tool: claims.text("tool"),
        dec: claims.word("dec"),
        pol: claims.word("pol"),
        iat: claims.count("iat"),
        exp: claims.count("exp"),
        kid: claims.text("kid"),
        idx: claims.count("idx"),
        iss: claims.word("iss"),
    }
}
