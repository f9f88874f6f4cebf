//! `lexecon login`, `logout`, `whoami`, `password`, `mfa` and `session`: what is
//! asked for, what is kept, and what of it is shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::double::{Double, Nobody, Said};
use crate::shell::{Ran, ask, check, run, run_typing};

const USER: &str = r#"{"user_id":"user_1","username":"jane","email":"jane@example.com","full_name":null,"role":"admin","permissions":["view_dashboard","manage_users"],"oversight_roles":["executive"],"mfa_enabled":false,"last_login":null,"password_expires_at":"p","status":"active","created_at":"c"}"#;
const CHALLENGE: &str = r#"{"success":false,"mfa_required":true,"challenge_id":"mfa_secret","session_id":null,"csrf_token":null,"expires_at":"e","user":null,"password_expired":false,"mfa_enrollment_required":false}"#;
const DONE: &str = r#"{"ledger_entry_id":9,"success":true}"#;
const LOGIN: [&str; 3] = ["login", "--username", "jane"];

fn begun(session: &str) -> Said {
    Said::ok(&session_body(session))
}

fn session_body(session: &str) -> String {
    format!(
        r#"{{"success":true,"mfa_required":false,"challenge_id":null,"session_id":"{session}","csrf_token":"csrf_secret","expires_at":"e","user":{USER},"password_expired":false,"mfa_enrollment_required":false}}"#
    )
}

fn me() -> Said {
    Said::ok(&format!(r#"{{"user":{USER}}}"#))
}

/// Somebody with a home of their own.
struct Person {
    home: TempDir,
}

impl Person {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("lexecon").join("session")
    }

    async fn run(&self, words: &[&str], url: &str, input: &str) -> Ran {
        let home = self.home.path().to_str().unwrap();
        let more = ["--config-home", home, "--url", url];
        let words: Vec<&str> = words.iter().copied().chain(more).collect();
        run_typing(&words, input).await
    }
}

#[tokio::test]
async fn a_session_is_kept_and_used_until_the_logout() {
    let person = Person::new();
    let node = Double::start([begun("sess_1"), me(), me(), Said::ok(DONE), me()]).await;
    let ran = person.run(&LOGIN, &node.url, "a pass\nnot read\n").await;
    let path = person.file();
    let out = format!(
        "logged in  jane\nrole       admin\nexpires    e, unless it is used\nkept in    {}\n",
        path.display()
    );
    assert_eq!((ran.exit, ran.out, ran.err.as_str()), (0, out, ""));
    assert_eq!(node.asked()[0].body, r#"{"password":"a pass","username":"jane"}"#);
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.parent().unwrap().to_owned()), 0o700);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);

    // The same first URL, however it is written and whatever comes after it.
    for url in [format!("{}/", node.url), format!("{},http://127.0.0.1:1", node.url)] {
        assert_eq!(person.run(&["whoami"], &url, "").await.exit, 0);
    }
    let ran = person.run(&["logout"], &node.url, "").await;
    assert_eq!((ran.exit, ran.out), (0, format!("logged out  {}\n", node.url)));
    assert!(!fs::read_to_string(&path).unwrap().contains("sess_1"));
    assert_eq!(person.run(&["whoami"], &node.url, "").await.exit, 0);
    let asked = node.asked();
    let sent: Vec<_> = asked.iter().map(|asked| asked.header("authorization")).collect();
    let kept = Some("Bearer sess_1");
    assert_eq!(sent, [None, kept, kept, kept, None]);
    let ran = person.run(&["logout"], &node.url, "").await;
    let err = format!("nobody is logged in at `{}`\n", node.url);
    assert_eq!((ran.exit, ran.err, node.asked().len()), (1, err, 5));
}

#[tokio::test]
async fn each_cluster_has_a_session_and_a_key_that_is_given_counts_more() {
    let person = Person::new();
    let first = Double::start([begun("sess_1"), begun("sess_3"), me(), me()]).await;
    let second = Double::start([begun("sess_2"), me()]).await;
    for (node, words) in [
        (&first, &LOGIN[..]),
        (&second, &LOGIN),
        // A session that may have ended is not sent along to a login.
        (&first, &LOGIN),
        (&first, &["whoami"]),
        (&second, &["whoami"]),
        (&first, &["whoami", "--api-key", "lxk_1"]),
    ] {
        assert_eq!(person.run(words, &node.url, "x\n").await.exit, 0);
    }
    let sent = |node: &Double| -> Vec<String> {
        let asked = node.asked();
        let sent = asked.iter().map(|asked| asked.header("authorization").unwrap_or("-"));
        sent.map(str::to_owned).collect()
    };
    assert_eq!(sent(&first), ["-", "-", "Bearer sess_3", "Bearer lxk_1"]);
    assert_eq!(sent(&second), ["-", "Bearer sess_2"]);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_the_password() {
    for (typed, member) in [("012345", "code"), ("AB12CD34", "backup_code")] {
        let person = Person::new();
        let node = Double::start([Said::ok(CHALLENGE), begun("sess_1")]).await;
        let ran = person.run(&LOGIN, &node.url, &format!("pass\n {typed} \n")).await;
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
        assert_eq!(node.lines(), ["POST /auth/login", "POST /auth/mfa/verify"]);
        let member = format!(r#""{member}":"{typed}""#);
        assert!(node.asked()[1].body.contains(&member), "{}", node.asked()[1].body);
    }
}

#[tokio::test]
async fn answers_are_read_from_files() {
    let person = Person::new();
    let file = |name: &str, text: &str| {
        let path = person.home.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (password, code) = (file("password", "from a file\n"), file("code", "123456\n"));
    let node = Double::start([Said::ok(CHALLENGE), begun("sess_1")]).await;
    let more = ["--password-file", &password, "--code-file", &code];
    let words: Vec<&str> = LOGIN.iter().copied().chain(more).collect();
    assert_eq!(person.run(&words, &node.url, "").await.exit, 0);
    assert!(node.asked()[0].body.contains(r#""password":"from a file""#));
    assert!(node.asked()[1].body.contains(r#""code":"123456""#));
    let ran = person
        .run(&["login", "--username", "j", "--password-file", "/dev/null/x"], "http://a:1", "")
        .await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
}

#[tokio::test]
async fn a_session_is_printed_instead_of_kept_where_that_is_asked_for() {
    let person = Person::new();
    let node = Double::start([begun("sess_1"), begun("sess_2"), begun("sess_3")]).await;
    let words: Vec<&str> = LOGIN.iter().copied().chain(["--print"]).collect();
    let ran = person.run(&words, &node.url, "x\n").await;
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (0, "sess_1\n", ""));
    let words: Vec<&str> = words.into_iter().chain(["--json"]).collect();
    let ran = person.run(&words, &node.url, "x\n").await;
    assert!(ran.out.contains(r#""session_id":"sess_2""#), "{}", ran.out);
    assert!(!person.file().exists());
    // What is kept is not shown as well.
    let words: Vec<&str> = LOGIN.iter().copied().chain(["--json"]).collect();
    let ran = person.run(&words, &node.url, "x\n").await;
    assert!(ran.out.contains(r#""csrf_token":null"#), "{}", ran.out);
    assert!(!ran.out.contains("sess_3") && !ran.out.contains("csrf_secret"), "{}", ran.out);
}

#[tokio::test]
async fn a_refused_login_keeps_nothing_and_repeats_nothing() {
    for (status, code) in [(401, "invalid_credentials"), (423, "account_locked")] {
        for more in [&[][..], &["--json"]] {
            let person = Person::new();
            let node = Double::start([Said::problem(status, code)]).await;
            let words: Vec<&str> = LOGIN.iter().copied().chain(more.iter().copied()).collect();
            let ran = person.run(&words, &node.url, "hunter2\n").await;
            assert_eq!((ran.exit, ran.out.as_str()), (3, ""), "{code}");
            assert!(ran.err.contains(code) && !ran.err.contains("hunter2"), "{}", ran.err);
            assert!(!person.file().exists());
        }
    }
    let person = Person::new();
    let node = Double::start([Said::ok(CHALLENGE), Said::problem(401, "invalid_code")]).await;
    let ran = person.run(&LOGIN, &node.url, "hunter2\n123456\n").await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
    assert!(!ran.err.contains("hunter2") && !ran.err.contains("123456"), "{}", ran.err);
    let nobody = Nobody::start();
    let ran =
        person.run(&["login", "--username", "jane", "--json"], &nobody.url, "hunter2\n").await;
    assert!(ran.exit == 3 && !ran.err.contains("hunter2"), "{}", ran.err);
}

#[tokio::test]
async fn a_login_without_what_it_needs_is_wrong_usage() {
    for (words, input, why) in [
        (&LOGIN[..], "", "no password was given"),
        (&["login"], "x\n", "give --username"),
        (&["login", "--username", "j", "--socket", "/a"], "x\n", "nobody logs in over a socket"),
    ] {
        let person = Person::new();
        let ran = person.run(words, "http://127.0.0.1:1", input).await;
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    assert_eq!(run(&["login", "--password", "x"]).await.exit, 2);
}

#[tokio::test]
async fn a_login_that_is_not_enough_says_what_comes_first() {
    let person = Person::new();
    let limited = session_body("sess_1")
        .replace("password_expired\":false", "password_expired\":true")
        .replace("enrollment_required\":false", "enrollment_required\":true");
    let node = Double::start([Said::ok(&limited)]).await;
    let ran = person.run(&LOGIN, &node.url, "x\n").await;
    let err = "the password must be changed first: `lexecon password change`
a second factor must be enrolled first: `lexecon mfa enroll`
";
    assert_eq!((ran.exit, ran.err.as_str()), (0, err));
}

#[tokio::test]
async fn a_session_that_has_ended_is_forgotten_by_the_logout() {
    for code in ["session_expired", "unauthenticated"] {
        let person = Person::new();
        let node = Double::start([begun("sess_1"), Said::problem(401, code), me()]).await;
        person.run(&LOGIN, &node.url, "x\n").await;
        let ran = person.run(&["logout"], &node.url, "").await;
        let err = "the session had ended already\n";
        assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (0, "", err));
        person.run(&["whoami"], &node.url, "").await;
        assert_eq!(node.asked()[2].header("authorization"), None);
    }
    // Where it may not have ended, it is kept.
    let person = Person::new();
    let node = Double::start([begun("sess_1"), Said::problem(503, "no_leader"), me()]).await;
    person.run(&LOGIN, &node.url, "x\n").await;
    assert_eq!(person.run(&["logout"], &node.url, "").await.exit, 3);
    person.run(&["whoami"], &node.url, "").await;
    assert_eq!(node.asked()[2].header("authorization"), Some("Bearer sess_1"));
}

#[tokio::test]
async fn sessions_that_others_may_read_or_that_are_damaged_are_not_used() {
    let person = Person::new();
    let node = Double::start([begun("sess_1"), begun("sess_2"), me()]).await;
    person.run(&LOGIN, &node.url, "x\n").await;
    let path = person.file();
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(&path, open).unwrap();
    let ran = person.run(&["whoami"], &node.url, "").await;
    assert_eq!((ran.exit, node.asked().len()), (3, 1));
    assert!(ran.err.contains("others may read it"), "{}", ran.err);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, r#"{"sessions":[{"url":"sess_1"}]}"#).unwrap();
    let ran = person.run(&["whoami", "--json"], &node.url, "").await;
    assert_eq!((ran.exit, node.asked().len()), (3, 1));
    let is_code = ran.err.contains(r#""code":"session_unusable""#);
    assert!(is_code && !ran.err.contains("sess_1"), "{}", ran.err);
    // Another login puts it right.
    assert_eq!(person.run(&LOGIN, &node.url, "x\n").await.exit, 0);
    assert_eq!(person.run(&["whoami"], &node.url, "").await.exit, 0);
    assert_eq!(node.asked()[2].header("authorization"), Some("Bearer sess_2"));
}

#[tokio::test]
async fn the_account_that_asks_is_shown() {
    let out = "user         user_1
username     jane
email        jane@example.com
role         admin
may          view_dashboard manage_users
oversees as  executive
status       active
factor       none
password     until p
made         c
";
    check(&["whoami"], &format!(r#"{{"user":{USER}}}"#), 0, out).await;
    let (_ran, node) = ask(&["whoami"], me()).await;
    assert_eq!(node.lines(), ["GET /auth/me"]);
    let (ran, _node) = ask(&["whoami"], Said::problem(401, "unauthenticated")).await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
}

#[tokio::test]
async fn a_password_is_changed() {
    let node = Double::start([Said::ok(DONE)]).await;
    let words = ["password", "change", "--url", &node.url];
    let ran = run_typing(&words, "the old\nthe new\n").await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, "password  changed\nentry     9\n"));
    let body = r#"{"new_password":"the new","old_password":"the old"}"#;
    assert_eq!(node.asked()[0].body, body);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("both");
    fs::write(&path, "hunter1\nhunter2\n").unwrap();
    let words = ["password", "change", "--json", "--password-file", path.to_str().unwrap()];
    let faults = r#"{"type":"urn:lexecon:problem:password_policy","title":"t","status":422,"code":"password_policy","detail":"too weak","instance":"r","errors":[{"pointer":"/new_password","code":"too_short","detail":"must have 12 characters"}]}"#;
    let (ran, node) = ask(&words, Said::ok(faults).status(422)).await;
    assert_eq!((ran.exit, ran.out.as_str(), node.asked().len()), (2, "", 1));
    assert!(ran.err.contains("too_short") && !ran.err.contains("hunter"), "{}", ran.err);
    let ran = run_typing(&["password", "change", "--url", &node.url], "one line\n").await;
    assert_eq!((ran.exit, ran.err.as_str()), (2, "lexecon: no new password was given\n"));
}

#[tokio::test]
async fn a_second_factor_is_enrolled_and_shown_once() {
    let enrollment = r#"{"otpauth_uri":"otpauth://totp/x?secret=BASE32","secret":"BASE32"}"#;
    let confirmed = r#"{"backup_codes":["AB12","CD34"],"enabled":true,"ledger_entry_id":7}"#;
    let said = || [Said::ok(enrollment), Said::ok(confirmed)];
    let node = Double::start(said()).await;
    let ran = run_typing(&["mfa", "enroll", "--url", &node.url], "123456\n").await;
    let out = "secret  BASE32\nuri     otpauth://totp/x?secret=BASE32\nAB12\nCD34\n";
    assert_eq!((ran.exit, ran.out.as_str()), (0, out));
    assert!(ran.err.contains("not shown again") && !ran.err.contains("BASE32"), "{}", ran.err);
    assert_eq!(node.lines(), ["POST /auth/mfa/enroll", "POST /auth/mfa/confirm"]);
    assert_eq!(node.asked()[1].body, r#"{"code":"123456"}"#);
    let node = Double::start(said()).await;
    let ran = run_typing(&["mfa", "enroll", "--json", "--url", &node.url], "123456\n").await;
    assert_eq!(ran.out, format!("{enrollment}\n{confirmed}\n"));

    let node = Double::start([Said::ok(enrollment), Said::problem(401, "invalid_code")]).await;
    let ran = run_typing(&["mfa", "enroll", "--url", &node.url], "123456\n").await;
    assert_eq!((ran.exit, ran.out.lines().count()), (3, 2));
    assert!(!ran.err.contains("123456") && !ran.err.contains("BASE32"), "{}", ran.err);
    let (ran, _node) = ask(&["mfa", "enroll"], Said::problem(409, "already_enrolled")).await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
}

#[tokio::test]
async fn backup_codes_are_drawn_anew_alone_on_standard_output() {
    let renewed = r#"{"backup_codes":["AB12","CD34"],"ledger_entry_id":8}"#;
    let node = Double::start([Said::ok(renewed), Said::problem(401, "invalid_code")]).await;
    let words = ["mfa", "backup-codes", "--url", &node.url];
    let ran = run_typing(&words, "123456\n").await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, "AB12\nCD34\n"));
    let ran = run_typing(&words, "123456\n").await;
    assert!(ran.exit == 3 && !ran.err.contains("123456"), "{}", ran.err);
    let ran = run_typing(&words, "").await;
    assert_eq!((ran.exit, node.asked().len()), (2, 2));
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let list = r#"{"sessions":[{"id":"ses_1","user_id":"user_1","created_at":"c","last_used_at":"u","expires_at":"e","address":"127.0.0.1","authn":"password","current":true}],"total":2,"total_exact":true,"next":"ses_1"}"#;
    let out = "\
SESSION  USER    BEGAN  USED  EXPIRES  FROM       CURRENT
ses_1    user_1  c      u     e        127.0.0.1  yes
more with --after ses_1
";
    check(&["session", "list"], list, 0, out).await;
    let words = ["session", "list", "--all", "--after", "ses_0", "--limit", "1"];
    let (_ran, node) = ask(&words, Said::ok(list)).await;
    assert_eq!(node.lines(), ["GET /auth/sessions?all=true&after=ses_0&limit=1"]);
    assert_eq!(run(&["session", "list", "--all", "--user", "u"]).await.exit, 2);
    let ended = r#"{"revoked":true,"ledger_entry_id":9}"#;
    check(&["session", "revoke", "ses_1"], ended, 0, "ended  ses_1\nentry  9\n").await;
    let words = ["session", "revoke", "ses_1"];
    let (ran, node) = ask(&words, Said::problem(404, "unknown_session")).await;
    assert_eq!((ran.exit, node.lines()), (3, vec!["DELETE /auth/sessions/ses_1".to_owned()]));
}
