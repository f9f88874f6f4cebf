//! The two programs of the product's first description, as they travel on the
//! wire.

use api::Limits;
use serde_json::{Value, json};

use crate::common::Server;
use crate::server::{exchange, listen, post};

fn body(answer: &str) -> Value {
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn both_programs_of_the_first_description_work_unchanged() {
    let server = Server::new();
    let listening = listen(&server, Limits::default()).await;
    let policy = json!({
        "mode": "strict",
        "terms": [
            {"id": "actor:ai_agent:customer_service", "type": "actor"},
            {"id": "action:access_customer_data", "type": "action"},
        ],
        "relations": [{
            "type": "permits",
            "subject": "actor:ai_agent:customer_service",
            "action": "action:access_customer_data",
            "conditions": [{"data_sensitivity": "high"}],
            "justification": "Policy permits support access to high-sensitivity data",
        }],
    });
    body(
        &exchange(listening.address, post("/policies/load", &policy.to_string()).as_bytes()).await,
    );

    let request = json!({
        "actor": "ai_agent:customer_service",
        "action": "access_customer_data",
        "context": {"purpose": "support_ticket", "data_sensitivity": "high"},
    });
    let answer =
        exchange(listening.address, post("/decide", &request.to_string()).as_bytes()).await;
    let result = body(&answer);
    assert_eq!(result["outcome"], "allowed");
    assert_eq!(result["reason"], "Policy permits support access to high-sensitivity data");
    assert!(result["capability_token"].as_str().unwrap().starts_with("cap_"));
    assert!(result["decision_id"].as_str().unwrap().starts_with("dec_"));
    assert_eq!(result["ledger_entry_id"], 2);

    // `requests` writes the Python value `True` as it is spelled there.
    let get = "GET /ledger/entries?limit=100&verify=True HTTP/1.1\r\nHost: localhost\r\n\
               Accept: */*\r\nUser-Agent: python-requests/2.32\r\nConnection: close\r\n\r\n";
    let entries = body(&exchange(listening.address, get.as_bytes()).await);
    assert_eq!(entries["entries"].as_array().unwrap().len(), 3);
    assert_eq!(entries["chain_valid"], true);
    let entry = &entries["entries"][2];
    for member in ["id", "previous_hash", "current_hash", "timestamp", "data"] {
        assert!(!entry[member].is_null(), "{member}");
    }
}
