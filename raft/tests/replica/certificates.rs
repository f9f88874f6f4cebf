//! With certificates, nodes speak to nodes: whoever has none, one of another
//! authority, one that has ended, or one of another node is refused.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use proto::peer::v1 as wire;
use proto::peer::v1::peer_client::PeerClient;
use raft::ports::StateStore as _;
use raft::rebuild::{self, PullError};
use raft::{Config, Credentials, Member, Refusal, Tls, TlsError};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use types::RaftId;

use crate::support::Cluster;

/// Of the cluster's nodes, and somebody else's.
static OURS: LazyLock<Authority> = LazyLock::new(|| Authority::new("ours"));
static THEIRS: LazyLock<Authority> = LazyLock::new(|| Authority::new("theirs"));

struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A certificate with this URI that ends in this year.
    fn sign(&self, uri: &str, until: i32) -> Shown {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.0).unwrap();
        let der = key.serialize_der();
        Shown { chain: vec![signed.der().clone()], key: PrivateKeyDer::Pkcs8(der.into()) }
    }

    fn node(&self, name: &str) -> Shown {
        self.sign(&format!("lexecon:node:{name}"), 4000)
    }

    /// What a node of this name shows, and whom it believes.
    fn credentials(&self, name: &str) -> Credentials {
        let Shown { chain, key } = self.node(name);
        Credentials { chain, key, authorities: vec![self.root()] }
    }
}

fn secured(config: &mut Config) {
    let name = format!("n{}", config.raft_id);
    config.tls = Some(Tls::new(&name, OURS.credentials(&name)).unwrap());
}

/// A peer that is none of ours: it shows what it likes and says what it likes.
struct Peer {
    client: PeerClient<Channel>,
    says: [(&'static str, String); 4],
}

impl Peer {
    /// Connects to node `to` and says to be `from`.
    async fn connect(cluster: &Cluster, to: u64, from: u64, shown: Option<Shown>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(OURS.root()).unwrap();
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots);
        let mut config = match shown {
            None => config.with_no_client_auth(),
            Some(Shown { chain, key }) => config.with_client_auth_cert(chain, key).unwrap(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let address = cluster.node(to).address;
        let channel = Endpoint::from_static("http://node").connect_with_connector_lazy(
            tower::service_fn(move |_| connect(connector.clone(), address)),
        );
        let says = [
            ("lexecon-cluster", cluster.cluster_id.to_string()),
            ("lexecon-group", "main".to_owned()),
            ("lexecon-from", from.to_string()),
            ("lexecon-to", to.to_string()),
        ];
        Self { client: PeerClient::new(channel), says }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(Duration::from_secs(20));
        for (key, value) in &self.says {
            request.metadata_mut().insert(*key, value.parse().unwrap());
        }
        request
    }

    /// Asks for what only a member may have.
    async fn read_index(&mut self) -> Result<(), Status> {
        let request = self.request(wire::ReadIndexRequest {});
        self.client.read_index(request).await.map(drop)
    }

    /// Asks for a vote that is no vote.
    async fn vote(&mut self) -> Result<(), Status> {
        let vote = Bytes::from_static(b"?");
        let request = self.request(wire::VoteRequest { vote, ..wire::VoteRequest::default() });
        self.client.vote(request).await.map(drop)
    }
}

async fn connect(
    connector: TlsConnector,
    address: SocketAddr,
) -> std::io::Result<TokioIo<tokio_rustls::client::TlsStream<TcpStream>>> {
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, TcpStream::connect(address).await?).await.map(TokioIo::new)
}

fn tls(cluster: &Cluster, id: u64) -> Tls {
    cluster.node(id).replica.as_ref().unwrap().tls().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_with_certificates_are_a_cluster() {
    let cluster = Cluster::tuned(3, secured).await;
    let leader = cluster.leader().await;
    for id in 1..=3 {
        cluster.propose(id).await;
    }
    for id in 1..=3 {
        let tls = tls(&cluster, id);
        assert_eq!(Refusal::ALL.map(|kind| tls.refusals(kind)), [0; 3], "node {id}");
    }
    let follower = cluster.followers(leader)[0];
    let name = format!("n{follower}");
    let mut peer = Peer::connect(&cluster, leader, follower, Some(OURS.node(&name))).await;
    peer.read_index().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_cannot_speak_for_another() {
    let cluster = Cluster::tuned(2, secured).await;
    for (says, of, expect) in [
        (2, "n9", "which is `n2`"),
        (2, "n1", "which is `n2`"),
        // Neither in the membership nor ever registered.
        (3, "n2", "which is no member"),
    ] {
        let before = tls(&cluster, 1).refusals(Refusal::Sender);
        let mut peer = Peer::connect(&cluster, 1, says, Some(OURS.node(of))).await;
        for refused in [peer.read_index().await, peer.vote().await] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
            assert!(refused.message().contains(expect), "{refused}");
        }
        assert_eq!(tls(&cluster, 1).refusals(Refusal::Sender), before + 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_taken_out_is_nobody() {
    let cluster = Cluster::tuned(3, secured).await;
    let leader = cluster.leader().await;
    let gone = cluster.followers(leader)[0];
    let shown = || OURS.node(&format!("n{gone}"));
    Peer::connect(&cluster, leader, gone, Some(shown())).await.read_index().await.unwrap();
    cluster.handle(leader).remove(RaftId(gone)).await.unwrap();
    let refused = Peer::connect(&cluster, leader, gone, Some(shown())).await.vote().await;
    let refused = refused.unwrap_err();
    assert!(refused.message().contains("which is no member"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_taken_out_does_not_come_back_under_an_id_of_its_choice() {
    let cluster = Cluster::tuned(3, secured).await;
    let shown = || Some(OURS.node("n1"));
    let mut peer = Peer::connect(&cluster, 2, 9_000_000_000, shown()).await;
    // A member may be lost, and its name another's, for all that this one knows.
    cluster.wait("one follows", |cluster| follows(cluster, 2)).await;
    assert_eq!(peer.vote().await.unwrap_err().code(), Code::InvalidArgument);
    cluster.handle(2).remove(RaftId(1)).await.unwrap();
    cluster
        .wait("the others know", |cluster| {
            [2, 3].iter().all(|id| !cluster.handle(*id).status().members.contains_key(&RaftId(1)))
        })
        .await;
    for to in [2, 3] {
        let before = tls(&cluster, to).refusals(Refusal::Sender);
        let refused = Peer::connect(&cluster, to, 9_000_000_000, shown()).await.vote().await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
        assert!(refused.message().contains("was `1` and is no member any more"), "{refused}");
        assert_eq!(tls(&cluster, to).refusals(Refusal::Sender), before + 1);
        // Who joins under a name that nobody bore is heard.
        let mut joined = Peer::connect(&cluster, to, 9_000_000_000, Some(OURS.node("n9"))).await;
        assert_eq!(joined.vote().await.unwrap_err().code(), Code::InvalidArgument);
    }
}

/// Whether a node knows who leads, and that it is not itself.
fn follows(cluster: &Cluster, id: u64) -> bool {
    let status = cluster.handle(id).status();
    status.leader.is_some_and(|leader| leader != RaftId(id))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_answers_has_one_id() {
    let cluster = Cluster::tuned(2, secured).await;
    let leader = cluster.leader().await;
    let other = cluster.followers(leader)[0];
    cluster
        .wait("the other answers", |cluster| {
            cluster.handle(leader).status().peers.get(&RaftId(other)).is_some_and(|at| at.reachable)
        })
        .await;
    for name in [leader, other] {
        let shown = Some(OURS.node(&format!("n{name}")));
        let refused = Peer::connect(&cluster, leader, 1_000_000, shown).await.vote().await;
        let refused = refused.unwrap_err();
        assert!(refused.message().contains(&format!("which is `{name}`")), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_a_node_that_was_taken_out_ends_with_the_next_message() {
    let cluster = Cluster::tuned(3, secured).await;
    let mut peer = Peer::connect(&cluster, 2, 1, Some(OURS.node("n1"))).await;
    let (messages, sent) = tokio::sync::mpsc::channel(1);
    let request = peer.request(tokio_stream::wrappers::ReceiverStream::new(sent));
    let mut replies = peer.client.append(request).await.unwrap().into_inner();
    cluster.handle(2).remove(RaftId(1)).await.unwrap();
    cluster
        .wait("it is out", |cluster| !cluster.handle(2).status().members.contains_key(&RaftId(1)))
        .await;
    messages.send(wire::AppendRequest::default()).await.unwrap();
    let refused = replies.message().await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("which is no member"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_known_yet_may_replicate_and_nothing_more() {
    let cluster = Cluster::tuned(1, secured).await;
    let mut peer = Peer::connect(&cluster, 1, 1_000_000, Some(OURS.node("n2"))).await;
    let refused = peer.read_index().await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    // It came through, and then was no vote.
    assert_eq!(peer.vote().await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_certificate_of_a_node_that_holds_nobody_comes_in() {
    let cluster = Cluster::tuned(2, secured).await;
    let shown = [
        ("none", None),
        ("another authority's", Some(THEIRS.node("n2"))),
        ("one that has ended", Some(OURS.sign("lexecon:node:n2", 2020))),
        ("a client's", Some(OURS.sign("lexecon:client:n2", 4000))),
        ("one that only looks like it", Some(OURS.sign("lexecon:node:", 4000))),
    ];
    for (what, shown) in shown {
        let before = tls(&cluster, 1).refusals(Refusal::Handshake);
        let refused = Peer::connect(&cluster, 1, 2, shown).await.read_index().await;
        assert_ne!(refused.unwrap_err().code(), Code::Ok, "{what}");
        cluster.wait(what, |cluster| before < tls(cluster, 1).refusals(Refusal::Handshake)).await;
    }
    let mut plain = TcpStream::connect(cluster.node(1).address).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    // A reset is an end as well.
    let _ = plain.read_to_end(&mut said).await;
    // An alert, and no frame of HTTP/2.
    assert!(said.is_empty() || said[0] == 21, "{said:?}");
    cluster.propose(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_does_not_take_another_for_the_one_it_means() {
    let cluster = Cluster::tuned(2, secured).await;
    let node = cluster.node(2);
    let pull = async |name: &str| {
        let member = Member { name: name.to_owned(), ..cluster.node(1).member() };
        let snapshots = node.state.snapshots_dir();
        let members = [(RaftId(1), member)];
        let config = cluster.config(2);
        let pulled = rebuild::pull(&config, &members, &node.log, &snapshots, &node.state).await;
        (pulled, config.tls.unwrap().refusals(Refusal::Dialled))
    };
    let (refused, count) = pull("n3").await;
    let Err(PullError::Refused(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("it is the node `n1`"), "{why}");
    assert!(1 <= count, "it is counted");
    let (pulled, count) = pull("n1").await;
    assert_eq!((pulled.unwrap().from, count), (RaftId(1), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_certificates_count_from_the_moment_they_are_in_force() {
    let cluster = Cluster::tuned(1, secured).await;
    let enters = async |authority: &Authority| {
        let mut peer = Peer::connect(&cluster, 1, 1_000_000, Some(authority.node("n2"))).await;
        let refused = peer.vote().await.unwrap_err();
        refused.code() == Code::InvalidArgument
    };
    assert!(enters(&OURS).await && !enters(&THEIRS).await);
    let mut both = OURS.credentials("n1");
    both.authorities.push(THEIRS.root());
    tls(&cluster, 1).replace(both).unwrap();
    assert!(enters(&OURS).await && enters(&THEIRS).await);
    // What would not be believed changes nothing.
    let mut wrong = OURS.credentials("n1");
    wrong.authorities = vec![THEIRS.root()];
    let refused = tls(&cluster, 1).replace(wrong).unwrap_err();
    assert!(matches!(refused, TlsError::Unbelieved(_)), "{refused}");
    assert!(enters(&OURS).await && enters(&THEIRS).await);
}

#[test]
fn a_node_that_nobody_would_believe_is_told_why() {
    let refuse = |credentials| Tls::new("n1", credentials).unwrap_err();
    let of_another = refuse(OURS.credentials("n2"));
    assert!(of_another.to_string().contains("is of `n2`, and this node is `n1`"), "{of_another}");
    let Shown { chain, key } = OURS.sign("lexecon:node:n1", 2020);
    let ended = refuse(Credentials { chain, key, authorities: vec![OURS.root()] });
    assert!(matches!(ended, TlsError::Unbelieved(_)), "{ended}");
    let mixed = Credentials { key: OURS.node("n1").key, ..OURS.credentials("n1") };
    assert!(matches!(refuse(mixed), TlsError::Unusable(_)));
    let none = Credentials { chain: Vec::new(), ..OURS.credentials("n1") };
    assert!(matches!(refuse(none), TlsError::Unusable(_)));
}
