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
    check_refused(&["--listen", "0.0.0.0:8000"], &[], "set auth.mode to `required`");
    check_refused(&["--peer-listen", "10.0.0.1:9000"], &[], "set auth.mode to `required`");
    check_refused(&["--auth", "maybe"], &[], "auth.mode `maybe` is not open or required");
    check_refused(&["--metrics-listen", "0.0.0.0:1"], &[], "set auth.mode to `required`");
    assert!(settings(&["--listen", "[::1]:8000"], &[]).and_then(Settings::validate).is_ok());
    let config = settings(&["--auth", "required"], &[]).and_then(Settings::validate).unwrap();
    assert_eq!((config.auth, config.scheme()), (AuthMode::Required, "http"));
}

#[test]
fn nothing_leaves_this_machine_without_certificates() {
    let required = ["--auth", "required"];
    let (api, peers) = (["--listen", "10.0.0.1:8000"], ["--peer-listen", "10.0.0.1:9000"]);
    let of_api = ["--tls-cert-file", "c", "--tls-key-file", "k"];
    let of_peers =
        ["--tls-peer-cert-file", "c", "--tls-peer-key-file", "k", "--tls-peer-ca-file", "a"];
    let refused = |more: &[&[&str]], expect| check_refused(&more.concat(), &[], expect);
    refused(&[&required, &api], "set tls.cert_file and tls.key_file");
    refused(&[&required, &api, &of_peers], "set tls.cert_file and tls.key_file");
    refused(&[&required, &peers], "set tls.peer_cert_file, tls.peer_key_file and");
    refused(&[&required, &peers, &of_api], "set tls.peer_cert_file");
    refused(&[&api, &peers, &of_api, &of_peers], "auth.mode is `open`");
    let arguments = [&required[..], &api, &peers, &of_api, &of_peers].concat();
    let config = settings(&arguments, &[]).and_then(Settings::validate).unwrap();
    assert_eq!(config.scheme(), "https");
    assert_eq!(config.tls.trusted(), Some(PathBuf::from("a")));
    // On loopback each is a choice.
    for some in [&of_api[..], &of_peers] {
        settings(some, &[]).and_then(Settings::validate).unwrap();
    }
}

#[test]
fn certificates_come_with_their_keys() {
    check_refused(&["--tls-cert-file", "c"], &[], "tls.cert_file and tls.key_file belong together");
    let two = ["--tls-peer-cert-file", "c", "--tls-peer-key-file", "k"];
    check_refused(&two, &[], "tls.peer_ca_file belong together");
    check_refused(&[], &[("LEXECON_TLS_PEER_CA_FILE", "a")], "belong together");
    check_refused(&[], &[("LEXECON_TLS_CERTFILE", "a")], "LEXECON_TLS_CERT_FILE is");
}

#[test]
fn what_others_are_told_leads_them_here() {
    let secure = [
        "--auth=required",
        "--tls-cert-file=c",
        "--tls-key-file=k",
        "--tls-peer-cert-file=c",
        "--tls-peer-key-file=k",
        "--tls-peer-ca-file=a",
    ];
    let refused = |more: &[&str], expect| check_refused(&[&secure, more].concat(), &[], expect);
    refused(&["--listen", "0.0.0.0:8000"], "set advertise");
    refused(&["--peer-listen", "[::]:9000"], "set peer_advertise");
    refused(&["--advertise", "http://n1:8000"], "tell https://");
    refused(&["--join", "http://n1.example:8000"], "ask it over https://");
    let told = ["--listen", "0.0.0.0:8000", "--advertise", "https://n1:8000"];
    let joins = ["--join", "https://n2:8000,http://127.0.0.1:8000"];
    let arguments = [&secure[..], &told, &joins].concat();
    assert!(settings(&arguments, &[]).and_then(Settings::validate).is_ok());
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
fn notices_are_signed_and_leave_this_machine_only_encrypted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let secret = path.to_str().unwrap();
    let with = |url: &str| {
        settings(&["--notify-webhook-url", url, "--notify-webhook-secret-file", secret], &[])
            .and_then(Settings::validate)
    };
    for url in [
        "http://127.0.0.1:9999/hook",
        "http://[::1]:9999/",
        "http://localhost:1/x",
        "https://127.0.0.1/",
        "https://example.org/hook",
    ] {
        assert!(with(url).unwrap().webhook.is_some(), "{url}");
    }
    for url in
        ["http://example.org/", "http://10.0.0.1/", "ftp://[::1]/", "http://localhost.example/"]
    {
        let refused = with(url).unwrap_err();
        assert!(refused.0.contains("loopback"), "{url}: {refused}");
    }
    check_refused(&["--notify-webhook-url", "nowhere"], &[], "a URL");
    let nobody = [("LEXECON_NOTIFY_WEBHOOK_CA_FILE", "/nonexistent/ca.crt")];
    let url = ["--notify-webhook-url", "https://[::1]/", "--notify-webhook-secret-file", secret];
    check_refused(&url, &nobody, "/nonexistent/ca.crt");
    check_refused(
        &["--notify-webhook-url", "http://127.0.0.1:1/"],
        &[],
        "needs notify.webhook_secret_file",
    );
}

#[test]
fn a_master_key_is_32_bytes_or_a_text_and_each_has_one_job() {
    let hex = "AB".repeat(32);
    for (variable, value) in [
        ("DB_ENCRYPTION_KEY", hex.as_str()),
        ("DB_ENCRYPTION_KEY", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="),
        ("LEXECON_MASTER_KEY", "a phrase of sixteen letters or more"),
    ] {
        let config = settings(&[], &[(variable, value)]).and_then(Settings::validate).unwrap();
        let is_data = variable == "DB_ENCRYPTION_KEY";
        assert_eq!(config.encryption.data.is_some(), is_data);
        assert_eq!(config.encryption.node.is_some(), !is_data);
        let [warning] = &config.warnings[..] else { panic!("{:?}", config.warnings) };
        assert!(warning.contains("not sealed"), "{warning}");
        assert!(!format!("{config:?}").contains(value));
    }
    let both = [("DB_ENCRYPTION_KEY", hex.as_str()), ("LEXECON_MASTER_KEY", hex.as_str())];
    let gathered = settings(&[], &both).unwrap();
    assert!(!format!("{gathered:?}{}", gathered.print()).contains(&hex));
    assert_eq!(gathered.validate().unwrap().warnings, Vec::<String>::new());
    check_refused(&["--encryption-rotate-after-s", "0"], &[], "encryption.rotate_after_s");
}

#[test]
fn every_spelling_of_32_bytes_is_the_same_key() {
    let key = |text: &str| {
        let set = settings(&[], &[("DB_ENCRYPTION_KEY", text)]);
        set.and_then(Settings::validate).unwrap().encryption.data.unwrap()
    };
    let sealed = key(&"00ff".repeat(16)).seal("x", b"plain").unwrap();
    let base64 = "AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8";
    for text in [
        &"00FF".repeat(16),
        &format!("{base64}="),
        base64,
        &base64.replace('/', "_"),
        &format!(" {base64}=\n"),
    ] {
        assert_eq!(key(text).open("x", &sealed).unwrap().as_slice(), b"plain", "{text}");
    }
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

#[test]
fn records_are_never_kept_for_less_than_the_law_has_it() {
    check_refused(&["--retention-personal-days", "182"], &[], "retention.personal_days `182`");
    check_refused(&["--retention-high-risk-days", "365"], &[], "3650 to 36500 days");
    check_refused(&[], &[("LEXECON_RETENTION_DAYS", "0")], "retention.days `0`");
    check_refused(&["--exports-file-mib-max", "0"], &[], "exports.file_mib_max `0`");
    let small = ["--exports-directory-mib-max", "1000"];
    check_refused(&small, &[], "at least exports.file_mib_max, which is 32768");
    check_refused(&["--retention-days", "half a year"], &[], "is not a number of days");
    let config = settings(&["--retention-days", "365"], &[]).and_then(Settings::validate).unwrap();
    assert_eq!((config.retention.days, config.retention.personal_days), (Some(365), None));
}
