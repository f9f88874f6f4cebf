//! Three real nodes with certificates, sealed directories and accounts: who may
//! do what is what the table of rights says, over https on every node; and
//! nothing that was said in secret is in any log, metric, header or file.
//!
//! Everything is made by the product's own commands, the first administrator
//! through the socket of a node, the other nodes by tokens.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use jepsen_tests::cluster::Cluster;
use jepsen_tests::http::{Client, Reply};
use jepsen_tests::workload::policy;
use jepsen_tests::{binary, totp, trial};
use types::Json;

const PASSWORD: &str = "Vigil-Tram0!kesp";
const ACTOR: &str = "ai_agent:claims_triage";
/// A value of a context, and a justification: people write such things.
const PLANTED: &str = "planted-payload-of-a-person-4711";

/// Codes of refusals that come from who asks.
const DENIALS: [&str; 9] = [
    "unauthenticated",
    "session_expired",
    "session_revoked",
    "permission_denied",
    "actor_not_covered",
    "not_authorised",
    "mfa_required",
    "password_expired",
    "join_refused",
];

/// An operator at a terminal.
struct Operator {
    home: PathBuf,
    url: String,
    ca: PathBuf,
    data_dir: PathBuf,
    /// Everything that was shown once.
    secrets: Vec<String>,
}

impl Operator {
    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(binary::lexecon().unwrap());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LEXECON_") {
                command.env_remove(name);
            }
        }
        command.env("HOME", &self.home).env_remove("XDG_CONFIG_HOME");
        command.env("LEXECON_URL", &self.url).env("LEXECON_CA_FILE", &self.ca);
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// What a command answers that must succeed.
    #[track_caller]
    fn done(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same over the socket of the first node, where no login is needed.
    #[track_caller]
    fn by_socket(&self, arguments: &[&str]) -> String {
        let socket = self.data_dir.join("admin.sock");
        self.done(&[arguments, &["--socket", socket.to_str().unwrap()]].concat(), "")
    }

    fn account(&self, username: &str, role: &str, more: &[&str]) {
        let email = format!("{username}@example.com");
        let file = self.home.join("password");
        let make = ["user", "create", "--username", username, "--email", &email];
        let rest = ["--role", role, "--password-file", file.to_str().unwrap()];
        self.by_socket(&[&make, rest.as_slice(), more].concat());
    }

    fn key(&mut self, name: &str, actor: &str, more: &[&str]) -> String {
        let make = ["api-key", "create", "--name", name, "--actor", actor];
        let key = self.by_socket(&[&make, more].concat()).trim().to_owned();
        assert!(key.starts_with("lxk_"), "a key is alone on standard output");
        self.secrets.push(key.clone());
        key
    }

    fn join_token(&mut self) -> String {
        let token = self.by_socket(&["cluster", "token"]).trim().to_owned();
        self.secrets.push(token.clone());
        token
    }
}

fn member<'a>(json: &'a Json, name: &str) -> &'a str {
    json.as_object().and_then(|object| object.get(name)).and_then(Json::as_str).unwrap()
}

async fn posted(client: &mut Client, path: &str, body: &str) -> Json {
    let reply = client.post_bytes(path, body.to_owned().into()).await.unwrap();
    assert_eq!(reply.status, 200, "{path}: {}", reply.quoted());
    reply.json().unwrap()
}

/// The session of an account that has no second factor.
async fn log_in(cluster: &Cluster, username: &str) -> String {
    let body = format!(r#"{{"username":"{username}","password":"{PASSWORD}"}}"#);
    let reply = posted(&mut cluster.client(0).with_credential(None), "/auth/login", &body).await;
    member(&reply, "session_id").to_owned()
}

/// Gives the account of a session a second factor.
async fn enroll(cluster: &Cluster, session: &str, secrets: &mut Vec<String>) {
    let mut client = cluster.client(0).with_credential(Some(session));
    let begun = posted(&mut client, "/auth/mfa/enroll", "{}").await;
    let secret = member(&begun, "secret").to_owned();
    let body = format!(r#"{{"code":"{}"}}"#, totp::code(&secret));
    let done = posted(&mut client, "/auth/mfa/confirm", &body).await;
    secrets.push(secret);
    let codes = done.as_object().unwrap().get("backup_codes").and_then(Json::as_array).unwrap();
    secrets.extend(codes.iter().map(|code| code.as_str().unwrap().to_owned()));
}

/// Three nodes with all of it, and whoever may ask them, by the name the table
/// of rights has.
async fn scene() -> (Cluster, Operator, Vec<(String, Option<String>)>) {
    let mut cluster = Cluster::secured().unwrap();
    for (name, value) in [
        ("LEXECON_AUTH_MODE", "required"),
        ("LEXECON_RATE_LIMIT_AUTH_LOGIN", "10000/60"),
        ("LEXECON_LOG_LEVEL", "DEBUG"),
        ("LEXECON_MASTER_KEY", "a phrase that seals the keys of nodes"),
        ("DB_ENCRYPTION_KEY", "a phrase that seals what nodes keep"),
    ] {
        cluster.set(name, value);
    }
    let first = cluster.add().unwrap();
    cluster.wait_ready(first).await.unwrap();
    let home = cluster.root().join("operator");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("password"), PASSWORD).unwrap();
    let mut operator = Operator {
        url: format!("https://{}", cluster.addresses()[0]),
        ca: cluster.authority().unwrap().certificate(),
        data_dir: cluster.root().join("n1"),
        secrets: vec![PASSWORD.to_owned()],
        home,
    };
    let password = operator.home.join("password");
    let data_dir = operator.data_dir.display().to_string();
    let create = ["admin", "create", "--data-dir", &data_dir, "--username", "admin", "--email"];
    let more = ["admin@example.com", "--password-file", password.to_str().unwrap()];
    operator.done(&[&create, more.as_slice()].concat(), "");
    for _ in 1..3 {
        let token = operator.join_token();
        cluster.set("LEXECON_JOIN_TOKEN", &token);
        let at = cluster.add().unwrap();
        cluster.wait_ready(at).await.unwrap();
    }
    let askers = askers(&cluster, &mut operator).await;
    let admin = askers.iter().find(|(name, _)| name == "admin").unwrap().1.clone().unwrap();
    cluster.show(&admin);
    cluster.wait_for_voters(3).await.unwrap();
    (cluster, operator, askers)
}

async fn askers(cluster: &Cluster, operator: &mut Operator) -> Vec<(String, Option<String>)> {
    let mut askers = vec![("anonymous".to_owned(), None)];
    for role in ["viewer", "auditor", "compliance_officer"] {
        operator.account(role, role, &[]);
    }
    operator.account("admin_before_mfa", "admin", &[]);
    // The words of roles are nobody's name.
    for role in ["executive", "governance_lead", "security_officer"] {
        operator.account(&format!("{role}.desk"), "viewer", &["--oversight-role", role]);
    }
    operator.account("executive_before_mfa", "viewer", &["--oversight-role", "executive"]);
    for name in [
        "viewer",
        "auditor",
        "compliance_officer",
        "admin",
        "admin_before_mfa",
        "executive",
        "governance_lead",
        "security_officer",
        "executive_before_mfa",
    ] {
        let oversees = ["executive", "governance_lead", "security_officer"].contains(&name);
        let username = if oversees { format!("{name}.desk") } else { name.to_owned() };
        let session = log_in(cluster, &username).await;
        if oversees || name == "admin" {
            enroll(cluster, &session, &mut operator.secrets).await;
        }
        operator.secrets.push(session.clone());
        askers.push((name.to_owned(), Some(session)));
    }
    askers.push(("key".to_owned(), Some(operator.key("key", ACTOR, &[]))));
    askers.push(("key_of_others".to_owned(), Some(operator.key("k", "ai_agent:claims", &[]))));
    for permission in [
        "view_dashboard",
        "view_audit_logs",
        "request_audit_packet",
        "approve_audit_packet",
        "export_data",
        "manage_policies",
        "manage_users",
    ] {
        let key = operator.key(permission, "other", &["--permission", permission]);
        askers.push((format!("key_{permission}"), Some(key)));
    }
    let unknown = format!("lxk_{}", "A".repeat(43));
    askers.push(("unknown_key".to_owned(), Some(unknown)));
    askers
}

/// A route of the table: method, path, and who gets which outcome.
struct Route {
    method: String,
    path: String,
    outcomes: Vec<(String, Vec<String>)>,
}

/// The table that tests of the interface hold the node to, REST's part of it.
fn table() -> Vec<Route> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/tests/it/permissions.txt");
    let mut routes: Vec<Route> = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        if let Some(outcome) = line.strip_prefix("  ") {
            let (code, who) = outcome.split_once(": ").unwrap();
            let who = who.split(' ').map(str::to_owned).collect();
            routes.last_mut().unwrap().outcomes.push((code.to_owned(), who));
            continue;
        }
        let (name, _) = line.split_once("  [").unwrap();
        let (method, path) = name.split_once(' ').unwrap_or(("gRPC", name));
        let (method, path) = (method.to_owned(), path.to_owned());
        routes.push(Route { method, path, outcomes: Vec::new() });
    }
    routes.retain(|route| route.method != "gRPC");
    assert!(100 < routes.len(), "{} routes", routes.len());
    routes
}

/// What is sent where an answer depends on it.
fn body(path: &str) -> String {
    let evaluation = r#"{"subject":{"type":"ai_agent","id":"claims_triage"},"action":{"name":"read_claim"},"resource":{"type":"claim","id":"1"}}"#;
    let decide = format!(r#"{{"actor":"{ACTOR}","action":"read_claim"}}"#);
    match path {
        "/decide" => decide,
        "/decide/batch" => format!(r#"{{"requests":[{decide}]}}"#),
        "/access/v1/evaluation" => evaluation.to_owned(),
        "/access/v1/evaluations" => format!(r#"{{"evaluations":[{evaluation},{evaluation}]}}"#),
        "/auth/change-password" => r#"{"old_password":"a","new_password":"b"}"#.to_owned(),
        "/auth/mfa/confirm" | "/auth/mfa/backup-codes" => r#"{"code":"000000"}"#.to_owned(),
        "/tokens/{token_id}/revoke" => r#"{"reason":"a test"}"#.to_owned(),
        _ => "{}".to_owned(),
    }
}

/// What a reply comes to: a refusal because of who asks, or anything else.
fn outcome(reply: &Reply) -> String {
    let code = match (reply.status, reply.json()) {
        (401 | 403, _) => reply.code().unwrap(),
        // A batch is refused item by item.
        (200, Some(json)) => {
            let text = json.to_canonical();
            let found = DENIALS.iter().find(|code| text.contains(&format!("\"code\":\"{code}\"")));
            found.map_or_else(|| "ok".to_owned(), |code| (*code).to_owned())
        }
        _ => "ok".to_owned(),
    };
    if DENIALS.contains(&code.as_str()) { code } else { "ok".to_owned() }
}

/// What ends the session of whoever may, or says so of a node that wants to join.
const LEFT_OUT: [&str; 2] = ["/auth/logout", "/cluster/nodes"];

async fn check_table(cluster: &Cluster, askers: &[(String, Option<String>)], decision: &Json) {
    let (mut wrong, mut asked) = (Vec::new(), 0_usize);
    let mut clients: Vec<(&str, Vec<Client>)> = Vec::new();
    for (name, credential) in askers {
        let client = |at| cluster.client(at).with_credential(credential.as_deref());
        clients.push((name, (0..3).map(client).collect()));
    }
    for Route { method, path, outcomes } in table() {
        if LEFT_OUT.contains(&path.as_str()) {
            continue;
        }
        let asked_for = path
            .replace("{decision_id}", member(decision, "decision_id"))
            .replace("{token_id}", member(decision, "token_id"));
        let asked_for = match asked_for.split_once('{') {
            Some((before, after)) => format!("{before}x{}", after.split_once('}').unwrap().1),
            None => asked_for,
        };
        for (name, clients) in &mut clients {
            let expect = outcomes.iter().find(|(_, who)| who.iter().any(|known| known == name));
            // Being wrong about a password is no matter of rights.
            let expect = expect.unwrap().0.as_str();
            let expect = if DENIALS.contains(&expect) { expect } else { "ok" };
            let client = &mut clients[asked % 3];
            let sent = if method == "GET" { String::new() } else { body(&path) };
            let reply = client.ask(&method, &asked_for, sent.into()).await.unwrap();
            asked += 1;
            let got = outcome(&reply);
            if got != expect || reply.status == 500 {
                wrong.push(format!(
                    "{method} {path} {name}: {got} ({}), not {expect}",
                    reply.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "of {asked}:\n{}", wrong.join("\n"));
    assert!(1_800 < asked, "{asked}");
}

/// Every file below, read whole.
fn files(dir: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Nothing of `secrets` is in what a node shows to whoever may look.
async fn check_shown(cluster: &Cluster, secrets: &[String]) {
    for at in 0..3 {
        let mut client = cluster.client(at);
        for path in ["/metrics", "/tile/entries/000", "/status", "/checkpoint", "/keys"] {
            let shown = client.get(path).await.unwrap();
            for secret in secrets.iter().map(String::as_str).chain([PLANTED]) {
                assert!(!has(&shown.body, secret), "{path} of node {at} shows a secret");
            }
        }
        // Entries are for auditors: they show payloads, and never a credential.
        let entries = client.get("/ledger/entries?limit=1000").await.unwrap();
        assert_eq!(entries.status, 200);
        assert!(has(&entries.body, PLANTED));
        for secret in secrets {
            assert!(!has(&entries.body, secret), "an entry has a credential");
        }
    }
}

#[tokio::test]
async fn who_may_do_what_holds_on_a_cluster_that_hides_what_is_secret() {
    let _turn = trial::turn().await;
    let (mut cluster, operator, askers) = scene().await;
    cluster.client(0).post_json("/policies/load", &policy()).await.unwrap();
    let key = askers.iter().find(|(name, _)| name == "key").unwrap().1.clone();
    let mut client = cluster.client(1).with_credential(key.as_deref());
    let said = format!(
        r#"{{"actor":"{ACTOR}","action":"read_claim","context":{{"purpose":"triage","note":"{PLANTED}"}}}}"#
    );
    let decision = posted(&mut client, "/decide", &said).await;
    assert_eq!(member(&decision, "outcome"), "allowed", "{}", decision.to_canonical());
    cluster.settle().await.unwrap();
    check_table(&cluster, &askers, &decision).await;
    check_shown(&cluster, &operator.secrets).await;

    // Whoever died, and whoever leads then: a revoked credential is refused.
    let leader = cluster.leader().await.unwrap();
    cluster.kill(&[leader]);
    cluster.restart_dead().await.unwrap();
    cluster.leader().await.unwrap();
    cluster.settle().await.unwrap();
    let ledger = cluster.client(leader).get_json("/ledger/verify").await.unwrap();
    assert_eq!(ledger.as_object().unwrap().get("valid").and_then(Json::as_bool), Some(true));

    // Snapshots hold it too, and what is on a disk can be stolen.
    for at in 0..3 {
        posted(&mut cluster.client(at), "/cluster/snapshot", "{}").await;
    }
    cluster.kill(&[0, 1, 2]);
    let mut found = Vec::new();
    files(cluster.root(), &mut found);
    let of_nodes = |path: &Path| {
        let inside = path.strip_prefix(cluster.root()).unwrap();
        !inside.starts_with("operator") && !inside.starts_with("certs")
    };
    found.retain(|(path, _)| of_nodes(path));
    assert!(found.iter().any(|(path, _)| path.to_string_lossy().contains("snapshots")));
    assert!(found.iter().any(|(path, _)| path.extension().is_some_and(|end| end == "log")));
    for (path, bytes) in &found {
        for secret in operator.secrets.iter().map(String::as_str).chain([PLANTED]) {
            assert!(!has(bytes, secret), "`{}` holds a secret", path.display());
        }
    }
}
