//! The service `Cluster`.

use prost::Message as _;
use proto::governance::v1::cluster_server::Cluster;
use proto::governance::v1::{
    ClusterStatusReply, ClusterStatusRequest, Divergence, DivergenceReply, DivergenceRequest,
    FirstDifference, IssueJoinTokenRequest, JoinToken, VoterFound,
};
use tonic::{Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::{Input, Query};
use super::decisions::put_integer;
use super::members::Members;
use crate::backend::Backend;
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Cluster for Service<B> {
    async fn status(
        &self,
        request: Request<ClusterStatusRequest>,
    ) -> Result<Response<ClusterStatusReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        let input = Input { query, ..Input::of(Op::ClusterStatus) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ClusterStatusReply {
                cluster_id: reply.word("cluster_id"),
                node_id: reply.word("node_id"),
                role: reply.word("role"),
                leader_id: reply.text("leader_id"),
                term: reply.count("term"),
                commit_index: reply.count("commit_index"),
                applied_index: reply.count("applied_index"),
                ledger_size: reply.count("ledger_size"),
                root_hash: reply.word("root_hash"),
                state_hash: reply.word("state_hash"),
                policy_hash: reply.word("policy_hash"),
                voters: reply.texts("voters"),
                learners: reply.texts("learners"),
                feature_level: reply.count("feature_level"),
                divergence: reply.object("divergence", |divergence| Divergence {
                    consistent: divergence.fact("consistent"),
                    checked_at_size: divergence.number("checked_at_size"),
                }),
            }
        })
        .await
    }

    async fn divergence(
        &self,
        request: Request<DivergenceRequest>,
    ) -> Result<Response<DivergenceReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().put("size", message.size).read(message.read);
        let input = Input { query, ..Input::of(Op::Divergence) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            DivergenceReply {
                consistent: reply.flag("consistent"),
                size: reply.count("size"),
                nodes: reply.list("nodes", |mut node| VoterFound {
                    node_id: node.word("node_id"),
                    root_hash: node.text("root_hash"),
                    state_hash: node.text("state_hash"),
                    policy_hash: node.text("policy_hash"),
                }),
                first_difference: reply.object("first_difference", |mut first| FirstDifference {
                    entry_id: first.number("entry_id"),
                    node_id: first.word("node_id"),
                    field: first.word("field"),
                }),
            }
        })
        .await
    }

    async fn issue_join_token(
        &self,
        request: Request<IssueJoinTokenRequest>,
    ) -> Result<Response<JoinToken>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut members = Object::new();
        let put = put_integer(&mut members, "expires_in", message.expires_in);
        let body = Some(Json::Object(members));
        let input = put.map(|()| Input { body, bytes, ..Input::of(Op::JoinToken) });
        self.answer(&extensions, input, |reply| {
            let mut reply = Members(reply);
            JoinToken {
                join_token: reply.text("join_token"),
                expires_at: reply.word("expires_at"),
                ledger_entry_id: reply.count("ledger_entry_id"),
            }
        })
        .await
    }
}
