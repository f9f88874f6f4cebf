//! A provider of OpenID Connect that does what it is told, wrong things too. It
//! listens on loopback; the browser is played by [`Provider::log_in`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use api::{Config, OidcProvider};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use http_body_util::BodyExt as _;
use reqwest::Url;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::common::{Reply, START, Server};

pub(crate) const CLIENT_ID: &str = "lexecon";
pub(crate) const BASE_URL: &str = "http://lexecon.test";

/// What is wrong with the tokens of a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    Nonce,
    Audience,
    MoreAudiences,
    Issuer,
    AlgNone,
    /// Signed with the secret that both know.
    AlgHmac,
    Expired,
    /// Signed by a key that is not published.
    Key,
    /// The signature of another token.
    Signature,
}

/// What the provider says, and what it saw.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) fault: Fault,
    pub(crate) claims: Value,
    /// Number of the key that signs and is published.
    pub(crate) key: u8,
    /// Codes that were given and not exchanged.
    codes: HashMap<String, Asked>,
    given: u64,
    /// How often each path was asked for.
    pub(crate) asked: HashMap<&'static str, u64>,
}

#[derive(Clone, Debug)]
struct Asked {
    nonce: String,
    challenge: String,
    redirect: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    told: Arc<Mutex<Told>>,
}

impl Provider {
    /// A provider on a port of its own, whose person has a verified e-mail.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let claims = json!({"sub": "person-1", "email": "jane@example.com",
                            "email_verified": true, "name": "Jane Doe"});
        let told = Told {
            fault: Fault::None,
            claims,
            key: 1,
            codes: HashMap::new(),
            given: 0,
            asked: HashMap::new(),
        };
        let provider = Self { issuer, told: Arc::new(Mutex::new(told)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    /// As a node is configured with it.
    pub(crate) fn config(&self, name: &'static str) -> OidcProvider {
        OidcProvider {
            name,
            issuer: self.issuer.clone(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some("hush-hush-secret".into()),
            scopes: vec!["profile".to_owned(), "email".to_owned()],
            role_claim: Some("groups".to_owned()),
            roles: vec![("auditors".to_owned(), governance::access::AccountRole::Auditor)],
        }
    }

    /// The person logs in: what the provider sends the browser back with.
    pub(crate) fn log_in(&self, authorization_url: &str) -> (String, String) {
        let url = Url::parse(authorization_url).unwrap();
        assert!(authorization_url.starts_with(&format!("{}/authorize?", self.issuer)));
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT_ID);
        assert_eq!(query["code_challenge_method"], "S256");
        let mut scopes: Vec<&str> = query["scope"].split(' ').collect();
        scopes.sort_unstable();
        assert_eq!(scopes, ["email", "openid", "profile"]);
        let asked = Asked {
            nonce: query["nonce"].clone(),
            challenge: query["code_challenge"].clone(),
            redirect: query["redirect_uri"].clone(),
        };
        let mut told = self.told();
        told.given += 1;
        let code = format!("code-{}", told.given);
        told.codes.insert(code.clone(), asked);
        (code, query["state"].clone())
    }

    fn saw(&self, path: &'static str) {
        *self.told().asked.entry(path).or_default() += 1;
    }
}

/// A server with providers, by name.
pub(crate) fn server_with(providers: &[(&'static str, &Provider)]) -> Server {
    Server::with(crate::common::Node::founded(), config_with(providers))
}

pub(crate) fn config_with(providers: &[(&'static str, &Provider)]) -> Config {
    Config {
        base_url: Some(BASE_URL.to_owned()),
        oidc: providers.iter().map(|(name, provider)| provider.config(name)).collect(),
        ..Config::default()
    }
}

/// A login that was begun: where the browser is to go, and its cookie.
pub(crate) async fn begin(server: &Server, name: &str) -> (String, String) {
    let reply = server.get(&format!("/auth/oidc/login/{name}")).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
    (reply.json()["authorization_url"].as_str().unwrap().to_owned(), cookie)
}

/// The browser comes back.
pub(crate) async fn come_back(
    server: &Server,
    name: &str,
    (code, state): (&str, &str),
    cookie: &str,
) -> Reply {
    let path = format!("/auth/oidc/callback/{name}?code={code}&state={state}&session_state=x");
    server.call("GET", &path, "", &[("cookie", cookie)]).await
}

/// The whole way.
pub(crate) async fn log_in(server: &Server, name: &str, provider: &Provider) -> Reply {
    let (url, cookie) = begin(server, name).await;
    let (code, state) = provider.log_in(&url);
    come_back(server, name, (&code, &state), &cookie).await
}

fn reply(status: u16, body: &Value) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}

async fn describe(State(provider): State<Provider>) -> Response<Body> {
    provider.saw("discovery");
    let at = |path: &str| format!("{}/{path}", provider.issuer);
    let document = json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "jwks_uri": at("jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
    });
    reply(200, &document)
}

async fn keys(State(provider): State<Provider>) -> Response<Body> {
    provider.saw("jwks");
    let number = provider.told().key;
    let public = key(number).verifying_key().to_bytes();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                     "kid": format!("k{number}"), "x": URL_SAFE_NO_PAD.encode(public)});
    reply(200, &json!({"keys": [jwk]}))
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

async fn token(State(provider): State<Provider>, request: Request) -> Response<Body> {
    provider.saw("token");
    let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
    let basic = base64::engine::general_purpose::STANDARD.encode("lexecon:hush-hush-secret");
    assert_eq!(authorization, format!("Basic {basic}"));
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let form = Url::parse(&format!("http://x/?{}", String::from_utf8_lossy(&body))).unwrap();
    let form: HashMap<String, String> = form.query_pairs().into_owned().collect();
    assert_eq!(form["grant_type"], "authorization_code");
    let Some(asked) = provider.told().codes.remove(&form["code"]) else {
        return reply(400, &json!({"error": "invalid_grant"}));
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if challenge != asked.challenge || form["redirect_uri"] != asked.redirect {
        return reply(400, &json!({"error": "invalid_grant"}));
    }
    let id_token = signed(&provider, &asked.nonce);
    let body = json!({"access_token": "a", "token_type": "Bearer", "expires_in": 60,
                      "id_token": id_token});
    reply(200, &body)
}

fn signed(provider: &Provider, nonce: &str) -> String {
    let told = provider.told();
    let fault = told.fault;
    let is = |wrong| fault == wrong;
    let now = START / 1_000_000;
    let mut claims = told.claims.clone();
    let or = |wrong, value: Value, otherwise: Value| if is(wrong) { value } else { otherwise };
    claims["iss"] = or(Fault::Issuer, json!("https://elsewhere.example"), json!(provider.issuer));
    claims["aud"] = match fault {
        Fault::Audience => json!("somebody-else"),
        Fault::MoreAudiences => json!([CLIENT_ID, "somebody-else"]),
        _ => json!(CLIENT_ID),
    };
    claims["nonce"] = or(Fault::Nonce, json!("another"), json!(nonce));
    claims["iat"] = json!(now - 60);
    claims["exp"] = or(Fault::Expired, json!(now - 1), json!(now + 600));
    let alg = match fault {
        Fault::AlgNone => "none",
        Fault::AlgHmac => "HS256",
        _ => "EdDSA",
    };
    let header = json!({"alg": alg, "kid": format!("k{}", told.key), "typ": "JWT"});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(&header), part(&claims));
    let signature = match fault {
        Fault::AlgNone => Vec::new(),
        Fault::AlgHmac => hmac(b"hush-hush-secret", input.as_bytes()),
        Fault::Key => key(99).sign(input.as_bytes()).to_vec(),
        Fault::Signature => key(told.key).sign(b"another token").to_vec(),
        _ => key(told.key).sign(input.as_bytes()).to_vec(),
    };
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    use hmac::{KeyInit as _, Mac as _};
    let mut mac = hmac::Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
