//! One `lexecon serve` process, its directory and its log.
//!
//! A node dies with the test: by `kill -9` when it is dropped and, where
//! `setpriv` is there, by the kernel when the thread that started it ends. So
//! nodes are started from the test's own thread, never from a spawned task.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::certificates::Certificates;
use crate::failure::Failure;
use crate::{binary, wait};

/// How a node comes into a cluster the first time. A directory that belongs to
/// one already ignores it.
#[derive(Clone, Debug)]
pub enum Entrance {
    /// `--bootstrap`
    Founds,
    /// `--join` through these.
    Joins(Vec<SocketAddr>),
}

/// What a node is started with, every time.
#[derive(Clone, Debug)]
pub struct Setup {
    /// `--node-id`
    pub name: String,
    /// `--listen`
    pub address: SocketAddr,
    /// `--peer-listen`
    pub peer_address: SocketAddr,
    /// `--data-dir`
    pub data_dir: PathBuf,
    /// How it enters.
    pub entrance: Entrance,
    /// What it shows; members are then joined over https.
    pub certificates: Option<Certificates>,
    /// Variables it is started with, besides those of every node of a test.
    pub environment: Vec<(String, String)>,
}

/// Making an RSA key takes seconds of one processor, which only the tests of
/// such keys can spare.
const ENVIRONMENT: [(&str, &str); 1] = [("LEXECON_RSA_KEYS", "false")];

/// A node, running or not.
#[derive(Debug)]
pub struct Node {
    setup: Setup,
    log: PathBuf,
    process: Option<Child>,
}

impl Node {
    /// A node that was not started yet. What it prints goes to `log`.
    pub fn new(setup: Setup, log: PathBuf) -> Self {
        Self { setup, log, process: None }
    }

    /// What it is started with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Sets a variable for every start from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.setup.environment.retain(|(known, _)| known != name);
        self.setup.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the process and does not wait for it to be of use.
    ///
    /// # Errors
    /// [`Failure`] if there is no such program or no place for its log.
    pub fn start(&mut self) -> Result<(), Failure> {
        let program = binary::lexecon()?;
        let mut command = dying_with_us(&program);
        // The harness's own variables are not the product's: one that looks
        // like a misspelt setting would stop it.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LEXECON_") {
                command.env_remove(name);
            }
        }
        command.envs(ENVIRONMENT);
        command.envs(self.setup.environment.iter().map(|(name, value)| (name, value)));
        command.args(self.arguments()).stdin(Stdio::null());
        command.stdout(self.open_log()?).stderr(self.open_log()?);
        let process = command.spawn().map_err(|source| Failure::Run { program, source })?;
        self.process = Some(process);
        Ok(())
    }

    fn arguments(&self) -> Vec<String> {
        let setup = &self.setup;
        let mut arguments = vec!["serve".to_owned()];
        let mut flag = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        flag("--node-id", setup.name.clone());
        flag("--data-dir", setup.data_dir.display().to_string());
        flag("--listen", setup.address.to_string());
        flag("--peer-listen", setup.peer_address.to_string());
        // A flag would win over a variable that a test sets.
        if !setup.environment.iter().any(|(name, _)| name == "LEXECON_AUTH_MODE") {
            flag("--auth", "open".to_owned());
        }
        match &setup.entrance {
            Entrance::Founds => arguments.push("--bootstrap".to_owned()),
            Entrance::Joins(members) => {
                let scheme = if setup.certificates.is_some() { "https" } else { "http" };
                let urls = members.iter().map(|at| format!("{scheme}://{at}"));
                flag("--join", urls.collect::<Vec<_>>().join(","));
            }
        }
        if let Some(certificates) = &setup.certificates {
            arguments.extend(certificates.arguments());
        }
        arguments
    }

    fn open_log(&self) -> Result<File, Failure> {
        let opened = OpenOptions::new().create(true).append(true).open(&self.log);
        opened.map_err(|source| Failure::File { path: self.log.clone(), source })
    }

    /// Whether the process runs. One that ended by itself is reaped here.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Processor time the process used so far, in user and kernel mode.
    pub fn processor_time(&self) -> Option<Duration> {
        /// `USER_HZ`: what Linux counts in on every architecture it runs on.
        const MILLIS_PER_TICK: u64 = 10;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()?)).ok()?;
        // The name of the program stands in parentheses and may hold anything;
        // user and system time are the 12th and 13th words after it.
        let (_, words) = stat.rsplit_once(')')?;
        let ticks = words.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.collect::<Result<Vec<_>, _>>().ok()?;
        Some(Duration::from_millis(ticks.iter().sum::<u64>() * MILLIS_PER_TICK))
    }

    /// `kill -9`, without waiting for the end: several nodes can so die at
    /// once. A node that does not run is left as it is.
    pub fn strike(&mut self) {
        if let Some(process) = &mut self.process {
            // The only error is that it has ended already.
            let _ = process.kill();
        }
    }

    /// `kill -9`, and waits until the process is gone and its ports with it.
    pub fn kill(&mut self) {
        self.strike();
        if let Some(mut process) = self.process.take() {
            let _ = process.wait();
        }
    }

    /// `SIGTERM`, and waits for the process to end by itself.
    ///
    /// # Errors
    /// [`Failure::TooLate`] if it does not.
    pub async fn terminate(&mut self, patience: Duration) -> Result<ExitStatus, Failure> {
        if let Some(pid) = self.process.as_ref().map(rustix::process::Pid::from_child) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        self.wait_for_end(patience).await
    }

    /// Waits for the process to end by itself.
    ///
    /// # Errors
    /// [`Failure::TooLate`] if it does not.
    pub async fn wait_for_end(&mut self, patience: Duration) -> Result<ExitStatus, Failure> {
        let Some(process) = &mut self.process else {
            return Ok(ExitStatus::from_raw(0));
        };
        let what = format!("the end of {}", self.setup.name);
        let status = wait::until(&what, patience, async || match process.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it still runs".to_owned()),
            Err(err) => Err(err.to_string()),
        });
        let status = status.await?;
        self.process = None;
        Ok(status)
    }

    /// What it printed so far; of a long log the end.
    pub fn log_text(&self) -> String {
        const BYTES_MAX: u64 = 4 << 20;
        let read = || {
            let mut log = File::open(&self.log)?;
            log.seek(SeekFrom::Start(self.log_bytes().saturating_sub(BYTES_MAX)))?;
            let mut bytes = Vec::new();
            log.take(BYTES_MAX).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        read().unwrap_or_else(|err: std::io::Error| err.to_string())
    }

    /// How much that is.
    pub fn log_bytes(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |data| data.len())
    }

    /// Shows the end of the log of a test that failed.
    pub fn show_log(&self) {
        const LINES: usize = 40;
        const CHARS_MAX: usize = 240;
        let text = self.log_text();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LINES)..];
        let mut out = std::io::stderr().lock();
        let _ = writeln!(out, "--- {} ({})", self.setup.name, self.log.display());
        for line in tail {
            let shown: String = line.chars().take(CHARS_MAX).collect();
            let _ = writeln!(out, "{shown}");
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A test that is itself killed drops nothing; the kernel then ends its nodes.
/// `setpriv` becomes the program it starts, so the process id is the node's.
fn dying_with_us(program: &Path) -> Command {
    const SETPRIV: &str = "/usr/bin/setpriv";
    if !Path::new(SETPRIV).exists() {
        return Command::new(program);
    }
    let mut command = Command::new(SETPRIV);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}
