//! Who asks: credentials, cookies, modes, and what follows from who it is.

use std::time::Duration;

use api::backend::Credential;
use api::{AuthMode, Config};
use governance::access::AccountRole;
use governance::oversight::Role;
use governance::{Store as _, Table};
use hmac::{Hmac, KeyInit as _, Mac as _};
use proto::governance::v1::decisions_client::DecisionsClient;
use proto::governance::v1::{DecideRequest, ListDecisionsRequest};
use serde_json::json;
use sha2::Sha256;
use tonic::{Code, Request};

use crate::accounts::{Person, Program, admit, close, equip, text};
use crate::common::{ALLOWED, Server};
use crate::grpc::{connect, refusal};

const ACTOR: &str = "ai_agent:claims_triage";

/// A closed cluster with a policy, on which these people and programs may ask.
async fn closed(config: Config, people: &[Person], programs: &[Program]) -> Server {
    let open = Server::loaded().await;
    close(&open.node);
    people.iter().for_each(|person| admit(&open.node, person));
    programs.iter().for_each(|program| equip(&open.node, program));
    Server::with(open.node, config)
}

fn required() -> Config {
    Config { auth: AuthMode::Required, ..Config::default() }
}

fn auditor() -> Person {
    Person::new(1, "maria", AccountRole::Auditor)
}

fn bearer(text: &str) -> String {
    format!("Bearer {text}")
}

fn csrf(session: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(session.as_bytes()).unwrap();
    mac.update(b"lexecon csrf v1");
    types::digest::to_hex(&mac.finalize().into_bytes())[..32].to_owned()
}

#[tokio::test]
async fn a_credential_that_does_not_count_is_never_nobodys() {
    let person = auditor();
    let server = closed(required(), std::slice::from_ref(&person), &[]).await;
    let (session, unknown) = (person.session(), text("lxk_", 77));
    let cookie = format!("lexecon_session={session}");
    let valid = bearer(&session);
    for headers in [
        vec![("authorization", bearer(&unknown))],
        vec![("authorization", bearer("lxk_short"))],
        vec![("authorization", "Basic dTpw".to_owned())],
        vec![("authorization", String::new())],
        vec![("authorization", valid.clone()), ("authorization", valid.clone())],
        vec![("authorization", valid.clone()), ("cookie", cookie.clone())],
        vec![("cookie", format!("{cookie}; {cookie}"))],
        vec![("cookie", cookie.clone()), ("cookie", cookie.clone())],
        vec![("cookie", format!("lexecon_session={unknown}"))],
        vec![("cookie", "lexecon_session=".to_owned())],
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        for path in ["/health", "/keys", "/ledger/entries"] {
            let reply = server.call("GET", path, "", &headers).await;
            assert_eq!(reply.outcome(), "401 unauthenticated", "{path} {headers:?}");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
            let forgets = headers.iter().any(|(name, _)| *name == "cookie");
            assert_eq!(reply.header("set-cookie").contains("Max-Age=0"), forgets, "{headers:?}");
            let said = String::from_utf8_lossy(&reply.bytes).into_owned();
            assert!(!said.contains(&session[5..]) && !said.contains(&unknown[4..]), "{said}");
        }
    }
    assert!(server.node.used.lock().unwrap().is_empty());
    for path in ["/ledger/entries", "/health"] {
        let reply = server.call("GET", path, "", &[("authorization", &valid)]).await;
        assert_eq!(reply.outcome(), "200", "{path}");
    }
    let used = server.node.used.lock().unwrap().clone();
    assert!(matches!(used[..], [Credential::Session(_), Credential::Session(_)]), "{used:?}");
}

#[tokio::test]
async fn a_session_that_is_over_says_how_it_ended() {
    let people = [
        Person { idle_minutes: 15, ..Person::new(2, "idle", AccountRole::Admin) },
        Person { is_disabled: true, ..Person::new(3, "gone", AccountRole::Admin) },
        Person { idle_minutes: 14, ..Person::new(4, "slow", AccountRole::Auditor) },
        Person { password_days: 90, ..Person::new(5, "stale", AccountRole::Auditor) },
        Person { has_mfa: false, ..Person::new(6, "bare", AccountRole::Admin) },
    ];
    let server = closed(required(), &people, &[]).await;
    let outcomes = ["401 session_expired", "401 session_revoked", "200"];
    let outcomes = outcomes.into_iter().chain(["403 password_expired", "403 mfa_required"]);
    for (person, expect) in people.iter().zip(outcomes) {
        let session = bearer(&person.session());
        let reply = server.call("GET", "/risks", "", &[("authorization", &session)]).await;
        assert_eq!(reply.outcome(), expect, "{}", person.username);
    }
}

#[tokio::test]
async fn the_later_of_both_clocks_ends_a_session() {
    let person = auditor();
    let server = closed(required(), std::slice::from_ref(&person), &[]).await;
    let session = bearer(&person.session());
    let headers = [("authorization", session.as_str())];
    let get = || server.call("GET", "/risks", "", &headers);
    assert_eq!(get().await.outcome(), "200");
    server.node.inner().now += 14 * 60 * 1_000_000;
    assert_eq!(get().await.outcome(), "401 session_expired");
}

#[tokio::test]
async fn a_cookie_changes_nothing_without_the_text_that_goes_with_it() {
    let person = Person::new(1, "olga", AccountRole::ComplianceOfficer);
    let server = closed(required(), std::slice::from_ref(&person), &[]).await;
    let session = person.session();
    let cookie = format!("theme=dark; lexecon_session={session}");
    let token = csrf(&session);
    let other = csrf(&text("sess_", 9));
    let body = json!({"actor": ACTOR, "action": "read_claim"}).to_string();
    for (headers, expect) in [
        (vec![], "403 csrf_required"),
        (vec![("x-csrf-token", other.as_str())], "403 csrf_required"),
        (vec![("x-csrf-token", &token[..31])], "403 csrf_required"),
        (vec![("x-csrf-token", &token), ("x-csrf-token", &token)], "403 csrf_required"),
        (vec![("x-csrf-token", &token), ("sec-fetch-site", "cross-site")], "403 csrf_required"),
        (vec![("x-csrf-token", &token), ("origin", "https://evil.example")], "403 csrf_required"),
        (vec![("x-csrf-token", &token), ("sec-fetch-site", "same-origin")], "200"),
        (vec![("x-csrf-token", token.as_str())], "200"),
    ] {
        let mut headers = headers;
        headers.extend([("cookie", cookie.as_str()), ("host", "desk.example")]);
        headers.push(("content-type", "application/json"));
        let reply = server.call("POST", "/decide", &body, &headers).await;
        assert_eq!(reply.outcome(), expect, "{headers:?}");
    }
    let reply = server.call("GET", "/risks", "", &[("cookie", &cookie)]).await;
    assert_eq!(reply.outcome(), "200");
}

#[tokio::test]
async fn over_tls_the_cookie_has_a_name_that_no_other_host_can_set() {
    let person = auditor();
    let config = Config { is_tls: true, ..required() };
    let server = closed(config, std::slice::from_ref(&person), &[]).await;
    let plain = format!("lexecon_session={}", person.session());
    let reply = server.call("GET", "/risks", "", &[("cookie", &plain)]).await;
    assert_eq!(reply.outcome(), "401 unauthenticated");
    let bound = format!("__Host-{plain}");
    let reply = server.call("GET", "/risks", "", &[("cookie", &bound)]).await;
    assert_eq!(reply.outcome(), "200");
    assert!(reply.header("strict-transport-security").starts_with("max-age="));
}

#[tokio::test]
async fn a_node_that_is_cut_off_does_not_judge_credentials_for_ever() {
    let person = auditor();
    let server = closed(required(), std::slice::from_ref(&person), &[]).await;
    let session = bearer(&person.session());
    let limit = Duration::from_secs(15 * 60);
    for (staleness, expect) in [
        (Some(limit - Duration::from_secs(1)), "200"),
        (Some(limit), "503 too_stale"),
        (None, "503 too_stale"),
    ] {
        server.node.inner().staleness = staleness;
        let reply = server.call("GET", "/risks", "", &[("authorization", &session)]).await;
        assert_eq!(reply.outcome(), expect, "{staleness:?}");
        assert_eq!(server.get("/keys").await.outcome(), "200", "what is public needs none");
    }
}

#[tokio::test]
async fn in_open_mode_no_credential_counts_and_accounts_end_it() {
    let server = Server::loaded().await;
    let key = bearer(&text("lxk_", 1));
    let cookie = format!("lexecon_session={}", text("sess_", 1));
    for header in [("authorization", key.as_str()), ("cookie", cookie.as_str())] {
        let reply = server.call("GET", "/health", "", &[header]).await;
        assert_eq!(reply.outcome(), "401 unauthenticated", "{header:?}");
    }
    assert_eq!(server.get("/risks").await.outcome(), "200");
    close(&server.node);
    let reply = server.get("/risks").await;
    assert_eq!(reply.outcome(), "401 unauthenticated");
    assert!(reply.json()["detail"].as_str().unwrap().contains("--auth required"));
    assert_eq!(server.get("/status").await.json()["auth_mode"], "open");
    assert_eq!(server.post("/decide", ALLOWED).await.outcome(), "401 unauthenticated");
    let node = json!({"name": "n9"});
    assert_eq!(server.post("/cluster/nodes", node).await.outcome(), "422 validation_failed");
    // A node that shows no state any more has not forgotten it.
    server.node.inner().failed = Some("damage".to_owned());
    assert_eq!(server.get("/cluster/nodes").await.outcome(), "401 unauthenticated");
}

#[tokio::test]
async fn the_mode_is_shown_and_nobody_may_do_more_than_what_is_public() {
    let server = closed(required(), &[], &[]).await;
    assert_eq!(server.get("/status").await.json()["auth_mode"], "required");
    assert_eq!(server.get("/risks").await.outcome(), "401 unauthenticated");
    // Before there are accounts nobody may either.
    let unclosed = Server::with(Server::loaded().await.node, required());
    assert_eq!(unclosed.post("/decide", ALLOWED).await.outcome(), "401 unauthenticated");
}

#[tokio::test]
async fn a_key_acts_as_the_actors_it_covers_one_by_one() {
    let program = Program::new(1, &[ACTOR]);
    let server = closed(required(), &[], std::slice::from_ref(&program)).await;
    let key = bearer(&program.key());
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    let decide = |actor: &str| json!({"actor": actor, "action": "read_claim"});
    let requests = json!({"requests": [
        decide(ACTOR), decide("ai_agent:claims_triage:2"), decide("ai_agent:claims_triage2"),
    ]});
    let reply = server.call("POST", "/decide/batch", &requests.to_string(), &headers).await;
    let reply = reply.json();
    let codes: Vec<&str> = (0..3)
        .map(|at| reply["results"][at]["problem"]["code"].as_str().unwrap_or("recorded"))
        .collect();
    assert_eq!(codes, ["recorded", "recorded", "actor_not_covered"]);
    let dry = json!({"actor": "b", "action": "read_claim", "dry_run": true}).to_string();
    let reply = server.call("POST", "/decide", &dry, &headers).await;
    assert_eq!(reply.outcome(), "403 actor_not_covered");
}

#[tokio::test]
async fn what_an_entry_says_is_for_its_actor_and_those_who_read_the_ledger() {
    let viewer = Person::new(1, "vera", AccountRole::Viewer);
    let people = [viewer.clone(), Person::new(2, "anna", AccountRole::Auditor)];
    let programs = [Program::new(3, &[ACTOR]), Program::new(4, &["other"])];
    let server = closed(required(), &people, &programs).await;
    let [own, other] = [0, 1].map(|at: usize| bearer(&programs[at].key()));
    let json_type = ("content-type", "application/json");
    let decided =
        server.call("POST", "/decide", ALLOWED, &[("authorization", &own), json_type]).await.json();
    let id = decided["decision_id"].as_str().unwrap();
    for (credential, is_shown) in [
        (&bearer(&people[0].session()), false),
        (&bearer(&people[1].session()), true),
        (&own, true),
        (&other, false),
    ] {
        let headers = [("authorization", credential.as_str()), json_type];
        let path = format!("/decisions/{id}/receipt");
        let receipt = server.call("GET", &path, "", &headers[..1]).await.json();
        let body = decided.to_string();
        let verified = server.call("POST", "/decide/verify", &body, &headers).await.json();
        assert_eq!(verified["verified"], true);
        for shown in [&receipt, &verified["entry"]] {
            for name in ["data", "salt", "personal", "personal_salt"] {
                assert_eq!(!shown[name].is_null(), is_shown, "{name}: {shown}");
            }
        }
        assert!(receipt["header"].is_string());
        let expect = if is_shown { "200" } else { "403 permission_denied" };
        let decision = format!("/decisions/{id}");
        assert_eq!(server.call("GET", &decision, "", &headers[..1]).await.outcome(), expect);
    }
}

#[tokio::test]
async fn a_person_may_name_itself_and_nobody_else() {
    let person =
        Person { oversight: vec![Role::Executive], ..Person::new(1, "jane", AccountRole::Auditor) };
    let other = Person::new(2, "john", AccountRole::Auditor);
    let server = closed(required(), &[person.clone(), other.clone()], &[]).await;
    let session = bearer(&person.session());
    let headers = [("authorization", session.as_str()), ("content-type", "application/json")];
    let (own, others) = (person.id().to_string(), other.id().to_string());
    for (named, expect) in [
        (None, "200"),
        (Some(own.as_str()), "200"),
        (Some("act_human_user:jane"), "200"),
        (Some("act_human_user:JANE"), "200"),
        (Some(others.as_str()), "403 principal_mismatch"),
        (Some("act_human_user:john"), "403 principal_mismatch"),
        (Some("act_human_user:executive"), "403 principal_mismatch"),
        (Some("jane"), "422 validation_failed"),
    ] {
        let mut body = json!({
            "artifact_type": "screenshot", "content": format!("{named:?}"), "source": "desk",
        });
        body["registered_by"] = json!(named);
        let reply = server.call("POST", "/evidence/register", &body.to_string(), &headers).await;
        assert_eq!(reply.outcome(), expect, "{named:?}");
        if reply.status == 200 {
            assert_eq!(reply.json()["registered_by"], own);
        }
    }
}

#[tokio::test]
async fn grpc_asks_the_same() {
    let person = auditor();
    let program = Program::new(2, &[ACTOR]);
    let server =
        closed(required(), std::slice::from_ref(&person), std::slice::from_ref(&program)).await;
    let mut client = DecisionsClient::new(connect(&server).await);
    let with = |credential: &str| {
        let mut request = Request::new(ListDecisionsRequest::default());
        request.metadata_mut().insert("authorization", credential.parse().unwrap());
        request
    };
    let nobody = client.list(ListDecisionsRequest::default()).await.unwrap_err();
    assert_eq!(refusal(&nobody), (Code::Unauthenticated, "unauthenticated".to_owned()));
    let denied = client.list(with(&bearer(&program.key()))).await.unwrap_err();
    assert_eq!(refusal(&denied), (Code::PermissionDenied, "permission_denied".to_owned()));
    assert!(client.list(with(&bearer(&person.session()))).await.is_ok());
    let mut decide = Request::new(DecideRequest {
        actor: "other".to_owned(),
        action: "read_claim".to_owned(),
        ..DecideRequest::default()
    });
    decide.metadata_mut().insert("authorization", bearer(&program.key()).parse().unwrap());
    let refused = client.decide(decide).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::PermissionDenied, "actor_not_covered".to_owned()));
}

#[tokio::test]
async fn a_session_whose_rows_are_gone_is_no_session() {
    let person = auditor();
    let server = closed(required(), std::slice::from_ref(&person), &[]).await;
    let hash = ledger::hash::sha256(person.session().as_bytes());
    server.node.inner().store.delete(Table::SessionByHash, &hash.0);
    let session = bearer(&person.session());
    let reply = server.call("GET", "/risks", "", &[("authorization", &session)]).await;
    assert_eq!(reply.outcome(), "401 unauthenticated");
}
