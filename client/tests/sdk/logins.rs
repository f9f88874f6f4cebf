//! Logging in and out, second factors, and what no reply and no error shows of
//! the secrets in them.

use client::auth::login::{Factor, Login};
use client::auth::oidc::OidcReturn;
use client::{Client, Error, Options};
use secrecy::{ExposeSecret as _, SecretString};

use crate::double::{Double, Said};

const USER: &str = r#"{"user_id":"user_1","username":"jane","email":"jane@example.com","full_name":null,"role":"admin","permissions":["view_dashboard"],"oversight_roles":[],"mfa_enabled":true,"last_login":null,"password_expires_at":"p","status":"active","created_at":"c"}"#;
const CHALLENGE: &str = r#"{"success":false,"mfa_required":true,"challenge_id":"mfa_secret","session_id":null,"csrf_token":null,"expires_at":"e","user":null,"password_expired":false,"mfa_enrollment_required":false}"#;

fn begun() -> String {
    format!(
        r#"{{"success":true,"mfa_required":false,"challenge_id":null,"session_id":"sess_secret","csrf_token":"csrf_secret","expires_at":"e","user":{USER},"password_expired":false,"mfa_enrollment_required":true}}"#
    )
}

async fn node<const N: usize>(said: [Said; N]) -> (Double, Client) {
    let node = Double::start(said).await;
    let client = Client::new([&node.url]).unwrap();
    (node, client)
}

#[tokio::test]
async fn a_login_yields_a_session_that_later_calls_are_made_with() {
    let me = format!(r#"{{"user":{USER}}}"#);
    let done = r#"{"success":true,"ledger_entry_id":9}"#;
    let (node, client) = node([Said::ok(&begun()), Said::ok(&me), Said::ok(done)]).await;
    let reply = client.login("jane", &SecretString::from(" pa\"ss ")).await.unwrap();
    let shown = format!("{reply:?}");
    assert!(!shown.contains("_secret") && shown.contains("jane"), "{shown}");
    let Login::Begun(session) = reply.value else { panic!("{shown}") };
    assert!(session.mfa_enrollment_required && !session.password_expired);
    let client = client.with_credential(&session.credential()).unwrap();
    assert_eq!(client.me().await.unwrap().value.user, session.user);
    assert_eq!(client.logout().await.unwrap().value.ledger_entry_id, Some(9));
    assert_eq!(node.lines(), ["POST /auth/login", "GET /auth/me", "POST /auth/logout"]);
    let asked = node.asked();
    assert_eq!(asked[0].body, r#"{"password":" pa\"ss ","username":"jane"}"#);
    let sent: Vec<_> = asked.iter().map(|asked| asked.header("authorization")).collect();
    assert_eq!(sent, [None, Some("Bearer sess_secret"), Some("Bearer sess_secret")]);
    assert!(!format!("{client:?}").contains("_secret"));
}

#[tokio::test]
async fn a_second_factor_is_a_code_or_a_backup_code() {
    for (text, name) in
        [("012345", "code"), ("AB12-CD34", "backup_code"), ("01234x", "backup_code")]
    {
        let (node, client) = node([Said::ok(CHALLENGE), Said::ok(&begun())]).await;
        let reply = client.login("jane", &SecretString::from("x")).await.unwrap();
        assert!(!format!("{reply:?}").contains("mfa_secret"));
        let Login::CodeWanted(challenge) = reply.value else { panic!("no challenge") };
        let factor = Factor::of(SecretString::from(text));
        assert!(!format!("{factor:?}").contains(text));
        let session = client.login_code(&challenge, &factor).await.unwrap().value;
        assert_eq!(session.session_id.expose_secret(), "sess_secret");
        assert_eq!(node.lines()[1], "POST /auth/mfa/verify");
        let mut members =
            [format!(r#""{name}":"{text}""#), r#""challenge_id":"mfa_secret""#.into()];
        members.sort();
        assert_eq!(node.asked()[1].body, format!("{{{}}}", members.join(",")));
    }
}

#[tokio::test]
async fn a_login_is_not_sent_twice() {
    let (node, client) = node([Said::problem(503, "no_leader"), Said::ok(&begun())]).await;
    let refused = client.login("jane", &SecretString::from("hunter2")).await.unwrap_err();
    assert!(matches!(&refused, Error::Problem(problem) if problem.code == "no_leader"));
    assert!(!format!("{refused:?}{refused}").contains("hunter2"));
    assert_eq!(node.asked().len(), 1);
}

#[tokio::test]
async fn a_session_that_has_ended_is_told_apart_from_other_refusals() {
    for code in ["session_expired", "session_revoked"] {
        let (_node, client) = node([Said::problem(401, code)]).await;
        let over = client.me().await.unwrap_err();
        assert!(matches!(&over, Error::SessionOver(problem) if problem.code == code), "{over}");
        assert!(over.to_string().contains("log in again"), "{over}");
    }
    let (_node, client) = node([Said::problem(401, "unauthenticated")]).await;
    assert!(matches!(client.me().await.unwrap_err(), Error::Problem(_)));
}

#[tokio::test]
async fn a_reply_with_secrets_that_is_not_understood_is_not_quoted() {
    let key = r#"{"key_id":"a","name":{"lxk_secret":1},"api_key":"lxk_secret"}"#;
    for (body, is_login) in [
        (r#"{"session_id":"sess_secret","expires_at":"sess_secret","user":"sess_secret"}"#, true),
        (r#"{"session_id":"sess_secret","expires_at":"e"}"#, true),
        (key, false),
    ] {
        let (_node, client) = node([Said::ok(body)]).await;
        let error = match is_login {
            true => client.login("jane", &SecretString::from("x")).await.unwrap_err(),
            false => client.api_key_create(&Default::default()).await.unwrap_err(),
        };
        assert!(matches!(error, Error::NotUnderstood { status: 200, .. }), "{error}");
        assert!(!format!("{error:?}{error}").contains("_secret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_second_factor_is_enrolled_and_its_backup_codes_drawn_anew() {
    let enrolled =
        r#"{"secret":"BASE32SECRET","otpauth_uri":"otpauth://totp/x?secret=BASE32SECRET"}"#;
    let confirmed = r#"{"enabled":true,"backup_codes":["CODESECRET"],"ledger_entry_id":7}"#;
    let renewed = r#"{"backup_codes":["CODESECRET"],"ledger_entry_id":8}"#;
    let (node, client) = node([Said::ok(enrolled), Said::ok(confirmed), Said::ok(renewed)]).await;
    let enrollment = client.mfa_enroll().await.unwrap();
    let code = SecretString::from("123456");
    let enrolled = client.mfa_confirm(&code).await.unwrap();
    let renewed = client.mfa_backup_codes(&code).await.unwrap();
    let shown = format!("{enrollment:?}{enrolled:?}{renewed:?}");
    assert!(!shown.contains("SECRET"), "{shown}");
    assert_eq!(enrollment.value.secret.expose_secret(), "BASE32SECRET");
    assert_eq!(enrolled.value.backup_codes.unwrap()[0].expose_secret(), "CODESECRET");
    let expect = ["POST /auth/mfa/enroll", "POST /auth/mfa/confirm", "POST /auth/mfa/backup-codes"];
    assert_eq!(node.lines(), expect);
    assert_eq!(node.asked()[2].body, r#"{"code":"123456"}"#);
}

#[tokio::test]
async fn a_password_is_changed_within_the_rules_that_are_told() {
    let done = r#"{"success":true,"ledger_entry_id":9}"#;
    let rules = r#"{"min_length":12,"max_length":128,"min_distinct":8,"max_age_days":90,"history_count":5,"require_uppercase":true,"require_lowercase":true,"require_digit":true,"require_special":true}"#;
    let (node, client) = node([Said::ok(rules), Said::ok(done)]).await;
    let rules = client.password_policy().await.unwrap().value;
    assert!(rules.min_length == 12 && rules.require_digit);
    let (old, new) = (SecretString::from("o"), SecretString::from("n"));
    assert!(client.change_password(&old, &new).await.unwrap().value.success);
    assert_eq!(node.lines(), ["GET /auth/password-policy", "POST /auth/change-password"]);
    assert_eq!(node.asked()[1].body, r#"{"new_password":"n","old_password":"o"}"#);
}

#[tokio::test]
async fn a_login_at_a_provider_gives_back_what_binds_it() {
    let providers = r#"{"providers":[{"name":"corp","issuer":"https://id.example.com"}]}"#;
    let login = r#"{"authorization_url":"https://id.example.com/a?x=1","state":"st_secret","expires_at":"e"}"#;
    let cookie = "__Host-lexecon_oidc=bind_secret; HttpOnly; SameSite=Lax; Secure; Path=/";
    let bound = Said::ok(login).header("set-cookie", "other=1").header("set-cookie", cookie);
    let (node, client) = node([Said::ok(providers), bound, Said::ok(&begun())]).await;
    let providers = client.oidc_providers().await.unwrap().value.providers;
    let reply = client.oidc_login(&providers[0].name).await.unwrap();
    assert!(!format!("{reply:?}").contains("_secret"), "{reply:?}");
    let back = OidcReturn {
        code: SecretString::from("c d"),
        state: reply.value.state,
        binding: reply.value.binding,
    };
    let login = client.oidc_callback("corp", &back).await.unwrap().value;
    assert!(matches!(login, Login::Begun(_)));
    let callback = "GET /auth/oidc/callback/corp?code=c+d&state=st_secret";
    assert_eq!(node.lines(), ["GET /auth/oidc/providers", "GET /auth/oidc/login/corp", callback]);
    assert_eq!(node.asked()[2].header("cookie"), Some("__Host-lexecon_oidc=bind_secret"));
}

#[tokio::test]
async fn a_credential_that_is_no_text_of_a_header_is_refused_unsaid() {
    let mut options = Options::new(["http://a:1"]);
    options.credential = Some("line\nsecret".into());
    let error = Client::with_options(options.clone()).unwrap_err();
    assert!(matches!(error, Error::Misused(_)), "{error}");
    assert!(!format!("{error}{options:?}").contains("secret"));
}
