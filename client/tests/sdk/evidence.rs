//! Evidence: sent so that it may be sent again, and compared.

use client::evidence::{Against, Register};
use client::{Client, Error};

use crate::double::{Double, Said};

const ARTIFACT: &str = r#"{"artifact_id":"evd_1","artifact_type":"signature","sha256_hash":"aa","size_bytes":1,"content_type":null,"source":"s","created_at":"t","retention_until":null,"is_immutable":true,"storage_uri":null,"related_decision_ids":[],"related_control_ids":[],"signatures":[],"content_url":"/evidence/evd_1/content","registered_by":null,"metadata":null,"ledger_entry_id":9}"#;
const VERIFIED: &str =
    r#"{"artifact_id":"evd_1","is_valid":false,"stored_hash":"aa","computed_hash":"bb"}"#;

fn register() -> Register {
    let (artifact_type, source) = ("signature".to_owned(), "s".to_owned());
    Register { artifact_type, source, content: b"x".to_vec(), ..Register::default() }
}

#[tokio::test]
async fn what_was_cut_off_is_sent_again_under_the_same_key() {
    let lost = || Said::problem(503, "outcome_unknown");
    let node = Double::start([lost(), Said::ok(ARTIFACT), lost(), Said::ok(ARTIFACT)]).await;
    let client = Client::new([&node.url]).unwrap();
    let made = client.evidence_register(&register()).await.unwrap().value;
    assert_eq!((made.artifact_id.as_str(), made.ledger_entry_id), ("evd_1", 9));
    let own = client.with_key("k").unwrap();
    own.evidence_register(&register()).await.unwrap();
    let asked = node.asked();
    let keys: Vec<&str> = asked.iter().map(|it| it.header("idempotency-key").unwrap()).collect();
    assert_eq!((keys[0], keys[2], keys[3]), (keys[1], "k", "k"));
    assert_ne!(keys[0], "k");
}

#[tokio::test]
async fn a_link_and_a_signature_are_sent_once() {
    let node = Double::start([
        Said::problem(503, "outcome_unknown"),
        Said::problem(503, "outcome_unknown"),
    ])
    .await;
    let client = Client::new([&node.url]).unwrap();
    let link = client.evidence_link("evd_1", "dec_1", None).await.unwrap_err();
    assert!(matches!(link, Error::Problem(problem) if problem.code == "outcome_unknown"));
    let sign = client.evidence_sign("evd_1", "key_1", "x").await.unwrap_err();
    assert!(matches!(sign, Error::Problem(problem) if problem.code == "outcome_unknown"));
    let lines = ["POST /evidence/link-decision", "POST /evidence/evd_1/sign"];
    assert_eq!(node.lines(), lines);
}

#[tokio::test]
async fn a_content_is_compared_as_it_is_or_by_its_digest() {
    let node = Double::start([Said::ok(VERIFIED), Said::ok(VERIFIED), Said::ok(VERIFIED)]).await;
    let client = Client::new([&node.url]).unwrap();
    for against in [Against::Stored, Against::Content(vec![0xff]), Against::Sha256("bb".to_owned())]
    {
        let found = client.evidence_verify("evd_1", &against).await.unwrap().value;
        assert_eq!((found.is_valid, found.computed_hash.as_deref()), (false, Some("bb")));
    }
    let bodies: Vec<String> = node.asked().iter().map(|asked| asked.body.clone()).collect();
    let content = r#"{"content":"/w==","content_encoding":"base64"}"#;
    assert_eq!(bodies, ["{}", content, r#"{"sha256":"bb"}"#]);
}

#[tokio::test]
async fn a_content_comes_as_it_is() {
    let node = Double::start([Said::ok("x\r\n"), Said::problem(410, "erased")]).await;
    let client = Client::new([&node.url]).unwrap();
    assert_eq!(client.evidence_content("evd_1").await.unwrap(), b"x\r\n");
    let gone = client.evidence_content("evd_1").await.unwrap_err();
    assert!(matches!(gone, Error::Problem(problem) if problem.code == "erased"));
}
