//! Changes and their answers as messages between nodes.

use proto::peer::v1 as wire;
use proto::peer::v1::change_reply as reply;
use proto::peer::v1::change_request as request;
use tonic::Status;
use types::{LogIndex, RaftId};

use super::change::{Answer, Mode};
use super::{Change, ChangeError, Changed, Plan};
use crate::kinds::Member;
use crate::transport::convert::{member_from_wire, member_to_wire};

pub(crate) fn request_to_wire(change: &Change, mode: Mode) -> wire::ChangeRequest {
    let change = match change {
        Change::AddLearner { raft_id, member } => {
            let member = Some(member_to_wire(member));
            request::Change::AddLearner(request::AddLearner { raft_id: raft_id.0, member })
        }
        Change::Promote(id) => request::Change::Promote(id.0),
        Change::Demote(id) => request::Change::Demote(id.0),
        Change::Remove(id) => request::Change::Remove(id.0),
        Change::Transfer(to) => {
            request::Change::Transfer(request::TransferLeadership { to: to.map(|id| id.0) })
        }
    };
    wire::ChangeRequest { change: Some(change), dry_run: mode == Mode::DryRun }
}

pub(crate) fn request_from_wire(request: wire::ChangeRequest) -> Result<(Change, Mode), Status> {
    let change = match request.change {
        Some(request::Change::AddLearner(add)) => {
            let member: Option<Member> = add.member.map(member_from_wire);
            let member = member.ok_or_else(|| Status::invalid_argument("a learner is nobody"))?;
            Change::AddLearner { raft_id: RaftId(add.raft_id), member }
        }
        Some(request::Change::Promote(id)) => Change::Promote(RaftId(id)),
        Some(request::Change::Demote(id)) => Change::Demote(RaftId(id)),
        Some(request::Change::Remove(id)) => Change::Remove(RaftId(id)),
        Some(request::Change::Transfer(transfer)) => Change::Transfer(transfer.to.map(RaftId)),
        None => return Err(Status::invalid_argument("a change of nothing")),
    };
    Ok((change, if request.dry_run { Mode::DryRun } else { Mode::Make }))
}

pub(crate) fn reply_to_wire(answer: Answer) -> wire::ChangeReply {
    use reply::Result as Reply;
    let result = match answer {
        Answer::Changed(Changed { index }) => {
            Reply::Done(reply::Done { index: index.map_or(0, |index| index.0) })
        }
        Answer::Planned(plan) => Reply::Planned(reply::Planned {
            allowed: plan.allowed,
            reasons: plan.reasons,
            voters_before: plan.voters_before.into_iter().map(|id| id.0).collect(),
            voters_after: plan.voters_after.into_iter().map(|id| id.0).collect(),
            unreachable: plan.unreachable.into_iter().map(|id| id.0).collect(),
        }),
        Answer::NotLeading | Answer::Refused(ChangeError::NoLeader) => {
            Reply::NotLeading(reply::NotLeading {})
        }
        Answer::HandedOver => Reply::HandedOver(reply::HandedOver {}),
        Answer::Refused(ChangeError::Unsafe(reason)) => Reply::Unsafe(reply::Unsafe { reason }),
        Answer::Refused(ChangeError::NotCaughtUp { lag }) => {
            Reply::NotCaughtUp(reply::NotCaughtUp { lag })
        }
        Answer::Refused(ChangeError::Unknown) => Reply::Unknown(reply::Unknown {}),
        Answer::Refused(ChangeError::Failed(reason)) => Reply::Failed(reply::Failed { reason }),
    };
    wire::ChangeReply { result: Some(result) }
}

pub(crate) fn reply_from_wire(reply: wire::ChangeReply) -> Answer {
    use reply::Result as Reply;
    match reply.result {
        Some(Reply::Done(done)) => {
            // A membership at index 0 is that of founding, never of a change.
            let index = (done.index > 0).then_some(LogIndex(done.index));
            Answer::Changed(Changed { index })
        }
        Some(Reply::Planned(plan)) => Answer::Planned(Plan {
            allowed: plan.allowed,
            reasons: plan.reasons,
            voters_before: plan.voters_before.into_iter().map(RaftId).collect(),
            voters_after: plan.voters_after.into_iter().map(RaftId).collect(),
            unreachable: plan.unreachable.into_iter().map(RaftId).collect(),
        }),
        Some(Reply::NotLeading(_)) => Answer::NotLeading,
        Some(Reply::HandedOver(_)) => Answer::HandedOver,
        Some(Reply::Unsafe(refused)) => Answer::Refused(ChangeError::Unsafe(refused.reason)),
        Some(Reply::NotCaughtUp(refused)) => {
            Answer::Refused(ChangeError::NotCaughtUp { lag: refused.lag })
        }
        Some(Reply::Unknown(_)) => Answer::Refused(ChangeError::Unknown),
        Some(Reply::Failed(refused)) => Answer::Refused(ChangeError::Failed(refused.reason)),
        None => Answer::Refused(ChangeError::Failed("the leader answered nothing".to_owned())),
    }
}
