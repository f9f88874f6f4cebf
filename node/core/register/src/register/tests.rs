//! What the data must hold, whoever edits them.

use super::*;
use crate::words::{Coverage, EvidenceKind, Primitive, Query};

fn day(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_text_is_read_and_known_by_its_digest() {
    let register = Register::read(TEXT).unwrap();
    assert_eq!(register.version(), "2026-11-22");
    assert_eq!(register.digest(), Digest(Sha256::digest(TEXT.as_bytes()).into()));
    assert_ne!(register.digest(), Digest::default());
}

#[test]
fn nothing_of_the_data_is_lost() {
    let register = register();
    assert_eq!(register.articles().len(), 48);
    assert_eq!(register.duties().count(), 219);
    assert_eq!(register.duties().filter(|(_, duty)| duty.assessable).count(), 200);
    assert_eq!(register.frameworks().len(), 12);
    let controls = register.frameworks().iter().map(|framework| framework.controls.len());
    assert_eq!(controls.sum::<usize>(), 1133);
    assert_eq!((Primitive::ALL.len(), Query::ALL.len(), EvidenceKind::ALL.len()), (25, 49, 34));
    for name in ["annex_iii", "annex_iv", "annex_viii", "serious_incidents", "retention_table"] {
        assert!(register.annex(name).is_some(), "{name}");
    }
    assert!(register.annex("annex_i").is_none());
}

#[test]
fn every_duty_and_control_is_found_by_its_id() {
    let register = register();
    for (article, duty) in register.duties() {
        assert_eq!(register.duty(&duty.id), Some((article, duty)), "{}", duty.id);
        assert!(register.has(&format!("eu_ai_act:{}", duty.id)));
    }
    for framework in register.frameworks() {
        for control in &framework.controls {
            let found = register.control(framework.id(), &control.id);
            assert_eq!(found, Some(control), "{} {}", framework.id(), control.id);
        }
    }
}

#[test]
fn ids_of_the_wire_and_of_the_data_lead_to_the_same() {
    let register = register();
    let fedramp = register.framework("fedramp").unwrap();
    assert_eq!((fedramp.id(), fedramp.data_id.as_str()), ("fedramp", "fedramp_moderate"));
    assert_eq!(register.framework("fedramp_moderate"), Some(fedramp));
    assert!(register.has("fedramp:AC-1") && register.has("fedramp_moderate:AC-1"));
    let alias = register.control("gdpr", "ARTICLE_30").unwrap();
    assert_eq!(alias.id, "Art.30");
    assert_eq!(register.control("soc2", "ARTICLE_30"), None);
    assert_eq!(register.framework("SOC2"), None);
}

#[test]
fn an_article_is_found_by_its_number_also_within_a_range() {
    let id = |number: &str| register().article(number).map(|article| article.id.as_str());
    assert_eq!(id("9"), Some("AIA-9"));
    assert_eq!(id("30"), Some("AIA-28-39"));
    assert_eq!(id("28-39"), Some("AIA-28-39"));
    for none in ["1", "7", "99", "", "9(1)"] {
        assert_eq!(id(none), None, "{none}");
    }
}

#[test]
fn a_duty_applies_from_the_day_of_its_route_as_amended() {
    let register = register();
    let from = |id: &str, roles: &[Role], routes: &[RiskRoute]| {
        let (_, duty) = register.duty(id).unwrap();
        register.applicable_from(duty, roles, routes)
    };
    use RiskRoute::{AnnexI, AnnexIii, Minimal};
    assert_eq!(from("AIA-9.1", &[Role::Provider], &[AnnexIii]), Some(day("2027-12-02")));
    assert_eq!(from("AIA-9.1", &[Role::Provider], &[AnnexI]), Some(day("2028-08-02")));
    assert_eq!(from("AIA-9.1", &[Role::Provider], &[AnnexI, AnnexIii]), Some(day("2027-12-02")));
    assert_eq!(from("AIA-9.1", &[], &[]), Some(day("2027-12-02")));
    assert_eq!(from("AIA-9.1", &[Role::Provider], &[Minimal]), None);
    assert_eq!(from("AIA-9.1", &[Role::Deployer], &[AnnexIii]), None);
    assert_eq!(from("AIA-4.1", &[Role::Deployer], &[Minimal]), Some(day("2025-02-02")));
}

/// No profile can say whether an organisation makes general-purpose models, or
/// products that systems are part of.
#[test]
fn a_duty_of_roles_that_no_profile_can_name_stays_whatever_the_profile_says() {
    let is_declared = |role: &Role| Role::DECLARED.contains(role);
    let of_others: Vec<&str> = register()
        .duties()
        .filter(|(_, duty)| duty.assessable && !duty.obliged.iter().any(is_declared))
        .map(|(_, duty)| duty.id.as_str())
        .collect();
    assert_eq!(of_others.len(), 13, "{of_others:?}");
    for id in of_others {
        let (article, duty) = register().duty(id).unwrap();
        for role in Role::DECLARED {
            let routes = [RiskRoute::AnnexIii];
            let from = article.applicable_from(duty, &[role], &routes);
            assert_eq!(from, article.applicable_from(duty, &[], &routes), "{id} {role}");
            assert!(from.is_some(), "{id}");
        }
    }
    // Of authorities nothing is asked here, and what is for some is not for others.
    assert!(register().duty("AIA-73.7").is_some_and(|(_, duty)| !duty.assessable));
    let (article, duty) = register().duty("AIA-9.1").unwrap();
    assert_eq!(article.applicable_from(duty, &[Role::Importer], &[RiskRoute::AnnexIii]), None);
}

/// What the register says is shown as ours. The names of things keep their words.
#[test]
fn no_text_that_is_shown_says_that_somebody_is_what_only_others_can_say() {
    let articles = register().articles().iter();
    let titles = articles.map(|article| (article.id.as_str(), article.title.as_str()));
    let duties = register().duties().map(|(_, duty)| (duty.id.as_str(), duty.text.as_str()));
    let controls = register().frameworks().iter().flat_map(|framework| &framework.controls);
    let controls = controls.map(|control| (control.id.as_str(), control.title.as_str()));
    for (id, text) in titles.chain(duties).chain(controls) {
        let text = text.to_lowercase();
        assert!(!text.contains("compliant") && !text.contains("certified"), "{id}: {text}");
    }
}

#[test]
fn the_timeline_is_in_order_and_split_by_a_day() {
    let register = register();
    assert!(register.timeline().is_sorted_by_key(|milestone| milestone.date));
    let (past, coming) = register.changes(day("2026-11-26"));
    assert_eq!((past.len(), coming.len()), (5, 8));
    assert_eq!(coming[0].date, day("2026-12-02"));
    let (past, coming) = register.changes(day("2026-12-02"));
    assert_eq!((past.len(), coming.len()), (6, 7));
}

#[test]
fn what_begins_when_is_told_for_roles_and_routes() {
    let begins = register().begins(&[Role::Deployer], &[RiskRoute::AnnexIii]);
    let of = |text: &str| -> Vec<&str> {
        begins[&day(text)].iter().map(|article| article.article.as_str()).collect()
    };
    assert_eq!(of("2025-02-02"), ["4", "5"]);
    // Those of providers of models, since nobody said that they are none.
    assert!(of("2025-08-02").contains(&"53"));
    assert!(of("2027-12-02").contains(&"26"));
    assert!(!begins.values().flatten().any(|article| article.article == "9"));
    assert!(!begins.contains_key(&day("2028-08-02")));
}

/// What the ledger shows nothing of, it is not asked about; what it shows in
/// part or less needs people.
#[test]
fn coverage_agrees_with_what_is_asked_for() {
    let check = |id: &str, of: (Coverage, usize, usize)| match of {
        (Coverage::None, queries, _) => assert_eq!(queries, 0, "{id}"),
        (Coverage::Full, queries, _) => assert_ne!(queries, 0, "{id}"),
        (Coverage::Partial | Coverage::Supporting, queries, human) => {
            assert!(0 < queries && 0 < human, "{id}");
        }
    };
    for (_, duty) in register().duties().filter(|(_, duty)| duty.assessable) {
        let queries = duty.system_evidence.queries.len();
        check(&duty.id, (duty.coverage, queries, duty.human_evidence.len()));
    }
    for framework in register().frameworks() {
        for control in &framework.controls {
            let of = (control.coverage, control.queries.len(), control.human_evidence.len());
            check(&control.id, of);
        }
    }
}

#[test]
fn every_status_has_a_rule_and_no_status_is_a_word_that_is_never_said() {
    let model = register().annex("status_model").and_then(Json::as_object).unwrap();
    let never: Vec<&str> = model
        .get("never_output")
        .and_then(Json::as_array)
        .unwrap()
        .iter()
        .filter_map(Json::as_str)
        .collect();
    assert_eq!(never.len(), 4);
    let details = crate::Detail::ALL.iter().map(|detail| detail.as_str());
    let statuses = crate::Status::ALL.iter().map(|status| status.as_str());
    for word in details.chain(statuses) {
        assert!(!never.contains(&word) && !word.contains("complian") && !word.contains("certif"));
    }
    let told = model.get("reported_status").and_then(Json::as_array).unwrap();
    let told: Vec<&str> =
        told.iter().filter_map(|one| one.as_object()?.get("id")?.as_str()).collect();
    assert!(crate::Detail::ALL.iter().all(|detail| told.contains(&detail.as_str())));
}
