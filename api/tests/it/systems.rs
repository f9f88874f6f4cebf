//! AI systems, serious incidents, technical documentation and documents, as the
//! interface takes and shows them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use governance::command::ErasedPart;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::common::{ALLOWED, Server};

pub(crate) const INCIDENTS: &str = "/compliance/eu-ai-act/article-73/incidents";
const ANNEX_IV: &str = "/compliance/eu-ai-act/annex-iv";
const ARTICLE_11: &str = "/compliance/eu-ai-act/article-11/documentation";

fn system() -> Value {
    json!({
        "name": "Claims triage", "intended_purpose": "Sorts claims by urgency.",
        "role": "provider", "risk_route": "annex_iii",
        "actor_patterns": ["ai_agent:claims_triage"], "placed_on_market": "2027-01-15",
        "annex_viii": {"member_states": ["DE", "FR"], "contact": {"email": "ana@example.com"}},
    })
}

async fn registered(server: &Server) -> Value {
    let reply = server.post("/systems", system()).await;
    assert_eq!(reply.outcome(), "200", "{}", reply.json());
    reply.json()
}

fn id(of: &Value) -> &str {
    of["system_id"].as_str().unwrap()
}

async fn get(server: &Server, path: &str) -> Value {
    let reply = server.get(path).await;
    assert_eq!(reply.outcome(), "200", "{path}: {}", reply.json());
    reply.json()
}

/// One of them, without the entry up to which it was looked at.
async fn get_one(server: &Server, path: &str) -> Value {
    let mut shown = get(server, path).await;
    let index = shown.as_object_mut().unwrap().remove("as_of_index").unwrap();
    match path.split_once("as_of=") {
        Some((_, as_of)) => assert_eq!(index.to_string(), as_of, "{path}"),
        None => assert_eq!(index, server.node.ledger_size() - 1, "{path}"),
    }
    shown
}

/// Says something of every point of the only file.
pub(crate) async fn write_all(server: &Server) {
    write_all_of(server, "").await;
}

async fn write_all_of(server: &Server, query: &str) {
    for section in 1..=9 {
        let content = match section {
            1 | 2 => ["a", "b", "c", "d", "e", "f", "g", "h"]
                .iter()
                .map(|letter| ((*letter).to_owned(), json!(format!("point {letter}"))))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            _ => json!({"text": "something"}),
        };
        let path = format!("{ANNEX_IV}/{section}{query}");
        let body = json!({"content": content}).to_string();
        assert_eq!(server.call("PUT", &path, &body, &[]).await.outcome(), "200", "{path}");
    }
}

#[tokio::test]
async fn a_system_is_shown_as_it_was_registered_and_changed() {
    let server = Server::new();
    let made = registered(&server).await;
    assert_eq!((&made["status"], &made["version"]), (&json!("in_use"), &json!(1)));
    assert_eq!(made["placed_on_market"], "2027-01-15T00:00:00.000000Z");
    assert_eq!(made["annex_viii"], system()["annex_viii"]);
    let path = format!("/systems/{}", id(&made));
    assert_eq!(get_one(&server, &path).await, made);
    let change = json!({"retired": "2027-02-01", "risk_route": "MINIMAL"}).to_string();
    let changed = server.call("PATCH", &path, &change, &[]).await.json();
    assert_eq!(changed["status"], "retired");
    assert_eq!((&changed["risk_route"], &changed["version"]), (&json!("minimal"), &json!(2)));
    assert_eq!(changed["annex_viii"], system()["annex_viii"]);
    let before = format!("{path}?as_of={}", made["ledger_entry_id"]);
    assert_eq!(get_one(&server, &before).await, made);
    assert_eq!(get(&server, "/systems?status=in_use").await["total"], 0);
    assert_eq!(get(&server, "/systems?status=retired").await["systems"][0], changed);
    let entry = get(&server, &format!("/ledger/entries/{}", made["ledger_entry_id"])).await;
    assert_eq!(entry["personal"], json!({"contact": {"email": "ana@example.com"}}));
    assert_eq!(entry["data"]["annex_viii"], json!({"member_states": ["DE", "FR"]}));
}

#[tokio::test]
async fn what_is_no_system_is_refused_and_leaves_nothing() {
    let server = Server::new();
    let made = registered(&server).await;
    let size = server.node.ledger_size();
    let with = |name: &str, value: Value| {
        let mut body = system();
        body["name"] = json!("Other");
        body[name] = value;
        body
    };
    for (body, expect) in [
        (system(), "409 already_exists"),
        (with("role", json!("owner")), "422 validation_failed"),
        (with("intended_purpose", json!(" ")), "422 validation_failed"),
        (with("actor_patterns", json!(["a*"])), "422 validation_failed"),
        (with("retired", json!("2027-01-14")), "422 validation_failed"),
        (with("annex_viii", json!([])), "422 validation_failed"),
        (with("color", json!("red")), "422 unknown_field"),
    ] {
        assert_eq!(server.post("/systems", &body).await.outcome(), expect, "{body}");
    }
    let path = format!("/systems/{}", id(&made));
    let nothing = server.call("PATCH", &path, "{}", &[]).await;
    assert_eq!(nothing.outcome(), "422 validation_failed");
    for path in ["/systems/sys_00000000000000000000000007", "/systems/x"] {
        assert_eq!(server.get(path).await.outcome(), "404 unknown_system");
        let change = server.call("PATCH", path, r#"{"name":"x"}"#, &[]).await;
        assert_eq!(change.outcome(), "404 unknown_system");
    }
    assert_eq!(server.node.ledger_size(), size);
}

#[tokio::test]
async fn systems_come_in_pages() {
    let server = Server::new();
    for name in ["a", "b", "c"] {
        let mut body = system();
        body["name"] = json!(name);
        assert_eq!(server.post("/systems", body).await.outcome(), "200");
    }
    let first = get(&server, "/systems?limit=2").await;
    assert_eq!((&first["total"], &first["systems"][1]["name"]), (&json!(3), &json!("b")));
    let next = first["next"].as_str().unwrap();
    let second = get(&server, &format!("/systems?limit=2&after={next}")).await;
    assert_eq!((&second["next"], &second["systems"][0]["name"]), (&Value::Null, &json!("c")));
    let newest = get(&server, "/systems?limit=2&order=desc").await;
    assert_eq!(newest["systems"][0]["name"], "c");
    let next = newest["next"].as_str().unwrap();
    let last = get(&server, &format!("/systems?limit=2&order=desc&after={next}")).await;
    assert_eq!((&last["next"], &last["systems"][0]["name"]), (&Value::Null, &json!("a")));
    assert_eq!(last["as_of_index"], server.node.ledger_size() - 1);
    assert_eq!(server.get("/systems?after=x").await.outcome(), "422 validation_failed");
    assert_eq!(get(&server, "/systems?as_of=0").await["total"], 0);
}

#[tokio::test]
async fn an_erased_contact_is_shown_nowhere() {
    let server = Server::new();
    let made = registered(&server).await;
    let entry = made["ledger_entry_id"].as_u64().unwrap();
    server.node.erase(ErasedPart::Personal, entry);
    let path = format!("/systems/{}", id(&made));
    for path in [path.clone(), format!("{path}?as_of={entry}")] {
        let shown = get(&server, &path).await;
        assert_eq!(shown["annex_viii"], json!({"member_states": ["DE", "FR"]}));
    }
    let listed = server.get("/systems").await;
    assert!(!String::from_utf8_lossy(&listed.bytes).contains("ana@"));
}

#[tokio::test]
async fn an_incident_has_a_clock_a_report_and_an_end() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    let body = json!({
        "title": "Claims of one town denied", "description": "All of them.",
        "category": "Critical_Infrastructure", "aware_at": "2027-03-01T05:00:00+01:00",
        "decision_ids": [decision["decision_id"]],
    });
    let made = server.post(INCIDENTS, &body).await.json();
    assert_eq!((&made["clock_days"], &made["status"]), (&json!(2), &json!("open")));
    assert_eq!(made["report_due_at"], "2027-03-03T04:00:00.000000Z");
    assert_eq!(made["overdue"], true);
    let path = format!("{INCIDENTS}/{}", made["incident_id"].as_str().unwrap());
    assert_eq!(get_one(&server, &path).await, made);
    let told = json!({"authority": "BNetzA", "reference": "2027/1"});
    let reported = server.post(&format!("{path}/reported"), &told).await.json();
    assert_eq!((&reported["status"], &reported["overdue"]), (&json!("reported"), &json!(false)));
    let again = server.post(&format!("{path}/reported"), &told).await;
    assert_eq!(again.outcome(), "409 already_reported");
    let notes = json!({"notes": "The model was replaced."});
    let closed = server.post(&format!("{path}/close"), &notes).await.json();
    assert_eq!((&closed["status"], &closed["notes"]), (&json!("closed"), &notes["notes"]));
    let again = server.post(&format!("{path}/close"), &notes).await;
    assert_eq!(again.outcome(), "409 already_closed");
    let was = get_one(&server, &format!("{path}?as_of={}", made["ledger_entry_id"])).await;
    assert_eq!(was, made);
    for (status, total) in [("open", 0), ("closed", 1)] {
        let page = get(&server, &format!("{INCIDENTS}?status={status}")).await;
        assert_eq!(page["total"], total, "{status}");
    }
}

#[tokio::test]
async fn an_incident_says_whose_awareness_began_its_clock_and_what_is_frozen() {
    let server = Server::loaded().await;
    let system = registered(&server).await;
    let decision = server.post("/decide", ALLOWED).await.json();
    let body = json!({
        "title": "t", "description": "d", "category": "health_harm",
        "other_categories": ["Death"], "aware_at": "2027-03-03",
        "provider_aware_at": "2027-03-02", "deployer_aware_at": "2027-03-01",
        "causal_link_at": "2027-03-04", "system_id": id(&system),
        "decision_ids": [decision["decision_id"]],
    });
    let made = server.post(INCIDENTS, &body).await.json();
    assert_eq!((&made["clock_days"], &made["category"]), (&json!(10), &json!("health_harm")));
    assert_eq!(made["other_categories"], json!(["death"]));
    assert_eq!(made["report_due_at"], "2027-03-11T00:00:00.000000Z");
    assert_eq!(made["causal_link_at"], "2027-03-04T00:00:00.000000Z");
    assert_eq!(made["system_id"], system["system_id"]);
    let path = format!("{INCIDENTS}/{}", made["incident_id"].as_str().unwrap());
    assert_eq!(get_one(&server, &path).await, made);
    let newest = get(&server, &format!("{INCIDENTS}?order=desc")).await;
    assert_eq!(newest["incidents"][0], made);
    let holds = "/compliance/eu-ai-act/article-12/legal-holds";
    let page = get(&server, holds).await;
    let hold = page["holds"].as_array().unwrap();
    assert_eq!((hold.len(), &hold[0]["hold_id"]), (1, &made["hold_id"]));
    assert_eq!(hold[0]["records_affected"], 2);
    let release = format!("{holds}/{}?reason=seen", made["hold_id"].as_str().unwrap());
    assert_eq!(server.call("DELETE", &release, "", &[]).await.outcome(), "200");
    assert_eq!(get_one(&server, &path).await["hold_id"], made["hold_id"]);
}

#[tokio::test]
async fn what_is_no_incident_is_refused_and_leaves_nothing() {
    let server = Server::new();
    let size = server.node.ledger_size();
    let with = |name: &str, value: Value| {
        let mut body = json!({"title": "t", "description": "d", "category": "death",
                              "aware_at": "2027-03-04"});
        body[name] = value;
        body
    };
    for (body, expect) in [
        (with("aware_at", json!("2027-03-05")), "422 validation_failed"),
        (with("occurred_at", json!("2027-03-04T00:00:01Z")), "422 validation_failed"),
        (with("category", json!("late")), "422 validation_failed"),
        (with("title", Value::Null), "422 validation_failed"),
        (with("other_categories", json!(["late"])), "422 validation_failed"),
        (with("other_categories", json!(["death"])), "422 validation_failed"),
        (with("provider_aware_at", json!("2027-03-05")), "422 validation_failed"),
        (with("deployer_aware_at", json!("2027-03-05")), "422 validation_failed"),
        (with("causal_link_at", json!("2027-03-05")), "422 validation_failed"),
        (with("system_id", json!("sys_x")), "404 unknown_system"),
        (with("system_id", json!("sys_00000000000000000000000007")), "404 unknown_system"),
        (with("decision_ids", json!(["dec_x"])), "404 unknown_decision"),
        (with("severity", json!(1)), "422 unknown_field"),
    ] {
        assert_eq!(server.post(INCIDENTS, &body).await.outcome(), expect, "{body}");
    }
    let future = server.post(INCIDENTS, with("aware_at", json!("2027-03-05"))).await;
    assert!(future.faults()[0].contains("/aware_at"), "{:?}", future.faults());
    for end in ["", "/reported", "/close"] {
        let path = format!("{INCIDENTS}/inc_00000000000000000000000007{end}");
        let reply = match end {
            "" => server.get(&path).await,
            "/close" => server.post(&path, json!({"notes": "x"})).await,
            _ => server.post(&path, json!({"authority": "a", "reference": "b"})).await,
        };
        assert_eq!(reply.outcome(), "404 unknown_incident", "{path}");
    }
    assert_eq!(server.node.ledger_size(), size);
}

#[tokio::test]
async fn the_technical_documentation_is_complete_once_every_point_says_something() {
    let server = Server::new();
    let made = registered(&server).await;
    let of = format!("?system_id={}", id(&made));
    let package = format!("{ANNEX_IV}/package{of}");
    let refused = server.get(&package).await;
    assert_eq!(refused.outcome(), "409 annex_iv_incomplete");
    assert_eq!(refused.json()["missing"].as_array().unwrap().len(), 23);
    let one = json!({"content": {"a": "x", "b": ""}}).to_string();
    let section = server.call("PUT", &format!("{ANNEX_IV}/2{of}"), &one, &[]).await.json();
    assert_eq!(section["missing"], json!(["b", "c", "d", "e", "f", "g", "h"]));
    write_all_of(&server, &of).await;
    let shown = get(&server, &format!("{ANNEX_IV}{of}")).await;
    assert_eq!(shown["complete"], true);
    assert_eq!(shown["sections"][1]["content"]["a"], "point a");
    assert_eq!(get(&server, ANNEX_IV).await["complete"], false);
    let whole = get(&server, &package).await;
    assert_eq!(whole["missing"], json!([]));
    let sly = json!({"content": {"text": "<script>x</script>\"&'"}}).to_string();
    let path = format!("{ANNEX_IV}/3{of}");
    assert_eq!(server.call("PUT", &path, &sly, &[]).await.outcome(), "200");
    let html = server.get(&format!("{package}&format=html")).await;
    assert!(html.header("content-type").starts_with("text/html"));
    let text = String::from_utf8(html.bytes.clone()).unwrap();
    assert!(text.contains("<svg ") && text.contains("point a") && !text.contains("<script"));
    assert!(text.contains("&lt;script&gt;x&lt;/script&gt;&quot;&amp;&#39;"));
    // The page may use its own style and nothing else.
    let style = text.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy = html.header("content-security-policy").to_owned();
    assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("script"), "{policy}");
    let unsupported = server.get(&format!("{package}&format=pdf")).await;
    assert_eq!(unsupported.outcome(), "400 unsupported_format");
}

#[tokio::test]
async fn a_section_or_point_that_annex_iv_does_not_have_is_refused() {
    let server = Server::new();
    let size = server.node.ledger_size();
    let put = async |end: &str, body: Value| {
        let path = format!("{ANNEX_IV}/{end}");
        let reply = server.call("PUT", &path, &body.to_string(), &[]).await;
        (reply.outcome(), reply.faults())
    };
    let text = json!({"content": {"text": "x"}});
    for end in ["0", "10", "x", "+3"] {
        assert_eq!(put(end, text.clone()).await.0, "404 not_found", "{end}");
    }
    let (outcome, faults) = put("3", json!({"content": {"a/b": "x"}})).await;
    assert_eq!(outcome, "422 unknown_field");
    assert!(faults[0].contains("/content/a~1b"), "{faults:?}");
    assert_eq!(put("3", json!({})).await.0, "422 validation_failed");
    assert_eq!(put("3?system_id=sys_x", text).await.0, "404 unknown_system");
    assert_eq!(server.node.ledger_size(), size);
}

#[tokio::test]
async fn the_document_of_article_11_is_the_same_for_ever_as_of_one_entry() {
    let server = Server::loaded().await;
    let made = registered(&server).await;
    server.post("/decide", ALLOWED).await;
    let as_of = server.node.ledger_size() - 1;
    let path = format!("{ARTICLE_11}?as_of={as_of}");
    let first = server.get(&path).await;
    write_all(&server).await;
    server.post("/decide", ALLOWED).await;
    assert_eq!(server.get(&path).await.bytes, first.bytes);
    let document = first.json();
    assert_eq!(document["document_type"], "EU_AI_ACT_ARTICLE_11");
    assert_eq!(document["as_of_index"], as_of);
    let mut body: types::Json = serde_json::from_slice(&first.bytes).unwrap();
    let types::Json::Object(members) = &mut body else { panic!("no object") };
    members.remove("document_hash");
    let hash = types::digest::to_hex(&Sha256::digest(body.to_canonical()));
    assert_eq!(document["document_hash"], hash.as_str());
    let chain = document["evidence_chain"].as_array().unwrap();
    for entry in [&made["ledger_entry_id"], &json!(as_of)] {
        let entry = get(&server, &format!("/ledger/entries/{entry}")).await;
        assert!(chain.contains(&entry["current_hash"]), "{entry}");
    }
    let purpose = &document["sections"]["intended_purpose"]["items"][0];
    assert_eq!((&purpose["name"], &purpose["source"]), (&json!("primary"), &json!("human")));
    for section in ["data_flows", "component_traceability"] {
        let diagram = document["sections"][section]["diagram"].as_str().unwrap();
        assert!(diagram.starts_with("<svg ") && diagram.contains("claims_triage"), "{diagram}");
    }
    let missing = document["missing"].as_array().unwrap();
    assert!(missing.contains(&json!("accuracy_metrics.validation")), "{missing:?}");
    let later = get(&server, ARTICLE_11).await;
    assert_ne!(later["document_hash"], document["document_hash"]);
}

#[tokio::test]
async fn without_a_system_its_purpose_is_missing() {
    let server = Server::new();
    let document = get(&server, ARTICLE_11).await;
    let missing = document["missing"].as_array().unwrap();
    assert!(missing.contains(&json!("intended_purpose.primary")), "{missing:?}");
    let unknown = format!("{ARTICLE_11}?system_id=sys_00000000000000000000000007");
    assert_eq!(server.get(&unknown).await.outcome(), "404 unknown_system");
}

#[tokio::test]
async fn a_document_is_markdown_for_whoever_asks_for_that() {
    let server = Server::loaded().await;
    let mut sly = system();
    sly["intended_purpose"] = json!("<script>x</script>\n# **y**");
    assert_eq!(server.post("/systems", sly).await.outcome(), "200");
    let by_query = server.get(&format!("{ARTICLE_11}?format=Markdown")).await;
    let by_header = server.call("GET", ARTICLE_11, "", &[("accept", "text/markdown")]).await;
    assert!(by_query.header("content-type").starts_with("text/markdown"));
    assert_eq!(by_query.bytes, by_header.bytes);
    let text = String::from_utf8(by_query.bytes).unwrap();
    assert!(text.starts_with("# Technical documentation") && text.contains("<svg "));
    assert!(!text.contains("<script>") && !text.contains("\n# **y"));
    let hash = get(&server, ARTICLE_11).await["document_hash"].as_str().unwrap().to_owned();
    assert!(text.contains(&hash));
    for (path, format) in [(ARTICLE_11, "html"), (ARTICLE_11, "csv")] {
        let reply = server.get(&format!("{path}?format={format}")).await;
        assert_eq!(reply.outcome(), "400 unsupported_format");
    }
}

#[tokio::test]
async fn every_article_of_the_list_has_a_document_and_no_other() {
    let server = Server::loaded().await;
    registered(&server).await;
    for article in [9, 13, 15, 17, 18, 26, 27, 43, 47, 49, 50, 72] {
        let path = format!("/compliance/eu-ai-act/article-{article}/documentation");
        let document = get(&server, &path).await;
        assert_eq!(document["document_type"], format!("EU_AI_ACT_ARTICLE_{article}"));
        let duties = document["sections"]["duties"]["items"].as_array().unwrap();
        assert!(!duties.is_empty(), "{article}");
        // What a duty says of the law is the law's own word; nothing else has it.
        let mut ours = document.clone();
        for duty in ours["sections"]["duties"]["items"].as_array_mut().unwrap() {
            duty["about"] = Value::Null;
        }
        let text = ours.to_string().to_lowercase();
        for word in ["compliant", "certified"] {
            assert!(!text.contains(word), "{article}: {word}");
        }
        let markdown = server.get(&format!("{path}?format=markdown")).await;
        assert_eq!(markdown.outcome(), "200", "{article}");
    }
    for article in ["10", "12", "99", "09", "x"] {
        let path = format!("/compliance/eu-ai-act/article-{article}/documentation");
        assert_eq!(server.get(&path).await.outcome(), "404 unknown_article", "{article}");
    }
}

fn item<'a>(document: &'a Value, name: &str) -> &'a Value {
    let items = document["sections"]["form"]["items"].as_array().unwrap();
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("{name}: {items:?}"))
}

#[tokio::test]
async fn the_registration_of_article_49_is_filled_and_checked_from_the_registry() {
    let server = Server::new();
    let made = registered(&server).await;
    let path = "/compliance/eu-ai-act/article-49/documentation";
    let document = get(&server, path).await;
    assert_eq!(item(&document, "A.4.trade_name")["value"], "Claims triage");
    assert_eq!(item(&document, "A.7.market_status")["value"], "on_market");
    assert_eq!(item(&document, "A.10.member_states")["value"], json!(["DE", "FR"]));
    assert_eq!(item(&document, "A.1.provider")["value"], json!({"email": "ana@example.com"}));
    assert_eq!(item(&document, "A.6.information_used")["source"], "missing");
    assert_eq!(item(&document, "A.13.url")["source"], "open");
    let change = json!({"annex_viii": {"member_states": ["UK"]}}).to_string();
    let at = format!("/systems/{}", id(&made));
    assert_eq!(server.call("PATCH", &at, &change, &[]).await.outcome(), "200");
    let states = get(&server, path).await;
    let states = item(&states, "A.10.member_states");
    assert_eq!((&states["source"], &states["value"]), (&json!("missing"), &Value::Null));
    assert!(states["about"].as_str().unwrap().contains("two-letter codes"));
    let change = json!({"annex_viii": {"exemption": "6(3)(a)"}}).to_string();
    server.call("PATCH", &at, &change, &[]).await;
    assert_eq!(item(&get(&server, path).await, "B.6.exemption")["value"], "6(3)(a)");
    server.call("PATCH", &at, r#"{"role":"deployer"}"#, &[]).await;
    assert_eq!(item(&get(&server, path).await, "C.4.fria_summary")["source"], "open");
    server.call("PATCH", &at, r#"{"risk_route":"minimal"}"#, &[]).await;
    assert_eq!(item(&get(&server, path).await, "registration")["value"], "minimal");
}

#[tokio::test]
async fn a_declaration_is_prefilled_and_never_signed() {
    let server = Server::new();
    registered(&server).await;
    write_all(&server).await;
    let document = get(&server, "/compliance/eu-ai-act/article-47/documentation").await;
    assert_eq!(item(&document, "1.system")["value"]["name"], "Claims triage");
    assert_eq!(item(&document, "6.standards")["value"], "something");
    for name in ["3.responsibility", "4.statement", "8.signature"] {
        assert_eq!(item(&document, name)["source"], "missing", "{name}");
    }
}
