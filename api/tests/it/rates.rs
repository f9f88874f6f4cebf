//! How often one sender may ask.

use std::net::IpAddr;

use api::{AuthMode, Config, Peer, RateLimits};
use axum::body::Body;
use axum::http::Request;
use governance::access::AccountRole;

use crate::accounts::{Person, admit, close};
use crate::common::{Node, Reply, Server};

fn limited(rates: RateLimits) -> Config {
    let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    Config { rates, trusted_proxies, ..Config::default() }
}

/// A request from an address, as the listener hands it on.
async fn get(server: &Server, path: &str, peer: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(Peer(peer.parse::<IpAddr>().unwrap()));
    server.send(request).await
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let rates = RateLimits { address: "2/60".parse().ok(), ..RateLimits::default() };
    let server = Server::with(Node::founded(), limited(rates));
    let reply = get(&server, "/status", "192.0.2.1", &[]).await;
    assert_eq!(reply.outcome(), "200");
    assert_eq!(reply.header("ratelimit-policy"), "\"address\";q=2;w=60");
    assert_eq!(reply.header("ratelimit"), "\"address\";r=1;t=30");
    assert_eq!(get(&server, "/nothing", "192.0.2.1", &[]).await.outcome(), "404 not_found");
    let reply = get(&server, "/status", "192.0.2.1", &[]).await;
    assert_eq!(reply.outcome(), "429 rate_limited");
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((25..=30).contains(&wait), "{wait}");
    assert_eq!(get(&server, "/status", "192.0.2.2", &[]).await.outcome(), "200");
    for path in ["/health", "/health/live", "/health/ready", "/metrics"] {
        let reply = get(&server, path, "192.0.2.1", &[]).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("ratelimit"), "", "{path}");
    }
}

#[tokio::test]
async fn logging_in_has_a_limit_of_its_own_that_is_checked_first() {
    let rates = RateLimits { login: "2/60".parse().ok(), ..RateLimits::default() };
    let server = Server::with(Node::founded(), limited(rates));
    for path in ["/auth/login", "/auth/mfa/verify"] {
        let reply = get(&server, path, "192.0.2.1", &[("authorization", "Bearer x")]).await;
        assert_ne!(reply.status, 429, "{path}");
    }
    let reply = get(&server, "/auth/login", "192.0.2.1", &[("authorization", "Bearer x")]).await;
    assert_eq!(reply.outcome(), "429 rate_limited");
    assert_eq!(get(&server, "/status", "192.0.2.1", &[]).await.outcome(), "200");
}

#[tokio::test]
async fn a_sender_is_a_network_of_ipv6_or_who_a_trusted_proxy_names() {
    let rates = RateLimits { address: "1/60".parse().ok(), ..RateLimits::default() };
    let server = Server::with(Node::founded(), limited(rates));
    let forwarded = |address: &'static str| vec![("x-forwarded-for", address)];
    for (peer, headers, expect) in [
        ("2001:db8::1", vec![], "200"),
        ("2001:db8::2", vec![], "429 rate_limited"),
        ("2001:db8:0:1::2", vec![], "200"),
        ("10.0.0.1", forwarded("203.0.113.1"), "200"),
        ("10.0.0.1", forwarded("203.0.113.2"), "200"),
        ("10.0.0.2", forwarded("198.51.100.1, 203.0.113.2"), "429 rate_limited"),
        ("192.0.2.9", forwarded("203.0.113.3"), "200"),
        ("192.0.2.9", forwarded("203.0.113.4"), "429 rate_limited"),
    ] {
        let reply = get(&server, "/status", peer, &headers).await;
        assert_eq!(reply.outcome(), expect, "{peer} {headers:?}");
    }
}

#[tokio::test]
async fn a_principal_has_one_count_wherever_it_asks_from() {
    let person = Person::new(1, "maria", AccountRole::Auditor);
    let node = Node::founded();
    close(&node);
    admit(&node, &person);
    let rates = RateLimits { principal: "2/60".parse().ok(), ..RateLimits::default() };
    let server = Server::with(node, Config { auth: AuthMode::Required, ..limited(rates) });
    let session = format!("Bearer {}", person.session());
    for (peer, expect) in
        [("192.0.2.1", "200"), ("192.0.2.2", "200"), ("192.0.2.3", "429 rate_limited")]
    {
        let reply = get(&server, "/risks", peer, &[("authorization", &session)]).await;
        assert_eq!(reply.outcome(), expect, "{peer}");
    }
    assert_eq!(get(&server, "/keys", "192.0.2.1", &[]).await.outcome(), "200");
}

#[tokio::test]
async fn without_settings_nothing_is_limited() {
    let server = Server::new();
    for _ in 0..200 {
        assert_eq!(get(&server, "/status", "192.0.2.1", &[]).await.status, 200);
    }
}
