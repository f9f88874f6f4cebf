//! What is asked of the organisation and what there is for it: honest on a fresh
//! cluster, the same as of an entry, and never more than the ledger shows.

use std::path::Path;

use api::{AuthMode, Config};
use governance::access::AccountRole;
use governance::command::ErasedPart;
use serde_json::{Value, json};

use crate::accounts::{Person, admit, close};
use crate::common::{ALLOWED, Node, Server};

const JANE: &str = "act_human_user:jane";

async fn ok(server: &Server, path: &str) -> Value {
    let reply = server.get(path).await;
    assert_eq!(reply.outcome(), "200", "{path}: {}", reply.json());
    reply.json()
}

async fn artifact(server: &Server, kind: &str) -> Value {
    let body = json!({"artifact_type": kind, "content": kind, "source": "acme"});
    server.post("/evidence/register", body).await.json()["artifact_id"].clone()
}

fn profile() -> Value {
    json!({"organisation_name": "Acme", "roles": ["deployer"], "risk_routes": ["annex_iii"],
           "jurisdictions": ["DE"], "frameworks": ["SOC2", "gdpr"], "reason": "first look"})
}

async fn put(server: &Server, body: &Value) -> crate::common::Reply {
    server.call("PUT", "/compliance/profile", &body.to_string(), &[]).await
}

/// Counts of duties and controls on a cluster in which nothing was done: what
/// is shown must have a cause. The file is reviewed when the register changes.
#[tokio::test]
async fn a_fresh_cluster_reports_what_is_so() {
    let server = Server::new();
    // Until it is signed for the first time, nothing can be told of it.
    let unsigned = ok(&server, "/compliance/statistics").await;
    assert_eq!(unsigned["by_status"]["insufficient"], unsigned["total_controls"]);
    server.node.finalize();
    let statistics = ok(&server, "/compliance/statistics").await;
    let duties = ok(&server, "/compliance/eu-ai-act").await;
    let shown = json!({
        "controls": statistics["by_status"],
        "frameworks": statistics["frameworks"],
        "overall_coverage_percent": statistics["overall_coverage_percent"],
        "duties": duties["summary"]["by_status"],
        "register_version": statistics["register_version"],
    });
    let shown = format!("{}\n", serde_json::to_string_pretty(&shown).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fresh-compliance.json");
    if std::env::var_os("UPDATE_COMPLIANCE").is_some() {
        std::fs::write(&path, &shown).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(known == shown, "run with UPDATE_COMPLIANCE=1 and review:\n{shown}");
    for counts in [&unsigned["by_status"], &duties["summary"]["by_status"]] {
        assert_eq!(counts["evidence_sufficient"], 0, "without a cause");
    }
    // What is signed shows that logs are protected, and nothing else.
    let path = "/compliance/pci_dss/controls?status=evidence_sufficient";
    let protected = ok(&server, path).await;
    let ids: Vec<&Value> = protected["controls"].as_array().unwrap().iter().collect();
    let ids: Vec<&str> = ids.iter().filter_map(|one| one["control_id"].as_str()).collect();
    assert_eq!(ids, ["10.2.1.6", "10.3.2", "10.3.4"]);
    assert_eq!(statistics["by_status"]["evidence_sufficient"], ids.len());
    assert_eq!(statistics["total_controls"], 1133);
    assert_eq!(statistics["frameworks_tracked"], 12);
    assert_eq!(statistics["obligations"]["by_status"], duties["summary"]["by_status"]);
}

/// The paths and names of the first description, as it has them: controls by
/// framework, and GDPR's article 30.
#[tokio::test]
async fn the_compliance_parts_of_the_first_description_work_as_written() {
    let server = Server::loaded().await;
    server.post("/decide", ALLOWED).await;
    // `get_controls_by_framework("SOC2")  # Returns: CC6.1, CC6.2, CC6.6`
    let controls = ok(&server, "/compliance/SOC2/controls").await;
    let ids: Vec<&str> = controls["controls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|control| control["control_id"].as_str().unwrap())
        .collect();
    for id in ["CC6.1", "CC6.2", "CC6.6"] {
        assert!(ids.contains(&id), "{id}");
    }
    assert_eq!(controls["framework"], "soc2");
    assert_eq!(controls["count"], ids.len());
    // `check_compliance("GDPR", "ARTICLE_30")  # Returns: status, evidence`
    let article = ok(&server, "/compliance/GDPR/ARTICLE_30").await;
    assert_eq!((&article["framework"], &article["control_id"]), (&json!("gdpr"), &json!("Art.30")));
    assert!(article["status"].is_string() && article["evidence"].is_array());
    // `GET /compliance/statistics`
    assert!(ok(&server, "/compliance/statistics").await["by_status"].is_object());
    for name in ["soc2", "iso27001", "gdpr", "hipaa", "pci_dss", "nist_csf"] {
        let found = ok(&server, &format!("/compliance/{name}/coverage")).await;
        assert!(0 < found["total_controls"].as_u64().unwrap(), "{name}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_by_its_own_code() {
    let server = Server::loaded().await;
    for (path, outcome) in [
        ("/compliance/soc3/controls", "404 unknown_framework"),
        ("/compliance/soc2/CC99", "404 unknown_control"),
        ("/compliance/eu-ai-act/article-999", "404 unknown_article"),
        ("/compliance/eu-ai-act/articles", "404 unknown_article"),
        ("/compliance/eu-ai-act?article=999", "404 unknown_article"),
        ("/compliance/queries/nonesuch", "404 unknown_query"),
        ("/compliance/soc2/controls?status=fine", "422 validation_failed"),
        ("/compliance/soc2/controls?as_of=999999", "422 validation_failed"),
        ("/compliance/statistics?as_of=tomorrow", "422 validation_failed"),
        ("/compliance/statistics?from=2027-01-01", "422 unknown_parameter"),
    ] {
        assert_eq!(server.get(path).await.outcome(), outcome, "{path}");
    }
}

#[tokio::test]
async fn controls_are_filtered_and_what_is_counted_is_what_is_listed() {
    let server = Server::loaded().await;
    let all = ok(&server, "/compliance/soc2/controls").await;
    let coverage = ok(&server, "/compliance/soc2/coverage").await;
    let mut sum = 0;
    for (status, count) in coverage["by_status"].as_object().unwrap() {
        let of = ok(&server, &format!("/compliance/soc2/controls?status={status}")).await;
        assert_eq!(&of["count"], count, "{status}");
        assert_eq!(of["filters"], json!({"status": status, "category": null}));
        sum += count.as_u64().unwrap();
    }
    assert_eq!(json!(sum), all["count"]);
    let category = all["controls"][0]["category"].as_str().unwrap();
    let path = format!("/compliance/soc2/controls?category={}", category.replace(' ', "%20"));
    let of = ok(&server, &path).await;
    assert!(0 < of["count"].as_u64().unwrap() && of["count"].as_u64() < all["count"].as_u64());
    let gaps = ok(&server, "/compliance/soc2/gaps").await;
    let report = ok(&server, "/compliance/soc2/report").await;
    assert_eq!(report["gaps"], gaps["gaps"]);
    assert_eq!(report["totals"]["by_status"], coverage["by_status"]);
    assert!(report["report_id"].as_str().unwrap().starts_with("rpt_"));
}

#[tokio::test]
async fn another_report_has_another_id_also_as_of_the_same_entry() {
    let server = Server::loaded().await;
    let path = "/compliance/soc2/report";
    let before = ok(&server, path).await;
    assert_eq!(ok(&server, path).await, before);
    server.node.finalize();
    let after = ok(&server, path).await;
    assert_eq!(after["as_of_index"], before["as_of_index"]);
    assert_ne!(after["report_id"], before["report_id"]);
}

#[tokio::test]
async fn an_answer_as_of_an_entry_stays_the_same_bytes() {
    let server = Server::loaded().await;
    server.node.finalize();
    let at = server.node.ledger_size() - 1;
    let paths = [
        format!("/compliance/statistics?as_of={at}"),
        format!("/compliance/eu-ai-act?as_of={at}"),
        format!("/compliance/soc2/controls?as_of={at}"),
        format!("/compliance/soc2/report?as_of={at}"),
        format!("/compliance/soc2/CC6.1?as_of={at}"),
        format!("/compliance/queries?as_of={at}"),
        format!("/compliance/timeline?as_of={at}"),
        format!("/compliance/profile?as_of={at}"),
    ];
    let mut before = Vec::new();
    for path in &paths {
        before.push(server.get(path).await.bytes);
    }
    put(&server, &profile()).await;
    server.post("/decide", ALLOWED).await;
    let evidence = artifact(&server, "external_report").await;
    server.post("/compliance/soc2/CC6.1/link-evidence", json!({"artifact_id": evidence})).await;
    // Another server over the same state keeps nothing of what was found before.
    let other = Server::with(server.node.clone(), Config::default());
    for (path, before) in paths.iter().zip(&before) {
        assert_eq!(&server.get(path).await.bytes, before, "{path}");
        assert_eq!(&other.get(path).await.bytes, before, "{path}");
    }
    let head = ok(&server, "/compliance/statistics").await;
    assert_eq!(head["as_of_index"], server.node.ledger_size() - 1);
    assert_ne!(head["by_status"], ok(&server, &paths[0]).await["by_status"]);
}

/// Which checkpoints count may still change there, and with it the bytes.
#[tokio::test]
async fn there_is_no_answer_as_of_an_entry_that_no_checkpoint_covers_yet() {
    let request_timeout = std::time::Duration::from_millis(600);
    let config = Config { request_timeout, ..Config::default() };
    let server = Server::with(Node::founded(), config);
    for path in ["/compliance/statistics", "/compliance/eu-ai-act", "/compliance/soc2/CC6.1"] {
        assert_eq!(server.get(&format!("{path}?as_of=0")).await.outcome(), "503 not_final");
        assert_eq!(server.get(path).await.outcome(), "200", "{path}");
    }
    // Whoever names nothing does not wait to hear that.
    for (path, outcome) in [
        ("/compliance/soc3/gaps", "404 unknown_framework"),
        ("/compliance/soc2/CC99", "404 unknown_control"),
        ("/compliance/eu-ai-act/article-999", "404 unknown_article"),
        ("/compliance/queries/nonesuch", "404 unknown_query"),
    ] {
        assert_eq!(server.get(&format!("{path}?as_of=0")).await.outcome(), outcome, "{path}");
    }
    server.node.finalize();
    assert_eq!(server.get("/compliance/statistics?as_of=0").await.outcome(), "200");
}

#[tokio::test]
async fn a_profile_drives_what_applies() {
    let server = Server::loaded().await;
    let unset = ok(&server, "/compliance/profile").await;
    assert_eq!((&unset["ledger_entry_id"], &unset["version"]), (&Value::Null, &json!(0)));
    let reply = put(&server, &profile()).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    let set = ok(&server, "/compliance/profile").await;
    assert_eq!(set["frameworks"], json!(["soc2", "gdpr"]), "in lower case");
    assert_eq!((&set["version"], &set["roles"]), (&json!(1), &json!(["deployer"])));
    let entry = ok(&server, &format!("/ledger/entries/{}", set["ledger_entry_id"])).await;
    assert_eq!(entry["entry_type"], "profile_updated");
    assert_eq!(entry["data"]["organisation_name"], "Acme");
    // What it does not answer to does not apply.
    let hipaa = ok(&server, "/compliance/hipaa/coverage").await;
    assert_eq!(hipaa["by_status"]["not_applicable"], hipaa["total_controls"]);
    let soc2 = ok(&server, "/compliance/soc2/coverage").await;
    assert_eq!(soc2["by_status"]["not_applicable"], 0);
    // Nor does a duty of providers alone.
    let duties = ok(&server, "/compliance/eu-ai-act/article-11").await;
    for duty in duties["obligations"].as_array().unwrap() {
        assert_eq!(duty["status"], "not_applicable", "{duty}");
    }
    let timeline = ok(&server, "/compliance/timeline").await;
    assert!(0 < timeline["duties_never"].as_u64().unwrap());
    let duties: u64 = timeline["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["duties"].as_u64().unwrap())
        .sum();
    let all = ok(&server, "/compliance/eu-ai-act").await["obligations"].as_array().unwrap().len();
    assert_eq!(duties + timeline["duties_never"].as_u64().unwrap(), all as u64);
}

#[tokio::test]
async fn a_profile_that_says_nothing_is_refused_field_by_field() {
    let server = Server::loaded().await;
    for (member, value, at, code) in [
        ("roles", json!([]), "/roles", "missing"),
        ("roles", json!(["owner"]), "/roles/0", "not_one_of"),
        ("roles", json!(["deployer", "DEPLOYER"]), "/roles/1", "duplicate"),
        ("frameworks", json!([7]), "/frameworks/0", "wrong_type"),
        ("reason", json!(" "), "/reason", "missing"),
    ] {
        let mut body = profile();
        body[member] = value;
        let reply = put(&server, &body).await;
        assert_eq!(reply.outcome(), "422 validation_failed", "{member}");
        let fault = &reply.json()["errors"][0];
        assert_eq!((&fault["pointer"], &fault["code"]), (&json!(at), &json!(code)), "{member}");
    }
}

#[tokio::test]
async fn evidence_is_linked_once_and_only_where_it_fits() {
    let server = Server::loaded().await;
    let report = artifact(&server, "external_report").await;
    let log = artifact(&server, "decision_log").await;
    let path = "/compliance/SOC2/CC6.1/link-evidence";
    let body =
        |artifact: &Value, kind: Value| json!({"artifact_id": artifact, "evidence_type": kind});
    for (artifact, kind, outcome) in [
        (&log, Value::Null, "422 artifact_does_not_fit"),
        (&report, json!("fria"), "422 artifact_does_not_fit"),
        (&json!("evd_01K1R0C9N5T8Z4W2Y6V3Q7M1HD"), Value::Null, "404 unknown_artifact"),
        (&json!("nothing"), Value::Null, "404 unknown_artifact"),
    ] {
        let reply = server.post(path, body(artifact, kind)).await;
        assert_eq!(reply.outcome(), outcome, "{artifact}");
    }
    let linked = server.post(path, body(&report, json!("asset_inventory"))).await.json();
    assert_eq!((&linked["already_linked"], &linked["framework"]), (&json!(false), &json!("soc2")));
    assert_eq!(linked["evidence_types"], json!(["asset_inventory"]));
    let size = server.node.ledger_size();
    let again = server.post(path, body(&report, json!("asset_inventory"))).await.json();
    assert_eq!((&again["already_linked"], &again["ledger_entry_id"]), (&json!(true), &Value::Null));
    assert_eq!(again["total_evidence_artifacts"], 1);
    assert_eq!(server.node.ledger_size(), size);
    let control = ok(&server, "/compliance/soc2/CC6.1").await;
    assert_eq!(control["evidence_artifact_ids"], json!([report]));
    // A duty of the act takes evidence as a control does.
    let duty = "/compliance/eu-ai-act/AIA-9.1/link-evidence";
    let linked = server.post(duty, json!({"artifact_id": report})).await.json();
    assert_eq!(linked["framework"], "eu_ai_act", "{linked}");
    let duty = ok(&server, "/compliance/eu-ai-act/AIA-9.1").await;
    assert_eq!(duty["obligations"][0]["evidence_artifact_ids"], json!([report]));
}

#[tokio::test]
async fn an_attestation_of_somebody_whom_nobody_checked_does_not_count() {
    let server = Server::loaded().await;
    let report = artifact(&server, "external_report").await;
    let (link, attest) = ("/compliance/soc2/CC6.1/link-evidence", "/compliance/soc2/CC6.1/attest");
    let body = json!({"statement": "I read it, and it says so.", "artifact_ids": [report],
                      "attested_by": JANE});
    assert_eq!(server.post(attest, &body).await.outcome(), "409 evidence_not_linked");
    server.post(link, json!({"artifact_id": report})).await;
    let with = |name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    for (body, outcome) in [
        (with("statement", json!("all is well")), "422 validation_failed"),
        (with("artifact_ids", json!([])), "422 validation_failed"),
        (with("valid_until", json!("2020-01-01")), "422 validation_failed"),
        (with("attested_by", Value::Null), "422 validation_failed"),
        (with("attested_by", json!("ai_agent:x")), "422 validation_failed"),
        (with("artifact_ids", json!(["evd_01K1R0C9N5T8Z4W2Y6V3Q7M1HD"])), "404 unknown_artifact"),
    ] {
        assert_eq!(server.post(attest, &body).await.outcome(), outcome, "{body}");
    }
    let reply = server.post(attest, &body).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    let control = reply.json();
    let attested = &control["attestations"][0];
    assert_eq!((&attested["attested_by"], &attested["counts"]), (&json!(JANE), &json!(false)));
    assert_ne!(control["status"], "evidence_sufficient");
    let entry = ok(&server, &format!("/ledger/entries/{}", attested["ledger_entry_id"])).await;
    assert_eq!(entry["personal"]["statement"], body["statement"]);
    assert_eq!(entry["data"].get("statement"), None);
    // The statement can be erased, and what was vouched for stays.
    server.node.erase(ErasedPart::Personal, attested["ledger_entry_id"].as_u64().unwrap());
    let control = ok(&server, "/compliance/soc2/CC6.1").await;
    assert_eq!(control["attestations"][0]["artifact_ids"], json!([report]));
}

/// Nobody vouches for what they registered; another person does, and even then
/// not in the place of what the ledger has to show.
#[tokio::test]
async fn an_attestation_counts_where_another_person_is_known_to_make_it() {
    let node = Node::founded();
    close(&node);
    let officer = Person::new(1, "olga", AccountRole::ComplianceOfficer);
    let other = Person::new(2, "piet", AccountRole::ComplianceOfficer);
    for person in [&officer, &other] {
        admit(&node, person);
    }
    let config = Config { auth: AuthMode::Required, ..Config::default() };
    let server = Server::with(node, config);
    let by = |person: &Person| format!("Bearer {}", person.session());
    let (olga, piet) = (by(&officer), by(&other));
    let post = async |who: &str, path: &str, body: Value| {
        let reply = server.call("POST", path, &body.to_string(), &[("authorization", who)]).await;
        assert_eq!(reply.outcome(), "200", "{path}: {}", reply.json());
        reply.json()
    };
    let register = json!({"artifact_type": "external_report", "content": "x", "source": "y"});
    let report = post(&olga, "/evidence/register", register).await["artifact_id"].clone();
    let link = json!({"artifact_id": report});
    post(&olga, "/compliance/soc2/CC6.1/link-evidence", link).await;
    let attest = "/compliance/soc2/CC6.1/attest";
    let vouch = json!({"statement": "I read it, and it says so.", "artifact_ids": [report]});
    let own = post(&olga, attest, vouch.clone()).await;
    assert_eq!(own["attestations"][0]["counts"], false);
    assert!(own["missing"].as_array().unwrap().contains(&json!("asset_inventory")));
    let second = post(&piet, attest, vouch).await;
    assert_eq!(second["attestations"][1]["counts"], true);
    let missing = second["missing"].as_array().unwrap();
    assert!(!missing.contains(&json!("asset_inventory")), "{missing:?}");
    assert_ne!(second["status"], "evidence_sufficient", "the ledger shows too little");
}

/// An auditor reads all of it, and changes nothing.
#[tokio::test]
async fn an_auditor_reads_everything_and_changes_nothing() {
    let node = Node::founded();
    close(&node);
    let auditor = Person::new(1, "ada", AccountRole::Auditor);
    admit(&node, &auditor);
    let config = Config { auth: AuthMode::Required, ..Config::default() };
    let server = Server::with(node, config);
    let who = format!("Bearer {}", auditor.session());
    let ask = async |method: &str, path: &str, body: &str| {
        server.call(method, path, body, &[("authorization", &who)]).await.outcome()
    };
    for path in [
        "/compliance/statistics",
        "/compliance/profile",
        "/compliance/timeline",
        "/compliance/eu-ai-act",
        "/compliance/eu-ai-act/article-12",
        "/compliance/soc2/controls",
        "/compliance/soc2/CC6.1",
        "/compliance/soc2/gaps",
        "/compliance/soc2/report",
        "/compliance/soc2/coverage",
        "/compliance/queries",
        "/compliance/queries/ledger_verify",
    ] {
        assert_eq!(ask("GET", path, "").await, "200", "{path}");
    }
    let size = server.node.ledger_size();
    let profile = profile().to_string();
    assert_eq!(ask("PUT", "/compliance/profile", &profile).await, "403 permission_denied");
    let vouch = json!({"statement": "I read it, and it says so.", "artifact_ids": ["evd_1"]});
    let attest = ask("POST", "/compliance/soc2/CC6.1/attest", &vouch.to_string()).await;
    assert_eq!(attest, "403 permission_denied");
    assert_eq!(server.node.ledger_size(), size);
}
