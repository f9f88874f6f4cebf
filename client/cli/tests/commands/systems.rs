//! `lexecon system`, `incident` and `compliance`: what is sent, and what is shown
//! of what comes back.

use crate::double::Said;
use crate::shell::{ask, check, run};

const SYSTEM: &str = r#"{"system_id":"sys_1","name":"Triage","intended_purpose":"Sorts","role":"provider","risk_route":"annex_iii","actor_patterns":["ai:a","ai:b:*"],"placed_on_market":"2027-01-15T00:00:00.000000Z","put_into_service":null,"retired":null,"annex_viii":null,"metadata":null,"status":"in_use","version":2,"created_at":"2027-01-01T00:00:00.000000Z","updated_at":"2027-03-04T05:06:07.000000Z","ledger_entry_id":7}"#;

const SHOWN: &str = "system         sys_1
name           Triage
purpose        Sorts
role           provider
route          annex_iii
status         in_use
actors         ai:a, ai:b:*
on the market  2027-01-15T00:00:00.000000Z
version        2
updated        2027-03-04T05:06:07.000000Z
entry          7
";

const REGISTER: [&str; 14] = [
    "system",
    "register",
    "--name",
    "Triage",
    "--purpose",
    "Sorts",
    "--role",
    "provider",
    "--route",
    "annex_iii",
    "--actor",
    "ai:a",
    "--actor",
    "ai:b:*",
];

#[tokio::test]
async fn a_system_is_sent_as_it_was_told() {
    check(&REGISTER, SYSTEM, 0, SHOWN).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("annex.yaml");
    std::fs::write(&path, "contact:\n  email: a@example.com\n").unwrap();
    let more = ["--annex-viii", path.to_str().unwrap(), "--placed-on-market", "2027-01-15"];
    let words: Vec<&str> = REGISTER.into_iter().chain(more).collect();
    let (_ran, node) = ask(&words, Said::ok(SYSTEM)).await;
    assert_eq!(node.lines(), ["POST /systems"]);
    let body = r#"{"actor_patterns":["ai:a","ai:b:*"],"annex_viii":{"contact":{"email":"a@example.com"}},"intended_purpose":"Sorts","name":"Triage","placed_on_market":"2027-01-15","risk_route":"annex_iii","role":"provider"}"#;
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn a_change_of_a_system_names_something() {
    let words = ["system", "update", "sys_1", "--retired", "2027-12-31"];
    let (_ran, node) = ask(&words, Said::ok(SYSTEM)).await;
    assert_eq!(node.lines(), ["PATCH /systems/sys_1"]);
    assert_eq!(node.asked()[0].body, r#"{"retired":"2027-12-31"}"#);
    assert_eq!(run(&["system", "update", "sys_1"]).await.exit, 2);
    assert_eq!(run(&["system", "update", "sys_1", "--role", "owner"]).await.exit, 2);
}

#[tokio::test]
async fn systems_are_listed_in_columns() {
    let page = format!(
        r#"{{"systems":[{SYSTEM}],"total":2,"total_exact":true,"next":"sys_1","as_of_index":9}}"#
    );
    let shown = "SYSTEM  STATUS  ROLE      ROUTE      VERSION  NAME
sys_1   in_use  provider  annex_iii  2        Triage
more with --after sys_1
";
    let words = ["system", "list", "--status", "in_use", "--limit", "1"];
    check(&words, &page, 0, shown).await;
    let (_ran, node) = ask(&words, Said::ok(&page)).await;
    assert_eq!(node.lines(), ["GET /systems?status=in_use&limit=1"]);
    let newest: Vec<&str> = words.into_iter().chain(["--order", "desc"]).collect();
    let (_ran, node) = ask(&newest, Said::ok(&page)).await;
    assert_eq!(node.lines(), ["GET /systems?status=in_use&limit=1&order=desc"]);
    let (ran, _node) = ask(&["system", "show", "x"], Said::problem(404, "unknown_system")).await;
    assert_eq!(ran.exit, 3);
}

const INCIDENT: &str = r#"{"incident_id":"inc_1","category":"health_harm","other_categories":["death"],"clock_days":10,"report_due_at":"2027-03-14T05:06:07.000000Z","status":"open","overdue":true,"title":"t","description":null,"aware_at":"2027-03-04T05:06:07.000000Z","provider_aware_at":null,"deployer_aware_at":"2027-03-04T05:06:08.000000Z","causal_link_at":null,"occurred_at":null,"system_id":"sys_1","decision_ids":["dec_1"],"hold_id":"hold_1","recorded_at":"2027-03-04T05:06:07.000000Z","authority":null,"reference":null,"reported_at":null,"notes":null,"closed_at":null,"ledger_entry_id":9}"#;

#[tokio::test]
async fn an_incident_is_sent_as_it_was_told_and_shown_with_its_clock() {
    let words = [
        "incident",
        "record",
        "--title",
        "t",
        "--description",
        "d",
        "--category",
        "health_harm",
        "--also",
        "death",
        "--deployer-aware-at",
        "2027-03-04T05:06:08Z",
        "--system",
        "sys_1",
        "--aware-at",
        "2027-03-04T05:06:07Z",
        "--about",
        "dec_1",
    ];
    let shown = "incident         inc_1
title            t
category         health_harm
also             death
status           open
known since      2027-03-04T05:06:07.000000Z
to the deployer  2027-03-04T05:06:08.000000Z
report by        2027-03-14T05:06:07.000000Z (overdue)
system           sys_1
decisions        dec_1
hold             hold_1
entry            9
";
    check(&words, INCIDENT, 0, shown).await;
    let (_ran, node) = ask(&words, Said::ok(INCIDENT)).await;
    assert_eq!(node.lines(), ["POST /compliance/eu-ai-act/article-73/incidents"]);
    let body = r#"{"aware_at":"2027-03-04T05:06:07Z","category":"health_harm","decision_ids":["dec_1"],"deployer_aware_at":"2027-03-04T05:06:08Z","description":"d","other_categories":["death"],"system_id":"sys_1","title":"t"}"#;
    assert_eq!(node.asked()[0].body, body);
    let report = ["incident", "report", "inc_1", "--authority", "a", "--reference", "b"];
    let (ran, node) = ask(&report, Said::problem(409, "already_reported")).await;
    assert_eq!(ran.exit, 3);
    assert_eq!(node.lines(), ["POST /compliance/eu-ai-act/article-73/incidents/inc_1/reported"]);
}

#[tokio::test]
async fn documents_are_shown_or_written_in_the_form_that_is_asked_for() {
    let words = ["compliance", "document", "49", "--system", "sys_1", "--as-of", "7"];
    let (ran, node) = ask(&words, Said::ok("# Article 49\n\ntext\n")).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, "# Article 49\n\ntext\n"));
    let path = "/compliance/eu-ai-act/article-49/documentation?system_id=sys_1&as_of=7";
    assert_eq!(node.lines(), [format!("GET {path}&format=markdown")]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.html");
    let at = path.to_str().unwrap();
    let words = ["compliance", "annex-iv", "package", "--format", "html", "--output", at];
    let (ran, node) = ask(&words, Said::ok("<!DOCTYPE html>")).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, ""));
    assert_eq!(node.lines(), ["GET /compliance/eu-ai-act/annex-iv/package?format=html"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "<!DOCTYPE html>");
    let (ran, _node) = ask(&words, Said::problem(409, "annex_iv_incomplete")).await;
    assert_eq!(ran.exit, 3);
}

#[tokio::test]
async fn a_section_is_written_from_a_file_and_what_is_missing_is_an_answer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("section.yaml");
    std::fs::write(&path, "text: all of it\n").unwrap();
    let section = r#"{"system_id":null,"number":3,"title":"Monitoring","status":"evidence_sufficient","missing":[],"points":[],"content":{"text":"all of it"},"content_digest":null,"updated_by":"eve","updated_at":"2027-03-04T05:06:07.000000Z","ledger_entry_id":9}"#;
    let words = ["compliance", "annex-iv", "set", "3", path.to_str().unwrap()];
    let shown = "section  3 Monitoring
status   evidence_sufficient
by       eve
at       2027-03-04T05:06:07.000000Z
entry    9
";
    check(&words, section, 0, shown).await;
    let (_ran, node) = ask(&words, Said::ok(section)).await;
    assert_eq!(node.lines(), ["PUT /compliance/eu-ai-act/annex-iv/3"]);
    assert_eq!(node.asked()[0].body, r#"{"content":{"text":"all of it"}}"#);
    let all = |complete: bool| {
        format!(
            r#"{{"system_id":null,"sections":[{section}],"complete":{complete},"as_of_index":9}}"#
        )
    };
    let shown = "SECTION  STATUS               MISSING  ENTRY  TITLE
3        evidence_sufficient  -        9      Monitoring
";
    check(&["compliance", "annex-iv", "show"], &all(true), 0, shown).await;
    check(&["compliance", "annex-iv", "show"], &all(false), 1, shown).await;
    assert_eq!(run(&["compliance", "annex-iv", "set", "10", "x"]).await.exit, 2);
}
