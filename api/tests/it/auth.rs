//! Accounts as far as nobody has one: what is refused before anything is
//! proposed, and what is answered where there is nothing.

use serde_json::{Value, json};

use crate::common::{Reply, Server};

const PASSWORD: &str = "Vigil-Tram0!kesp";

fn user() -> Value {
    json!({"username": "jane", "email": "jane@example.com", "password": PASSWORD,
           "role": "viewer"})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

async fn send(server: &Server, method: &str, path: &str, body: &Value) -> Reply {
    server.call(method, path, &body.to_string(), &[]).await
}

#[tokio::test]
async fn a_faulty_body_is_refused_before_anything_is_proposed() {
    let server = Server::new();
    let key = json!({"name": "k", "actor_prefixes": ["ai_agent:"]});
    for (method, path, body, expect) in [
        ("POST", "/auth/login", json!({"username": "jane"}), "/password missing"),
        ("POST", "/auth/login", json!({"username": " ", "password": "x"}), "/username missing"),
        ("POST", "/auth/users", with(user(), "role", json!("root")), "/role not_one_of"),
        ("POST", "/auth/users", with(user(), "username", json!("a b")), "/username bad_format"),
        ("POST", "/auth/users", with(user(), "email", json!("jane@")), "/email bad_format"),
        (
            "POST",
            "/auth/users",
            with(user(), "oversight_roles", json!(["executive", "ceo"])),
            "/oversight_roles/1 not_one_of",
        ),
        ("POST", "/auth/users", with(user(), "is_admin", json!(true)), "/is_admin unknown_field"),
        ("POST", "/auth/users", with(user(), "password", json!("jane")), "/password too_short"),
        ("PATCH", "/auth/users/user_00000000000000000000000001", json!({}), " missing"),
        (
            "POST",
            "/auth/users/user_00000000000000000000000001/disable",
            json!({}),
            "/reason missing",
        ),
        (
            "POST",
            "/auth/api-keys",
            with(key.clone(), "actor_prefixes", json!([])),
            "/actor_prefixes out_of_range",
        ),
        (
            "POST",
            "/auth/api-keys",
            with(key.clone(), "permissions", json!(["fly"])),
            "/permissions/0 not_one_of",
        ),
        (
            "POST",
            "/auth/api-keys",
            with(key, "expires_at", json!("2020-01-01")),
            "/expires_at out_of_range",
        ),
        ("POST", "/auth/mfa/verify", json!({"challenge_id": "mfa_x"}), "/code missing"),
        (
            "POST",
            "/auth/mfa/verify",
            json!({"challenge_id": "mfa_x", "code": "123456", "backup_code": "AAAAAAAAAA"}),
            "/code conflicting_values",
        ),
        ("POST", "/cluster/join-tokens", json!({"expires_in": 3601}), "/expires_in out_of_range"),
    ] {
        let reply = send(&server, method, path, &body).await;
        assert_eq!(reply.status, 422, "{method} {path} {body}");
        assert!(reply.faults().contains(&expect.to_owned()), "{path}: {:?}", reply.faults());
    }
    assert_eq!(server.node.submitted(), 0);
}

#[tokio::test]
async fn a_password_is_measured_and_never_repeated() {
    let server = Server::new();
    let policy = server.get("/auth/password-policy").await.json();
    assert_eq!(policy["min_length"], 12);
    assert_eq!(policy["max_age_days"], 90);
    assert_eq!(policy["history_count"], 5);
    let weak = with(user(), "password", json!("jane-qwerty-111"));
    let reply = send(&server, "POST", "/auth/users", &weak).await;
    assert_eq!(reply.outcome(), "422 password_policy");
    let rules = ["no_upper_case", "keyboard_run", "repeated_character", "contains_username"];
    assert_eq!(reply.faults(), rules.map(|rule| format!("/password {rule}")));
    assert!(!String::from_utf8(reply.bytes).unwrap().contains("jane-qwerty"));
    assert_eq!(server.node.submitted(), 0);
}

#[tokio::test]
async fn whoever_has_no_account_has_none_of_its_own() {
    let server = Server::new();
    let passwords = json!({"old_password": PASSWORD, "new_password": PASSWORD});
    for (method, path, body) in [
        ("GET", "/auth/me", Value::Null),
        ("GET", "/auth/sessions", Value::Null),
        ("POST", "/auth/logout", json!({})),
        ("POST", "/auth/change-password", passwords),
        ("POST", "/auth/mfa/enroll", json!({})),
        ("POST", "/auth/mfa/confirm", json!({"code": "123456"})),
        ("POST", "/auth/mfa/backup-codes", json!({"code": "123456"})),
    ] {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = server.call(method, path, &body, &[]).await;
        assert_eq!(reply.outcome(), "401 unauthenticated", "{method} {path}");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        assert_eq!(reply.header("set-cookie"), "");
    }
    assert_eq!(server.node.submitted(), 0);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::new();
    let id = "00000000000000000000000001";
    for (path, expect) in [
        (format!("/auth/users/user_{id}"), "404 unknown_user"),
        ("/auth/users/nobody".to_owned(), "404 unknown_user"),
        ("/auth/oidc/login/google".to_owned(), "404 unknown_provider"),
    ] {
        assert_eq!(server.get(&path).await.outcome(), expect, "{path}");
    }
    for (path, expect) in [
        ("/auth/users/nobody", "404 unknown_user"),
        ("/auth/sessions/none", "404 unknown_session"),
        ("/auth/api-keys/none", "404 unknown_key"),
    ] {
        assert_eq!(server.call("DELETE", path, "", &[]).await.outcome(), expect, "{path}");
    }
    let challenge = json!({"challenge_id": "mfa_none", "code": "123456"});
    let reply = send(&server, "POST", "/auth/mfa/verify", &challenge).await;
    assert_eq!(reply.outcome(), "401 challenge_expired");
    assert_eq!(server.node.submitted(), 0);
}

#[tokio::test]
async fn lists_of_nothing_end_and_have_every_member() {
    let server = Server::new();
    for (path, name) in [
        ("/auth/users", "users"),
        ("/auth/api-keys?order=desc", "api_keys"),
        ("/auth/sessions?all=true", "sessions"),
        ("/auth/sessions?user_id=user_00000000000000000000000001", "sessions"),
    ] {
        let page = server.get(path).await.json();
        let empty = json!({name: [], "total": 0, "total_exact": true, "next": null});
        assert_eq!(page, empty, "{path}");
    }
    for path in [
        "/auth/users?after=nonsense",
        "/auth/users?limit=0",
        "/auth/users?order=up",
        "/auth/sessions?all=true&user_id=user_00000000000000000000000001",
        "/auth/sessions?user_id=nonsense",
    ] {
        assert_eq!(server.get(path).await.status, 422, "{path}");
    }
    let providers = server.get("/auth/oidc/providers").await.json();
    assert_eq!(providers, json!({"providers": []}));
}
