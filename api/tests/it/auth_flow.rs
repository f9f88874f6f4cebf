//! Accounts from the first administrator on: logins, second factors, sessions,
//! accounts, keys of programs, logins at a provider. Every answer has exactly
//! the members that are described.

use api::{AuthMode, Config};
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use governance::Outcome;
use governance::access::AccountRole;
use governance::command::{Command, CreateUser};
use serde_json::{Value, json};

use crate::answers::conforms;
use crate::common::{Node, Reply, Server, envelope_of};
use crate::description::document;
use crate::provider::{Provider, config_with, log_in};

const PASSWORD: &str = "Vigil-Tram0!kesp";
const OTHER: &str = "Quilt-Harbor7?zun";

/// A server with one account of a role, put there as the command line does.
fn server_of(role: AccountRole) -> Server {
    let server = requiring(Config::default());
    boot(&server.node, "root", role);
    server
}

fn requiring(config: Config) -> Server {
    Server::with(Node::founded(), Config { auth: AuthMode::Required, ..config })
}

fn boot(node: &Node, username: &str, role: AccountRole) {
    let hash: PasswordHash =
        argon2::Argon2::default().hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]).unwrap();
    let create = CreateUser {
        username: username.to_owned(),
        email: format!("{username}@example.com"),
        full_name: None,
        role,
        oversight: Vec::new(),
        password_hash: hash.to_string(),
    };
    let outcome = node.apply(envelope_of("n1", Command::CreateUser(Box::new(create)))).outcome;
    assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
}

/// Somebody who logged in.
struct Person<'a> {
    server: &'a Server,
    session: String,
}

impl Person<'_> {
    async fn send(&self, method: &str, path: &str, body: Value, key: Option<&str>) -> Reply {
        let bearer = format!("Bearer {}", self.session);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.server.call(method, path, &body, &headers).await
    }

    /// What is answered 200, as it is described under the template of the path.
    async fn done(&self, method: &str, path: &str, template: &str, body: Value) -> Value {
        let reply = self.send(method, path, body, None).await;
        assert_eq!(reply.outcome(), "200", "{method} {path}: {}", reply.json());
        check_described(&reply, method, template)
    }

    async fn outcome(&self, method: &str, path: &str, body: Value) -> String {
        self.send(method, path, body, None).await.outcome()
    }
}

fn check_described(reply: &Reply, method: &str, template: &str) -> Value {
    let document = document();
    let operation = &document["paths"][template][method.to_lowercase()];
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    assert!(schema["properties"].is_object(), "{method} {template}");
    conforms(schema, &reply.json(), template);
    reply.json()
}

async fn login(server: &Server, username: &str, password: &str) -> Reply {
    server.post("/auth/login", json!({"username": username, "password": password})).await
}

async fn person<'a>(server: &'a Server, username: &str, password: &str) -> Person<'a> {
    let reply = login(server, username, password).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    let body = check_described(&reply, "POST", "/auth/login");
    Person { server, session: body["session_id"].as_str().unwrap().to_owned() }
}

fn base32(text: &str) -> Vec<u8> {
    let (mut held, mut bits, mut bytes) = (0_u32, 0_u32, Vec::new());
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            _ => letter - b'2' + 26,
        };
        held = (held << 5) | u32::from(value);
        bits += 5;
        if 8 <= bits {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).unwrap());
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

/// The code of a secret `ahead` steps from now.
fn code(server: &Server, secret: &str, ahead: u64) -> String {
    let secret: [u8; 20] = base32(secret).try_into().unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    totp.generate(server.node.inner().now / 1_000_000 + ahead * 30).to_string()
}

/// An administrator with a second factor, its secret and its backup codes.
async fn admin(server: &Server) -> (Person<'_>, String, Vec<String>) {
    let root = person(server, "root", PASSWORD).await;
    let begun = root.done("POST", "/auth/mfa/enroll", "/auth/mfa/enroll", Value::Null).await;
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let body = json!({"code": code(server, &secret, 0)});
    let done = root.done("POST", "/auth/mfa/confirm", "/auth/mfa/confirm", body).await;
    let codes = done["backup_codes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    (root, secret, codes)
}

fn jane() -> Value {
    json!({"username": "jane", "email": "jane@example.com", "password": OTHER, "role": "viewer",
           "full_name": "Jane Doe"})
}

#[tokio::test]
async fn a_login_that_fails_tells_nothing_and_is_recorded() {
    let server = server_of(AccountRole::Viewer);
    let mut details = Vec::new();
    for (username, password) in [("root", "wrong"), ("nobody", PASSWORD), ("nobody", "wrong")] {
        let before = server.node.ledger_size();
        let reply = login(&server, username, password).await;
        assert_eq!(reply.outcome(), "401 invalid_credentials");
        assert_eq!(reply.header("set-cookie"), "");
        details.push(reply.json()["detail"].clone());
        assert!(server.node.ledger_size() <= before + 1);
    }
    assert!(details.iter().all(|detail| *detail == details[0]), "{details:?}");
    person(&server, "ROOT", PASSWORD).await;
}

#[tokio::test]
async fn five_failures_lock_a_pair_whether_or_not_the_name_has_an_account() {
    let server = server_of(AccountRole::Viewer);
    for username in ["root", "nobody"] {
        for _ in 0..5 {
            let outcome = login(&server, username, "wrong").await.outcome();
            assert_eq!(outcome, "401 invalid_credentials", "{username}");
        }
        let reply = login(&server, username, PASSWORD).await;
        assert_eq!(reply.outcome(), "423 account_locked", "{username}");
        let seconds: u64 = reply.header("retry-after").parse().unwrap();
        assert!((1700..=1800).contains(&seconds), "{seconds}");
    }
    server.node.inner().now += 1801 * 1_000_000;
    person(&server, "root", PASSWORD).await;
}

#[tokio::test]
async fn a_failure_that_cannot_be_recorded_is_no_answer() {
    let server = server_of(AccountRole::Viewer);
    server.node.inner().refuse = Some(api::backend::Unavailable::NoLeader);
    assert_eq!(login(&server, "root", "wrong").await.outcome(), "503 no_leader");
}

#[tokio::test]
async fn an_administrator_must_enroll_before_anything_else() {
    let server = server_of(AccountRole::Admin);
    let reply = login(&server, "root", PASSWORD).await;
    let body = check_described(&reply, "POST", "/auth/login");
    assert_eq!(body["mfa_enrollment_required"], true);
    assert_eq!(body["user"]["username"], "root");
    let cookie = reply.header("set-cookie");
    let session = body["session_id"].as_str().unwrap();
    assert_eq!(cookie, format!("lexecon_session={session}; HttpOnly; SameSite=Strict; Path=/"));
    let root = Person { server: &server, session: session.to_owned() };
    assert_eq!(root.outcome("GET", "/auth/users", Value::Null).await, "403 mfa_required");
    root.done("GET", "/auth/me", "/auth/me", Value::Null).await;
    let (root, _, codes) = admin(&server).await;
    assert_eq!(codes.len(), 10);
    let me = root.done("GET", "/auth/me", "/auth/me", Value::Null).await;
    assert_eq!(me["user"]["mfa_enabled"], true);
    root.done("GET", "/auth/users", "/auth/users", Value::Null).await;
    let again = root.outcome("POST", "/auth/mfa/enroll", Value::Null).await;
    assert_eq!(again, "409 already_enrolled");
}

#[tokio::test]
async fn a_second_factor_counts_once_and_three_wrong_ones_end_a_login() {
    let server = server_of(AccountRole::Admin);
    let (_, secret, codes) = admin(&server).await;
    let challenge = || async {
        let reply = login(&server, "root", PASSWORD).await;
        let body = check_described(&reply, "POST", "/auth/login");
        assert_eq!((&body["mfa_required"], &body["session_id"]), (&json!(true), &Value::Null));
        assert_eq!(reply.header("set-cookie"), "");
        body["challenge_id"].clone()
    };
    let verify = |id: Value, member: &'static str, code: String| {
        let server = &server;
        async move {
            let body = json!({"challenge_id": id, member: code});
            server.post("/auth/mfa/verify", body).await
        }
    };
    let used = code(&server, &secret, 1);
    let reply = verify(challenge().await, "code", used.clone()).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    check_described(&reply, "POST", "/auth/mfa/verify");
    let again = verify(challenge().await, "code", used).await;
    assert_eq!(again.outcome(), "401 invalid_code", "a code counted twice");
    let spelled = codes[0].to_lowercase();
    let reply = verify(challenge().await, "backup_code", spelled.clone()).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    let again = verify(challenge().await, "backup_code", spelled).await;
    assert_eq!(again.outcome(), "401 invalid_code", "a backup code counted twice");
    let id = challenge().await;
    for expect in ["401 invalid_code", "401 invalid_code", "401 invalid_code", "429 rate_limited"] {
        assert_eq!(verify(id.clone(), "code", "000000".to_owned()).await.outcome(), expect);
    }
}

#[tokio::test]
async fn a_challenge_is_over_after_five_minutes() {
    let server = server_of(AccountRole::Admin);
    let (_, _, codes) = admin(&server).await;
    let id = login(&server, "root", PASSWORD).await.json()["challenge_id"].clone();
    server.node.inner().now += 301 * 1_000_000;
    let body = json!({"challenge_id": id, "backup_code": codes[0]});
    let reply = server.post("/auth/mfa/verify", body).await;
    assert_eq!(reply.outcome(), "401 challenge_expired");
}

#[tokio::test]
async fn backup_codes_are_renewed_by_a_code_alone() {
    let server = server_of(AccountRole::Admin);
    let (root, secret, codes) = admin(&server).await;
    let path = "/auth/mfa/backup-codes";
    let wrong = root.outcome("POST", path, json!({"code": "000000"})).await;
    assert_eq!(wrong, "401 invalid_code");
    let body = json!({"code": code(&server, &secret, 1)});
    let reply = root.send("POST", path, body.clone(), Some("once")).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    let fresh = check_described(&reply, "POST", path)["backup_codes"].clone();
    assert_ne!(fresh[0], codes[0]);
    let again = root.send("POST", path, body, Some("once")).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json()["backup_codes"], Value::Null, "they were shown twice");
}

#[tokio::test]
async fn an_account_is_made_changed_and_disabled() {
    let server = server_of(AccountRole::Admin);
    let (root, _, _) = admin(&server).await;
    let reply = root.send("POST", "/auth/users", jane(), Some("once")).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    let made = check_described(&reply, "POST", "/auth/users");
    assert!(!made.to_string().contains("argon2") && !made.to_string().contains(OTHER));
    let again = root.send("POST", "/auth/users", jane(), Some("once")).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json()["user_id"], made["user_id"]);
    let twice = root.outcome("POST", "/auth/users", jane()).await;
    assert_eq!(twice, "409 already_exists");
    let path = format!("/auth/users/{}", made["user_id"].as_str().unwrap());
    let template = "/auth/users/{id}";
    root.done("GET", &path, template, Value::Null).await;
    let changed = root.done("PATCH", &path, template, json!({"role": "auditor"})).await;
    assert_eq!(changed["role"], "auditor");
    let her = person(&server, "jane", OTHER).await;
    let denied = her.outcome("GET", "/auth/users", Value::Null).await;
    assert_eq!(denied, "403 permission_denied");
    let reason = json!({"reason": "left"});
    for (action, status) in [
        ("disable", "disabled"),
        ("enable", "active"),
        ("unlock", "active"),
        ("reset-mfa", "active"),
    ] {
        let at = format!("{path}/{action}");
        let template = format!("{template}/{action}");
        if action == "reset-mfa" {
            assert_eq!(root.outcome("POST", &at, reason.clone()).await, "409 not_allowed");
            continue;
        }
        let changed = root.done("POST", &at, &template, reason.clone()).await;
        assert_eq!(changed["status"], status, "{action}");
    }
    assert_eq!(her.outcome("GET", "/auth/me", Value::Null).await, "401 session_revoked");
    let gone = root.done("DELETE", &path, template, Value::Null).await;
    assert_eq!(gone["status"], "disabled");
    assert_eq!(login(&server, "jane", OTHER).await.outcome(), "401 invalid_credentials");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let server = server_of(AccountRole::Admin);
    let (root, _, _) = admin(&server).await;
    let me = root.done("GET", "/auth/me", "/auth/me", Value::Null).await;
    let path = format!("/auth/users/{}", me["user"]["user_id"].as_str().unwrap());
    assert_eq!(root.outcome("DELETE", &path, Value::Null).await, "409 last_admin");
    let demoted = root.outcome("PATCH", &path, json!({"role": "viewer"})).await;
    assert_eq!(demoted, "409 last_admin");
}

#[tokio::test]
async fn sessions_are_seen_and_ended_by_their_owner_or_an_administrator() {
    let server = server_of(AccountRole::Admin);
    let (root, _, _) = admin(&server).await;
    root.done("POST", "/auth/users", "/auth/users", jane()).await;
    let (one, two) = (person(&server, "jane", OTHER).await, person(&server, "jane", OTHER).await);
    let list = "/auth/sessions";
    let page = two.done("GET", list, list, Value::Null).await;
    assert_eq!(page["total"], 2);
    let current: Vec<&Value> = page["sessions"].as_array().unwrap().iter().collect();
    assert_eq!(current.iter().filter(|session| session["current"] == true).count(), 1);
    let all = two.outcome("GET", "/auth/sessions?all=true", Value::Null).await;
    assert_eq!(all, "403 permission_denied");
    let all = root.done("GET", "/auth/sessions?all=true", list, Value::Null).await;
    assert!(3 <= all["total"].as_u64().unwrap(), "{all}");
    let mut all = all["sessions"].as_array().unwrap().iter();
    let roots = all.find(|session| session["current"] == true).unwrap();
    let others = format!("/auth/sessions/{}", roots["id"].as_str().unwrap());
    assert_eq!(two.outcome("DELETE", &others, Value::Null).await, "404 unknown_session");
    let first = current.iter().find(|session| session["current"] == false).unwrap();
    let first = format!("/auth/sessions/{}", first["id"].as_str().unwrap());
    two.done("DELETE", &first, "/auth/sessions/{id}", Value::Null).await;
    assert_eq!(one.outcome("GET", "/auth/me", Value::Null).await, "401 session_revoked");
    let reply = two.send("POST", "/auth/logout", json!({}), None).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    assert!(reply.header("set-cookie").contains("Max-Age=0"), "{}", reply.header("set-cookie"));
    check_described(&reply, "POST", "/auth/logout");
    assert_eq!(two.outcome("GET", "/auth/me", Value::Null).await, "401 session_revoked");
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_to_one_that_is_new() {
    let server = server_of(AccountRole::Viewer);
    let (one, two) =
        (person(&server, "root", PASSWORD).await, person(&server, "root", PASSWORD).await);
    let path = "/auth/change-password";
    let body = |old: &str, new: &str| json!({"old_password": old, "new_password": new});
    for (old, new, expect) in [
        (OTHER, OTHER, "401 invalid_credentials"),
        (PASSWORD, "short", "422 password_policy"),
        (PASSWORD, PASSWORD, "422 password_reused"),
    ] {
        assert_eq!(two.outcome("POST", path, body(old, new)).await, expect, "{new}");
    }
    let reply = two.send("POST", path, body(PASSWORD, OTHER), Some("once")).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    check_described(&reply, "POST", path);
    let again = two.send("POST", path, body(PASSWORD, OTHER), Some("once")).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(one.outcome("GET", "/auth/me", Value::Null).await, "401 session_revoked");
    two.done("GET", "/auth/me", "/auth/me", Value::Null).await;
    assert_eq!(login(&server, "root", PASSWORD).await.outcome(), "401 invalid_credentials");
    person(&server, "root", OTHER).await;
}

#[tokio::test]
async fn a_password_that_is_too_old_yields_a_change_of_it_alone() {
    let server = server_of(AccountRole::Viewer);
    server.node.inner().now += 91 * 86_400 * 1_000_000;
    let reply = login(&server, "root", PASSWORD).await;
    assert_eq!(reply.json()["password_expired"], true);
    let session = reply.json()["session_id"].as_str().unwrap().to_owned();
    let root = Person { server: &server, session };
    assert_eq!(root.outcome("GET", "/decisions", Value::Null).await, "403 password_expired");
    let body = json!({"old_password": PASSWORD, "new_password": OTHER});
    root.done("POST", "/auth/change-password", "/auth/change-password", body).await;
    assert_eq!(root.outcome("GET", "/auth/me", Value::Null).await, "200");
}

#[tokio::test]
async fn a_key_of_a_program_is_shown_once() {
    let server = server_of(AccountRole::Admin);
    let (root, _, _) = admin(&server).await;
    let path = "/auth/api-keys";
    let body = json!({"name": "triage", "actor_prefixes": ["ai_agent:claims_triage"],
                      "permissions": ["view_dashboard"]});
    let reply = root.send("POST", path, body.clone(), Some("once")).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    let made = check_described(&reply, "POST", path);
    let key = made["api_key"].as_str().unwrap();
    assert!(key.starts_with("lxk_") && key.len() == 47);
    let again = root.send("POST", path, body, Some("once")).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(
        (&again.json()["api_key"], &again.json()["key_id"]),
        (&Value::Null, &made["key_id"])
    );
    let list = root.done("GET", path, path, Value::Null).await;
    assert_eq!(list["total"], 1);
    assert!(!list.to_string().contains(key));
    let program = Person { server: &server, session: key.to_owned() };
    assert_eq!(program.outcome("GET", "/auth/me", Value::Null).await, "403 not_authorised");
    let at = format!("{path}/{}", made["key_id"].as_str().unwrap());
    root.done("DELETE", &at, "/auth/api-keys/{id}", Value::Null).await;
    assert_eq!(root.outcome("DELETE", &at, Value::Null).await, "409 already_revoked");
    let list = root.done("GET", path, path, Value::Null).await;
    assert_eq!(list["api_keys"][0]["status"], "revoked");
}

#[tokio::test]
async fn a_join_token_is_shown_once() {
    let server = server_of(AccountRole::Admin);
    let (root, _, _) = admin(&server).await;
    let path = "/cluster/join-tokens";
    let reply = root.send("POST", path, json!({"expires_in": 60}), Some("once")).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    let made = check_described(&reply, "POST", path);
    assert!(made["join_token"].as_str().unwrap().starts_with("lxj_"));
    let again = root.send("POST", path, json!({"expires_in": 60}), Some("once")).await;
    assert_eq!(again.json()["join_token"], Value::Null);
    assert_eq!(again.json()["expires_at"], made["expires_at"]);
}

#[tokio::test]
async fn a_person_of_a_provider_has_one_account() {
    let provider = Provider::start().await;
    let server = requiring(config_with(&[("custom", &provider)]));
    boot(&server.node, "root", AccountRole::Admin);
    provider.told().claims["groups"] = json!(["auditors"]);
    let reply = log_in(&server, "custom", &provider).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    let first = check_described(&reply, "GET", "/auth/oidc/callback/{provider}");
    assert_eq!(first["user"]["username"], "jane");
    assert_eq!(first["user"]["role"], "auditor");
    assert_eq!(first["user"]["password_expires_at"], Value::Null);
    provider.told().claims["email"] = json!("changed@example.com");
    let again = log_in(&server, "custom", &provider).await.json();
    assert_eq!(again["user"]["user_id"], first["user"]["user_id"]);
    assert_eq!(again["user"]["email"], "jane@example.com");
}

#[tokio::test]
async fn an_account_is_linked_by_a_verified_email_alone() {
    let provider = Provider::start().await;
    let server = requiring(config_with(&[("custom", &provider)]));
    boot(&server.node, "jane", AccountRole::Viewer);
    provider.told().claims["email_verified"] = json!(false);
    let refused = log_in(&server, "custom", &provider).await;
    assert_eq!(refused.outcome(), "401 invalid_credentials");
    provider.told().claims["email_verified"] = json!(true);
    let linked = log_in(&server, "custom", &provider).await.json();
    assert_eq!(linked["user"]["username"], "jane");
    assert_ne!(linked["user"]["password_expires_at"], Value::Null, "its own account");
    let path = "/auth/oidc/login/custom";
    let reply = server.get(path).await;
    check_described(&reply, "GET", "/auth/oidc/login/{provider}");
}
