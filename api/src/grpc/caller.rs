//! Who calls, and calling on their behalf.

use std::sync::Arc;

use axum::http::HeaderMap;
use secrecy::SecretString;
use tonic::Status;
use types::{Json, Object};

use super::members::Members;
use super::{Service, status};
use crate::auth::Asker;
use crate::backend::Backend;
use crate::call::{Answer, Body, Call, Content, Form, RangeAsked};
use crate::config::Config;
use crate::cookies;
use crate::edge::{self, intake};
use crate::fields::{check_open_query, check_query};
use crate::idempotency;
use crate::problem::{Code, Problem};
use crate::rest;
use crate::routes::{Access, Op, route};

/// What the metadata of a request says.
#[derive(Debug)]
pub(super) struct Caller {
    asker: Asker,
    key: Option<String>,
    min_index: Option<u64>,
    binding: Option<SecretString>,
    pub(super) request_id: String,
}

impl Caller {
    pub(super) fn read(
        config: &Config,
        headers: &HeaderMap,
        (asker, request_id): (Asker, &str),
    ) -> Result<Self, Problem> {
        intake::check_tenant(headers)?;
        let key = headers.get(idempotency::HEADER).map(|key| idempotency::read_key(key.as_bytes()));
        Ok(Self {
            asker,
            key: key.transpose()?,
            min_index: intake::min_index(headers)?,
            binding: cookies::read(headers, cookies::binding_name(config)),
            request_id: request_id.to_owned(),
        })
    }
}

/// What is called for.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) op: Op,
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) body: Option<Json>,
    /// Size of the message.
    pub(super) bytes: usize,
    /// Which piece of a file is wanted.
    pub(super) range: Option<RangeAsked>,
}

impl Input {
    pub(super) fn of(op: Op) -> Self {
        let (path, query) = (String::new(), Query::default());
        Self { op, path, query, body: None, bytes: 0, range: None }
    }

    /// With the members that a body would have.
    pub(super) fn with_body(op: Op, members: Object) -> Self {
        Self { body: Some(Json::Object(members)), ..Self::of(op) }
    }
}

/// Parameters as a query string, so that both transports have one check.
#[derive(Debug, Default)]
pub(super) struct Query(String);

impl Query {
    pub(super) fn put(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.push_str(name);
            self.0.push('=');
            for byte in value.to_string().bytes() {
                self.0.push_str(&format!("%{byte:02x}"));
            }
            self.0.push('&');
        }
        self
    }

    /// How fresh a read must be.
    pub(super) fn read(self, options: Option<proto::governance::v1::ReadOptions>) -> Self {
        let options = options.unwrap_or_default();
        self.put("consistency", Some(options.consistency).filter(|word| !word.is_empty()))
            .put("max_staleness_ms", options.max_staleness_ms)
    }
}

/// `x-request-id` of the answer.
pub(super) fn request_id(extensions: &tonic::Extensions) -> String {
    let caller = extensions.get::<Arc<Caller>>();
    caller.map(|caller| caller.request_id.clone()).unwrap_or_default()
}

impl<B: Backend> Service<B> {
    /// Answers a message by what `input` makes a call of it, and `message` a
    /// message of the members of the REST answer.
    pub(super) async fn reply<M: prost::Message, T>(
        &self,
        request: tonic::Request<M>,
        input: impl FnOnce(M) -> Result<Input, Problem>,
        message: impl FnOnce(Members) -> T,
    ) -> Result<tonic::Response<T>, Status> {
        let (_, extensions, asked) = request.into_parts();
        let input = sized(asked, input);
        self.answer(&extensions, input, |members| message(Members(members))).await
    }

    /// The same where the REST answer may be no members.
    pub(super) async fn reply_any<M: prost::Message, T>(
        &self,
        request: tonic::Request<M>,
        input: impl FnOnce(M) -> Result<Input, Problem>,
        message: impl FnOnce(Content) -> Result<T, Problem>,
    ) -> Result<tonic::Response<T>, Status> {
        let (_, extensions, asked) = request.into_parts();
        let input = sized(asked, input);
        self.answer_any(&extensions, input, message).await
    }

    /// Answers with a message made of the members of the REST answer.
    pub(super) async fn answer<T>(
        &self,
        extensions: &tonic::Extensions,
        input: Result<Input, Problem>,
        message: impl FnOnce(Object) -> T,
    ) -> Result<tonic::Response<T>, Status> {
        self.answer_any(extensions, input, |content| match content {
            Content::Json(members) => Ok(message(members)),
            Content::Bytes { .. } | Content::File { .. } | Content::Download { .. } => {
                Err(Problem::internal())
            }
        })
        .await
    }

    /// Answers with a message made of whatever the REST answer is.
    pub(super) async fn answer_any<T>(
        &self,
        extensions: &tonic::Extensions,
        input: Result<Input, Problem>,
        message: impl FnOnce(Content) -> Result<T, Problem>,
    ) -> Result<tonic::Response<T>, Status> {
        let caller = extensions.get::<Arc<Caller>>().cloned();
        let caller = caller.ok_or_else(|| Status::internal("the request has no caller"))?;
        let answered = async {
            // What a message says is nothing to who may not ask at all.
            let input = match input {
                Ok(input) => input,
                Err(problem) => {
                    return Err(caller.asker.refusal().unwrap_or(problem));
                }
            };
            self.call(&caller, input).await
        };
        let refused = |problem: Problem| status::of(&problem, &caller.request_id);
        let Answer { content, index, replayed, is_accepted: _, caching: _, cookies, personal: _ } =
            answered.await.map_err(refused)?;
        let mut response = tonic::Response::new(message(content).map_err(refused)?);
        let metadata = response.metadata_mut();
        let applied = index.unwrap_or_default().max(self.0.backend.applied_index());
        metadata.insert("x-lexecon-applied-index", applied.0.into());
        if replayed {
            metadata
                .insert("idempotent-replayed", tonic::metadata::MetadataValue::from_static("true"));
        }
        for cookie in &cookies {
            if let Ok(value) = cookie.header().parse() {
                metadata.append("set-cookie", value);
            }
        }
        Ok(response)
    }

    async fn call(&self, caller: &Caller, input: Input) -> Result<Answer, Problem> {
        let Input { op, path, query, body, bytes, range } = input;
        let route = route(op).ok_or_else(Problem::internal)?;
        let authority = caller.asker.authority_for(route)?;
        if route.body_bytes_max < bytes {
            let detail = format!("at most {} bytes are taken", route.body_bytes_max);
            return Err(Problem::new(Code::PAYLOAD_TOO_LARGE, detail));
        }
        let call = Call {
            route,
            path,
            query: match op {
                Op::OidcCallback => check_open_query(&route.parameters(), &query.0)?,
                _ => check_query(&route.parameters(), &query.0)?,
            },
            body: Body::check(&route.shape, body)?,
            body_bytes: bytes,
            known: None,
            key: caller.key.clone().filter(|_| route.access == Access::Write),
            min_index: caller.min_index,
            request_id: caller.request_id.clone(),
            principal: caller.asker.principal.clone(),
            join_token: caller.asker.join_token,
            authority,
            address: caller.asker.address,
            binding: caller.binding.clone(),
            form: Form::Json,
            range,
        };
        edge::within(&self.0, route.access, rest::answer(&self.0, call)).await
    }
}

fn sized<M: prost::Message>(
    message: M,
    input: impl FnOnce(M) -> Result<Input, Problem>,
) -> Result<Input, Problem> {
    let bytes = message.encoded_len();
    input(message).map(|input| Input { bytes, ..input })
}
