//! Accounts, sessions, keys of programs, tokens to join with: each call goes
//! where the contract says.

use client::Client;
use client::auth::api_key::NewApiKey;
use client::auth::session::Whose;
use client::auth::user::{NewUser, UserChange, UserUpdate};
use secrecy::{ExposeSecret as _, SecretString};

use crate::double::{Double, Said};

const USER: &str = r#"{"user_id":"user_1","username":"leo","email":"leo@example.com","full_name":"Leo","role":"auditor","permissions":[],"oversight_roles":["executive"],"mfa_enabled":false,"last_login":null,"password_expires_at":null,"status":"active","created_at":"c","ledger_entry_id":7}"#;
const KEY: &str = r#""key_id":"apik_1","name":"claims","actor_prefixes":["ai_agent:claims"],"permissions":[],"status":"active","created_at":"c","expires_at":null,"last_used_at":null,"ledger_entry_id":8"#;

async fn node<const N: usize>(said: [Said; N]) -> (Double, Client) {
    let node = Double::start(said).await;
    let client = Client::new([&node.url]).unwrap();
    (node, client)
}

#[tokio::test]
async fn accounts_are_made_listed_and_changed() {
    let list = format!(r#"{{"users":[{USER}],"total":2,"total_exact":true,"next":"user_1"}}"#);
    let user = || Said::ok(USER);
    let (node, client) = node([user(), Said::ok(&list), user(), user(), user(), user()]).await;
    let new = NewUser {
        username: "leo".to_owned(),
        email: "leo@example.com".to_owned(),
        password: SecretString::from("first_secret"),
        role: "auditor".to_owned(),
        full_name: Some("Leo".to_owned()),
        oversight_roles: vec!["executive".to_owned()],
    };
    assert!(!format!("{new:?}").contains("first_secret"));
    let made = client.user_create(&new).await.unwrap().value;
    let listed = client.users(Some("user_0"), Some(1)).await.unwrap().value;
    assert_eq!((listed.users.as_slice(), listed.next.as_deref()), (&[made][..], Some("user_1")));
    client.user("a/b").await.unwrap();
    let oversight_roles = Some(Vec::new());
    let update = UserUpdate { oversight_roles, ..UserUpdate::default() };
    client.user_update("user_1", &update).await.unwrap();
    client.user_change("user_1", UserChange::ResetMfa, "lost").await.unwrap();
    client.user_delete("user_1").await.unwrap();
    let lines = [
        "POST /auth/users",
        "GET /auth/users?after=user_0&limit=1",
        "GET /auth/users/a%2Fb",
        "PATCH /auth/users/user_1",
        "POST /auth/users/user_1/reset-mfa",
        "DELETE /auth/users/user_1",
    ];
    assert_eq!(node.lines(), lines);
    let asked = node.asked();
    let body = r#"{"email":"leo@example.com","full_name":"Leo","oversight_roles":["executive"],"password":"first_secret","role":"auditor","username":"leo"}"#;
    assert_eq!(asked[0].body, body);
    assert_eq!(asked[3].body, r#"{"oversight_roles":[]}"#);
    assert_eq!(asked[4].body, r#"{"reason":"lost"}"#);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_handles() {
    let list = r#"{"sessions":[{"id":"ses_1","user_id":"user_1","created_at":"c","last_used_at":"u","expires_at":"e","address":"127.0.0.1","current":true}]}"#;
    let ended = r#"{"revoked":true,"ledger_entry_id":9}"#;
    let said = || Said::ok(list);
    let (node, client) = node([said(), said(), said(), Said::ok(ended)]).await;
    let own = client.sessions(Whose::Own, None, None).await.unwrap().value;
    assert!(own.sessions[0].current);
    client.sessions(Whose::User("user_1"), Some("a"), None).await.unwrap();
    client.sessions(Whose::All, None, Some(5)).await.unwrap();
    assert!(client.revoke_session("ses_1").await.unwrap().value.revoked);
    let lines = [
        "GET /auth/sessions",
        "GET /auth/sessions?user_id=user_1&after=a",
        "GET /auth/sessions?all=true&limit=5",
        "DELETE /auth/sessions/ses_1",
    ];
    assert_eq!(node.lines(), lines);
}

#[tokio::test]
async fn a_key_is_told_once_and_shown_nowhere() {
    let made = format!(r#"{{"api_key":"lxk_secret",{KEY}}}"#);
    let again = format!(r#"{{"api_key":null,{KEY}}}"#);
    let list = format!(r#"{{"api_keys":[{{{KEY}}}],"total":1,"total_exact":true,"next":null}}"#);
    let ended = r#"{"revoked":true,"ledger_entry_id":9}"#;
    let (node, client) =
        node([Said::ok(&made), Said::ok(&again), Said::ok(&list), Said::ok(ended)]).await;
    let new = NewApiKey {
        name: "claims".to_owned(),
        actor_prefixes: vec!["ai_agent:claims".to_owned()],
        permissions: Vec::new(),
        expires_at: Some("2027-06-30".to_owned()),
    };
    let reply = client.api_key_create(&new).await.unwrap();
    assert!(!format!("{reply:?}").contains("lxk_secret"), "{reply:?}");
    assert_eq!(reply.value.api_key.unwrap().expose_secret(), "lxk_secret");
    let again = client.with_key("k").unwrap().api_key_create(&new).await.unwrap().value;
    assert!(again.api_key.is_none());
    let listed = client.api_keys(None, None).await.unwrap().value;
    assert_eq!(listed.api_keys, [again.key]);
    assert!(client.revoke_api_key("apik_1").await.unwrap().value.revoked);
    let body =
        r#"{"actor_prefixes":["ai_agent:claims"],"expires_at":"2027-06-30","name":"claims"}"#;
    assert_eq!(node.asked()[0].body, body);
    assert_eq!(node.lines()[2..], ["GET /auth/api-keys", "DELETE /auth/api-keys/apik_1"]);
}

#[tokio::test]
async fn a_token_to_join_with_is_told_once() {
    let issued = r#"{"join_token":"join_secret","expires_at":"e","ledger_entry_id":9}"#;
    let (node, client) = node([Said::ok(issued), Said::ok(issued)]).await;
    let reply = client.join_token(Some(60)).await.unwrap();
    assert!(!format!("{reply:?}").contains("join_secret"), "{reply:?}");
    assert_eq!(reply.value.join_token.unwrap().expose_secret(), "join_secret");
    client.join_token(None).await.unwrap();
    assert_eq!(node.lines(), ["POST /cluster/join-tokens"; 2]);
    let bodies: Vec<String> = node.asked().into_iter().map(|asked| asked.body).collect();
    assert_eq!(bodies, [r#"{"expires_in":60}"#, "{}"]);
}
