//! A cluster whose nodes show certificates, to clients and to each other: it is
//! one, whoever dies; who has none that counts is not of it; new certificates
//! cost nobody a request.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jepsen_tests::cluster::{Authority, Certificates, Cluster, Entrance, PATIENCE, Setup};
use jepsen_tests::http::Client;
use jepsen_tests::workload::{decide_body, policy};
use jepsen_tests::{trial, wait};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use types::Json;

/// Within what a node must refuse to start.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
/// Within what what is not TLS must be over.
const QUICKLY: Duration = Duration::from_secs(5);

fn member<'a>(reply: &'a Json, name: &str) -> &'a Json {
    reply.as_object().unwrap().get(name).unwrap()
}

/// Decides through a node and has every running node verify it.
async fn decide_and_verify(cluster: &mut Cluster, at: usize, id: &str) {
    let decided = wait::until("a decision", PATIENCE, async || {
        let reply = cluster.client(at).post("/decide", &decide_body(id)).await;
        match reply.map_err(|lost| lost.to_string())? {
            reply if reply.status == 200 => Ok(reply.json().unwrap()),
            reply => Err(reply.quoted()),
        }
    });
    let decided = decided.await.unwrap();
    assert_eq!(member(&decided, "outcome").as_str(), Some("allowed"));
    cluster.settle().await.unwrap();
    for at in cluster.running() {
        let verified = cluster.client(at).post_json("/decide/verify", &decided).await.unwrap();
        assert_eq!(member(&verified, "verified").as_bool(), Some(true), "node {at}");
        let ledger = cluster.client(at).get_json("/ledger/verify").await.unwrap();
        assert_eq!(member(&ledger, "valid").as_bool(), Some(true), "node {at}");
    }
}

#[tokio::test]
async fn a_cluster_with_certificates_outlives_its_leader() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start_secured(3).await.unwrap();
    cluster.client(0).post_json("/policies/load", &policy()).await.unwrap();
    decide_and_verify(&mut cluster, 1, "before").await;
    let leader = cluster.leader().await.unwrap();
    cluster.kill(&[leader]);
    let survivor = (leader + 1) % 3;
    decide_and_verify(&mut cluster, survivor, "without it").await;
    cluster.restart_dead().await.unwrap();
    cluster.leader().await.unwrap();
    decide_and_verify(&mut cluster, leader, "with it again").await;
    let metrics = cluster.client(0).get("/metrics").await.unwrap();
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    for usage in ["api", "peer", "peer_ca"] {
        let line = format!("lexecon_certificate_expiry_timestamp_seconds{{use=\"{usage}\"}} ");
        let ends = metrics.lines().find_map(|found| found.strip_prefix(&line)).unwrap();
        assert!(1_700_000_000 < ends.parse::<u64>().unwrap(), "{usage} ends {ends}");
    }
    assert!(cluster.panics().is_empty(), "{:?}", cluster.panics());
}

/// A fourth node that shows this.
fn fourth(cluster: &mut Cluster, name: &str, certificates: Certificates) -> Setup {
    Setup {
        name: name.to_owned(),
        address: cluster.ports().next_address().unwrap(),
        peer_address: cluster.ports().next_address().unwrap(),
        data_dir: cluster.root().join(name),
        entrance: Entrance::Joins(cluster.addresses()),
        certificates: Some(certificates),
        environment: Vec::new(),
    }
}

/// A certificate of a node that signed itself and has ended.
fn ended(dir: &Path, name: &str) -> Certificates {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let uri = format!("lexecon:node:{name}");
    params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.is_ca = IsCa::ExplicitNoCa;
    params.not_after = date_time_ymd(2020, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let (cert, key_file) = (dir.join("ended.crt"), dir.join("ended.key"));
    std::fs::write(&cert, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    Certificates { cert: cert.clone(), key: key_file, peer_ca: cert.clone(), ca: cert }
}

async fn refused_at_start(cluster: &mut Cluster, setup: Setup, expect: &str) {
    let at = cluster.add_with(setup).unwrap();
    let status = cluster.node(at).wait_for_end(ENDS_WITHIN).await.unwrap();
    let log = cluster.node(at).log_text();
    assert!(!status.success() && log.contains(expect), "{log}");
    cluster.forget_last();
}

#[tokio::test]
async fn who_has_no_certificate_that_counts_becomes_no_voter() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start_secured(3).await.unwrap();
    let of_second = cluster.node(1).setup().certificates.clone().unwrap();
    let as_another = fourth(&mut cluster, "n4", of_second.clone());
    let expect = "the certificate is of `n2`, and this node is `n4`";
    refused_at_start(&mut cluster, as_another, expect).await;
    let ended = ended(cluster.root(), "n5");
    let has_ended = fourth(&mut cluster, "n5", ended);
    refused_at_start(&mut cluster, has_ended, "would not be believed by other nodes").await;

    // Its own authority believes it, and it is let in to ask: no node speaks
    // with it all the same.
    let foreign = Authority::make(&cluster.root().join("foreign")).unwrap().sign("n6").unwrap();
    let foreign = Certificates { ca: of_second.ca, ..foreign };
    let setup = fourth(&mut cluster, "n6", foreign);
    cluster.add_with(setup).unwrap();
    wait::until("refusals to be counted", PATIENCE, async || {
        let mut seen = Vec::new();
        for at in 0..3 {
            let metrics = cluster.client(at).get("/metrics").await.unwrap();
            let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
            let lines = metrics.lines().filter(|line| line.contains("peer_refusals_total{"));
            seen.extend(lines.map(str::to_owned));
        }
        match seen.iter().any(|line| !line.ends_with(" 0")) {
            true => Ok(()),
            false => Err(format!("{seen:?}")),
        }
    })
    .await
    .unwrap();
    for at in 0..3 {
        assert_eq!(cluster.status(at).await.unwrap().voters, ["n1", "n2", "n3"]);
    }
    cluster.forget_last();
    cluster.client(0).post_json("/policies/load", &policy()).await.unwrap();
    decide_and_verify(&mut cluster, 0, "all the same").await;
}

/// What a node says to these bytes until it closes.
async fn said(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A reset is an end as well.
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    tokio::time::timeout(QUICKLY, exchange).await.unwrap()
}

/// The first message of a client that knows TLS 1.1 and nothing newer
/// (RFC 4346).
fn hello_of_tls_1_1() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    // No session, two suites, no compression.
    hello.extend([0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0]);
    let mut record = vec![22, 3, 1, 0, 0, 1, 0, 0, 0];
    record.extend(&hello);
    record[4] = u8::try_from(hello.len() + 4).unwrap();
    record[8] = u8::try_from(hello.len()).unwrap();
    record
}

#[tokio::test]
async fn what_speaks_no_tls_or_an_old_one_is_turned_away() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start_secured(1).await.unwrap();
    let Setup { address, peer_address, .. } = *cluster.node(0).setup();
    let plain = said(address, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let plain = String::from_utf8(plain).unwrap();
    assert!(plain.starts_with("HTTP/1.1 400 ") && plain.contains("https://"), "{plain}");
    for address in [address, peer_address] {
        let alert = said(address, &hello_of_tls_1_1()).await;
        // A fatal alert, `protocol_version` or `handshake_failure`, and nothing else.
        assert_eq!((alert.len(), alert[0], alert[5]), (7, 21, 2), "{alert:?}");
        assert!([70, 40].contains(&alert[6]), "{alert:?}");
    }
    let between_nodes = said(peer_address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(between_nodes.first().is_none_or(|kind| *kind == 21), "{between_nodes:?}");
}

/// The certificate that a node shows to a new connection.
async fn shown(authority: &Authority, address: SocketAddr) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(authority.client());
    let name = ServerName::from(address.ip());
    let stream = connector.connect(name, stream).await.unwrap();
    let (_, session) = stream.get_ref();
    session.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn new_certificates_cost_nobody_a_request() {
    let _turn = trial::turn().await;
    let mut cluster = Cluster::start_secured(3).await.unwrap();
    let authority = cluster.authority().unwrap().clone();
    let addresses = cluster.addresses();
    let stop = Arc::new(AtomicBool::new(false));
    let asking = {
        let (stop, authority, addresses) = (stop.clone(), authority.clone(), addresses.clone());
        tokio::spawn(async move {
            let client = |at: usize| Client::secured(addresses[at], PATIENCE, authority.client());
            let mut kept: Vec<Client> = (0..3).map(client).collect();
            let mut asked = 0;
            while !stop.load(Ordering::Relaxed) {
                for (at, kept) in kept.iter_mut().enumerate() {
                    // One connection that stays, and one that is made anew.
                    for client in [kept, &mut client(at)] {
                        assert_eq!(client.get("/health").await.unwrap().status, 200);
                        asked += 1;
                    }
                }
            }
            asked
        })
    };
    for (at, address) in addresses.iter().enumerate() {
        let before = shown(&authority, *address).await;
        authority.sign(&format!("n{}", at + 1)).unwrap();
        wait::until("the new certificate to be shown", PATIENCE, async || {
            match shown(&authority, *address).await == before {
                true => Err("the old one is".to_owned()),
                false => Ok(()),
            }
        })
        .await
        .unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    assert!(0 < asking.await.unwrap());
    // Between nodes too: whoever comes back finds the others with new ones.
    cluster.kill(&[0, 1]);
    cluster.restart_dead().await.unwrap();
    cluster.client(0).post_json("/policies/load", &policy()).await.unwrap();
    decide_and_verify(&mut cluster, 2, "after all of them").await;
}
