//! The service `Auth`.

mod members;

use prost::Message as _;
use proto::governance::v1::auth_server::Auth;
use proto::governance::v1::{
    ApiKey, ChangePasswordRequest, ChangeUserRequest, ConfirmMfaReply, ConfirmMfaRequest,
    CreateApiKeyRequest, CreateUserRequest, DeleteUserRequest, EnrollMfaReply, EnrollMfaRequest,
    GetUserRequest, ListApiKeysReply, ListApiKeysRequest, ListSessionsReply, ListSessionsRequest,
    ListUsersReply, ListUsersRequest, LoginReply, LoginRequest, LogoutRequest, MeReply, MeRequest,
    OidcCallbackRequest, OidcLoginReply, OidcLoginRequest, OidcProvidersReply,
    OidcProvidersRequest, PasswordPolicyReply, PasswordPolicyRequest, RenewBackupCodesReply,
    RenewBackupCodesRequest, RevokeApiKeyRequest, RevokeSessionRequest, RevokedReply, SuccessReply,
    UpdateUserRequest, User, VerifyMfaRequest,
};
use tonic::{Extensions, Request, Response, Status};
use types::{Json, Object};

use super::Service;
use super::caller::{Input, Query};
use super::decisions::put;
use super::members::Members;
use crate::backend::Backend;
use crate::routes::Op;

/// A call with a body.
fn posted(op: Op, bytes: usize, body: Object) -> Input {
    Input { body: Some(Json::Object(body)), bytes, ..Input::of(op) }
}

fn code(code: String) -> Object {
    let mut body = Object::new();
    body.insert("code", code);
    body
}

impl<B: Backend> Service<B> {
    async fn user(&self, extensions: &Extensions, input: Input) -> Result<Response<User>, Status> {
        self.answer(extensions, Ok(input), |reply| members::user(Members(reply))).await
    }

    async fn login_reply(
        &self,
        extensions: &Extensions,
        input: Input,
    ) -> Result<Response<LoginReply>, Status> {
        self.answer(extensions, Ok(input), |reply| members::login(Members(reply))).await
    }

    async fn change(
        &self,
        op: Op,
        request: Request<ChangeUserRequest>,
    ) -> Result<Response<User>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        body.insert("reason", message.reason);
        let input = Input { path: message.id, ..posted(op, bytes, body) };
        self.user(&extensions, input).await
    }

    async fn revoked(
        &self,
        extensions: &Extensions,
        op: Op,
        path: String,
    ) -> Result<Response<RevokedReply>, Status> {
        let input = Input { path, ..Input::of(op) };
        self.answer(extensions, Ok(input), |reply| {
            let reply = Members(reply);
            RevokedReply {
                revoked: reply.flag("revoked"),
                ledger_entry_id: reply.count("ledger_entry_id"),
            }
        })
        .await
    }
}

fn success(reply: Object) -> SuccessReply {
    let reply = Members(reply);
    SuccessReply { success: reply.flag("success"), ledger_entry_id: reply.count("ledger_entry_id") }
}

#[tonic::async_trait]
impl<B: Backend> Auth for Service<B> {
    async fn login(&self, request: Request<LoginRequest>) -> Result<Response<LoginReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        body.insert("username", message.username);
        body.insert("password", message.password);
        self.login_reply(&extensions, posted(Op::Login, bytes, body)).await
    }

    async fn verify_mfa(
        &self,
        request: Request<VerifyMfaRequest>,
    ) -> Result<Response<LoginReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        body.insert("challenge_id", message.challenge_id);
        put(&mut body, "code", message.code);
        put(&mut body, "backup_code", message.backup_code);
        self.login_reply(&extensions, posted(Op::MfaVerify, bytes, body)).await
    }

    async fn enroll_mfa(
        &self,
        request: Request<EnrollMfaRequest>,
    ) -> Result<Response<EnrollMfaReply>, Status> {
        let (_, extensions, _) = request.into_parts();
        self.answer(&extensions, Ok(Input::of(Op::MfaEnroll)), |reply| {
            let mut reply = Members(reply);
            EnrollMfaReply { secret: reply.word("secret"), otpauth_uri: reply.word("otpauth_uri") }
        })
        .await
    }

    async fn confirm_mfa(
        &self,
        request: Request<ConfirmMfaRequest>,
    ) -> Result<Response<ConfirmMfaReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let input = posted(Op::MfaConfirm, message.encoded_len(), code(message.code));
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ConfirmMfaReply {
                enabled: reply.flag("enabled"),
                backup_codes: reply.texts("backup_codes"),
                ledger_entry_id: reply.count("ledger_entry_id"),
            }
        })
        .await
    }

    async fn renew_backup_codes(
        &self,
        request: Request<RenewBackupCodesRequest>,
    ) -> Result<Response<RenewBackupCodesReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let input = posted(Op::MfaBackupCodes, message.encoded_len(), code(message.code));
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            RenewBackupCodesReply {
                backup_codes: reply.texts("backup_codes"),
                ledger_entry_id: reply.count("ledger_entry_id"),
            }
        })
        .await
    }

    async fn logout(
        &self,
        request: Request<LogoutRequest>,
    ) -> Result<Response<SuccessReply>, Status> {
        let (_, extensions, _) = request.into_parts();
        self.answer(&extensions, Ok(Input::of(Op::Logout)), success).await
    }

    async fn me(&self, request: Request<MeRequest>) -> Result<Response<MeReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let input = Input { query: Query::default().read(message.read), ..Input::of(Op::Me) };
        self.answer(&extensions, Ok(input), |reply| MeReply {
            user: Members(reply).object("user", members::user),
        })
        .await
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<SuccessReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        body.insert("old_password", message.old_password);
        body.insert("new_password", message.new_password);
        self.answer(&extensions, Ok(posted(Op::PasswordChange, bytes, body)), success).await
    }

    async fn password_policy(
        &self,
        request: Request<PasswordPolicyRequest>,
    ) -> Result<Response<PasswordPolicyReply>, Status> {
        let (_, extensions, _) = request.into_parts();
        let input = Input::of(Op::PasswordPolicy);
        self.answer(&extensions, Ok(input), |reply| members::policy(&Members(reply))).await
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .put("order", message.order)
            .put("user_id", message.user_id)
            .put("all", Some(message.all))
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Sessions) };
        self.answer(&extensions, Ok(input), |reply| members::sessions(Members(reply))).await
    }

    async fn revoke_session(
        &self,
        request: Request<RevokeSessionRequest>,
    ) -> Result<Response<RevokedReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.revoked(&extensions, Op::SessionRevoke, message.id).await
    }

    async fn create_user(
        &self,
        request: Request<CreateUserRequest>,
    ) -> Result<Response<User>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        body.insert("username", message.username);
        body.insert("email", message.email);
        body.insert("password", message.password);
        body.insert("role", message.role);
        put(&mut body, "full_name", message.full_name);
        body.insert("oversight_roles", message.oversight_roles);
        self.user(&extensions, posted(Op::UserCreate, bytes, body)).await
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .put("order", message.order)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::Users) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListUsersReply {
                users: reply.list("users", members::user),
                total: reply.count("total"),
                total_exact: reply.flag("total_exact"),
                next: reply.text("next"),
            }
        })
        .await
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<User>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default().read(message.read);
        self.user(&extensions, Input { path: message.id, query, ..Input::of(Op::User) }).await
    }

    async fn update_user(
        &self,
        request: Request<UpdateUserRequest>,
    ) -> Result<Response<User>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        put(&mut body, "role", message.role);
        put(&mut body, "full_name", message.full_name);
        put(&mut body, "oversight_roles", message.oversight_roles.map(|given| given.roles));
        let input = Input { path: message.id, ..posted(Op::UserUpdate, bytes, body) };
        self.user(&extensions, input).await
    }

    async fn delete_user(
        &self,
        request: Request<DeleteUserRequest>,
    ) -> Result<Response<User>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.user(&extensions, Input { path: message.id, ..Input::of(Op::UserDelete) }).await
    }

    async fn disable_user(
        &self,
        request: Request<ChangeUserRequest>,
    ) -> Result<Response<User>, Status> {
        self.change(Op::UserDisable, request).await
    }

    async fn enable_user(
        &self,
        request: Request<ChangeUserRequest>,
    ) -> Result<Response<User>, Status> {
        self.change(Op::UserEnable, request).await
    }

    async fn unlock_user(
        &self,
        request: Request<ChangeUserRequest>,
    ) -> Result<Response<User>, Status> {
        self.change(Op::UserUnlock, request).await
    }

    async fn reset_mfa(
        &self,
        request: Request<ChangeUserRequest>,
    ) -> Result<Response<User>, Status> {
        self.change(Op::UserResetMfa, request).await
    }

    async fn create_api_key(
        &self,
        request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<ApiKey>, Status> {
        let (_, extensions, message) = request.into_parts();
        let bytes = message.encoded_len();
        let mut body = Object::new();
        body.insert("name", message.name);
        body.insert("actor_prefixes", message.actor_prefixes);
        body.insert("permissions", message.permissions);
        put(&mut body, "expires_at", message.expires_at);
        let input = posted(Op::ApiKeyCreate, bytes, body);
        self.answer(&extensions, Ok(input), |reply| members::api_key(Members(reply))).await
    }

    async fn list_api_keys(
        &self,
        request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("limit", message.limit)
            .put("after", message.after)
            .put("order", message.order)
            .read(message.read);
        let input = Input { query, ..Input::of(Op::ApiKeys) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            ListApiKeysReply {
                api_keys: reply.list("api_keys", members::api_key),
                total: reply.count("total"),
                total_exact: reply.flag("total_exact"),
                next: reply.text("next"),
            }
        })
        .await
    }

    async fn revoke_api_key(
        &self,
        request: Request<RevokeApiKeyRequest>,
    ) -> Result<Response<RevokedReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        self.revoked(&extensions, Op::ApiKeyRevoke, message.id).await
    }

    async fn oidc_providers(
        &self,
        request: Request<OidcProvidersRequest>,
    ) -> Result<Response<OidcProvidersReply>, Status> {
        let (_, extensions, _) = request.into_parts();
        let input = Input::of(Op::OidcProviders);
        self.answer(&extensions, Ok(input), |reply| members::providers(Members(reply))).await
    }

    async fn oidc_login(
        &self,
        request: Request<OidcLoginRequest>,
    ) -> Result<Response<OidcLoginReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let input = Input { path: message.provider, ..Input::of(Op::OidcLogin) };
        self.answer(&extensions, Ok(input), |reply| {
            let mut reply = Members(reply);
            OidcLoginReply {
                authorization_url: reply.word("authorization_url"),
                state: reply.word("state"),
                expires_at: reply.word("expires_at"),
            }
        })
        .await
    }

    async fn oidc_callback(
        &self,
        request: Request<OidcCallbackRequest>,
    ) -> Result<Response<LoginReply>, Status> {
        let (_, extensions, message) = request.into_parts();
        let query = Query::default()
            .put("code", message.code)
            .put("state", Some(message.state))
            .put("iss", message.iss)
            .put("error", message.error);
        let input = Input { path: message.provider, query, ..Input::of(Op::OidcCallback) };
        self.login_reply(&extensions, input).await
    }
}
