//! Logins at a provider: what is refused, each beside a login that is not.

use api::Limits;
use proto::governance::v1::auth_client::AuthClient;
use proto::governance::v1::{OidcCallbackRequest, OidcLoginRequest};
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::common::{Node, Reply, Server};
use crate::grpc::refusal;
use crate::provider::{Fault, Provider, begin, come_back, config_with, log_in, server_with};
use crate::server::listen;

const REFUSED: &str = "401 invalid_credentials";

/// What the provider said was verified, and logged its person in.
#[track_caller]
fn check_verified(reply: &Reply) {
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    assert!(reply.json()["session_id"].as_str().unwrap().starts_with("sess_"));
}

#[tokio::test]
async fn a_token_that_is_wrong_in_anything_logs_nobody_in() {
    let provider = Provider::start().await;
    let server = server_with(&[("custom", &provider)]);
    for fault in [
        Fault::Nonce,
        Fault::Audience,
        Fault::MoreAudiences,
        Fault::Issuer,
        Fault::AlgNone,
        Fault::AlgHmac,
        Fault::Expired,
        Fault::Key,
        Fault::Signature,
    ] {
        provider.told().fault = fault;
        let before = server.node.submitted();
        let reply = log_in(&server, "custom", &provider).await;
        assert_eq!(reply.outcome(), REFUSED, "{fault:?}");
        assert_eq!(server.node.submitted(), before, "{fault:?}: something was proposed");
        provider.told().fault = Fault::None;
        check_verified(&log_in(&server, "custom", &provider).await);
    }
}

#[tokio::test]
async fn a_person_without_verified_email_gets_no_account() {
    let provider = Provider::start().await;
    let server = server_with(&[("custom", &provider)]);
    for email_verified in [serde_json::json!(false), serde_json::Value::Null] {
        provider.told().claims["email_verified"] = email_verified;
        assert_eq!(log_in(&server, "custom", &provider).await.outcome(), REFUSED);
    }
    assert_eq!(server.node.submitted(), 0);
    provider.told().claims["email_verified"] = serde_json::json!(true);
    check_verified(&log_in(&server, "custom", &provider).await);
    assert_ne!(server.node.submitted(), 0);
}

#[tokio::test]
async fn a_login_is_finished_by_the_browser_that_began_it_alone() {
    let provider = Provider::start().await;
    let server = server_with(&[("custom", &provider)]);
    let (url, cookie) = begin(&server, "custom").await;
    let (_, others) = begin(&server, "custom").await;
    let (code, state) = provider.log_in(&url);
    for wrong in [others.as_str(), "lexecon_oidc=", "other=1", "lexecon_oidc=x; lexecon_oidc=y"] {
        let reply = come_back(&server, "custom", (&code, &state), wrong).await;
        assert_eq!(reply.outcome(), REFUSED, "{wrong}");
    }
    check_verified(&come_back(&server, "custom", (&code, &state), &cookie).await);
}

#[tokio::test]
async fn a_state_is_taken_once_whatever_the_code() {
    let provider = Provider::start().await;
    let server = server_with(&[("custom", &provider)]);
    let (url, cookie) = begin(&server, "custom").await;
    let (code, state) = provider.log_in(&url);
    let (another, _) = provider.log_in(&url);
    check_verified(&come_back(&server, "custom", (&code, &state), &cookie).await);
    let exchanged = provider.told().asked["token"];
    for code in [&code, &another] {
        let again = come_back(&server, "custom", (code, &state), &cookie).await;
        assert_eq!(again.outcome(), REFUSED);
    }
    assert_eq!(provider.told().asked["token"], exchanged, "a code was exchanged again");
}

#[tokio::test]
async fn a_code_is_exchanged_once_by_any_node_and_any_node_can_finish() {
    let provider = Provider::start().await;
    let began = server_with(&[("custom", &provider)]);
    // Another process of the same cluster: the key is the same, nothing else is.
    let other = Server::with(Node::founded(), config_with(&[("custom", &provider)]));
    let third = Server::with(Node::founded(), config_with(&[("custom", &provider)]));
    let (url, cookie) = begin(&began, "custom").await;
    let (code, state) = provider.log_in(&url);
    check_verified(&come_back(&other, "custom", (&code, &state), &cookie).await);
    let again = come_back(&third, "custom", (&code, &state), &cookie).await;
    assert_eq!(again.outcome(), REFUSED);
}

#[tokio::test]
async fn a_login_that_took_too_long_is_over() {
    let provider = Provider::start().await;
    let server = server_with(&[("custom", &provider)]);
    for (seconds, is_over) in [(599, false), (601, true)] {
        let (url, cookie) = begin(&server, "custom").await;
        let (code, state) = provider.log_in(&url);
        let began = server.node.inner().now;
        server.node.inner().now = began + seconds * 1_000_000;
        let reply = come_back(&server, "custom", (&code, &state), &cookie).await;
        server.node.inner().now = began;
        match is_over {
            true => assert_eq!(reply.outcome(), REFUSED),
            false => check_verified(&reply),
        }
    }
}

#[tokio::test]
async fn what_one_provider_says_counts_for_no_other() {
    let (honest, attacker) = (Provider::start().await, Provider::start().await);
    let server = server_with(&[("custom", &honest), ("google", &attacker)]);
    let (url, cookie) = begin(&server, "custom").await;
    let (code, state) = honest.log_in(&url);
    let mixed = come_back(&server, "google", (&code, &state), &cookie).await;
    assert_eq!(mixed.outcome(), REFUSED);
    assert!(!attacker.told().asked.contains_key("token"), "a code went to another provider");
    let issuer = format!("{code}&iss={}", attacker.issuer);
    let mixed = come_back(&server, "custom", (&issuer, &state), &cookie).await;
    assert_eq!(mixed.outcome(), REFUSED);
    let issuer = format!("{code}&iss={}", honest.issuer);
    check_verified(&come_back(&server, "custom", (&issuer, &state), &cookie).await);
}

#[tokio::test]
async fn keys_are_fetched_again_when_a_token_names_one_that_is_not_known() {
    let provider = Provider::start().await;
    let server = server_with(&[("custom", &provider)]);
    check_verified(&log_in(&server, "custom", &provider).await);
    check_verified(&log_in(&server, "custom", &provider).await);
    assert_eq!(provider.told().asked["jwks"], 1, "they are kept");
    provider.told().key = 2;
    check_verified(&log_in(&server, "custom", &provider).await);
    assert_eq!(provider.told().asked["jwks"], 2);
    assert_eq!(provider.told().asked["discovery"], 2);
}

#[tokio::test]
async fn a_provider_that_refuses_or_is_not_there_is_told_apart() {
    let provider = Provider::start().await;
    let server = server_with(&[("custom", &provider)]);
    let (_, cookie) = begin(&server, "custom").await;
    let (url, _) = begin(&server, "custom").await;
    let (_, state) = provider.log_in(&url);
    for (query, expect) in [
        (format!("error=access_denied&state={state}"), REFUSED),
        ("code=x&state=AAAA".to_owned(), REFUSED),
        ("code=x".to_owned(), "422 validation_failed"),
    ] {
        let path = format!("/auth/oidc/callback/custom?{query}");
        let reply = server.call("GET", &path, "", &[("cookie", &cookie)]).await;
        assert_eq!(reply.outcome(), expect, "{query}");
    }
    let unknown = server.get("/auth/oidc/login/azure").await;
    assert_eq!(unknown.outcome(), "404 unknown_provider");
    let mut config = config_with(&[("custom", &provider)]);
    // Nobody listens on port 1; a plain address elsewhere is not even asked.
    for issuer in ["http://127.0.0.1:1", "http://elsewhere.example"] {
        config.oidc[0].issuer = issuer.to_owned();
        let server = Server::with(Node::founded(), config.clone());
        let reply = server.get("/auth/oidc/login/custom").await;
        assert_eq!(reply.outcome(), "503 provider_unavailable", "{issuer}");
    }
    // One that calls itself something else.
    config.oidc[0].issuer = provider.issuer.replace("127.0.0.1", "localhost");
    let server = Server::with(Node::founded(), config);
    let reply = server.get("/auth/oidc/login/custom").await;
    assert_eq!(reply.outcome(), "503 provider_unavailable");
}

#[tokio::test]
async fn a_login_by_grpc_is_bound_by_the_same_cookie() {
    let provider = Provider::start().await;
    let server = server_with(&[("custom", &provider)]);
    let listening = listen(&server, Limits::default()).await;
    let channel = Channel::from_shared(format!("http://{}", listening.address)).unwrap();
    let mut client = AuthClient::new(channel.connect().await.unwrap());
    let begun = client.oidc_login(OidcLoginRequest { provider: "custom".to_owned() }).await;
    let begun = begun.unwrap();
    let cookie = begun.metadata().get("set-cookie").unwrap().to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let (code, state) = provider.log_in(&begun.into_inner().authorization_url);
    let callback = || OidcCallbackRequest {
        provider: "custom".to_owned(),
        code: Some(code.clone()),
        state: state.clone(),
        ..OidcCallbackRequest::default()
    };
    let refused = client.oidc_callback(callback()).await.unwrap_err();
    let expect = (Code::Unauthenticated, "invalid_credentials".to_owned());
    assert_eq!(refusal(&refused), expect);
    let mut request = Request::new(callback());
    request.metadata_mut().insert("cookie", cookie.parse().unwrap());
    let answered = client.oidc_callback(request).await.unwrap().into_inner();
    assert!(answered.success && answered.session_id.is_some());
}

/// A provider that others made, which signs with RSA: `make oidc` starts one.
#[tokio::test]
#[ignore = "needs a provider that listens: make oidc"]
async fn a_provider_of_others_logs_its_person_in() {
    let issuer = std::env::var("OIDC_ISSUER").unwrap();
    let mut config = config_with(&[]);
    config.oidc.push(api::OidcProvider {
        name: "custom",
        issuer,
        client_id: "lexecon".to_owned(),
        client_secret: Some("any".into()),
        scopes: vec!["profile".to_owned(), "email".to_owned()],
        role_claim: None,
        roles: Vec::new(),
    });
    let server = Server::with(Node::founded(), config);
    // Its tokens have the time of this machine.
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    server.node.inner().now = u64::try_from(since.as_micros()).unwrap();
    for (person, is_verified) in [("verified", true), ("unverified", false)] {
        let (url, cookie) = begin(&server, "custom").await;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let form = client.build().unwrap().post(&url).body(format!("sub={person}"));
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        let back = form.send().await.unwrap();
        let back = back.headers()["location"].to_str().unwrap().to_owned();
        let (_, query) = back.split_once('?').unwrap();
        let path = format!("/auth/oidc/callback/custom?{query}");
        let reply = server.call("GET", &path, "", &[("cookie", &cookie)]).await;
        match is_verified {
            true => check_verified(&reply),
            false => assert_eq!(reply.outcome(), REFUSED, "{}", reply.json()),
        }
    }
}
