//! Members of bodies and answers about accounts.

use crate::fields::{Alphabet, Field, Kind, Text};
use crate::reply::{Member, flag, integer, list, object, text, texts, time};
use crate::rest::ledger::entries::LIMIT;

const ID: Kind = Kind::Text(Text::of(Alphabet::Name, 64));
/// Long enough for what is sealed in it.
const SEALED: Kind = Kind::Text(Text::of(Alphabet::Base64Url, 1024));
const CODE: Kind = Kind::Text(Text::of(Alphabet::Printable, 16));
/// Sixteen, and what people put between them.
const BACKUP_CODE: Kind = Kind::Text(Text::of(Alphabet::Printable, 64));
const REASON: Field = Field::required("reason", Kind::Text(Text::any(2048)), "Why.");
const ROLE: Kind = Kind::Word(&["viewer", "auditor", "compliance_officer", "admin"]);
const OVERSIGHT: Kind = Kind::Texts { items_max: 3, item: Text::of(Alphabet::Name, 32) };
const ORDER: Field =
    Field::optional("order", Kind::Word(&["asc", "desc"]), "Oldest or newest first.")
        .default("\"asc\"");
const AFTER: Field = Field::optional("after", ID, "`next` of the page before.");
const TOTAL: Member = integer("total", "On all pages, counted up to 100,000.");
const TOTAL_EXACT: Member = flag("total_exact", "Whether `total` is all of them.");
const NEXT: Member =
    text("next", "Give it as `after` for the next page; null at the end.").or_null();
const ENTRY: Member = integer("ledger_entry_id", "The ledger entry that says so.");

/// Body of `POST /auth/login`.
pub(crate) const LOGIN: &[Field] = &[
    Field::required("username", Kind::Text(Text::any(254)), "The name of the account."),
    Field::required("password", Kind::Verbatim, "Its password, taken as it is."),
];

/// Body of `POST /auth/mfa/verify`.
pub(crate) const VERIFY: &[Field] = &[
    Field::required("challenge_id", ID, "As the login answered it."),
    Field::optional("code", CODE, "6 digits, or else `backup_code`."),
    Field::optional("backup_code", BACKUP_CODE, "One that was not used, or else `code`."),
];

/// Body of what takes a code for one's own account.
pub(crate) const WITH_CODE: &[Field] = &[Field::required("code", CODE, "6 digits.")];

/// Body of `POST /auth/change-password`.
pub(crate) const CHANGE_PASSWORD: &[Field] = &[
    Field::required("old_password", Kind::Verbatim, "The password that counts now."),
    Field::required("new_password", Kind::Verbatim, "The one that is to count."),
];

/// Body of `POST /auth/users`.
pub(crate) const CREATE_USER: &[Field] = &[
    Field::required(
        "username",
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "What the person logs in as; in any letter case there is one.",
    ),
    Field::required(
        "email",
        Kind::Text(Text::of(Alphabet::Printable, 254).at_least(3)),
        "Has one `@`; in any letter case there is one.",
    ),
    Field::required("password", Kind::Verbatim, "The first password, within the policy."),
    Field::required("role", ROLE, "What the person may do to the service."),
    Field::optional("full_name", Kind::Text(Text::of(Alphabet::Line, 255)), "For people."),
    Field::optional("oversight_roles", OVERSIGHT, "In which roles the person oversees.")
        .default("[]"),
];

/// Body of `PATCH /auth/users/{id}`.
pub(crate) const UPDATE_USER: &[Field] = &[
    Field::optional("role", ROLE, "A new one ends the sessions of the account."),
    Field::optional("full_name", Kind::Text(Text::of(Alphabet::Line, 255)), "A new name."),
    Field::optional("oversight_roles", OVERSIGHT, "New ones end the sessions of the account."),
];

/// Body of what an administrator does to an account.
pub(crate) const CHANGE_USER: &[Field] = &[REASON];

/// Body of `POST /auth/api-keys`.
pub(crate) const CREATE_KEY: &[Field] = &[
    Field::required("name", Kind::Text(Text::of(Alphabet::Line, 255)), "For people."),
    Field::required(
        "actor_prefixes",
        Kind::Texts { items_max: 100, item: Text::of(Alphabet::Printable, 255) },
        "Actors it may act as: names, beginnings of names up to a `:`, or `*`. At least one.",
    ),
    Field::optional(
        "permissions",
        Kind::Texts { items_max: 7, item: Text::of(Alphabet::Name, 32) },
        "What else it may do.",
    )
    .default("[]"),
    Field::optional("expires_at", Kind::Time, "From then on it is not valid: in the future."),
];

/// Query of lists of accounts and of keys.
pub(crate) const LIST_QUERY: &[Field] = &[LIMIT, AFTER, ORDER];

/// Query of `GET /auth/sessions`.
pub(crate) const SESSIONS_QUERY: &[Field] = &[
    LIMIT,
    AFTER,
    ORDER,
    Field::optional("user_id", ID, "Those of this account: one's own, or with `manage_users`."),
    Field::optional("all", Kind::Bool, "Those of everybody, with `manage_users`.").default("false"),
];

/// Query of `GET /auth/oidc/callback/{provider}`. Providers add more, which is
/// dropped.
pub(crate) const CALLBACK_QUERY: &[Field] = &[
    Field::optional(
        "code",
        Kind::Text(Text::of(Alphabet::Printable, 2048)),
        "As the provider gave it.",
    ),
    Field::required("state", SEALED, "As the login answered it."),
    Field::optional(
        "iss",
        Kind::Text(Text::of(Alphabet::Printable, 512)),
        "The provider that answers, by its issuer: RFC 9207.",
    ),
    Field::optional(
        "error",
        Kind::Text(Text::of(Alphabet::Printable, 256)),
        "Why the provider did not log anybody in.",
    ),
];

macro_rules! user_members {
    ($($extra:expr),*) => {
        &[
            text("user_id", "The account."),
            text("username", "What the person logs in as."),
            text("email", "As it was given."),
            text("full_name", "As it was given.").or_null(),
            text("role", "`viewer`, `auditor`, `compliance_officer` or `admin`."),
            texts("permissions", "What the role may do."),
            texts("oversight_roles", "In which roles the person oversees."),
            flag("mfa_enabled", "Whether there is a second factor."),
            time("last_login", "The last login that succeeded.").or_null(),
            time("password_expires_at", "Null for an account without password.").or_null(),
            text("status", "`active` or `disabled`."),
            time("created_at", "Cluster time of the entry that made it."),
            $($extra),*
        ]
    };
}

/// An account within another answer.
pub(crate) const USER: &[Member] = user_members![];

/// An account.
pub(crate) const ACCOUNT: &[Member] = user_members![integer(
    "ledger_entry_id",
    "The entry that made it; after a change, the entry of that."
)];

/// Reply of `GET /auth/me`.
pub(crate) const ME_REPLY: &[Member] = &[object("user", USER, "Whose credential it is.")];

/// Reply of `GET /auth/users`.
pub(crate) const USERS_REPLY: &[Member] =
    &[list("users", ACCOUNT, "In the order asked for."), TOTAL, TOTAL_EXACT, NEXT];

/// Reply to a login.
pub(crate) const LOGIN_REPLY: &[Member] = &[
    flag("success", "Whether there is a session."),
    flag("mfa_required", "Whether a second factor must follow, at `/auth/mfa/verify`."),
    text("challenge_id", "What that takes; null where there is a session.").or_null(),
    text("session_id", "The credential, shown once; null where a second factor must follow.")
        .or_null(),
    text("csrf_token", "Goes in `X-CSRF-Token` beside the cookie.").or_null(),
    time("expires_at", "When the session ends unless it is used, or when the challenge ends."),
    object("user", USER, "Who logged in.").or_null(),
    flag("password_expired", "Whether nothing can be done before the password is changed."),
    flag("mfa_enrollment_required", "Whether nothing can be done before a factor is enrolled."),
];

/// Reply of `POST /auth/mfa/enroll`.
pub(crate) const ENROLL_REPLY: &[Member] = &[
    text("secret", "Base32; what an authenticator takes by hand."),
    text("otpauth_uri", "The same for a QR code."),
];

/// Reply of `POST /auth/mfa/confirm`.
pub(crate) const CONFIRM_REPLY: &[Member] = &[
    flag("enabled", "Whether there is a second factor."),
    texts("backup_codes", "Ten, each for one login, shown once; null when replayed.").or_null(),
    ENTRY,
];

/// Reply of `POST /auth/mfa/backup-codes`.
pub(crate) const CODES_REPLY: &[Member] = &[
    texts("backup_codes", "Ten in place of the old ones, shown once; null when replayed.")
        .or_null(),
    ENTRY,
];

/// Reply of what only succeeds.
pub(crate) const DONE_REPLY: &[Member] = &[flag("success", "True."), ENTRY];

/// Reply of `GET /auth/password-policy`.
pub(crate) const POLICY_REPLY: &[Member] = &[
    integer("min_length", "Least number of characters."),
    integer("max_length", "Greatest number of bytes."),
    integer("min_distinct", "Least number of different characters."),
    integer("max_age_days", "After so many days it must be changed."),
    integer("history_count", "So many of the last passwords are refused."),
    flag("require_uppercase", "Whether an upper-case letter is needed."),
    flag("require_lowercase", "Whether a lower-case letter is needed."),
    flag("require_digit", "Whether a digit is needed."),
    flag("require_special", "Whether another character is needed."),
];

const SESSION: &[Member] = &[
    text("id", "A handle, never the credential."),
    text("user_id", "Whose."),
    time("created_at", "When it began."),
    time("last_used_at", "When it was last used, to the minute."),
    time("expires_at", "When it ends unless it is used."),
    text("address", "Where the login came from."),
    text("authn", "How the person logged in."),
    flag("current", "Whether it is the one that asks."),
];

/// Reply of `GET /auth/sessions`.
pub(crate) const SESSIONS_REPLY: &[Member] = &[
    list("sessions", SESSION, "Those that have not ended, in the order asked for."),
    TOTAL,
    TOTAL_EXACT,
    NEXT,
];

/// Reply of what ends something.
pub(crate) const REVOKED_REPLY: &[Member] = &[flag("revoked", "True."), ENTRY];

macro_rules! key_members {
    ($($extra:expr),*) => {
        &[
            $($extra,)*
            text("key_id", "A handle, never the key."),
            text("name", "As it was given."),
            texts("actor_prefixes", "Actors it may act as."),
            texts("permissions", "What else it may do."),
            text("status", "`active`, `expired` or `revoked`."),
            time("created_at", "Cluster time of the entry that made it."),
            time("expires_at", "From then on it is not valid.").or_null(),
            time("last_used_at", "When it was last used, to the minute.").or_null(),
            integer("ledger_entry_id", "The entry that made it; once it is revoked, that."),
        ]
    };
}

/// Reply of `POST /auth/api-keys`.
pub(crate) const KEY_REPLY: &[Member] = key_members![
    text("api_key", "The key, shown once; null when a repeated request is replayed.").or_null()
];

/// Reply of `GET /auth/api-keys`.
pub(crate) const KEYS_REPLY: &[Member] =
    &[list("api_keys", key_members![], "In the order asked for."), TOTAL, TOTAL_EXACT, NEXT];

const PROVIDER: &[Member] =
    &[text("name", "In the paths of its logins."), text("issuer", "Who vouches.")];

/// Reply of `GET /auth/oidc/providers`.
pub(crate) const PROVIDERS_REPLY: &[Member] = &[list("providers", PROVIDER, "By name.")];

/// Reply of `GET /auth/oidc/login/{provider}`.
pub(crate) const OIDC_LOGIN_REPLY: &[Member] = &[
    text("authorization_url", "Where the browser is to go."),
    text("state", "What the provider gives back; bound to this browser by a cookie."),
    time("expires_at", "By then the provider must have answered."),
];
