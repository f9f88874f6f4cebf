//! What auditors ask of a large ledger on three release nodes: how long the
//! status of duties and controls takes, how long an export, what it holds in
//! memory, and what the decisions made meanwhile notice of it.
//!
//! `EVIDENCE_ENTRIES` is how large the ledger is made first, `EVIDENCE_FORMATS`
//! which exports are built (`json,zip` unless it is set). The peer, in the same
//! run, is the reading, hashing and writing of as many bytes as the export has.
//! Nodes and clients share the machine: a node under full load is not measured,
//! but one at the pace of [`CLIENTS`].

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "cluster/load.rs"]
mod load;

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use jepsen_tests::http::Client;
use jepsen_tests::trial::cluster_with_policy;
use jepsen_tests::{Cluster, Failure};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use types::{Json, Object};

use load::{Load, Measured};

/// Who decides while something else is measured.
const CLIENTS: usize = 4;
/// The ledger is filled at this concurrency.
const FILLING: usize = 256;
/// Of each question about status.
const ASKED: usize = 15;
/// For one answer of a node that builds an export.
const PATIENCE: Duration = Duration::from_secs(60);
/// For an export.
const BUILT_WITHIN: Duration = Duration::from_secs(1_800);

/// What is asked about status.
const STATUSES: [&str; 6] = [
    "/compliance/statistics",
    "/compliance/eu-ai-act",
    "/compliance/soc2/controls",
    "/compliance/fedramp/controls",
    "/compliance/eu-ai-act/article-12/status",
    "/compliance/eu-ai-act/article-14/effectiveness",
];

fn main() -> Result<(), Failure> {
    // `cargo test --all-targets` runs benchmarks too, and measures nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime =
        runtime.map_err(|source| Failure::Run { program: "the runtime".into(), source })?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let entries = std::env::var("EVIDENCE_ENTRIES").ok().and_then(|text| text.parse().ok());
    let formats = std::env::var("EVIDENCE_FORMATS").unwrap_or_else(|_| "json,zip".to_owned());
    let mut cluster = cluster_with_policy(3).await?;
    fill(&mut cluster, entries.unwrap_or(50_000)).await?;
    let size = cluster.status(0).await?.ledger_size;
    let leader = cluster.leader().await?;
    let follower = (leader + 1) % cluster.len();
    println!("{size} entries, asked of a follower");
    for path in STATUSES {
        status(&cluster, follower, path).await?;
    }
    let quiet = load::run(decisions(&cluster, Duration::from_secs(15))).await;
    print("decisions alone", &quiet);
    for format in formats.split(',') {
        export(&mut cluster, follower, format).await?;
    }
    Ok(())
}

/// Nineteen of twenty are allowed, and every fifth has a risk.
fn decision(number: u64) -> String {
    let action = if number.is_multiple_of(20) { "delete_claim" } else { "read_claim" };
    let risk = if number % 5 == 1 { r#","risk_level":2"# } else { "" };
    format!(
        r#"{{"actor":"ai_agent:claims_triage","action":"{action}","context":{{"purpose":"triage","channel":"phone","ticket":{number}}}{risk}}}"#
    )
}

fn decisions(cluster: &Cluster, duration: Duration) -> Load {
    Load { nodes: cluster.addresses(), path: "/decide", clients: CLIENTS, duration, body: decision }
}

/// Fills the ledger in short runs, until it is large enough or grows no more.
async fn fill(cluster: &mut Cluster, entries: u64) -> Result<(), Failure> {
    loop {
        let before = cluster.status(0).await?.ledger_size;
        if entries <= before {
            break;
        }
        let load = Load { clients: FILLING, ..decisions(cluster, Duration::from_secs(10)) };
        let measured = load::run(load).await;
        let after = cluster.status(0).await?.ledger_size;
        println!("filling: {after} entries, {:.0} a second", measured.per_second);
        if after == before {
            break;
        }
    }
    cluster.settle().await?;
    Ok(())
}

/// The median of some answers to a question, and the first.
async fn status(cluster: &Cluster, at: usize, path: &str) -> Result<(), Failure> {
    let mut client = patient(cluster, at);
    let mut times = Vec::new();
    for _ in 0..ASKED {
        let asked = Instant::now();
        client.get_json(path).await?;
        times.push(asked.elapsed());
        // Another entry, so that nothing kept of the last answer answers this one.
        client
            .post_bytes("/decide", decision(1).into())
            .await
            .map_err(|source| Failure::Unanswered { path: "/decide".to_owned(), source })?;
    }
    let first = times.first().copied().unwrap_or_default();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!("  {path:<48} first {:>8}  median {:>8}", milliseconds(first), milliseconds(median));
    Ok(())
}

async fn export(cluster: &mut Cluster, at: usize, format: &str) -> Result<(), Failure> {
    let pid = cluster.node(at).pid();
    let before = pid.map(forget_peak).unwrap_or_default();
    let (asked, status) = (Instant::now(), requested(cluster, at, format).await?);
    let id = text(&status, "export_id");
    let meanwhile = load::run(decisions(cluster, Duration::from_secs(15))).await;
    let status = completed(cluster, at, &id).await?;
    let took = asked.elapsed();
    let bytes = status.get("size_bytes").and_then(Json::as_u64).unwrap_or_default();
    let peak = pid.and_then(|pid| memory(pid, "VmHWM:")).unwrap_or_default();
    let peer =
        peer(bytes).map_err(|source| Failure::File { path: "the peer's file".into(), source })?;
    println!(
        "export as {format}: {} MB, {} records in {:.1} s, {:.1} MB a second; as many bytes read, hashed and \
         written: {:.1} s; memory of the node {before} MiB before, {peak} MiB at most",
        bytes / 1_000_000,
        status.get("record_count").and_then(Json::as_u64).unwrap_or_default(),
        took.as_secs_f64(),
        megabytes(bytes) / took.as_secs_f64(),
        peer.as_secs_f64(),
    );
    print(&format!("decisions beside {format}"), &meanwhile);
    Ok(())
}

async fn requested(cluster: &Cluster, at: usize, format: &str) -> Result<Object, Failure> {
    let body = Json::object([("format", format.into()), ("scope", "all".into())]);
    let path = "/audit/export".to_owned();
    let reply = patient(cluster, at).post(&path, &body).await;
    let reply = reply.map_err(|source| Failure::Unanswered { path: path.clone(), source })?;
    let json = reply.json().and_then(|json| json.as_object().cloned());
    json.filter(|_| reply.status == 202).ok_or_else(|| Failure::Reply {
        path,
        status: reply.status,
        body: reply.quoted(),
        wanted: "202 with JSON".to_owned(),
    })
}

async fn completed(cluster: &Cluster, at: usize, id: &str) -> Result<Object, Failure> {
    let path = format!("/audit/status/{id}");
    jepsen_tests::wait::until("the export is completed", BUILT_WITHIN, async || {
        let status = patient(cluster, at).get_json(&path).await.map_err(|why| why.to_string())?;
        let status = status.as_object().cloned().unwrap_or_default();
        match text(&status, "status").as_str() {
            "completed" => Ok(status),
            other => Err(other.to_owned()),
        }
    })
    .await
}

fn patient(cluster: &Cluster, at: usize) -> Client {
    Client::new(cluster.addresses()[at], PATIENCE)
}

fn text(object: &Object, name: &str) -> String {
    object.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// Reads this many bytes of a file, hashes them and writes them to the disk.
fn peer(bytes: u64) -> io::Result<Duration> {
    const BLOCK: usize = 1 << 16;
    let dir = tempfile::tempdir()?;
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    fs::File::create(&from)?.set_len(bytes)?;
    let begun = Instant::now();
    let mut block = vec![0; BLOCK];
    let (mut from, mut to) = (fs::File::open(&from)?, fs::File::create(&to)?);
    let mut hash = Sha256::new();
    loop {
        let read = from.read(&mut block)?;
        if read == 0 {
            break;
        }
        let part = block.get(..read).unwrap_or_default();
        hash.update(part);
        to.write_all(part)?;
    }
    to.sync_all()?;
    Ok(begun.elapsed())
}

/// Lets the kernel count the peak of a process anew; what it has now, in MiB.
fn forget_peak(pid: u32) -> u64 {
    // Without the right to do so the peak is that of its whole life.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
    memory(pid, "VmRSS:").unwrap_or_default()
}

fn memory(pid: u32, what: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(what))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

fn print(what: &str, measured: &Measured) {
    println!(
        "{what:<26} {:>4} clients {:>7.0} a second, p50 {}, p99 {}{}",
        measured.clients,
        measured.per_second,
        milliseconds(measured.p50),
        milliseconds(measured.p99),
        match measured.failed {
            0 => String::new(),
            failed => format!("  {failed} not answered with 200"),
        },
    );
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1_000).unwrap_or(u32::MAX)) / 1e3
}
