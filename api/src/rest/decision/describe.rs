//! Members of the answers about decisions.

use crate::reply::{Member, Value, flag, free, hash, integer, list, object, text, texts, time};
use crate::rest::ledger::ENTRY;
use crate::rest::risk::VERSION;

const CONDITION: &[Member] = &[
    text("key", "Where it looked."),
    text("op", "How it compared."),
    Member::new("expected", Value::Any, "With what.").or_null(),
    Member::new("actual", Value::Any, "What was there.").or_null(),
    flag("met", "Whether it holds."),
];

const MATCHED: &[Member] = &[
    text("relation_id", "The relation."),
    text("type", "Its type."),
    text("source", "Its source as the policy has it."),
    text("target", "Its target as the policy has it."),
    text("object", "Its object as the policy has it.").or_null(),
    flag("applies", "Whether it counted."),
    list("conditions", CONDITION, "Its conditions, one by one."),
];

const OBLIGATION: &[Member] = &[
    text("obligation", "Its name."),
    text("relation_id", "The relation that asks for it."),
    flag("satisfied", "Whether it is met."),
    text("by", "What met it.").or_null(),
];

const RISK: &[Member] = &[
    integer("score", "1..100"),
    text("level", "`low`, `medium`, `high` or `critical`."),
    text("basis", "`dimensions`, `level` or `none`."),
];

const ACTOR: Member = text("actor", "Who wants to act.");
const ACTION: Member = text("action", "What it wants to do.");
const RESOURCE: Member = text("resource", "On what.").or_null();
const TOOL: Member = text("tool", "With what.").or_null();
const DATA_CLASSES: Member = texts("data_classes", "Kinds of data touched.");
const OUTCOME: Member = text("outcome", "`allowed`, `denied` or `escalated`.");
const ALLOWED: Member = flag("allowed", "Whether `outcome` is `allowed`.");
const REASON: Member = text("reason", "The deciding relation's justification, or a fixed text.");
const REASON_CODE: Member = text("reason_code", "Which rule decided.");
const DECISION_ID: Member = text("decision_id", "Null for a dry run.").or_null();
const REQUEST_ID: Member = text("request_id", "The caller's, or generated.").or_null();
const TOKEN_ID: Member = text("token_id", "Null unless allowed.").or_null();
const TOKEN_END: Member = time("token_expires_at", "Null unless allowed.").or_null();
const ENTRY_ID: Member = integer("ledger_entry_id", "The ledger entry.").or_null();
const ENTRY_HASH: Member = hash("ledger_entry_hash", "`current_hash` of that entry.").or_null();
const POLICY_VERSION: Member = integer("policy_version", "In force at this log position.");
const POLICY_HASH: Member = hash("policy_hash", "In force at this log position.");
const POLICY_MODE: Member = text("policy_mode", "The mode this request was judged by.");
pub(crate) const MATCHED_LIST: Member =
    list("matched", MATCHED, "Relations about this actor and action.");
pub(crate) const OBLIGATIONS: Member =
    list("obligations", OBLIGATION, "What `requires` relations ask for.");
const RISK_MEMBER: Member = object("risk", RISK, "The risk score and where it comes from.");
const RISK_ID: Member = text("risk_id", "The risk record, if one was made.").or_null();
const ESCALATION_ID: Member = text("escalation_id", "The escalation, if one was made.").or_null();
const CONTEXT_HASH: Member =
    hash("context_hash", "SHA-256 of the RFC 8785 bytes of `context`; null once erased.").or_null();
const TIMESTAMP: Member = time("timestamp", "Cluster time of the ledger entry.");
const SIGNATURE: Member = free(
    "signature",
    "`algorithm`, `key_id` and `value` by a key of the answering node; for a batch also \
     `leaf_index`, `tree_size` and `path`.",
)
.or_null();
const DRY: Member = flag("dry_run", "Whether nothing was recorded.");

const TOKEN: Member =
    text("capability_token", "The token's text, minted by the answering node.").or_null();

/// `context` of an evaluation of AuthZEN.
pub(crate) const EVALUATION_CONTEXT: &[Member] = &[
    OUTCOME,
    REASON,
    REASON_CODE,
    DECISION_ID,
    TOKEN,
    TOKEN_ID,
    ESCALATION_ID,
    ENTRY_ID,
    ENTRY_HASH,
];

/// Reply of `POST /decide`.
pub(crate) const REPLY: &[Member] = &[
    OUTCOME,
    ALLOWED,
    REASON,
    REASON_CODE,
    DECISION_ID,
    REQUEST_ID,
    ACTOR,
    ACTION,
    RESOURCE,
    TOOL,
    DATA_CLASSES,
    TOKEN,
    TOKEN_ID,
    TOKEN_END,
    ENTRY_ID,
    ENTRY_HASH,
    POLICY_VERSION,
    POLICY_HASH,
    POLICY_MODE,
    MATCHED_LIST,
    OBLIGATIONS,
    RISK_MEMBER,
    RISK_ID,
    ESCALATION_ID,
    CONTEXT_HASH,
    TIMESTAMP,
    SIGNATURE,
    text("node", "The node that answered."),
    DRY,
];

/// Reply of `POST /decide/batch`.
pub(crate) const BATCH_REPLY: &[Member] = &[
    integer("count", "Number of results."),
    Member::new(
        "results",
        Value::Mixed,
        "In order: a reply as of `POST /decide`, or `problem` for an item that is not valid.",
    ),
];

const FACTS: &[Member] = &[
    texts("conflicting_decision_ids", "Earlier decisions this one conflicts with."),
    text("stop_id", "The emergency stop in force.").or_null(),
];

/// Reply of `GET /decisions/{decision_id}`.
pub(crate) const RECORD_REPLY: &[Member] = &[
    OUTCOME,
    ALLOWED,
    REASON,
    REASON_CODE,
    DECISION_ID,
    REQUEST_ID,
    ACTOR,
    ACTION,
    RESOURCE,
    TOOL,
    DATA_CLASSES,
    TOKEN_ID,
    TOKEN_END,
    ENTRY_ID,
    ENTRY_HASH,
    POLICY_VERSION,
    POLICY_HASH,
    POLICY_MODE,
    MATCHED_LIST,
    OBLIGATIONS,
    RISK_MEMBER,
    RISK_ID,
    ESCALATION_ID,
    CONTEXT_HASH,
    TIMESTAMP,
    DRY,
    free("context", "As it was sent; null once erased.").or_null(),
    text("user_intent", "As it was sent; null once erased.").or_null(),
    text("effective_outcome", "The outcome after escalations and overrides."),
    text("effective_basis", "`decision`, `escalation` or `override`."),
    texts("override_ids", "Overrides of this decision."),
    texts("evidence_ids", "Evidence linked to this decision."),
    list("risk_versions", VERSION, "Assessments of its risk, oldest first."),
    object("facts", FACTS, "What the evaluation took from the records."),
    free("erased", "Which part was erased, when and by which entry.").or_null(),
    SIGNATURE,
];

/// The same without its signature, which is last: a list is not signed, and
/// whoever needs the signature of one asks for that one.
const ROW: &[Member] = match RECORD_REPLY.split_last() {
    Some((_, row)) => row,
    None => &[],
};

/// Reply of `GET /decisions`.
pub(crate) const LIST_REPLY: &[Member] = &[
    list("decisions", ROW, "The page; those that are erased as a whole are not listed."),
    integer("total", "Matches on all pages, counted up to 100,000."),
    flag("total_exact", "Whether `total` is all of them."),
    integer("next", "Give it as `after` for the next page; null at the end.").or_null(),
];

const CHECKS: &[Member] = &[
    flag("schema", "Every signed member and a signature are there.").or_null(),
    flag("key", "The key is known and was valid.").or_null(),
    flag("signature", "The signature is one of these bytes.").or_null(),
    flag("fields", "Every member is what the ledger says.").or_null(),
    flag("token", "The token's text says what was granted.").or_null(),
    flag("ledger", "The entry's stored bytes have the named hash.").or_null(),
    flag("inclusion", "A final checkpoint covers the entry.").or_null(),
];

/// Reply of `POST /decide/verify`.
pub(crate) const VERIFY_REPLY: &[Member] = &[
    flag("verified", "No check is false."),
    text("reason_code", "`ok`, or the first check that failed."),
    object("checks", CHECKS, "True, false, or null where not made."),
    texts("mismatched_fields", "Members that differ from the ledger."),
    text("decision_id", "The decision.").or_null(),
    integer("ledger_entry_id", "The ledger entry."),
    object("entry", ENTRY, "The ledger entry."),
    text("checkpoint", "The first final checkpoint that covers the entry.").or_null(),
];
