//! `lexecon compliance` and `lexecon audit`: what is asked, and what is shown.

use crate::double::{Double, Said};
use crate::shell::{ask, check, run};

const STATISTICS: &str = r#"{"frameworks_tracked":1,"frameworks":[{"framework":"soc2","total_controls":61,"by_status":{"evidence_sufficient":0,"partial":2,"insufficient":40,"needs_human_evidence":19,"not_applicable":0}}],"total_controls":61,"by_status":{"evidence_sufficient":0,"partial":2,"insufficient":40,"needs_human_evidence":19,"not_applicable":0},"overall_coverage_percent":0,"obligations":{"by_status":{"insufficient":7}},"register_version":"2026-11-22","as_of_index":136}"#;

const STATISTICS_SHOWN: &str = "\
OF            SUFFICIENT  PARTIAL  NEEDS PEOPLE  INSUFFICIENT  NOT APPLICABLE
soc2          0           2        19            40            0
all controls  0           2        19            40            0
eu-ai-act     0           0        0             7             0
as of entry 136
";

#[tokio::test]
async fn counts_are_shown_by_status() {
    let words = ["compliance", "statistics", "--as-of", "136"];
    check(&words, STATISTICS, 0, STATISTICS_SHOWN).await;
    let (_ran, node) = ask(&words, Said::ok(STATISTICS)).await;
    assert_eq!(node.lines(), ["GET /compliance/statistics?as_of=136"]);
}

const CONTROL: &str = r#"{"control_id":"CC6.1","framework":"soc2","title":"Logical access","category":"CC6","status":"insufficient","status_detail":"inconclusive","evidence":[{"query":"decisions_denied","version":1,"count":4,"population":4,"threshold":1,"result":"pass","satisfied":true,"digest":"aabbccddeeff00112233"}],"human_evidence_required":["asset_inventory"],"evidence_artifact_ids":["evd_1"],"attestations":[{"attestation_id":"att_1","attested_by":"act_human_user:jane","artifact_ids":["evd_1"],"attested_at":"2027-03-04T05:06:07.000000Z","valid_until":null,"counts":false,"ledger_entry_id":9}],"primitives":["access_control"],"missing":["mfa_coverage","asset_inventory"],"last_evidence_at":null,"as_of_index":136}"#;

const CONTROL_SHOWN: &str = "\
control   soc2 CC6.1
about     Logical access
category  CC6
status        insufficient (inconclusive)
people bring  asset_inventory
linked        evd_1
missing       mfa_coverage, asset_inventory
attested by act_human_user:jane at 2027-03-04T05:06:07.000000Z, until -: does not count
QUESTION          RESULT  FOUND             DIGEST
decisions_denied  pass    4 of 4, 1 needed  aabbccddeeff
";

#[tokio::test]
async fn a_control_is_shown_with_what_there_is_for_it() {
    check(&["compliance", "show", "soc2", "CC6.1"], CONTROL, 0, CONTROL_SHOWN).await;
    let words = [
        "compliance",
        "attest",
        "nist_ai_rmf",
        "GOVERN 1.1",
        "--artifact",
        "evd_1",
        "--statement",
        "I have read all of it.",
        "--by",
        "act_human_user:jane",
    ];
    let (ran, node) = ask(&words, Said::ok(CONTROL)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, CONTROL_SHOWN));
    assert_eq!(node.lines(), ["POST /compliance/nist_ai_rmf/GOVERN%201.1/attest"]);
}

const DUTIES: &str = r#"{"article":"9","title":"Risk management","part":"III.2","obligations":[{"id":"AIA-9.1","ref":"9(1)","article":"9","title":"Have a risk management system","applicable_from":null,"status":"not_applicable","status_detail":"not_applicable","evidence":[],"human_evidence_required":[],"evidence_artifact_ids":[],"attestations":[],"primitives":[],"missing":[],"last_evidence_at":null}],"summary":{"by_status":{"not_applicable":1}},"register_version":"2026-11-22","as_of_index":3}"#;

const DUTIES_SHOWN: &str = "\
DUTY     STATUS          FROM   ABOUT
AIA-9.1  not_applicable  never  Have a risk management system

OF         SUFFICIENT  PARTIAL  NEEDS PEOPLE  INSUFFICIENT  NOT APPLICABLE
eu-ai-act  0           0        0             0             1
as of entry 3
";

#[tokio::test]
async fn duties_are_listed_by_article() {
    check(&["compliance", "article", "9"], DUTIES, 0, DUTIES_SHOWN).await;
    let (_ran, node) = ask(&["compliance", "article", "9"], Said::ok(DUTIES)).await;
    assert_eq!(node.lines(), ["GET /compliance/eu-ai-act/article-9"]);
    let words = ["compliance", "register", "--status", "partial", "--article", "9"];
    let (_ran, node) = ask(&words, Said::ok(DUTIES)).await;
    assert_eq!(node.lines(), ["GET /compliance/eu-ai-act?status=partial&article=9"]);
    assert_eq!(run(&["compliance", "register", "--status", "fine"]).await.exit, 2);
}

const QUERIES: &str = r#"{"queries":[{"query":"decisions_denied","version":1,"count":4,"population":4,"threshold":1,"result":"pass","satisfied":true,"digest":"aa","parameters":{},"completeness":{"first":1,"last":9,"gaps":[]},"last_evidence_at":null},{"query":"mfa_coverage","version":1,"count":0,"population":0,"threshold":0,"result":"inconclusive","satisfied":false,"digest":"bb","parameters":{},"completeness":{},"last_evidence_at":null}],"as_of_index":136}"#;

#[tokio::test]
async fn a_pack_asks_its_questions_as_of_one_entry_and_prints_the_same_bytes_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pack.yaml");
    std::fs::write(&file, "name: access\nqueries: [mfa_coverage]\n").unwrap();
    let path = file.to_str().unwrap();
    let words = ["audit", "pack", "run", path, "--as-of", "136"];
    let (first, node) = ask(&words, Said::ok(QUERIES)).await;
    assert_eq!((first.exit, first.err.as_str()), (0, ""));
    assert_eq!(node.lines(), ["GET /compliance/queries?as_of=136"]);
    assert!(first.out.starts_with(r#"{"as_of_index":136,"name":"access","results":[{"#));
    assert!(first.out.contains("mfa_coverage") && !first.out.contains("decisions_denied"));
    let (again, _node) = ask(&words, Said::ok(QUERIES)).await;
    assert_eq!(again.out, first.out);
    std::fs::write(&file, "name: access\nqueries: [nonesuch]\n").unwrap();
    let (ran, _node) = ask(&words, Said::ok(QUERIES)).await;
    assert_eq!(ran.exit, 2, "{}", ran.err);
    std::fs::write(&file, "name: access\nquestions: [mfa_coverage]\n").unwrap();
    assert_eq!(run(&words).await.exit, 2);
}

/// An entry of a population.
fn entry(id: u64) -> String {
    format!(
        r#"{{"id":{id},"format":1,"entry_type":"decision","timestamp":"2027-03-04T05:06:07.123456Z","actor":"ai:a","data":null,"salt":null,"data_hash":"77","personal":null,"personal_salt":null,"personal_hash":null,"previous_hash":"2f","current_hash":"c{id}","type_seq":1,"actor_seq":1,"erased":null}}"#
    )
}

fn page(ids: &[u64], next: &str) -> Said {
    let entries: Vec<String> = ids.iter().copied().map(entry).collect();
    let entries = entries.join(",");
    Said::ok(&format!(
        r#"{{"entries":[{entries}],"total":3,"total_exact":true,"next":{next},"chain_valid":null,"verified_through":null,"checkpoint":null}}"#
    ))
}

#[tokio::test]
async fn a_sample_is_drawn_from_every_page_of_the_population() {
    let said = [page(&[3, 5], "5"), page(&[8], "null"), Said::ok(&entry(5)), Said::ok(&entry(8))];
    let node = Double::start(said).await;
    let words = ["audit", "sample", "--population", "decisions", "--size", "2", "--seed", "7"];
    let more = ["--as-of", "9", "--json", "--url", &node.url];
    let ran = run(&[words.as_slice(), more.as_slice()].concat()).await;
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let lines = node.lines();
    let population = "GET /ledger/entries?limit=1000&before=10&entry_type=decision";
    assert_eq!(lines[0], population);
    assert_eq!(lines[1], "GET /ledger/entries?limit=1000&after=5&before=10&entry_type=decision");
    let drawn: types::Json = serde_json::from_str(&ran.out).unwrap();
    let drawn = drawn.as_object().unwrap();
    let of = drawn.get("population").unwrap().as_object().unwrap();
    let digest = ledger::hash::sha256(b"3 c3\n5 c5\n8 c8\n").to_string();
    assert_eq!(of.get("digest").unwrap().as_str(), Some(digest.as_str()));
    assert_eq!(of.get("count").unwrap().as_u64(), Some(3));
    assert_eq!(drawn.get("sample").unwrap().as_array().unwrap().len(), 2);
    // Two different entries were fetched.
    assert_eq!(lines.len(), 4);
    assert_ne!(lines[2], lines[3]);
}

#[tokio::test]
async fn what_the_product_offers_to_controls_is_printed_without_any_node() {
    let ran = run(&["compliance", "oscal-component", "--url", "http://127.0.0.1:1"]).await;
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let written: types::Json = serde_json::from_str(&ran.out).unwrap();
    let member = |json: &types::Json, name: &str| json.as_object().unwrap().get(name).cloned();
    let definition = member(&written, "component-definition").unwrap();
    let components = member(&definition, "components").unwrap();
    let component = components.as_array().unwrap().first().cloned().unwrap();
    let implementations = member(&component, "control-implementations").unwrap();
    assert_eq!(implementations.as_array().unwrap().len(), register::register().frameworks().len());
    let offered = |framework: &register::Framework| {
        let has = |control: &&register::Control| control.coverage != register::Coverage::None;
        framework.controls.iter().filter(has).count()
    };
    for (framework, written) in
        register::register().frameworks().iter().zip(implementations.as_array().unwrap())
    {
        let requirements = member(written, "implemented-requirements").unwrap();
        assert_eq!(
            requirements.as_array().unwrap().len(),
            offered(framework),
            "{}",
            framework.id()
        );
    }

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("component.json");
    let words = ["compliance", "oscal-component", "--output", path.to_str().unwrap()];
    assert_eq!(run(&words).await.exit, 0);
    assert_eq!(std::fs::read_to_string(path).unwrap(), ran.out.trim_end());
}
