//! Three release nodes on this machine under closed-loop HTTP clients that
//! share its cores: decisions per second, latency, memory. Beside them, in the
//! same run, three nodes of etcd under plain puts through its HTTP gateway.
//!
//! A figure is worth what the machine's quiet is: compare only figures of one
//! run. `BENCH_SECONDS` is the length of a measurement, `BENCH_ENTRIES` how
//! many entries the ledger is filled to before memory is read again.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "cluster/etcd.rs"]
mod etcd;
#[path = "cluster/load.rs"]
mod load;

use std::time::Duration;

use jepsen_tests::trial::cluster_with_policy;
use jepsen_tests::{Cluster, Failure};

use load::{Load, Measured};

const CONCURRENCIES: [usize; 3] = [1, 64, 256];
/// The ledger is filled at this concurrency.
const FILLING: usize = 256;

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
    let seconds = Duration::from_secs(number("BENCH_SECONDS", 8));
    let entries = number("BENCH_ENTRIES", 100_000);
    println!("{:<26} {:>8} {:>11} {:>9} {:>9}", "", "clients", "a second", "p50", "p99");
    lexecon(seconds, entries).await?;
    match etcd::Etcd::start().await {
        Ok(etcd) => {
            for clients in CONCURRENCIES {
                print("etcd, put, HTTP gateway", &load::run(etcd.load(clients, seconds)).await);
            }
        }
        Err(why) => println!("etcd: not measured: {why}"),
    }
    Ok(())
}

async fn lexecon(seconds: Duration, entries: u64) -> Result<(), Failure> {
    let mut cluster = cluster_with_policy(3).await?;
    let idle = memory(&mut cluster);
    for clients in CONCURRENCIES {
        let measured = load::run(decisions(&cluster, clients, seconds)).await;
        print("lexecon, decide", &measured);
    }
    println!("lexecon, memory idle: {idle}");
    fill(&mut cluster, entries).await?;
    let size = cluster.status(0).await?.ledger_size;
    println!("lexecon, memory with {size} entries: {}", memory(&mut cluster));
    Ok(())
}

fn decisions(cluster: &Cluster, clients: usize, duration: Duration) -> Load {
    Load {
        nodes: cluster.addresses(),
        path: "/decide",
        clients,
        duration,
        body: |number| {
            format!(
                r#"{{"actor":"ai_agent:claims_triage","action":"read_claim","context":{{"purpose":"triage","channel":"phone","ticket":{number}}}}}"#
            )
        },
    }
}

/// Fills the ledger in short runs, until it is large enough or grows no more.
async fn fill(cluster: &mut Cluster, entries: u64) -> Result<(), Failure> {
    const RUNS_MAX: u32 = 120;
    for _ in 0..RUNS_MAX {
        if entries <= cluster.status(0).await?.ledger_size {
            break;
        }
        load::run(decisions(cluster, FILLING, Duration::from_secs(1))).await;
    }
    cluster.settle().await?;
    Ok(())
}

fn memory(cluster: &mut Cluster) -> String {
    let pids = (0..cluster.len()).map(|at| cluster.node(at).pid()).collect::<Vec<_>>();
    let sizes = pids.into_iter().flatten().map(|pid| match resident_mib(pid) {
        Some(mib) => format!("{mib} MiB"),
        None => "unknown".to_owned(),
    });
    sizes.collect::<Vec<_>>().join(", ")
}

fn resident_mib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

fn print(what: &str, measured: &Measured) {
    println!(
        "{what:<26} {:>8} {:>11.0} {:>9} {:>9}{}",
        measured.clients,
        measured.per_second,
        format!("{:.1} ms", measured.p50.as_secs_f64() * 1e3),
        format!("{:.1} ms", measured.p99.as_secs_f64() * 1e3),
        match measured.failed {
            0 => String::new(),
            failed => format!("  {failed} not answered with 200"),
        },
    );
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
