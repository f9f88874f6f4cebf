//! Overrides, and tokens for what a decision has come to: each call goes where
//! the contract says, and a write is not sent twice.

use client::overrides::{Execute, Say, Scope};
use client::{Client, Error};
use types::Object;

use crate::double::{Double, Said};

const OVERRIDE: &str = r#"{"override_id":"ovr_1","decision_id":"dec_1","override_type":"risk_accepted","authorized_by":"act_human_user:executive","authorized_role":"executive","justification":null,"original_outcome":"denied","new_outcome":"approved","timestamp":"t","expires_at":null,"scope":{"is_one_time":false,"applies_to_actor":null,"applies_to_policy":"3"},"status":"active","review_required_by":"r","review":null,"evidence_ids":["evd_1"],"metadata":{"a":1},"ledger_entry_id":131}"#;

#[tokio::test]
async fn an_override_is_sent_as_it_was_meant() {
    let node = Double::start([Said::ok(OVERRIDE), Said::ok(OVERRIDE)]).await;
    let client = Client::new([&node.url]).unwrap();
    let mut metadata = Object::new();
    metadata.insert("a", 1_u32);
    let execute = Execute {
        decision_id: "dec_1".to_owned(),
        override_type: "risk_accepted".to_owned(),
        justification: "the patient cannot wait".to_owned(),
        scope: Scope { applies_to_policy: Some("3".to_owned()), ..Scope::default() },
        metadata: Some(metadata.clone()),
        ..Execute::default()
    };
    let made = client.override_execute(&execute).await.unwrap().value;
    assert_eq!((made.status.as_str(), made.metadata), ("active", Some(metadata)));
    let say = Say { verdict: "upheld".to_owned(), notes: "x".to_owned(), reviewed_by: None };
    client.override_review("a/b", &say).await.unwrap();
    assert_eq!(node.lines(), ["POST /overrides/execute", "POST /overrides/a%2Fb/review"]);
    let bodies: Vec<String> = node.asked().iter().map(|asked| asked.body.clone()).collect();
    let expect = [
        r#"{"decision_id":"dec_1","justification":"the patient cannot wait","metadata":{"a":1},"override_type":"risk_accepted","scope":{"applies_to_policy":"3"}}"#,
        r#"{"notes":"x","verdict":"upheld"}"#,
    ];
    assert_eq!(bodies, expect);
}

#[tokio::test]
async fn a_token_that_is_refused_says_why_and_is_not_asked_for_again() {
    let node = Double::start([Said::problem(409, "token_active")]).await;
    let client = Client::new([&node.url]).unwrap();
    let refused = client.decision_token("dec_1", None).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Problem(problem) if problem.code == "token_active"),
        "{refused}"
    );
    assert_eq!(
        (node.lines(), node.asked()[0].body.as_str()),
        (vec!["POST /decisions/dec_1/token".to_owned()], "{}")
    );
}
