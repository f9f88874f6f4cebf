//! What is sent can be checked, and goes to whom it is meant for.

use std::path::PathBuf;
use std::sync::Arc;

use cli::certs::Existing;
use cli::certs::authority::{Authority, Issued, Subject, Validity};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// The example of the specification.
#[test]
fn a_signature_is_that_of_the_specification() {
    let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let body = r#"{"test": 2432232314}"#;
    assert_eq!(
        sign(&Secret(bytes), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

#[test]
fn a_secret_that_is_short_or_no_base64_is_refused_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    for text in ["", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?"] {
        std::fs::write(&path, text).unwrap();
        let why = Secret::read(&path).unwrap_err();
        assert!(!why.contains("c2hvcnQ") && why.contains("24 to 64"), "{why}");
    }
    std::fs::write(&path, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    assert_eq!(format!("{:?}", Secret::read(&path).unwrap()), "Secret(..)");
}

/// An authority and a certificate of its for this machine.
fn certificates(dir: &Path) -> Issued {
    let (authority, _) = Authority::create(dir, Existing::Keep).unwrap();
    let subject = Subject::Node { name: "hook".to_owned(), addresses: Vec::new() };
    authority.issue(&subject, Validity { days: 1 }, Existing::Keep).unwrap()
}

/// A receiver that answers this to everything; where it is.
async fn receiver(shows: &Issued, answer: &'static str) -> Url {
    let chain = vec![CertificateDer::from_pem_file(&shows.certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&shows.key).unwrap();
    let acceptor = TlsAcceptor::from(api::certificates(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/hook", listener.local_addr().unwrap());
    let acceptor = Arc::new(acceptor);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who does not believe it hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok_and(|read| 0 < read) {
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    url.parse().unwrap()
}

async fn send(url: &Url, ca_file: PathBuf) -> Result<(), String> {
    let target = Target { url: url.clone(), secret: Secret(vec![7; 32]), ca_file: Some(ca_file) };
    Webhook::connect(&target)?
        .send("ntc_1", Timestamp(1_800_000_000_000_000), "{}".to_owned())
        .await
}

#[tokio::test]
async fn a_receiver_over_https_is_the_one_that_is_believed() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let shows = certificates(ours.path());
    certificates(theirs.path());
    let url = receiver(&shows, "HTTP/1.1 204 No Content\r\n\r\n").await;
    send(&url, ours.path().join("ca.crt")).await.unwrap();
    let why = send(&url, theirs.path().join("ca.crt")).await.unwrap_err();
    assert!(why.contains("certificate") && !why.contains("/hook"), "{why}");
    let why = send(&url, ours.path().join("nothing")).await.unwrap_err();
    assert!(why.contains("nothing"), "{why}");
}

#[tokio::test]
async fn a_receiver_that_sends_on_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let shows = certificates(dir.path());
    let taken = receiver(&shows, "HTTP/1.1 204 No Content\r\n\r\n").await;
    let answer =
        format!("HTTP/1.1 307 Elsewhere\r\nLocation: {taken}\r\nContent-Length: 0\r\n\r\n");
    let sends_on = receiver(&shows, answer.leak()).await;
    let why = send(&sends_on, dir.path().join("ca.crt")).await.unwrap_err();
    assert!(why.contains("307"), "{why}");
}
