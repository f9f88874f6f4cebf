//! The document of the small package, and what it must never say.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn compliance() -> Json {
    serde_json::from_slice(&fs::read(path("package/compliance.json")).unwrap()).unwrap()
}

fn assessed(compliance: Option<&Json>) -> Json {
    results(&Assessed {
        origin: "lexecon.local/clu_01K1R0C9N5T8Z4W2Y6V3Q7M1HD",
        ledger_size: 11,
        erasures_through: None,
        root: "b121c47c49980b6e344f5cd86ef0ce996cbb88acdf0642b5ab78567412309c2f",
        start: "2027-03-04T05:06:07.123456Z",
        now: "2027-03-04T05:06:19.623456Z",
        compliance,
    })
}

/// Compares with a file, or writes it where `UPDATE_GOLDEN` is set.
fn golden(name: &str, document: &Json) {
    let text = serde_json::to_string_pretty(document).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path(name), &text).unwrap();
    }
    assert_eq!(fs::read_to_string(path(name)).unwrap(), text, "UPDATE_GOLDEN=1 writes `{name}`");
}

#[test]
fn results_are_those_of_the_golden_file() {
    golden("oscal/assessment-results.json", &assessed(Some(&compliance())));
    golden("oscal/assessment-results-of-nothing.json", &assessed(None));
}

#[test]
fn the_component_is_that_of_the_golden_file() {
    let control = |id: &str, coverage: &str| {
        Json::object([
            ("control_id", id.into()),
            ("title", "Title |".into()),
            ("coverage", coverage.into()),
            ("primitives", vec!["ledger_chain".to_owned()].into()),
            ("human_evidence", vec!["policy_document".to_owned()].into()),
        ])
    };
    let controls =
        vec![control("AC-2(4)", "full"), control("AC-1", "supporting"), control("PE-1", "none")];
    let framework = Json::object([
        ("framework", "fedramp".into()),
        ("title", "FedRAMP Moderate".into()),
        ("version", "Rev5".into()),
        ("controls", Json::Array(controls)),
    ]);
    let register = Json::object([
        ("register_version", "2026-11-22".into()),
        ("timestamp", "2026-11-22T00:00:00.000000Z".into()),
        ("frameworks", Json::Array(vec![framework])),
    ]);
    golden("oscal/component-definition.json", &super::super::component_definition(&register));
}

#[test]
fn only_what_the_system_implements_or_has_on_file_is_satisfied() {
    let satisfied = |detail: &str| state(detail).0 == "satisfied";
    for detail in ["implemented_by_system", "evidence_on_file"] {
        assert!(satisfied(detail), "{detail}");
    }
    for detail in [
        "system_evidence_present_human_evidence_missing",
        "needs_human_evidence",
        "failing",
        "stale",
        "not_covered",
        "inconclusive",
        "not_yet_applicable",
        "a word of tomorrow",
        "",
    ] {
        assert!(!satisfied(detail), "{detail}");
    }
}

#[test]
fn what_does_not_apply_has_no_finding_and_a_shared_query_one_observation() {
    let document = assessed(Some(&compliance())).to_canonical();
    assert_eq!(document.matches("\"target-id\"").count(), 4);
    assert!(!document.contains("\"target-id\":\"AIA-5.1\""));
    assert!(document.contains("\"exclude-controls\":[{\"control-id\":\"AIA-5.1\"}]"));
    assert_eq!(document.matches("Query decisions_denied").count(), 1);
    assert!(!document.to_lowercase().contains("compliant"));
    assert!(!document.contains("certified"));
}
