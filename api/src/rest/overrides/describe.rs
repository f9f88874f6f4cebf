//! Members of bodies and answers about overrides.

use crate::fields::{Alphabet, Field, Kind, Text};
use crate::reply::{Member, flag, free, integer, list, object, text, texts, time};
use crate::rest::decision::ACTOR;
use crate::rest::ledger::entries::LIMIT;
use crate::rest::named::HUMAN_ID;

const ID: Kind = Kind::Text(Text::of(Alphabet::Name, 64));

const SCOPE: &[Field] = &[
    Field::optional("is_one_time", Kind::Bool, "Whether the first token uses it up."),
    Field::optional("applies_to_actor", Kind::Text(ACTOR), "The actor of the decision."),
    Field::optional(
        "applies_to_policy",
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "The policy of the decision, by hash or version.",
    ),
];

/// Body of `POST /overrides/execute`.
pub(crate) const EXECUTE: &[Field] = &[
    Field::required("decision_id", ID, "The decision in whose place it stands."),
    Field::required(
        "override_type",
        Kind::Word(&[
            "emergency_bypass",
            "executive_override",
            "time_limited_exception",
            "risk_accepted",
        ]),
        "On what ground; the first two are an executive's alone.",
    ),
    Field::optional("authorized_by", HUMAN_ID, "Who answers for it (open mode: required)."),
    Field::required(
        "justification",
        Kind::Text(Text::any(10_000).at_least(20)),
        "Why. With a stock phrase in it, at least 50 characters.",
    ),
    Field::optional(
        "original_outcome",
        Kind::Word(&["denied", "escalated"]),
        "What you take the decision to come to; refused where it does not.",
    ),
    Field::optional("new_outcome", Kind::Word(&["approved", "conditional"]), "What it comes to.")
        .default("\"approved\""),
    Field::optional("expires_at", Kind::Time, "When it ends: in the future, within 90 days."),
    Field::optional("scope", Kind::Object(SCOPE), "For what it is."),
    Field::optional(
        "evidence_ids",
        Kind::Texts { items_max: 100, item: Text::of(Alphabet::Name, 64) },
        "Artifacts it rests on.",
    )
    .default("[]"),
    Field::optional("metadata", Kind::Metadata, "Whatever you want to keep with it."),
];

/// Body of `POST /overrides/{override_id}/review`.
pub(crate) const REVIEW: &[Field] = &[
    Field::required(
        "verdict",
        Kind::Word(&["upheld", "reversed"]),
        "Reversed, it is taken back with the token it yielded.",
    ),
    Field::required("notes", Kind::Text(Text::any(10_000)), "Why."),
    Field::optional("reviewed_by", HUMAN_ID, "Who reviews it (open mode: required)."),
];

/// Query of `GET /overrides/pending-reviews`.
pub(crate) const PENDING_QUERY: &[Field] =
    &[LIMIT, Field::optional("after", ID, "`next` of the page before.")];

const SCOPE_REPLY: &[Member] = &[
    flag("is_one_time", "Whether the first token uses it up."),
    text("applies_to_actor", "As given.").or_null(),
    text("applies_to_policy", "As given.").or_null(),
];

const REVIEW_REPLY: &[Member] = &[
    text("verdict", "`upheld` or `reversed`."),
    text("reviewed_by", "Who reviewed it; null once erased.").or_null(),
    time("reviewed_at", "When."),
    text("notes", "Why; null once erased.").or_null(),
    integer("ledger_entry_id", "The entry that says so."),
];

/// An override.
pub(crate) const REPLY: &[Member] = &[
    text("override_id", "The override."),
    text("decision_id", "The decision in whose place it stands."),
    text("override_type", "On what ground."),
    text("authorized_by", "Who answers for it."),
    text("authorized_role", "`executive`, `governance_lead` or `security_officer`."),
    text("justification", "Why; null once erased.").or_null(),
    text("original_outcome", "What the decision came to before it."),
    text("new_outcome", "`approved` or `conditional`."),
    time("timestamp", "Cluster time of the ledger entry."),
    time("expires_at", "When it ends by itself.").or_null(),
    object("scope", SCOPE_REPLY, "For what it is."),
    text("status", "`active`, `consumed`, `expired`, `reversed` or `lapsed`."),
    time("review_required_by", "By when a second person must have reviewed it."),
    object("review", REVIEW_REPLY, "What a second person said.").or_null(),
    texts("evidence_ids", "What it rests on, and its attestation last."),
    free("metadata", "As given; null once erased.").or_null(),
    integer("ledger_entry_id", "The ledger entry that has it."),
];

/// Reply of `GET /overrides/decision/{decision_id}`.
pub(crate) const OF_DECISION_REPLY: &[Member] = &[
    text("decision_id", "The decision."),
    integer("count", "How many there are."),
    list("overrides", REPLY, "Those that are not erased, oldest first."),
];

/// Reply of `GET /overrides/decision/{decision_id}/active`.
pub(crate) const ACTIVE_REPLY: &[Member] = &[
    text("decision_id", "The decision."),
    flag("is_overridden", "Whether an override is active."),
    object("override", REPLY, "The newest that is.").or_null(),
];

/// Reply of `GET /overrides/pending-reviews`.
pub(crate) const PENDING_REPLY: &[Member] = &[
    list("overrides", REPLY, "Most overdue first; one that lapsed still waits for its review."),
    integer("total", "All that wait, counted up to 100,000."),
    flag("total_exact", "Whether `total` is all of them."),
    text("next", "Give it as `after` for the next page; null at the end.").or_null(),
];
