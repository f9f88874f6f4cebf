//! Tokens: asked about, and checked without a server; and decisions in pages.

use client::decision::DecisionsQuery;
use client::ledger::Order;
use client::offline::verify_token;
use client::token::Expectation;
use client::{Client, Error};
use ed25519_dalek::Signer as _;
use ledger::token::{Grant, parse, signing_input, text};
use types::{Json, Object, Timestamp};

use crate::double::{Double, Said};
use crate::signed::{decision_key, grant, keys, signed_members, token_key, with_token};

/// A second before the end.
const NOW: Timestamp = Timestamp(1_804_137_066_999_999);

const CLAIMS: &str = r#"{"v":1,"jti":"tok_1","sub":"a","act":"b","res":null,"tool":"t","dec":"dec_1","pol":"41c0","iat":1,"exp":301,"kid":null,"idx":7,"iss":"clu_1"}"#;

async fn node<const N: usize>(said: [Said; N]) -> (Double, Client) {
    let node = Double::start(said).await;
    let client = Client::new([&node.url]).unwrap();
    (node, client)
}

#[tokio::test]
async fn a_token_is_checked_by_a_node_which_may_be_asked_again() {
    let bad = r#"{"valid":false,"reason_code":"malformed","token_id":null,"claims":null,"expires_at":null,"revoked_at":null}"#;
    let good = format!(
        r#"{{"valid":true,"reason_code":"ok","token_id":"tok_1","claims":{CLAIMS},"expires_at":"1970-01-01T00:05:01.000000Z","revoked_at":null}}"#
    );
    let said = [Said::problem(503, "no_leader"), Said::ok(&good), Said::ok(bad)];
    let (node, client) = node(said).await;
    let expected = Expectation { tool: Some("t".to_owned()), ..Expectation::new("a", "b") };
    let found = client.token_verify("cap_x", &expected).await.unwrap().value;
    let claims = found.claims.unwrap();
    assert_eq!((found.valid, claims.entry_id, claims.resource), (true, 7, None));
    let found = client.token_verify("x", &Expectation::default()).await.unwrap().value;
    assert_eq!((found.valid, found.reason_code.as_str()), (false, "malformed"));
    assert_eq!(node.lines(), ["POST /tokens/verify"; 3]);
    let body = r#"{"action":"b","actor":"a","token":"cap_x","tool":"t"}"#;
    assert_eq!(node.asked()[1].body, body);
    assert_eq!(node.asked()[2].body, r#"{"token":"x"}"#);
}

#[tokio::test]
async fn a_token_is_looked_up_and_revoked_by_its_id() {
    let token = format!(
        r#"{{"token_id":"tok_1","status":"active","claims":{CLAIMS},"issued_at":"x","expires_at":"y","revoked_at":null,"revoked_by":null,"revoke_reason":null,"decision_id":"dec_1"}}"#
    );
    let revoked = r#"{"token_id":"tok_1","status":"revoked","revoked_at":"z","ledger_entry_id":9}"#;
    let said = [Said::ok(&token), Said::ok(revoked), Said::problem(409, "already_revoked")];
    let (node, client) = node(said).await;
    let shown = client.token("tok_1").await.unwrap().value;
    assert_eq!((shown.status.as_str(), shown.claims.key_id), ("active", None));
    assert_eq!(client.revoke_token("tok_1", "lost").await.unwrap().value.ledger_entry_id, 9);
    let refused = client.revoke_token("tok_1", "lost").await.unwrap_err();
    assert!(matches!(refused, Error::Problem(problem) if problem.code == "already_revoked"));
    let revoke = "POST /tokens/tok_1/revoke";
    assert_eq!(node.lines(), ["GET /tokens/tok_1", revoke, revoke]);
    assert_eq!(node.asked()[1].body, r#"{"reason":"lost"}"#);
}

#[tokio::test]
async fn decisions_are_listed_in_pages() {
    let page = r#"{"decisions":[{"decision_id":"dec_1","outcome":"denied","effective_outcome":"denied","effective_basis":"decision","reason":"No","actor":"a","action":"b","ledger_entry_id":7,"timestamp":"t"}],"total":3,"total_exact":true,"next":7}"#;
    let (node, client) = node([Said::ok(page), Said::ok(page)]).await;
    let found = client.decisions(&DecisionsQuery::default()).await.unwrap().value;
    assert_eq!((found.decisions[0].ledger_entry_id, found.total, found.next), (7, 3, Some(7)));
    let query = DecisionsQuery {
        limit: Some(1),
        after: found.next,
        actor: Some("a".to_owned()),
        outcome: Some("denied".to_owned()),
        order: Order::Descending,
        ..DecisionsQuery::default()
    };
    client.decisions(&query).await.unwrap();
    let second = "GET /decisions?limit=1&after=7&actor=a&outcome=denied&order=desc";
    assert_eq!(node.lines(), ["GET /decisions", second]);
}

fn carried(grant: &Grant<'_>) -> String {
    let reply = with_token(signed_members(), grant);
    reply.get("capability_token").and_then(Json::as_str).unwrap().to_owned()
}

#[track_caller]
fn check(carried: &str, expected: &Expectation, now: Timestamp, expect: &str) {
    let found = verify_token(carried, expected, &keys(), now);
    assert_eq!(found.map_or_else(|fault| fault.code(), |_| "ok"), expect, "{carried}");
}

#[test]
fn a_resource_server_can_check_a_token_by_itself() {
    let expected = Expectation {
        tool: Some("crm".to_owned()),
        ..Expectation::new("ai_agent:claims_triage", "read_claim")
    };
    let claims = verify_token(&carried(&grant()), &expected, &keys(), NOW).unwrap();
    assert_eq!((claims.entry_id, claims.key_id.as_deref()), (118, Some("key_t")));
    check(&carried(&grant()), &Expectation::default(), NOW, "ok");
}

#[test]
fn a_token_is_over_with_its_second() {
    let end = Timestamp(NOW.0 + 1);
    check(&carried(&grant()), &Expectation::default(), end, "expired");
}

#[test]
fn each_expectation_is_compared() {
    let token = carried(&grant());
    let other = || Some("other".to_owned());
    let none = Expectation::default();
    for (expected, expect) in [
        (Expectation { actor: other(), ..none.clone() }, "subject_mismatch"),
        (Expectation { action: other(), ..none.clone() }, "action_mismatch"),
        (Expectation { resource: other(), ..none.clone() }, "resource_mismatch"),
        (Expectation { tool: other(), ..none }, "tool_mismatch"),
    ] {
        check(&token, &expected, NOW, expect);
    }
}

/// A token with claims of our own making, signed with the right key.
fn signed(claims: &Json) -> String {
    let input = signing_input(claims);
    text(&input, &token_key().sign(input.as_bytes()).to_bytes())
}

#[test]
fn what_is_no_token_of_ours_is_refused() {
    let token = carried(&grant());
    let input = parse(&token).unwrap().signing_input.to_owned();
    let by_another = text(&input, &decision_key().sign(input.as_bytes()).to_bytes());
    let any = Expectation::default();
    for (text, expect) in [
        ("", "malformed"),
        ("cap_x", "malformed"),
        (&token[1..], "malformed"),
        (by_another.as_str(), "signature_invalid"),
    ] {
        check(text, &any, NOW, expect);
    }
    let with = |change: fn(&mut Object) -> Option<Json>| {
        let Json::Object(mut claims) = grant().claims("key_t") else { panic!("no claims") };
        change(&mut claims);
        signed(&Json::Object(claims))
    };
    for (text, expect) in [
        (with(|_| None), "ok"),
        (with(|claims| claims.insert("more", true)), "malformed"),
        (with(|claims| claims.insert("v", 2_u32)), "malformed"),
        (with(|claims| claims.insert("kid", Json::Null)), "malformed"),
        (with(|claims| claims.insert("kid", "key_d")), "key_unknown"),
        (with(|claims| claims.insert("kid", "key_x")), "key_unknown"),
    ] {
        check(&text, &any, NOW, expect);
    }
}

#[test]
fn a_key_must_vouch_for_the_entry_that_granted() {
    let with = |change: fn(&mut client::keys::Key)| {
        let mut keys = keys();
        change(&mut keys[1]);
        let found = verify_token(&carried(&grant()), &Expectation::default(), &keys, NOW);
        found.map_or_else(|fault| fault.code(), |_| "ok")
    };
    assert_eq!(with(|key| key.status = "revoked".to_owned()), "key_unknown");
    assert_eq!(with(|key| key.valid_until_index = Some(118)), "key_unknown");
    assert_eq!(with(|key| key.valid_until_index = Some(119)), "ok");
    assert_eq!(with(|key| key.status = "retired".to_owned()), "ok");
}
