//! A node of this machine, over its socket.

use client::{Client, Error};

use crate::double::{Double, Said};

const STATUS: &str = r#"{"status":"operational","node_id":"n2","cluster_id":"clu_1","policy_loaded":true,"policy_version":3,"policy_hash":"41c0","policy_mode":"strict","ledger_entries":137,"uptime_seconds":8121,"auth_mode":"required","timestamp":"2027-03-04T05:06:07.000000Z"}"#;

#[tokio::test]
async fn a_node_is_asked_over_its_socket() {
    let dir = tempfile::tempdir().unwrap();
    // Nothing in the name of a file is an escape.
    let path = dir.path().join("a%20b ?#.sock");
    let node = Double::at_socket(&path, [Said::ok(STATUS), Said::problem(403, "not_authorised")]);
    let client = Client::new([&node.url]).unwrap();
    assert_eq!(client.status().await.unwrap().value.node_id, "n2");
    let refused = client.remove("n/4").await.unwrap_err();
    assert!(matches!(refused, Error::Problem(_)), "{refused}");
    assert_eq!(node.lines(), ["GET /status", "DELETE /cluster/nodes/n%2F4"]);
    assert_eq!(node.asked()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_socket_where_nobody_listens_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("unix://{}/admin.sock", dir.path().display());
    let lost = Client::new([&url]).unwrap().remove("n4").await.unwrap_err();
    assert!(matches!(lost, Error::Unreachable { maybe_done: false, .. }), "{lost}");
    assert!(lost.to_string().contains(&format!("`{url}`: ")), "{lost}");
}

#[test]
fn a_socket_is_the_only_node_and_its_path_is_absolute() {
    for (urls, why) in [
        (vec!["unix:///a/b.sock", "http://a:1"], "`unix:///a/b.sock` is a socket, which must be"),
        (vec!["unix://b.sock"], "the path of a socket must begin with `/`"),
        (vec!["unix:b.sock"], "must begin with `http://`, `https://` or `unix:///`"),
    ] {
        let error = Client::new(urls).unwrap_err();
        assert!(matches!(&error, Error::Misused(text) if text.contains(why)), "{error}");
    }
}
