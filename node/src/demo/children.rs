//! The demo's nodes: child processes of this very binary.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use types::digest::to_hex;
use zeroize::Zeroizing;

use super::{DemoError, Plan, say};

/// How long a child may take to stop.
const STOP_MAX: Duration = Duration::from_secs(12);

/// How often the children are looked after.
const LOOK: Duration = Duration::from_millis(300);

/// A node of the demo.
struct Node {
    name: String,
    command_line: String,
    log: PathBuf,
    child: Option<Child>,
}

pub(super) struct Children {
    nodes: Vec<Node>,
}

impl Children {
    pub(super) fn start(plan: &Plan) -> Result<Self, DemoError> {
        let binary =
            env::current_exe().map_err(|err| DemoError::new("cannot find myself", &err))?;
        let mut nodes = Vec::new();
        for number in 0..plan.nodes {
            let name = Plan::name(number);
            let dir = plan.dir.join(&name);
            fs::create_dir_all(&dir)
                .map_err(|err| DemoError::new("cannot make a directory", &err))?;
            let log = plan.dir.join(format!("{name}.log"));
            let output =
                File::create(&log).map_err(|err| DemoError::new("cannot make a log", &err))?;
            let mut arguments = arguments(plan, number, &name, &dir.to_string_lossy());
            arguments.extend(keys(plan, &name)?);
            let mut command = Command::new(&binary);
            command.args(&arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
            // Ctrl-C is the demo's to hear: it then stops its children in order.
            command.process_group(0).kill_on_drop(true);
            let child =
                command.spawn().map_err(|err| DemoError::new("cannot start a node", &err))?;
            let command_line = format!("{} {}", binary.display(), arguments.join(" "));
            nodes.push(Node { name, command_line, log, child: Some(child) });
        }
        Ok(Self { nodes })
    }

    /// Ends when a node does, which before the tour is over it must not.
    pub(super) async fn watch_start(&mut self) -> DemoError {
        loop {
            for node in &mut self.nodes {
                if let Some(status) = node.ended() {
                    return DemoError(format!(
                        "{} {}: {}",
                        node.name,
                        said(status),
                        node.last_words()
                    ));
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Looks after the nodes until Ctrl-C. A node that somebody kills is not
    /// started again: how to do so is part of what there is to see.
    pub(super) async fn stay_up(&mut self) -> Result<(), DemoError> {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .map_err(|err| DemoError::new("cannot hear signals", &err))?;
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                () = tokio::time::sleep(LOOK) => self.report_ended(),
            }
        }
    }

    fn report_ended(&mut self) {
        for node in &mut self.nodes {
            if let Some(status) = node.ended() {
                node.child = None;
                say(&format!(
                    "\n{} {}. Decisions go on; start it again with:",
                    node.name,
                    said(status)
                ));
                say(&format!("  {}", node.command_line));
            }
        }
    }

    /// Stops every node, and waits for it.
    pub(super) async fn stop(mut self) {
        for node in &self.nodes {
            node.terminate();
        }
        for node in &mut self.nodes {
            if let Some(child) = &mut node.child
                && tokio::time::timeout(STOP_MAX, child.wait()).await.is_err()
            {
                // It had its time; what it did not flush is in its log.
                let _ = child.kill().await;
            }
        }
    }
}

impl Node {
    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().ok()?
    }

    fn terminate(&self) {
        let id = self.child.as_ref().and_then(Child::id);
        let id = id.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // A process that has just ended is as good as terminated.
            let _ = kill_process(id, Signal::TERM);
        }
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().last().unwrap_or("it said nothing").to_owned()
    }
}

fn said(status: ExitStatus) -> String {
    format!("ended ({status})")
}

/// Where the keys of a node lie: drawn once, and used whenever they are there.
fn keys(plan: &Plan, name: &str) -> Result<Vec<String>, DemoError> {
    let mut arguments = Vec::new();
    for (flag, what) in
        [("--encryption-key-file", "data"), ("--encryption-master-key-file", "node")]
    {
        let path = plan.dir.join(format!("{name}.{what}-key"));
        if !path.exists() {
            if !plan.encrypt {
                continue;
            }
            draw(&path).map_err(|err| DemoError::new("cannot draw a key", &err))?;
        }
        arguments.extend([flag.to_owned(), path.to_string_lossy().into_owned()]);
    }
    Ok(arguments)
}

fn draw(path: &Path) -> io::Result<()> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(io::Error::other)?;
    let text = Zeroizing::new(to_hex(key.as_slice()));
    storage::write_durably(path, text.as_bytes())
}

fn arguments(plan: &Plan, number: u16, name: &str, dir: &str) -> Vec<String> {
    let listen = format!("127.0.0.1:{}", plan.port + number);
    let peers = format!("127.0.0.1:{}", plan.peer_port + number);
    let mut arguments: Vec<String> =
        ["serve", "--node-id", name, "--data-dir", dir].into_iter().map(str::to_owned).collect();
    arguments.extend(["--listen".to_owned(), listen, "--peer-listen".to_owned(), peers]);
    if 0 < number {
        arguments.extend(["--join".to_owned(), plan.url(0)]);
    }
    arguments.extend(plan.certificates.iter().flat_map(|all| all.arguments(name)));
    arguments
}
