//! Where a request comes from.
//!
//! The peer of the connection, unless that is a proxy one trusts: then the
//! rightmost address of `X-Forwarded-For` that is no such proxy. Whatever stands
//! left of it was written by whoever sent it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// The peer of the connection that a request came on, an extension of it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Where a request comes from.
pub(crate) fn of_parts(parts: &Parts, trusted: &[IpNet]) -> IpAddr {
    of(&parts.extensions, &parts.headers, trusted)
}

/// The same of its parts.
pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    // Whoever calls the router without a connection is in this process.
    let peer = extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0);
    forwarded(peer.to_canonical(), headers, trusted)
}

fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut nearest = peer;
    // Hop by hop: what a client put to the left must not hide what a proxy added.
    let values: Vec<&[u8]> =
        headers.get_all("x-forwarded-for").iter().map(|value| value.as_bytes()).collect();
    let mut hops = values.iter().rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
    while is_trusted(&nearest) {
        let Some(next) = hops.next().and_then(read) else { break };
        nearest = next;
    }
    nearest
}

fn read(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let address = hop.parse::<IpAddr>().ok();
    let address = address.or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

/// What requests of one customer of a network share: with IPv6 that is a /64.
pub(crate) fn block(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, forwarded_for: &[&str], expect: &str) {
        let trusted: Vec<IpNet> =
            ["10.0.0.0/8", "fd00::/8"].iter().map(|net| net.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded_for {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        let found = of(&extensions, &headers, &trusted);
        assert_eq!(found.to_string(), expect, "{peer} {forwarded_for:?}");
    }

    #[test]
    fn what_a_client_says_of_itself_does_not_count() {
        check("192.0.2.1", &["203.0.113.9"], "192.0.2.1");
        check("10.0.0.1", &["198.51.100.7, 203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["198.51.100.7", "203.0.113.9, 10.9.9.9"], "203.0.113.9");
    }

    #[test]
    fn the_nearest_address_that_can_be_read_counts() {
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["203.0.113.9, nonsense"], "10.0.0.1");
        check("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9");
        check("10.0.0.1", &["\u{ff}, 203.0.113.9"], "203.0.113.9");
        check("fd00::1", &["[2001:db8::5]:443"], "2001:db8::5");
        check("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9");
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let block = |text: &str| block(text.parse().unwrap()).to_string();
        assert_eq!(block("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(block("203.0.113.9"), "203.0.113.9");
    }
}
