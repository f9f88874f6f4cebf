//! `lexecon verify`: a reply is checked without a server, each fault is named.

use types::{Json, Object};

use crate::shell::{Ran, run};
use crate::signed::{genuine, keys};

const KEY_MEMBERS: [&str; 4] = ["kid", "x", "use", "status"];

pub(crate) fn keys_json() -> String {
    let rows = keys().into_iter().map(|key| {
        let values = [key.kid, key.x, key.usage, key.status];
        let mut row = Object::new();
        for (name, value) in KEY_MEMBERS.into_iter().zip(values) {
            row.insert(name, value);
        }
        row.insert("name", key.name);
        Json::Object(row)
    });
    Json::object([("keys", Json::Array(rows.collect()))]).to_canonical()
}

async fn verify(reply: &str, keys: &str, flags: &[&str]) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let (reply_path, keys_path) = (dir.path().join("reply.json"), dir.path().join("keys.json"));
    std::fs::write(&reply_path, reply).unwrap();
    std::fs::write(&keys_path, keys).unwrap();
    let mut words = vec!["verify", reply_path.to_str().unwrap()];
    words.extend(["--keys", keys_path.to_str().unwrap()]);
    words.extend(flags);
    run(&words).await
}

#[tokio::test]
async fn a_genuine_reply_is_said_to_be() {
    let reply = Json::Object(genuine()).to_canonical();
    let ran = verify(&reply, &keys_json(), &[]).await;
    let out = "reply      genuine
decision   dec_01K1R0D2J7Q4M8X5B9C3F6H0TN
outcome    allowed
entry      118
signed by  n2 (key_d)
token      genuine
";
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (0, out, ""));
    let ran = verify(&reply, &keys_json(), &["--json"]).await;
    let out = r#"{"decision_id":"dec_01K1R0D2J7Q4M8X5B9C3F6H0TN","fault":null,"key_id":"key_d","ledger_entry_id":118,"outcome":"allowed","reason_code":"ok","signed_by":"n2","token":true,"verified":true}"#;
    assert_eq!((ran.exit, ran.out), (0, format!("{out}\n")));
}

#[tokio::test]
async fn the_first_fault_is_named() {
    let mut reply = genuine();
    reply.insert("reason", "Because");
    let reply = Json::Object(reply).to_canonical();
    let ran = verify(&reply, &keys_json(), &[]).await;
    let out = "reply  NOT GENUINE
fault  the signature of the decision does not fit
code   signature_invalid
";
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (1, out, ""));
    let ran = verify(&reply, &keys_json(), &["--json"]).await;
    let out = r#"{"fault":"the signature of the decision does not fit","reason_code":"signature_invalid","verified":false}"#;
    assert_eq!((ran.exit, ran.out), (1, format!("{out}\n")));
}

#[tokio::test]
async fn what_is_no_reply_is_not_genuine() {
    for (reply, exit) in [("{", 1), ("[]", 1), ("{}", 1), (r#"{"a":1,"a":1}"#, 1)] {
        let ran = verify(reply, &keys_json(), &[]).await;
        assert_eq!(ran.exit, exit, "{reply}: {}{}", ran.out, ran.err);
    }
}

#[tokio::test]
async fn without_usable_keys_nothing_is_said() {
    let reply = Json::Object(genuine()).to_canonical();
    for keys in ["{", "[]", r#"{"keys":[{"kid":"key_d"}]}"#] {
        let ran = verify(&reply, keys, &[]).await;
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{keys}");
        assert!(ran.err.contains("--keys"), "{}", ran.err);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("reply.json");
    std::fs::write(&path, &reply).unwrap();
    let ran = run(&["verify", path.to_str().unwrap()]).await;
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("--keys FILE"), "{}", ran.err);
    let ran = run(&["verify", "/nonexistent/reply.json", "--keys", "/nonexistent/keys.json"]).await;
    assert_eq!(ran.exit, 3);
}
