//! Routes of the area `auth`.

use governance::access::{Permission, Right};

use super::{Access, Method, Op, Route, Shape};
use crate::problem::Code;
use crate::rest::auth::describe as of;

const MANAGE: Right = Right::Holds(Permission::ManageUsers);

/// What any login may be refused with.
const LOGIN_CODES: &[Code] = &[
    Code::INVALID_CREDENTIALS,
    Code::ACCOUNT_LOCKED,
    Code::RATE_LIMITED,
    Code::OVERLOADED,
    Code::NOT_AUTHORISED,
];

/// What any request about one's own account may be refused with.
const OWN_CODES: &[Code] = &[
    Code::UNAUTHENTICATED,
    Code::NOT_AUTHORISED,
    Code::SESSION_EXPIRED,
    Code::SESSION_REVOKED,
    Code::INVALID_CODE,
    Code::ALREADY_ENROLLED,
    Code::NOT_ALLOWED,
    Code::ACCOUNT_LOCKED,
    Code::IDEMPOTENCY_CONFLICT,
    Code::ERASED,
];

/// What any request about accounts may be refused with.
const MANAGE_CODES: &[Code] = &[
    Code::UNAUTHENTICATED,
    Code::SESSION_EXPIRED,
    Code::SESSION_REVOKED,
    Code::PERMISSION_DENIED,
    Code::PASSWORD_EXPIRED,
    Code::MFA_REQUIRED,
    Code::NOT_AUTHORISED,
    Code::UNKNOWN_USER,
    Code::NOT_ALLOWED,
    Code::LAST_ADMIN,
    Code::IDEMPOTENCY_CONFLICT,
    Code::ERASED,
];

const fn post(op: Op, path: &'static str, summary: &'static str, who: Right) -> Route {
    Route::post(op, path, summary).tag("Auth").who(who)
}

const fn get(op: Op, path: &'static str, summary: &'static str, who: Right) -> Route {
    Route::get(op, path, summary).tag("Auth").who(who)
}

const fn delete(op: Op, path: &'static str, summary: &'static str, who: Right) -> Route {
    Route::new(op, Method::Delete, path, summary).access(Access::Write).tag("Auth").who(who)
}

/// What an administrator does to an account, with a reason.
const fn change(op: Op, path: &'static str, summary: &'static str) -> Route {
    post(op, path, summary, MANAGE)
        .body(Shape::Fields(of::CHANGE_USER))
        .replies(of::ACCOUNT)
        .codes(MANAGE_CODES)
}

pub(super) const ROUTES: &[Route] = &[
    post(
        Op::Login,
        "/auth/login",
        "Log in; every login is another, so a key makes none known",
        Right::Public,
    )
    .body(Shape::Fields(of::LOGIN))
    .replies(of::LOGIN_REPLY)
    .codes(LOGIN_CODES),
    post(Op::MfaVerify, "/auth/mfa/verify", "Log in with a second factor", Right::Public)
        .body(Shape::Fields(of::VERIFY))
        .replies(of::LOGIN_REPLY)
        .codes(&[
            Code::INVALID_CODE,
            Code::CHALLENGE_EXPIRED,
            Code::ACCOUNT_LOCKED,
            Code::RATE_LIMITED,
            Code::INVALID_CREDENTIALS,
            Code::NOT_AUTHORISED,
        ]),
    post(Op::MfaEnroll, "/auth/mfa/enroll", "A secret for one's own second factor", Right::Own)
        .replies(of::ENROLL_REPLY)
        .codes(OWN_CODES),
    post(Op::MfaConfirm, "/auth/mfa/confirm", "Confirm it by its first code", Right::Own)
        .body(Shape::Fields(of::WITH_CODE))
        .replies(of::CONFIRM_REPLY)
        .codes(OWN_CODES),
    post(Op::MfaBackupCodes, "/auth/mfa/backup-codes", "New backup codes", Right::Own)
        .body(Shape::Fields(of::WITH_CODE))
        .replies(of::CODES_REPLY)
        .codes(OWN_CODES),
    post(Op::Logout, "/auth/logout", "End the session that asks", Right::Own)
        .replies(of::DONE_REPLY)
        .codes(OWN_CODES),
    get(Op::Me, "/auth/me", "The account of the credential", Right::Own)
        .replies(of::ME_REPLY)
        .codes(OWN_CODES),
    post(Op::PasswordChange, "/auth/change-password", "Change one's own password", Right::Own)
        .body(Shape::Fields(of::CHANGE_PASSWORD))
        .replies(of::DONE_REPLY)
        .codes(&[
            Code::UNAUTHENTICATED,
            Code::NOT_AUTHORISED,
            Code::SESSION_EXPIRED,
            Code::SESSION_REVOKED,
            Code::INVALID_CREDENTIALS,
            Code::ACCOUNT_LOCKED,
            Code::PASSWORD_POLICY,
            Code::PASSWORD_REUSED,
            Code::IDEMPOTENCY_CONFLICT,
            Code::OVERLOADED,
            Code::ERASED,
        ]),
    get(Op::PasswordPolicy, "/auth/password-policy", "What a password must be", Right::Public)
        .access(Access::Static)
        .replies(of::POLICY_REPLY),
    get(Op::Sessions, "/auth/sessions", "Sessions that have not ended", Right::Own)
        .query(of::SESSIONS_QUERY)
        .replies(of::SESSIONS_REPLY)
        .codes(MANAGE_CODES),
    delete(Op::SessionRevoke, "/auth/sessions/{id}", "End a session", Right::Own)
        .replies(of::REVOKED_REPLY)
        .codes(&[
            Code::UNAUTHENTICATED,
            Code::SESSION_EXPIRED,
            Code::SESSION_REVOKED,
            Code::NOT_AUTHORISED,
            Code::UNKNOWN_SESSION,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
        ]),
    post(Op::UserCreate, "/auth/users", "Make an account", MANAGE)
        .body(Shape::Fields(of::CREATE_USER))
        .replies(of::ACCOUNT)
        .codes(&[
            Code::UNAUTHENTICATED,
            Code::SESSION_EXPIRED,
            Code::SESSION_REVOKED,
            Code::PERMISSION_DENIED,
            Code::PASSWORD_EXPIRED,
            Code::MFA_REQUIRED,
            Code::NOT_AUTHORISED,
            Code::PASSWORD_POLICY,
            Code::ALREADY_EXISTS,
            Code::NOT_ALLOWED,
            Code::IDEMPOTENCY_CONFLICT,
            Code::OVERLOADED,
            Code::ERASED,
        ]),
    get(Op::Users, "/auth/users", "Accounts", MANAGE)
        .query(of::LIST_QUERY)
        .replies(of::USERS_REPLY)
        .codes(MANAGE_CODES),
    get(Op::User, "/auth/users/{id}", "An account", MANAGE)
        .replies(of::ACCOUNT)
        .codes(MANAGE_CODES),
    Route::new(Op::UserUpdate, Method::Patch, "/auth/users/{id}", "Change what an account is for")
        .access(Access::Write)
        .tag("Auth")
        .who(MANAGE)
        .body(Shape::Fields(of::UPDATE_USER))
        .replies(of::ACCOUNT)
        .codes(MANAGE_CODES),
    delete(
        Op::UserDelete,
        "/auth/users/{id}",
        "Disable an account for good: entries name it, so it stays",
        MANAGE,
    )
    .replies(of::ACCOUNT)
    .codes(MANAGE_CODES),
    change(Op::UserDisable, "/auth/users/{id}/disable", "Disable an account; its sessions end"),
    change(Op::UserEnable, "/auth/users/{id}/enable", "Enable an account again"),
    change(Op::UserUnlock, "/auth/users/{id}/unlock", "Forget failed logins of an account"),
    change(
        Op::UserResetMfa,
        "/auth/users/{id}/reset-mfa",
        "Take the second factor of an account away",
    ),
    post(
        Op::ApiKeyCreate,
        "/auth/api-keys",
        "Make a key for a program, which is shown once",
        MANAGE,
    )
    .body(Shape::Fields(of::CREATE_KEY))
    .replies(of::KEY_REPLY)
    .codes(MANAGE_CODES),
    get(Op::ApiKeys, "/auth/api-keys", "Keys of programs", MANAGE)
        .query(of::LIST_QUERY)
        .replies(of::KEYS_REPLY)
        .codes(MANAGE_CODES),
    delete(Op::ApiKeyRevoke, "/auth/api-keys/{id}", "End a key of a program", MANAGE)
        .replies(of::REVOKED_REPLY)
        .codes(&[
            Code::UNAUTHENTICATED,
            Code::SESSION_EXPIRED,
            Code::SESSION_REVOKED,
            Code::PERMISSION_DENIED,
            Code::PASSWORD_EXPIRED,
            Code::MFA_REQUIRED,
            Code::NOT_AUTHORISED,
            Code::UNKNOWN_KEY,
            Code::ALREADY_REVOKED,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
        ]),
    get(Op::OidcProviders, "/auth/oidc/providers", "Providers of logins", Right::Public)
        .access(Access::Static)
        .replies(of::PROVIDERS_REPLY),
    get(Op::OidcLogin, "/auth/oidc/login/{provider}", "Begin a login at a provider", Right::Public)
        .access(Access::Compute)
        .replies(of::OIDC_LOGIN_REPLY)
        .codes(&[Code::UNKNOWN_PROVIDER, Code::PROVIDER_UNAVAILABLE]),
    get(
        Op::OidcCallback,
        "/auth/oidc/callback/{provider}",
        "Log in by what a provider says",
        Right::Public,
    )
    .access(Access::Write)
    .query(of::CALLBACK_QUERY)
    .replies(of::LOGIN_REPLY)
    .codes(&[
        Code::UNKNOWN_PROVIDER,
        Code::PROVIDER_UNAVAILABLE,
        Code::INVALID_CREDENTIALS,
        Code::ALREADY_EXISTS,
        Code::RATE_LIMITED,
        Code::NOT_AUTHORISED,
    ]),
];
