//! Who answers for a decision: where calls go and how answers are understood.

use client::Client;
use client::responsibility::{ResponsibilityVerdict, Responsible};

use crate::double::{Double, Said};

const RECORD: &str = r#"{"record_id":"resp_2","decision_id":"dec_1","decision_maker":"human_operator","responsible_party":"Claims/EU","role":"clerk","reasoning":null,"responsibility_level":"shared","confidence_percent":null,"delegated_from":null,"escalation_id":null,"override_id":null,"review_required":false,"review":{"outcome":"accepted","notes":"so it is","reviewed_by":"act_human_user:eve","reviewed_at":"2027-03-04T05:06:08.000000Z","ledger_entry_id":120},"timestamp":"2027-03-04T05:06:07.000000Z","ledger_entry_id":119}"#;

const REPORT: &str = r#"{"period":{"from":"2027-03-01T00:00:00.000000Z","to":null},"summary":{"total_decisions":3,"by_decision_maker":{"ai_system":3},"by_responsibility_level":{"automated":3},"ai_overrides":2,"override_rate_percent":66,"pending_reviews":1},"top_responsible_parties":[{"party":"system","decision_count":3}]}"#;

#[tokio::test]
async fn what_people_say_and_judge_is_sent_whole() {
    let node = Double::start([Said::ok(RECORD), Said::ok(RECORD)]).await;
    let client = Client::new([&node.url]).unwrap();
    let responsible = Responsible {
        decision_id: "dec_1".to_owned(),
        decision_maker: "human_operator".to_owned(),
        responsible_party: "Claims/EU".to_owned(),
        role: "clerk".to_owned(),
        reasoning: "I looked".to_owned(),
        responsibility_level: "shared".to_owned(),
        ..Responsible::default()
    };
    let record = client.responsibility_record(&responsible).await.unwrap().value;
    assert_eq!((record.reasoning, record.ledger_entry_id), (None, 119));
    let verdict = ResponsibilityVerdict {
        outcome: "accepted".to_owned(),
        notes: "so it is".to_owned(),
        reviewed_by: None,
    };
    let record = client.responsibility_review("resp_2", &verdict).await.unwrap().value;
    assert_eq!(record.review.unwrap().outcome.as_deref(), Some("accepted"));
    let lines = ["POST /responsibility/records", "POST /responsibility/resp_2/review"];
    assert_eq!(node.lines(), lines);
    let bodies = [
        r#"{"decision_id":"dec_1","decision_maker":"human_operator","reasoning":"I looked","responsibility_level":"shared","responsible_party":"Claims/EU","role":"clerk"}"#,
        r#"{"notes":"so it is","outcome":"accepted"}"#,
    ];
    let sent: Vec<String> = node.asked().iter().map(|asked| asked.body.clone()).collect();
    assert_eq!(sent, bodies);
}

#[tokio::test]
async fn chains_parties_and_reports_are_read() {
    let chain = format!(r#"{{"decision_id":"dec_1","chain_length":1,"records":[{RECORD}]}}"#);
    let legal = format!(
        r#"{{"export_type":"LEGAL_RESPONSIBILITY_CHAIN","decision_id":"dec_1","chain_length":1,"responsibility_records":[{RECORD}],"final_responsible_party":"Claims/EU","human_in_loop":true,"signatures_present":[{{"name":"n","key_id":"01020304","type":1,"valid":true}}],"checkpoint":null}}"#
    );
    let party = format!(
        r#"{{"responsible_party":"Claims/EU","decision_count":7,"records":[{RECORD}],"next":119}}"#
    );
    let pending = r#"{"pending_count":0,"records":[],"next":null}"#;
    let said = [chain.as_str(), &legal, &party, pending, REPORT].map(Said::ok);
    let node = Double::start(said).await;
    let client = Client::new([&node.url]).unwrap();
    assert_eq!(client.responsibility_chain("dec_1").await.unwrap().value.records.len(), 1);
    let legal = client.responsibility_legal("dec_1").await.unwrap().value;
    assert_eq!((legal.signatures_present.len(), legal.human_in_loop), (1, true));
    let party = client.responsibility_of("Claims/EU", Some(7), Some(1)).await.unwrap().value;
    assert_eq!((party.decision_count, party.next), (7, Some(119)));
    let pending = client.responsibility_pending(None, None).await.unwrap().value;
    assert_eq!((pending.pending_count, pending.next), (0, None));
    let report = client.responsibility_report(Some("2027-03-01"), None).await.unwrap().value;
    assert_eq!(report.summary.by_decision_maker["ai_system"], 3);
    assert_eq!(report.top_responsible_parties[0].decision_count, 3);
    assert_eq!(
        node.lines(),
        [
            "GET /responsibility/chain/dec_1",
            "GET /responsibility/legal/dec_1",
            "GET /responsibility/party/Claims%2FEU?after=7&limit=1",
            "GET /responsibility/pending-reviews",
            "GET /responsibility/report?from=2027-03-01",
        ]
    );
}
