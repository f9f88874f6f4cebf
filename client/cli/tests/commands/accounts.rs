//! `lexecon user`, `api-key`, `admin` and `cluster token`: what is sent, what is
//! shown, and over which way.

use std::fs;

use crate::double::{Double, Said};
use crate::shell::{ask, check, run, run_typing};

const USER: &str = r#"{"user_id":"user_1","username":"leo","email":"leo@example.com","full_name":"Leo","role":"auditor","permissions":["view_dashboard"],"oversight_roles":[],"mfa_enabled":false,"last_login":null,"password_expires_at":"p","status":"active","created_at":"c","ledger_entry_id":7}"#;
const SHOWN: &str = "user      user_1
username  leo
name      Leo
email     leo@example.com
role      auditor
may       view_dashboard
status    active
factor    none
password  until p
made      c
entry     7
";
const KEY: &str = r#""key_id":"apik_1","name":"claims","actor_prefixes":["ai_agent:claims"],"permissions":[],"status":"active","created_at":"c","expires_at":null,"last_used_at":null,"ledger_entry_id":8"#;
const CREATE: [&str; 8] =
    ["user", "create", "--username", "leo", "--email", "leo@example.com", "--role", "auditor"];

#[tokio::test]
async fn an_account_is_made_with_a_password_that_is_no_argument() {
    let node = Double::start([Said::ok(USER), Said::ok(USER)]).await;
    let words: Vec<&str> = CREATE.into_iter().chain(["--url", &node.url]).collect();
    let ran = run_typing(&words, "first\n").await;
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (0, SHOWN, ""));
    let more = ["--full-name", "Leo", "--oversight-role", "executive"];
    let words: Vec<&str> = words.into_iter().chain(more).collect();
    run_typing(&words, "first\n").await;
    let bodies: Vec<String> = node.asked().into_iter().map(|asked| asked.body).collect();
    let expect = [
        r#"{"email":"leo@example.com","password":"first","role":"auditor","username":"leo"}"#,
        r#"{"email":"leo@example.com","full_name":"Leo","oversight_roles":["executive"],"password":"first","role":"auditor","username":"leo"}"#,
    ];
    assert_eq!(bodies, expect);
    assert_eq!(node.lines(), ["POST /auth/users"; 2]);
}

#[tokio::test]
async fn an_account_that_is_refused_shows_no_password() {
    for more in [&[][..], &["--json"]] {
        let node = Double::start([Said::problem(409, "already_exists")]).await;
        let words = CREATE.into_iter().chain(["--url", &node.url]).chain(more.iter().copied());
        let ran = run_typing(&words.collect::<Vec<_>>(), "hunter2\n").await;
        assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
        assert!(ran.err.contains("already_exists") && !ran.err.contains("hunter2"), "{}", ran.err);
    }
    let ran = run(&CREATE).await;
    assert_eq!((ran.exit, ran.err.as_str()), (2, "lexecon: no password was given\n"));
    let king = CREATE.map(|word| if word == "auditor" { "king" } else { word });
    assert_eq!(run(&king).await.exit, 2);
}

#[tokio::test]
async fn accounts_are_shown_and_listed() {
    check(&["user", "show", "user_1"], USER, 0, SHOWN).await;
    let list = format!(r#"{{"users":[{USER}],"total":2,"total_exact":true,"next":"user_1"}}"#);
    let out = "\
USER    NAME  ROLE     OVERSEES AS  STATUS  FACTOR  LAST LOGIN
user_1  leo   auditor  -            active  no      -
more with --after user_1
";
    check(&["user", "list"], &list, 0, out).await;
    let words = ["user", "list", "--after", "user_0", "--limit", "1"];
    let (_ran, node) = ask(&words, Said::ok(&list)).await;
    assert_eq!(node.lines(), ["GET /auth/users?after=user_0&limit=1"]);
    let (ran, _node) = ask(&["user", "list"], Said::problem(403, "permission_denied")).await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
}

#[tokio::test]
async fn accounts_are_changed() {
    for (words, line, body) in [
        (
            &["user", "update", "user_1", "--role", "viewer", "--full-name", "L"][..],
            "PATCH /auth/users/user_1",
            r#"{"full_name":"L","role":"viewer"}"#,
        ),
        (
            &["user", "update", "user_1", "--oversight-role", "executive"],
            "PATCH /auth/users/user_1",
            r#"{"oversight_roles":["executive"]}"#,
        ),
        (
            &["user", "update", "user_1", "--no-oversight"],
            "PATCH /auth/users/user_1",
            r#"{"oversight_roles":[]}"#,
        ),
        (
            &["user", "disable", "user_1", "--reason", "left"],
            "POST /auth/users/user_1/disable",
            r#"{"reason":"left"}"#,
        ),
        (
            &["user", "enable", "user_1", "--reason", "back"],
            "POST /auth/users/user_1/enable",
            r#"{"reason":"back"}"#,
        ),
        (
            &["user", "unlock", "user_1", "--reason", "called"],
            "POST /auth/users/user_1/unlock",
            r#"{"reason":"called"}"#,
        ),
        (
            &["user", "reset-mfa", "user_1", "--reason", "lost"],
            "POST /auth/users/user_1/reset-mfa",
            r#"{"reason":"lost"}"#,
        ),
    ] {
        let (ran, node) = ask(words, Said::ok(USER)).await;
        assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (0, SHOWN, ""));
        assert_eq!(node.lines(), [line]);
        assert_eq!(node.asked()[0].body, body);
        let (ran, _node) = ask(words, Said::problem(409, "last_admin")).await;
        assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
    }
    for words in [
        &["user", "update", "user_1"][..],
        &["user", "update", "user_1", "--no-oversight", "--oversight-role", "executive"],
        &["user", "disable", "user_1"],
    ] {
        let ran = run(words).await;
        assert_eq!(ran.exit, 2, "{}", ran.err);
    }
}

#[tokio::test]
async fn a_key_is_printed_alone_so_that_it_can_be_piped() {
    let made = format!(r#"{{"api_key":"lxk_1",{KEY}}}"#);
    let words = ["api-key", "create", "--name", "claims", "--actor", "ai_agent:claims"];
    let (ran, node) = ask(&words, Said::ok(&made)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, "lxk_1\n"));
    assert_eq!(ran.err, "this is `apik_1`; the key is not shown again\n");
    assert_eq!(node.lines(), ["POST /auth/api-keys"]);
    let body = r#"{"actor_prefixes":["ai_agent:claims"],"name":"claims"}"#;
    assert_eq!(node.asked()[0].body, body);
    let more = ["--permission", "export_data", "--expires-at", "2027-06-30", "--json"];
    let words: Vec<&str> = words.into_iter().chain(more).collect();
    let (ran, node) = ask(&words, Said::ok(&made)).await;
    let raw: types::Json = serde_json::from_str(&made).unwrap();
    assert_eq!(ran.out, format!("{}\n", raw.to_canonical()));
    let body = r#"{"actor_prefixes":["ai_agent:claims"],"expires_at":"2027-06-30","name":"claims","permissions":["export_data"]}"#;
    assert_eq!(node.asked()[0].body, body);
    assert!(!ran.err.contains("lxk_1"), "{}", ran.err);
    let (ran, _node) = ask(&words, Said::problem(422, "validation_failed")).await;
    assert_eq!((ran.exit, ran.out.as_str()), (2, ""));
    assert_eq!(run(&["api-key", "create", "--name", "claims"]).await.exit, 2);
}

#[tokio::test]
async fn keys_are_listed_and_ended() {
    let list = format!(r#"{{"api_keys":[{{{KEY}}}],"total":1,"total_exact":true,"next":null}}"#);
    let out = "\
KEY     NAME    STATUS  ACTORS           MAY  EXPIRES  USED
apik_1  claims  active  ai_agent:claims  -    -        -
";
    check(&["api-key", "list"], &list, 0, out).await;
    let ended = r#"{"revoked":true,"ledger_entry_id":9}"#;
    check(&["api-key", "revoke", "apik_1"], ended, 0, "ended  apik_1\nentry  9\n").await;
    let (ran, node) =
        ask(&["api-key", "revoke", "apik_1"], Said::problem(404, "unknown_key")).await;
    assert_eq!((ran.exit, node.lines()), (3, vec!["DELETE /auth/api-keys/apik_1".to_owned()]));
}

#[tokio::test]
async fn a_token_to_join_with_is_printed_alone() {
    let issued = r#"{"join_token":"join_1","expires_at":"e","ledger_entry_id":9}"#;
    let (ran, node) = ask(&["cluster", "token", "--expires-in", "60"], Said::ok(issued)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, "join_1\n"));
    assert_eq!(ran.err, "one node may join with it until e; it is not shown again\n");
    assert_eq!(node.lines(), ["POST /cluster/join-tokens"]);
    assert_eq!(node.asked()[0].body, r#"{"expires_in":60}"#);
    let words = ["cluster", "token", "--json"];
    let (ran, _node) = ask(&words, Said::problem(403, "permission_denied")).await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
}

#[tokio::test]
async fn the_first_administrator_is_made_over_the_socket_of_the_node() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let socket = dir.path().join("admin.sock");
    let node = Double::at_socket(&socket, [Said::ok(USER), Said::ok(USER)]);
    let person = ["--username", "leo", "--email", "leo@example.com"];
    let words: Vec<&str> = ["admin", "create", "--data-dir", data]
        .into_iter()
        .chain(person)
        // No credential is needed there, and one that is at hand is not sent.
        .chain(["--api-key", "lxk_1", "--oversight-role", "executive"])
        .collect();
    let ran = run_typing(&words, "first\n").await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, SHOWN));
    assert!(ran.err.contains("`lexecon mfa enroll`"), "{}", ran.err);
    let asked = node.asked();
    let body = r#"{"email":"leo@example.com","oversight_roles":["executive"],"password":"first","role":"admin","username":"leo"}"#;
    assert_eq!((asked[0].line.as_str(), asked[0].body.as_str()), ("POST /auth/users", body));
    assert_eq!(asked[0].header("authorization"), None);

    let password = dir.path().join("password");
    fs::write(&password, "from a file\n").unwrap();
    let more = ["--password-file", password.to_str().unwrap(), "--json"];
    let words = ["admin", "create", "--socket", socket.to_str().unwrap()];
    let words: Vec<&str> = words.into_iter().chain(person).chain(more).collect();
    let ran = run_typing(&words, "").await;
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(node.asked()[1].body.contains(r#""password":"from a file""#));
}

#[tokio::test]
async fn an_administrator_that_cannot_be_made_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let words = ["admin", "create", "--data-dir", data, "--username", "a", "--email", "a@b"];
    let ran = run_typing(&words, "hunter2\n").await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
    let start = format!("lexecon: no node could be reached (`unix://{data}/admin.sock`: ");
    assert!(ran.err.starts_with(&start) && !ran.err.contains("hunter2"), "{}", ran.err);
}

#[tokio::test]
async fn any_command_asks_the_node_of_this_machine_over_its_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    let issued = r#"{"join_token":"join_1","expires_at":"e","ledger_entry_id":9}"#;
    let node = Double::at_socket(&path, [Said::ok(issued), Said::ok(issued)]);
    let words = ["cluster", "token", "--api-key", "lxk_1"];
    let more = ["--socket", path.to_str().unwrap(), "--url", "http://127.0.0.1:1"];
    let over: Vec<&str> = words.into_iter().chain(more).collect();
    assert_eq!(run(&over).await.out, "join_1\n");
    let over: Vec<&str> = words.into_iter().chain(["--url", &node.url]).collect();
    assert_eq!(run(&over).await.out, "join_1\n");
    assert!(node.asked().iter().all(|asked| asked.header("authorization").is_none()));
}
