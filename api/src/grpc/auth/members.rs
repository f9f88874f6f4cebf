//! Messages of the service `Auth` from members of answers.

use proto::governance::v1::{
    ApiKey, ListSessionsReply, LoginReply, OidcProvider, OidcProvidersReply, PasswordPolicyReply,
    Session, User,
};

use super::super::members::Members;

pub(super) fn user(mut user: Members) -> User {
    User {
        user_id: user.word("user_id"),
        username: user.word("username"),
        email: user.word("email"),
        full_name: user.text("full_name"),
        role: user.word("role"),
        permissions: user.texts("permissions"),
        oversight_roles: user.texts("oversight_roles"),
        mfa_enabled: user.flag("mfa_enabled"),
        last_login: user.text("last_login"),
        password_expires_at: user.text("password_expires_at"),
        status: user.word("status"),
        created_at: user.word("created_at"),
        ledger_entry_id: user.number("ledger_entry_id"),
    }
}

pub(super) fn login(mut reply: Members) -> LoginReply {
    LoginReply {
        success: reply.flag("success"),
        mfa_required: reply.flag("mfa_required"),
        challenge_id: reply.text("challenge_id"),
        session_id: reply.text("session_id"),
        csrf_token: reply.text("csrf_token"),
        expires_at: reply.word("expires_at"),
        user: reply.object("user", user),
        password_expired: reply.flag("password_expired"),
        mfa_enrollment_required: reply.flag("mfa_enrollment_required"),
    }
}

pub(super) fn policy(reply: &Members) -> PasswordPolicyReply {
    PasswordPolicyReply {
        min_length: reply.count("min_length"),
        max_length: reply.count("max_length"),
        min_distinct: reply.count("min_distinct"),
        max_age_days: reply.count("max_age_days"),
        history_count: reply.count("history_count"),
        require_uppercase: reply.flag("require_uppercase"),
        require_lowercase: reply.flag("require_lowercase"),
        require_digit: reply.flag("require_digit"),
        require_special: reply.flag("require_special"),
    }
}

pub(super) fn sessions(mut reply: Members) -> ListSessionsReply {
    ListSessionsReply {
        sessions: reply.list("sessions", |mut session| Session {
            id: session.word("id"),
            user_id: session.word("user_id"),
            created_at: session.word("created_at"),
            last_used_at: session.word("last_used_at"),
            expires_at: session.word("expires_at"),
            address: session.word("address"),
            authn: session.word("authn"),
            current: session.flag("current"),
        }),
        total: reply.count("total"),
        total_exact: reply.flag("total_exact"),
        next: reply.text("next"),
    }
}

pub(super) fn api_key(mut key: Members) -> ApiKey {
    ApiKey {
        api_key: key.text("api_key"),
        key_id: key.word("key_id"),
        name: key.word("name"),
        actor_prefixes: key.texts("actor_prefixes"),
        permissions: key.texts("permissions"),
        status: key.word("status"),
        created_at: key.word("created_at"),
        expires_at: key.text("expires_at"),
        last_used_at: key.text("last_used_at"),
        ledger_entry_id: key.count("ledger_entry_id"),
    }
}

pub(super) fn providers(mut reply: Members) -> OidcProvidersReply {
    OidcProvidersReply {
        providers: reply.list("providers", |mut provider| OidcProvider {
            name: provider.word("name"),
            issuer: provider.word("issuer"),
        }),
    }
}
