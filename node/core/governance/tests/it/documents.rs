//! Documents for an authority: who says what, what is missing, and what may not
//! be said.

use crate::support::{Machine, SECOND, data, decided, erase, id, load, named, policy, recorded};
use crate::systems::{details, section, update};
use governance::command::{
    AttestControl, Command, ErasedPart, EvidenceContent, LinkControl, Principal, RegisterEvidence,
    RegisterSystem, SystemDetails, SystemRole, UpdateRegister,
};
use governance::document::{self, Asked, Document, Item, Source};
use governance::record::ArtifactKind;
use governance::view;
use ledger::EntryType;
use types::{ArtifactId, Digest, EntryId, Json, SystemId, Timestamp};

const ANA: &str = "act_human_user:ana";
const JANE: &str = "act_human_user:jane";

fn checked(who: &str) -> Principal {
    Principal { authn: "oidc".to_owned(), ..named(who) }
}

fn head(machine: &Machine) -> EntryId {
    EntryId(view::head(&machine.store).unwrap().size() - 1)
}

fn registered(machine: &mut Machine, change: impl FnOnce(&mut SystemDetails)) -> SystemId {
    let mut details = details("Triage");
    change(&mut details);
    let contact = Some(Json::object([("email", "ana@example.com".into())]));
    let command = Command::RegisterSystem(Box::new(RegisterSystem { details, contact }));
    let entry = recorded(machine.run_for(checked(ANA), 20 * SECOND, command));
    id(&data(machine, entry), "system_id")
}

fn with_system(change: impl FnOnce(&mut SystemDetails)) -> (Machine, SystemId) {
    let mut machine = Machine::founded();
    let system = registered(&mut machine, change);
    (machine, system)
}

fn article(machine: &Machine, number: u16, system: Option<SystemId>) -> Document {
    let asked = Asked { system, as_of: head(machine) };
    document::article(&machine.store, number, asked).unwrap().unwrap()
}

#[track_caller]
fn item(document: &Document, name: &str) -> Item {
    let mut items = document.sections.iter().flat_map(|section| &section.items);
    let found = items.find(|item| item.name == name);
    found.unwrap_or_else(|| panic!("{name} is not in {document:?}")).clone()
}

fn annex_viii(text: &'static str) -> impl FnOnce(&mut SystemDetails) {
    move |it| it.annex_viii = Some(serde_json::from_str(text).unwrap())
}

/// A duty of Article 9 that people bring evidence to, and a kind of it.
fn duty() -> (String, String) {
    let article = register::register().article("9").unwrap();
    let asks = |duty: &&register::Duty| duty.assessable && !duty.human_evidence.is_empty();
    let duty = article.duties.iter().find(asks).unwrap();
    (duty.id.clone(), duty.human_evidence[0].as_str().to_owned())
}

fn linked(machine: &mut Machine) -> (ArtifactId, EntryId) {
    let evidence = RegisterEvidence {
        kind: ArtifactKind::ExternalReport,
        content: EvidenceContent::Inline(b"what was found".to_vec()),
        content_type: None,
        source: "acme".to_owned(),
        decisions: Vec::new(),
        controls: Vec::new(),
        storage_uri: None,
        retention_days: None,
        metadata: None,
    };
    let command = Command::RegisterEvidence(Box::new(evidence));
    let entry = recorded(machine.run_for(checked(ANA), 30 * SECOND, command));
    let artifact = id(&data(machine, entry), "artifact_id");
    let (control_id, kind) = duty();
    let link = LinkControl {
        framework: "eu_ai_act".to_owned(),
        control_id,
        artifact,
        evidence_types: vec![kind],
    };
    recorded(machine.run_for(checked(ANA), 31 * SECOND, Command::LinkControl(Box::new(link))));
    (artifact, entry)
}

fn attested(machine: &mut Machine, artifact: ArtifactId, valid_until: Option<Timestamp>) {
    let attest = AttestControl {
        framework: "eu_ai_act".to_owned(),
        control_id: duty().0,
        artifacts: vec![artifact],
        statement: "I have read the report and it says so.".to_owned(),
        valid_until,
    };
    let command = Command::AttestControl(Box::new(attest));
    recorded(machine.run_for(checked(JANE), 32 * SECOND, command));
}

#[test]
fn evidence_that_was_linked_stays_missing_until_another_vouches_for_it() {
    let mut machine = Machine::founded();
    let (duty, kind) = duty();
    let name = format!("{duty}.{kind}");
    let how = |machine: &Machine| {
        let item = item(&article(machine, 9, None), &name);
        let standing = item.value.as_array().and_then(|it| it[0].as_object()?.get("standing"));
        (standing.and_then(Json::as_str).map(str::to_owned), item.source)
    };
    assert_eq!(how(&machine), (None, Source::Missing));
    let (artifact, entry) = linked(&mut machine);
    assert_eq!(how(&machine), (Some("unapproved".to_owned()), Source::Missing));
    attested(&mut machine, artifact, Some(Timestamp(60 * SECOND)));
    assert_eq!(how(&machine), (Some("valid".to_owned()), Source::Ledger));
    decided(&mut machine, 61 * SECOND, "ai:a");
    assert_eq!(how(&machine), (Some("stale".to_owned()), Source::Missing));
    attested(&mut machine, artifact, None);
    assert_eq!(how(&machine), (Some("valid".to_owned()), Source::Ledger));
    machine.run(70 * SECOND, erase(ErasedPart::All, entry));
    assert_eq!(how(&machine), (Some("missing".to_owned()), Source::Missing));
    let text = article(&machine, 9, None).to_markdown();
    assert!(text.contains("a human must say this*; so far:"), "{text}");
}

#[test]
fn a_form_says_what_somebody_said_and_who() {
    let (mut machine, system) = with_system(annex_viii(r#"{"certificate":null}"#));
    let body = |machine: &Machine| item(&article(machine, 47, Some(system)), "7.notified_body");
    assert_eq!((body(&machine).value, body(&machine).source), (Json::Null, Source::Open));
    let name = item(&article(&machine, 47, Some(system)), "1.system");
    let Source::Human { by, .. } = &name.source else { panic!("{name:?}") };
    assert_eq!(by.as_deref(), Some(ANA));
    assert_eq!(name.value.as_object().unwrap().get("version"), None);
    let certificate = r#"{"certificate":{"number":"7"}}"#;
    let change = update(system, |it| it.annex_viii = serde_json::from_str(certificate).unwrap());
    recorded(machine.run_for(checked(JANE), 40 * SECOND, change));
    let Source::Human { by, .. } = body(&machine).source else { panic!() };
    assert_eq!(by.as_deref(), Some(JANE));
}

#[test]
fn what_says_nothing_fills_no_field() {
    let (machine, system) = with_system(annex_viii(
        r#"{"deployer":{"name":"","address":""},"provider":{"name":""},"declaration":true,
            "information_used":"","instructions_for_use":{"x":{"y":""}},"exemption":""}"#,
    ));
    let document = article(&machine, 49, Some(system));
    for name in ["A.11.declaration", "A.6.information_used", "A.12.instructions_for_use"] {
        let item = item(&document, name);
        assert_eq!((item.value, item.source), (Json::Null, Source::Missing), "{name}");
    }
    // The contact stands where nothing else was said.
    assert!(item(&document, "A.1.provider").value.as_object().unwrap().get("email").is_some());
    let (mut machine, system) = with_system(annex_viii(r#"{"exemption":"6(3)(a)"}"#));
    item(&article(&machine, 49, Some(system)), "B.6.exemption");
    let plan = r#"{"text":{"scope":{"x":""},"sources":true,"review":"each year"}}"#;
    recorded(machine.run(30 * SECOND, section(None, 9, plan)));
    let document = article(&machine, 72, None);
    let source = |name: &str| item(&document, name).source;
    assert_eq!((source("scope"), source("sources")), (Source::Missing, Source::Missing));
    assert!(matches!(source("review"), Source::Human { .. }));
}

#[test]
fn nobody_is_asked_to_register_who_need_not() {
    let (machine, system) = with_system(|it| it.role = SystemRole::Deployer);
    let document = article(&machine, 49, Some(system));
    assert_eq!(item(&document, "C.4.fria_summary").source, Source::Open);
    assert!(item(&document, "registration").about.contains("public authorities"));
    let missing = document.missing();
    assert!(!missing.iter().any(|name| name.starts_with("form.")), "{missing:?}");
    for role in [SystemRole::Importer, SystemRole::Distributor] {
        let (machine, system) = with_system(|it| it.role = role);
        let document = article(&machine, 49, Some(system));
        let form = document.sections.iter().find(|section| section.name == "form").unwrap();
        assert_eq!(form.items.len(), 1, "{role:?}");
        assert_eq!(item(&document, "registration").value, Json::from(role.as_str()));
    }
}

#[test]
fn what_never_was_on_the_market_has_not_left_it() {
    let retired = Some(Timestamp(15 * SECOND));
    let (machine, system) = with_system(|it| (it.placed_on_market, it.retired) = (None, retired));
    let status = item(&article(&machine, 49, Some(system)), "A.7.market_status");
    assert_eq!((status.value, status.source), (Json::Null, Source::Missing));
    let (machine, system) = with_system(|it| it.retired = retired);
    let status = item(&article(&machine, 49, Some(system)), "A.7.market_status");
    assert_eq!(status.value, Json::from("no_longer"));
}

#[test]
fn figures_of_the_whole_ledger_say_so_in_a_document_about_one_system() {
    let (mut machine, system) = with_system(|_| ());
    machine.run(30 * SECOND, load(policy()));
    for actor in ["ai:a", "ai:b", "ai:b"] {
        decided(&mut machine, 40 * SECOND, actor);
    }
    let (of_one, of_all) = (article(&machine, 72, Some(system)), article(&machine, 72, None));
    let names = ["decisions", "decisions_by_outcome", "assessments", "incidents_total"];
    for name in names.into_iter().chain(["human_oversight", "incidents"]) {
        let note = "in the whole ledger, of all systems";
        assert!(item(&of_one, name).about.contains(note), "{name}");
        assert!(!item(&of_all, name).about.contains(note), "{name}");
    }
    let own = item(&of_one, &format!("decisions_of_{system}"));
    assert_eq!(own.value.to_canonical(), r#"{"count":1,"exact":true}"#);
    let picture = |system| {
        let asked = Asked { system, as_of: head(&machine) };
        let document = document::article_11(&machine.store, asked).unwrap();
        let mut pictures = document.sections.iter().filter_map(|section| section.picture.clone());
        pictures.next_back().unwrap()
    };
    let (of_one, of_all) = (picture(Some(system)), picture(None));
    assert!(of_one.contains(">1 decisions<") && of_one.contains("whole ledger, all systems"));
    assert!(of_all.contains(">3 decisions<") && !of_all.contains("whole ledger"));
    assert!(of_one.contains("registry version 1"), "{of_one}");
}

#[test]
fn every_arrow_of_a_picture_is_drawn_once() {
    let mut machine = Machine::founded();
    for system in 0..12 {
        let patterns = (0..20).map(|n| format!("ai:{system}:{n}")).collect();
        let mut details = details(&format!("System {system}"));
        details.actor_patterns = patterns;
        let command = Command::RegisterSystem(Box::new(RegisterSystem { details, contact: None }));
        recorded(machine.run(20 * SECOND, command));
    }
    let asked = Asked { system: None, as_of: head(&machine) };
    let document = document::article_11(&machine.store, asked).unwrap();
    let picture = document.sections.iter().filter_map(|it| it.picture.as_deref()).next_back();
    let lines: Vec<&str> = picture.unwrap().lines().filter(|it| it.starts_with("<line")).collect();
    // 12 actors of the first system and the box of the rest, one arrow to it from
    // each of the others, 13 to the policy, 6 to what is counted.
    assert_eq!(lines.len(), 13 + 11 + 13 + 6);
}

#[test]
fn article_11_names_the_regulatory_data_that_were_recorded_by_then() {
    let (mut machine, _) = with_system(|_| ());
    let version = |machine: &Machine, as_of| {
        let asked = Asked { system: None, as_of };
        document::article_11(&machine.store, asked).unwrap().register_version
    };
    let before = head(&machine);
    for (at, of) in [(30, "2026-01-01"), (31, "2026-02-01")] {
        let update = UpdateRegister { version: of.to_owned(), digest: Digest([7; 32]) };
        recorded(machine.run_by("n1", at * SECOND, Command::UpdateRegister(Box::new(update))));
    }
    assert_eq!(version(&machine, before), None);
    assert_eq!(version(&machine, EntryId(before.0 + 1)).as_deref(), Some("2026-01-01"));
    assert_eq!(version(&machine, head(&machine)).as_deref(), Some("2026-02-01"));
    let type_of = |id| view::entry(&machine.store, id).unwrap().unwrap().header.entry_type;
    assert_eq!(type_of(head(&machine)), EntryType::RegisterUpdated);
}

#[test]
fn a_document_tells_the_span_of_the_contacts_it_shows() {
    let mut machine = Machine::founded();
    let first = registered(&mut machine, |it| it.name = "One".to_owned());
    let least = head(&machine);
    registered(&mut machine, |it| it.name = "Two".to_owned());
    let greatest = head(&machine);
    assert_eq!(article(&machine, 49, None).personal, Some((least, greatest)));
    assert_eq!(article(&machine, 49, Some(first)).personal, Some((least, least)));
    assert_eq!(article(&machine, 47, None).personal, None);
}

#[test]
fn what_people_write_makes_no_markup_of_a_document() {
    let sly = "Fine.\n\nMissing\n-------\n\nNothing that was asked for here.\n</dd><script>x</script>\
               \"&'";
    let (machine, system) = with_system(|it| it.intended_purpose = sly.to_owned());
    let asked = Asked { system: Some(system), as_of: head(&machine) };
    let document = document::article_11(&machine.store, asked).unwrap();
    let markdown = document.to_markdown();
    assert!(markdown.lines().all(|line| !line.starts_with("-------")), "{markdown}");
    assert!(markdown.contains("Fine.<br><br>Missing<br>-------<br>"), "{markdown}");
    let html = document.to_html();
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("&lt;script&gt;x&lt;/script&gt;&quot;&amp;&#39;"), "{html}");
}
