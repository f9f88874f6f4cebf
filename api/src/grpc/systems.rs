//! The service `Systems`: the AI systems of the organisation.

use proto::governance::v1::systems_server::Systems;
use proto::governance::v1::{
    AiSystem, GetSystemRequest, ListSystemsReply, ListSystemsRequest, RegisterSystemRequest,
    UpdateSystemRequest,
};
use tonic::{Request, Response, Status};
use types::Object;

use super::Service;
use super::caller::{Input, Query};
use super::decisions::{put, put_list};
use super::members::Members;
use super::risks::metadata;
use crate::backend::Backend;
use crate::problem::Problem;
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Systems for Service<B> {
    async fn register(
        &self,
        request: Request<RegisterSystemRequest>,
    ) -> Result<Response<AiSystem>, Status> {
        self.reply(request, register, system).await
    }

    async fn list(
        &self,
        request: Request<ListSystemsRequest>,
    ) -> Result<Response<ListSystemsReply>, Status> {
        self.reply(request, of_list, systems).await
    }

    async fn get(&self, request: Request<GetSystemRequest>) -> Result<Response<AiSystem>, Status> {
        self.reply(request, of_system, system).await
    }

    async fn update(
        &self,
        request: Request<UpdateSystemRequest>,
    ) -> Result<Response<AiSystem>, Status> {
        self.reply(request, update, system).await
    }
}

fn register(message: RegisterSystemRequest) -> Result<Input, Problem> {
    let op = Op::SystemRegister;
    let mut members = Object::new();
    members.insert("name", message.name);
    members.insert("intended_purpose", message.intended_purpose);
    members.insert("role", message.role);
    members.insert("risk_route", message.risk_route);
    put_list(&mut members, "actor_patterns", message.actor_patterns);
    put(&mut members, "placed_on_market", message.placed_on_market);
    put(&mut members, "put_into_service", message.put_into_service);
    put(&mut members, "retired", message.retired);
    put(&mut members, "annex_viii", metadata(message.annex_viii_json, op)?);
    put(&mut members, "metadata", metadata(message.metadata_json, op)?);
    Ok(Input::with_body(op, members))
}

fn of_list(message: ListSystemsRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("limit", message.limit)
        .put("after", message.after)
        .put("status", message.status)
        .put("order", message.order)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::Systems) })
}

fn of_system(message: GetSystemRequest) -> Result<Input, Problem> {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    Ok(Input { path: message.system_id, query, ..Input::of(Op::System) })
}

fn update(message: UpdateSystemRequest) -> Result<Input, Problem> {
    let op = Op::SystemUpdate;
    let mut members = Object::new();
    put(&mut members, "name", message.name);
    put(&mut members, "intended_purpose", message.intended_purpose);
    put(&mut members, "role", message.role);
    put(&mut members, "risk_route", message.risk_route);
    put(&mut members, "actor_patterns", message.actor_patterns.map(|given| given.patterns));
    put(&mut members, "placed_on_market", message.placed_on_market);
    put(&mut members, "put_into_service", message.put_into_service);
    put(&mut members, "retired", message.retired);
    put(&mut members, "annex_viii", metadata(message.annex_viii_json, op)?);
    put(&mut members, "metadata", metadata(message.metadata_json, op)?);
    Ok(Input { path: message.system_id, ..Input::with_body(op, members) })
}

fn system(mut system: Members) -> AiSystem {
    AiSystem {
        system_id: system.word("system_id"),
        name: system.word("name"),
        intended_purpose: system.word("intended_purpose"),
        role: system.word("role"),
        risk_route: system.word("risk_route"),
        actor_patterns: system.texts("actor_patterns"),
        placed_on_market: system.text("placed_on_market"),
        put_into_service: system.text("put_into_service"),
        retired: system.text("retired"),
        annex_viii_json: system.json_or_none("annex_viii"),
        metadata_json: system.json_or_none("metadata"),
        status: system.word("status"),
        version: system.count("version"),
        created_at: system.word("created_at"),
        updated_at: system.word("updated_at"),
        ledger_entry_id: system.count("ledger_entry_id"),
        as_of_index: system.number("as_of_index"),
    }
}

fn systems(mut reply: Members) -> ListSystemsReply {
    ListSystemsReply {
        systems: reply.list("systems", system),
        total: reply.count("total"),
        total_exact: reply.flag("total_exact"),
        next: reply.text("next"),
        as_of_index: reply.count("as_of_index"),
    }
}
