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
    check_refused(&["--metrics-listen", "0.0.0.0:1"], &[], "not a loopback address");
    check_refused(&["--auth", "required", "--listen", "0.0.0.0:8000"], &[], "on the way");
    check_refused(&["--auth", "maybe"], &[], "auth.mode `maybe`");
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

#[test]
fn logging_in_is_limited_where_there_are_logins() {
    let rates =
        |arguments: &[&str]| settings(arguments, &[]).and_then(Settings::validate).unwrap().rates;
    assert_eq!(rates(&[]), api::RateLimits::default());
    let required = rates(&["--auth", "required"]);
    assert_eq!((required.login, required.address), ("5/300".parse().ok(), None));
    let set = settings(
        &["--rate-limit-per-principal", "50/1", "--trusted-proxies", "10.0.0.0/8, ::1"],
        &[
            ("LEXECON_RATE_LIMIT_GLOBAL_PER_IP", "100/60"),
            ("LEXECON_RATE_LIMIT_AUTH_LOGIN", "3/10"),
        ],
    )
    .and_then(Settings::validate)
    .unwrap();
    let expect = ["100/60", "3/10", "50/1"].map(|rate| rate.parse::<api::Rate>().ok());
    assert_eq!([set.rates.address, set.rates.login, set.rates.principal], expect);
    assert_eq!(set.trusted_proxies.len(), 2);
    check_refused(&["--rate-limit-auth-login", "5"], &[], "rate_limit.auth_login `5`");
    check_refused(&["--trusted-proxies", "proxy"], &[], "trusted_proxies `proxy`");
}
