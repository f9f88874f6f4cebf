//! Layers of settings, and what is refused.

use super::*;

fn settings(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let command = clap::Command::new("serve").no_binary_name(true).args(flags());
    let matches = command.try_get_matches_from(arguments).unwrap();
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::gather(&matches, &environment.collect())
}

#[track_caller]
fn check_refused(arguments: &[&str], environment: &[(&str, &str)], expect: &str) {
    let refused = settings(arguments, environment).and_then(Settings::validate).unwrap_err();
    assert!(refused.0.contains(expect), "{refused}");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lexecon.toml");
    std::fs::write(&file, "region = \"file\"\nzone = \"file\"\nlog_name = \"file\"\n").unwrap();
    let file = file.to_str().unwrap();
    let settings = settings(
        &["--config", file, "--region", "flag"],
        &[("LEXECON_REGION", "env"), ("LEXECON_ZONE", "env")],
    )
    .unwrap();
    let printed = settings.print();
    assert!(printed.contains("region = \"flag\"  # flag --region"), "{printed}");
    assert!(printed.contains("zone = \"env\"  # environment LEXECON_ZONE"), "{printed}");
    assert!(printed.contains("log_name = \"file\"  # file "), "{printed}");
    assert!(printed.contains("workers = \"2\"  # default"), "{printed}");
}

#[test]
fn names_of_the_first_description_are_read() {
    let config = settings(
        &[],
        &[
            ("LEXECON_DATABASE_URL", "sqlite:///./state/lexecon_ledger.db"),
            ("UVICORN_LIMIT_CONCURRENCY", "1000"),
            ("LEXECON_REDIS_URL", "redis://localhost:6379/0"),
        ],
    )
    .and_then(Settings::validate)
    .unwrap();
    assert_eq!(config.data_dir, PathBuf::from("./state"));
    assert_eq!(config.concurrency_max, 1000);
    assert_eq!(config.warnings, ["LEXECON_REDIS_URL is set and has no effect in this release"]);
}

#[test]
fn without_login_only_loopback_is_served() {
    check_refused(&["--listen", "0.0.0.0:8000"], &[], "not a loopback address");
    check_refused(&["--peer-listen", "10.0.0.1:9000"], &[], "not a loopback address");
    check_refused(&["--auth", "required"], &[], "not in this release");
    assert!(settings(&["--listen", "[::1]:8000"], &[]).and_then(Settings::validate).is_ok());
}

#[test]
fn what_means_nothing_is_refused_by_name() {
    check_refused(&["--listen", "nowhere"], &[], "listen `nowhere` is not HOST:PORT");
    check_refused(&["--node-id", "a b"], &[], "node_id");
    check_refused(&["--learner=maybe"], &[], "learner `maybe`");
    check_refused(&["--workers", "0"], &[], "workers `0` is not at least 1");
    check_refused(&["--log-level", "loud"], &[], "log_level");
    check_refused(&["--raft-election-timeout-max-ms", "1"], &[], "must grow");
    check_refused(&[], &[("LEXECON_DATADIR", "x")], "LEXECON_DATA_DIR is");
    check_refused(&["--config", "/nonexistent/x.toml"], &[], "cannot read");
}

#[test]
fn an_unknown_key_of_the_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lexecon.toml");
    std::fs::write(&file, "[raft]\nheartbeat = 1\n").unwrap();
    check_refused(&["--config", file.to_str().unwrap()], &[], "unknown key `raft.heartbeat`");
}

#[test]
fn variables_of_others_are_left_alone() {
    let settings = settings(
        &[],
        &[
            ("LEXECON_SERVICE_HOST", "10.0.0.1"),
            ("LEXECON_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
            ("LEXECON_URL", "http://127.0.0.1:8000"),
            ("LEXECON_SOMETHING_ELSE", "x"),
        ],
    )
    .unwrap();
    assert_eq!(settings.warnings, ["LEXECON_SOMETHING_ELSE is not a variable of ours"]);
}

#[test]
fn notices_go_to_this_machine_alone_and_are_signed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let secret = path.to_str().unwrap();
    let with = |url: &str| {
        settings(&["--notify-webhook-url", url, "--notify-webhook-secret-file", secret], &[])
            .and_then(Settings::validate)
    };
    for url in ["http://127.0.0.1:9999/hook", "http://[::1]:9999/", "http://localhost:1/x"] {
        assert!(with(url).unwrap().webhook.is_some(), "{url}");
    }
    for url in ["https://127.0.0.1/", "http://example.org/", "http://10.0.0.1/", "ftp://[::1]/"] {
        let refused = with(url).unwrap_err();
        assert!(refused.0.contains("loopback"), "{url}: {refused}");
    }
    check_refused(&["--notify-webhook-url", "nowhere"], &[], "a URL");
    check_refused(
        &["--notify-webhook-url", "http://127.0.0.1:1/"],
        &[],
        "needs notify.webhook_secret_file",
    );
}

const GOOGLE: [(&str, &str); 2] =
    [("OIDC_GOOGLE_CLIENT_ID", "us"), ("LEXECON_BASE_URL", "https://lexecon.example/")];

#[test]
fn providers_of_logins_are_those_with_a_client_id() {
    let tenant = "0f0f0f0f-1111-2222-3333-444444444444";
    let environment = [
        GOOGLE.as_slice(),
        &[
            ("OIDC_GOOGLE_CLIENT_SECRET", "hush"),
            ("OIDC_AZURE_CLIENT_ID", "us too"),
            ("OIDC_AZURE_TENANT", tenant),
            ("OIDC_AZURE_ROLE_CLAIM", "groups"),
            ("OIDC_AZURE_ROLE_MAP", "cn=ops,dc=x=auditor, boss=admin"),
        ],
    ]
    .concat();
    let refused = settings(&[], &environment).and_then(Settings::validate).unwrap_err();
    assert!(refused.0.contains("oidc.azure.role_map `cn=ops` is not"), "{refused}");
    let environment: Vec<_> = environment
        .into_iter()
        .map(|(name, value)| match name {
            "OIDC_AZURE_ROLE_MAP" => (name, "cn=ops=auditor, boss=admin"),
            _ => (name, value),
        })
        .collect();
    let settings = settings(&[], &environment).unwrap();
    let printed = settings.print();
    assert!(!printed.contains("hush"), "{printed}");
    assert!(printed.contains("oidc.google.client_secret = (set, not shown)"), "{printed}");
    let config = settings.validate().unwrap();
    assert_eq!(config.base_url.as_deref(), Some("https://lexecon.example"));
    let [google, azure] = config.oidc.as_slice() else { panic!("{:?}", config.oidc) };
    assert_eq!((google.name, google.issuer.as_str()), ("google", "https://accounts.google.com"));
    assert!(google.client_secret.is_some() && google.roles.is_empty());
    assert_eq!(google.scopes, ["profile", "email"]);
    assert_eq!(azure.issuer, format!("https://login.microsoftonline.com/{tenant}/v2.0"));
    let roles = azure.roles.iter().map(|(value, role)| format!("{value} {}", role.as_str()));
    assert_eq!(roles.collect::<Vec<_>>(), ["cn=ops auditor", "boss admin"]);
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn a_provider_that_cannot_work_or_lets_anybody_in_is_refused() {
    let azure = [("OIDC_AZURE_CLIENT_ID", "us"), ("OIDC_AZURE_TENANT", "common"), GOOGLE[1]];
    let custom =
        |url| [("OIDC_CUSTOM_CLIENT_ID", "us"), ("OIDC_CUSTOM_DISCOVERY_URL", url), GOOGLE[1]];
    check_refused(&[], &GOOGLE[..1], "oidc.google.client_id needs base_url");
    check_refused(&[], &azure, "oidc.azure.tenant `common` is not the id of one tenant");
    check_refused(&[], &custom("ftp://x"), "oidc.custom.discovery_url `ftp://x` is not");
    let map = [GOOGLE[0], GOOGLE[1], ("OIDC_GOOGLE_ROLE_MAP", "a=admin")];
    check_refused(&[], &map, "oidc.google.role_map needs oidc.google.role_claim");
    for url in ["https://id.example/x", "https://id.example/x/.well-known/openid-configuration"] {
        let config = settings(&[], &custom(url)).unwrap().validate().unwrap();
        assert_eq!(config.oidc[0].issuer, "https://id.example/x", "{url}");
    }
}

#[test]
fn a_client_secret_is_in_no_configuration_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lexecon.toml");
    std::fs::write(&file, "[oidc.google]\nclient_secret = \"hush\"\n").unwrap();
    let refused = settings(&["--config", file.to_str().unwrap()], &[]).unwrap_err();
    assert!(refused.0.contains("give it as OIDC_GOOGLE_CLIENT_SECRET"), "{refused}");
    assert!(!refused.0.contains("hush"), "{refused}");
}
