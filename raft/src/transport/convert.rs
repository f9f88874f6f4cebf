//! Peer messages to openraft's types and back. Whatever cannot be read refuses
//! the whole message: an entry left out would be a hole in a log.

use openraft::raft::{
    StreamAppendError, StreamAppendResult, TransferLeaderError, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use proto::peer::v1 as wire;
use tonic::Status;
use types::RaftId;

use crate::encoding::{
    EncodingError, decode_entry, decode_log_id, decode_optional_log_id, decode_vote, encode_entry,
    encode_log_id, encode_optional_log_id, encode_vote,
};
use crate::kinds::{AppendEntries, Member, TypeConfig, Vote};

pub(crate) fn refused(err: EncodingError) -> Status {
    Status::invalid_argument(err.to_string())
}

pub(crate) fn append_to_wire(request: &AppendEntries) -> wire::AppendRequest {
    wire::AppendRequest {
        vote: encode_vote(&request.vote),
        prev_log_id: encode_optional_log_id(request.prev_log_id.as_ref()),
        entries: request.entries.iter().map(encode_entry).collect(),
        leader_commit_log_id: encode_optional_log_id(request.leader_commit.as_ref()),
    }
}

/// Also checks what openraft checks only in debug builds: the vote is the
/// sender's own, and the entries follow each other and what is before them.
pub(crate) fn append_from_wire(
    request: wire::AppendRequest,
    sender: RaftId,
) -> Result<AppendEntries, Status> {
    let entries: Result<Vec<_>, _> = request.entries.iter().map(decode_entry).collect();
    let request = AppendEntries {
        vote: own_vote(&request.vote, sender)?,
        prev_log_id: decode_optional_log_id(&request.prev_log_id).map_err(refused)?,
        entries: entries.map_err(refused)?,
        leader_commit: decode_optional_log_id(&request.leader_commit_log_id).map_err(refused)?,
    };
    let mut next = request.prev_log_id.map_or(Some(0), |id| id.index.checked_add(1));
    for entry in &request.entries {
        let index = entry.log_id.index;
        if next != Some(index) {
            return Err(Status::invalid_argument(format!("entry `{index}` leaves a gap")));
        }
        next = index.checked_add(1);
    }
    Ok(request)
}

/// A leader speaks for itself alone.
pub(crate) fn own_vote(bytes: &[u8], sender: RaftId) -> Result<Vote, Status> {
    let vote = decode_vote(bytes).map_err(refused)?;
    if vote.leader_id.voted_for == sender.0 {
        return Ok(vote);
    }
    let other = vote.leader_id.voted_for;
    Err(Status::invalid_argument(format!("node `{sender}` speaks with the vote of `{other}`")))
}

pub(crate) fn appended_to_wire(result: &StreamAppendResult<TypeConfig>) -> wire::AppendReply {
    use wire::append_reply::Result as Reply;
    let result = match result {
        Ok(stored) => Reply::StoredLogId(encode_optional_log_id(stored.as_ref())),
        Err(StreamAppendError::Conflict(id)) => Reply::ConflictLogId(encode_log_id(id)),
        Err(StreamAppendError::HigherVote(vote)) => Reply::HigherVote(encode_vote(vote)),
    };
    wire::AppendReply { result: Some(result) }
}

pub(crate) fn appended_from_wire(
    reply: &wire::AppendReply,
) -> Result<StreamAppendResult<TypeConfig>, EncodingError> {
    use wire::append_reply::Result as Reply;
    Ok(match &reply.result {
        Some(Reply::StoredLogId(id)) => Ok(decode_optional_log_id(id)?),
        Some(Reply::ConflictLogId(id)) => Err(StreamAppendError::Conflict(decode_log_id(id)?)),
        Some(Reply::HigherVote(vote)) => Err(StreamAppendError::HigherVote(decode_vote(vote)?)),
        None => return Err(EncodingError::new("an append reply", "empty")),
    })
}

pub(crate) fn vote_to_wire(request: &VoteRequest<TypeConfig>, pre_vote: bool) -> wire::VoteRequest {
    wire::VoteRequest {
        vote: encode_vote(&request.vote),
        last_log_id: encode_optional_log_id(request.last_log_id.as_ref()),
        leadership_transfer: request.leadership_transfer,
        pre_vote,
    }
}

pub(crate) fn vote_from_wire(
    request: &wire::VoteRequest,
    sender: RaftId,
) -> Result<VoteRequest<TypeConfig>, Status> {
    let last = decode_optional_log_id(&request.last_log_id).map_err(refused)?;
    let mut vote = VoteRequest::new(own_vote(&request.vote, sender)?, last);
    vote.leadership_transfer = request.leadership_transfer;
    Ok(vote)
}

pub(crate) fn voted_to_wire(response: &VoteResponse<TypeConfig>) -> wire::VoteReply {
    wire::VoteReply {
        vote: encode_vote(&response.vote),
        granted: response.vote_granted,
        last_log_id: encode_optional_log_id(response.last_log_id.as_ref()),
    }
}

pub(crate) fn voted_from_wire(
    reply: &wire::VoteReply,
) -> Result<VoteResponse<TypeConfig>, EncodingError> {
    let last = decode_optional_log_id(&reply.last_log_id)?;
    Ok(VoteResponse::new(decode_vote(&reply.vote)?, last, reply.granted))
}

pub(crate) fn transfer_to_wire(
    request: &TransferLeaderRequest<TypeConfig>,
) -> wire::TransferLeaderRequest {
    wire::TransferLeaderRequest {
        from_leader_vote: encode_vote(request.from_leader()),
        to: *request.to_node_id(),
        last_log_id: encode_optional_log_id(request.last_log_id()),
    }
}

pub(crate) fn transfer_from_wire(
    request: &wire::TransferLeaderRequest,
    sender: RaftId,
) -> Result<TransferLeaderRequest<TypeConfig>, Status> {
    let last = decode_optional_log_id(&request.last_log_id).map_err(refused)?;
    let vote = own_vote(&request.from_leader_vote, sender)?;
    Ok(TransferLeaderRequest::new(vote, request.to, last))
}

pub(crate) fn transferred_to_wire(
    response: &TransferLeaderResponse<TypeConfig>,
) -> wire::TransferLeaderReply {
    use wire::transfer_leader_reply::{Accepted, LogNotFlushed, Result as Reply, VoteChanged};
    let result = match response {
        Ok(()) => Reply::Accepted(Accepted {}),
        Err(TransferLeaderError::VoteChanged { expected, actual }) => {
            Reply::VoteChanged(VoteChanged {
                expected_vote: encode_vote(expected),
                actual_vote: encode_vote(actual),
            })
        }
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => {
            Reply::LogNotFlushed(LogNotFlushed {
                expected_log_id: encode_optional_log_id(expected.as_ref()),
                actual_log_id: encode_optional_log_id(actual.as_ref()),
            })
        }
    };
    wire::TransferLeaderReply { result: Some(result) }
}

pub(crate) fn transferred_from_wire(
    reply: &wire::TransferLeaderReply,
) -> Result<TransferLeaderResponse<TypeConfig>, EncodingError> {
    use wire::transfer_leader_reply::Result as Reply;
    Ok(match &reply.result {
        Some(Reply::Accepted(_)) => Ok(()),
        Some(Reply::VoteChanged(changed)) => Err(TransferLeaderError::VoteChanged {
            expected: decode_vote(&changed.expected_vote)?,
            actual: decode_vote(&changed.actual_vote)?,
        }),
        Some(Reply::LogNotFlushed(log)) => Err(TransferLeaderError::LogNotFlushed {
            expected: decode_optional_log_id(&log.expected_log_id)?,
            actual: decode_optional_log_id(&log.actual_log_id)?,
        }),
        None => return Err(EncodingError::new("a transfer reply", "empty")),
    })
}

pub(crate) fn member_to_wire(member: &Member) -> wire::Member {
    let Member { name, peer_address, api_address, region, zone } = member.clone();
    wire::Member { name, peer_address, api_address, region, zone }
}

pub(crate) fn member_from_wire(member: wire::Member) -> Member {
    let wire::Member { name, peer_address, api_address, region, zone } = member;
    Member { name, peer_address, api_address, region, zone }
}
