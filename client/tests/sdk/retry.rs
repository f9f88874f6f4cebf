//! Which call goes to a second node, and which never does.

use std::time::Duration;

use client::decision::Question;
use client::policy::LoadOptions;
use client::{Client, Credential, Error, Options};
use types::{Json, Object};

use crate::double::{Double, HangsUp, Nobody, Said};

const LOADED: &str = r#"{"status":"success","policy_version":1,"policy_hash":"41c0","terms_loaded":2,"relations_loaded":1,"mode":"strict","previous_version":0,"warnings":[],"ledger_entry_id":7}"#;
const STATUS: &str = r#"{"status":"operational","node_id":"n2","cluster_id":"clu_1","policy_loaded":true,"policy_version":3,"policy_hash":"41c0","policy_mode":"strict","ledger_entries":137,"uptime_seconds":8121,"auth_mode":"open","timestamp":"2027-03-04T05:06:07.000000Z"}"#;
pub(crate) const DECIDED: &str = r#"{"outcome":"denied","allowed":false,"reason":"Action not explicitly permitted","reason_code":"no_permit","decision_id":"dec_1","request_id":"r","actor":"a","action":"b","resource":null,"tool":null,"data_classes":[],"capability_token":null,"token_id":null,"token_expires_at":null,"ledger_entry_id":118,"ledger_entry_hash":"9be1","policy_version":3,"policy_hash":"41c0","policy_mode":"strict","matched":[],"obligations":[],"risk":{"score":1,"level":"low","basis":"none"},"risk_id":null,"escalation_id":null,"context_hash":"5d02","timestamp":"2027-03-04T05:06:07.123456Z","signature":{"algorithm":"Ed25519","key_id":"key_1","value":"x"},"node":"n2","dry_run":false}"#;

fn client<const N: usize>(urls: [&str; N]) -> Client {
    let mut options = Options::new(urls);
    options.pause = Duration::from_millis(1);
    Client::with_options(options).unwrap()
}

async fn load(client: &Client) -> Result<u64, Error> {
    let document = Json::Object(Object::new());
    let reply = client.policy_load(&document, &LoadOptions::default()).await?;
    Ok(reply.value.policy_version)
}

#[tokio::test]
async fn the_next_node_is_asked_where_nobody_listens() {
    let (nobody, node) =
        (Nobody::start(), Double::start([Said::ok(STATUS), Said::ok(STATUS)]).await);
    let client = client([&nobody.url, &node.url]);
    assert_eq!(client.status().await.unwrap().value.ledger_entries, 137);
    assert_eq!(client.status().await.unwrap().value.node_id, "n2");
    assert_eq!(node.asked().len(), 2);
}

#[tokio::test]
async fn a_write_goes_on_to_the_next_node_before_it_was_sent() {
    let (nobody, node) = (Nobody::start(), Double::start([Said::ok(LOADED)]).await);
    assert_eq!(load(&client([&nobody.url, &node.url])).await.unwrap(), 1);
}

#[tokio::test]
async fn a_write_that_was_sent_is_never_sent_again() {
    let (lost, node) = (HangsUp::start().await, Double::start([Said::ok(LOADED)]).await);
    let error = load(&client([&lost.url, &node.url])).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { maybe_done: true, .. }), "{error}");
    assert_eq!((lost.asked(), node.asked().len()), (1, 0));

    let refusing = Double::start([Said::problem(503, "no_leader")]).await;
    let error = load(&client([&refusing.url, &node.url])).await.unwrap_err();
    assert!(matches!(error, Error::Problem(problem) if problem.code == "no_leader"));
    assert_eq!((refusing.asked().len(), node.asked().len()), (1, 0));
}

#[tokio::test]
async fn a_write_under_a_key_is_sent_again_under_the_same_key() {
    let lost = HangsUp::start().await;
    let node = Double::start([Said::problem(503, "no_leader"), Said::ok(LOADED)]).await;
    let client = client([&lost.url, &node.url]).with_key("load-7").unwrap();
    assert_eq!(load(&client).await.unwrap(), 1);
    let asked = node.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|asked| asked.header("idempotency-key") == Some("load-7")));
    assert_eq!(asked[0].body, asked[1].body);
}

#[tokio::test]
async fn a_decision_is_asked_again_under_one_request_id() {
    let lost = HangsUp::start().await;
    let node = Double::start([Said::problem(503, "outcome_unknown"), Said::ok(DECIDED)]).await;
    let client = client([&lost.url, &node.url]);
    let reply = client.decide(&Question::new("a", "b")).await.unwrap();
    assert_eq!(reply.value.outcome, "denied");
    let bodies: Vec<String> = node.asked().into_iter().map(|asked| asked.body).collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    assert!(bodies[0].contains(r#""request_id":"req_"#), "{}", bodies[0]);
}

#[tokio::test]
async fn the_callers_request_id_is_kept() {
    let node = Double::start([Said::ok(DECIDED)]).await;
    let question = Question { request_id: Some("mine".to_owned()), ..Question::new("a", "b") };
    client([&node.url]).decide(&question).await.unwrap();
    let body = r#"{"action":"b","actor":"a","context":{},"request_id":"mine"}"#;
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn tries_end() {
    let nobody = Nobody::start();
    let error = client([&nobody.url]).status().await.unwrap_err();
    let Error::Unreachable { tried, maybe_done } = error else {
        panic!("{error}");
    };
    assert_eq!((tried.len(), maybe_done), (3, false));

    let no_leader = || Said::problem(503, "no_leader");
    let node = Double::start([no_leader(), no_leader(), no_leader()]).await;
    let error = client([&node.url]).decide(&Question::new("a", "b")).await.unwrap_err();
    assert!(matches!(error, Error::Problem(problem) if problem.code == "no_leader"));
    assert_eq!(node.asked().len(), 3);
}

#[tokio::test]
async fn an_open_outcome_is_not_hidden_by_a_later_refusal() {
    let question = Question::new("a", "b");
    for later in [Said::problem(429, "overloaded"), Said::problem(401, "unauthenticated")] {
        let (lost, node) = (HangsUp::start().await, Double::start([later]).await);
        let error = client([&lost.url, &node.url]).decide(&question).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { maybe_done: true, .. }), "{error}");
    }
    let said = ["outcome_unknown", "no_leader", "no_leader"].map(|code| Said::problem(503, code));
    let node = Double::start(said).await;
    let error = client([&node.url]).decide(&question).await.unwrap_err();
    assert!(matches!(error, Error::Problem(problem) if problem.code == "outcome_unknown"));
}

#[tokio::test]
async fn a_refusal_that_any_node_would_give_is_not_repeated() {
    let node = Double::start([
        Said::problem(409, "idempotency_conflict"),
        Said::problem(429, "overloaded").header("retry-after", "7"),
    ])
    .await;
    let client = client([&node.url]);
    let question = Question::new("a", "b");
    let error = client.decide(&question).await.unwrap_err();
    assert_eq!(error.to_string(), "because (idempotency_conflict, status 409)");
    let error = client.decide(&question).await.unwrap_err();
    let Error::Problem(problem) = error else {
        panic!("{error}");
    };
    assert_eq!(problem.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(node.asked().len(), 2);
}

#[tokio::test]
async fn a_call_ends_with_its_time() {
    // The listener's backlog takes the connection; nobody ever answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut options = Options::new([url]);
    options.timeout = Duration::from_millis(60);
    options.attempt_timeout = Duration::from_millis(10);
    options.pause = Duration::from_millis(1);
    options.rounds_max = usize::MAX;
    let error = Client::with_options(options).unwrap().status().await.unwrap_err();
    let Error::Unreachable { tried, maybe_done: false } = error else {
        panic!("{error}");
    };
    assert!((1..=6).contains(&tried.len()), "{tried:?}");
    assert_eq!(tried[0].why, "no answer within 10 ms");
}

#[tokio::test]
async fn a_credential_is_sent_and_never_shown() {
    let node = Double::start([Said::ok(STATUS)]).await;
    let mut options = Options::new([&node.url]);
    options.credential = Some(Credential::new("lxk_secret"));
    let client = Client::with_options(options).unwrap();
    client.status().await.unwrap();
    assert_eq!(node.asked()[0].header("authorization"), Some("Bearer lxk_secret"));
    assert!(!format!("{client:?}").contains("lxk_secret"));
}

#[test]
fn what_is_no_url_of_a_node_is_refused() {
    for url in ["", "127.0.0.1:8000", "ftp://a", "https://u@a", "http://a/?x=1", "http://u@a"] {
        assert!(matches!(Client::new([url]), Err(Error::Misused(_))), "{url}");
    }
    assert!(Client::new(Vec::<String>::new()).is_err());
    assert!(Client::new(vec!["http://a"; 17]).is_err());
    assert!(Client::new(["http://a"]).unwrap().with_key("").is_err());
    assert!(Client::new(["http://a"]).unwrap().with_key("a\tb").is_err());
}

#[test]
fn what_is_no_certificate_is_believed_by_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.crt");
    let with = |url: &str| {
        let mut options = Options::new([url]);
        options.trust.ca_file = Some(path.clone());
        Client::with_options(options)
    };
    let missing = with("https://127.0.0.1:1").unwrap_err();
    assert!(missing.to_string().contains("ca.crt"), "{missing}");
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .unwrap();
    assert!(matches!(with("https://127.0.0.1:1"), Err(Error::Misused(_))));
    std::fs::write(&path, "").unwrap();
    let empty = with("https://127.0.0.1:1").unwrap_err();
    assert!(empty.to_string().contains("no certificate in it"), "{empty}");
    // Without TLS there is nobody to believe, so nothing is read.
    assert!(with("http://127.0.0.1:1").is_ok());
}
