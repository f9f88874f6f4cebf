//! What the organisation says it is.

use proto::governance::v1::{GetProfileRequest, Profile, SetProfileRequest};
use types::Object;

use crate::grpc::caller::{Input, Query};
use crate::grpc::decisions::put_list;
use crate::grpc::members::Members;
use crate::problem::Problem;
use crate::routes::Op;

pub(super) fn get(message: GetProfileRequest) -> Result<Input, Problem> {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    Ok(Input { query, ..Input::of(Op::Profile) })
}

pub(super) fn set(message: SetProfileRequest) -> Result<Input, Problem> {
    let mut members = Object::new();
    members.insert("organisation_name", message.organisation_name);
    members.insert("roles", message.roles);
    members.insert("risk_routes", message.risk_routes);
    put_list(&mut members, "jurisdictions", message.jurisdictions);
    put_list(&mut members, "frameworks", message.frameworks);
    members.insert("reason", message.reason);
    Ok(Input::with_body(Op::ProfileSet, members))
}

pub(super) fn shown(mut reply: Members) -> Profile {
    Profile {
        organisation_name: reply.text("organisation_name"),
        roles: reply.texts("roles"),
        risk_routes: reply.texts("risk_routes"),
        jurisdictions: reply.texts("jurisdictions"),
        frameworks: reply.texts("frameworks"),
        reason: reply.text("reason"),
        version: reply.count("version"),
        updated_at: reply.text("updated_at"),
        updated_by: reply.text("updated_by"),
        register_version: reply.word("register_version"),
        ledger_entry_id: reply.number("ledger_entry_id"),
        as_of_index: reply.count("as_of_index"),
    }
}
