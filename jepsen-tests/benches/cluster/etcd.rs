//! Three nodes of etcd as Debian packages it (`apt-get install etcd-server`),
//! started with its defaults on loopback.

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jepsen_tests::http::Client;
use jepsen_tests::ports::Ports;
use jepsen_tests::wait;
use tempfile::TempDir;

use crate::load::Load;

const READY_WITHIN: Duration = Duration::from_secs(20);

/// A running cluster.
pub(crate) struct Etcd {
    processes: Vec<Child>,
    clients: Vec<SocketAddr>,
    _directory: TempDir,
    _ports: Ports,
}

impl Etcd {
    /// Starts it, or says why that cannot be.
    pub(crate) async fn start() -> Result<Self, String> {
        let mut ports = Ports::take().map_err(|err| err.to_string())?;
        let directory = tempfile::tempdir().map_err(|err| err.to_string())?;
        let mut next = || ports.next_address().map_err(|err| err.to_string());
        let clients = vec![next()?, next()?, next()?];
        let peers = vec![next()?, next()?, next()?];
        let mut etcd =
            Self { processes: Vec::new(), clients, _directory: directory, _ports: ports };
        for at in 0..peers.len() {
            let process = etcd.spawn(at, &peers).map_err(|err| format!("`etcd`: {err}"))?;
            etcd.processes.push(process);
        }
        etcd.wait_until_it_takes_a_put().await?;
        Ok(etcd)
    }

    fn spawn(&self, at: usize, peers: &[SocketAddr]) -> std::io::Result<Child> {
        let members = peers.iter().enumerate().map(|(at, peer)| format!("e{at}=http://{peer}"));
        let members = members.collect::<Vec<_>>().join(",");
        let (client, peer) =
            (format!("http://{}", self.clients[at]), format!("http://{}", peers[at]));
        let data = self._directory.path().join(format!("e{at}"));
        let log = File::create(self._directory.path().join(format!("e{at}.log")))?;
        Command::new("etcd")
            .args(["--name", &format!("e{at}"), "--initial-cluster", &members])
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .arg("--data-dir")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
    }

    async fn wait_until_it_takes_a_put(&self) -> Result<(), String> {
        for address in &self.clients {
            let mut client = Client::new(*address, Duration::from_secs(5));
            wait::until("etcd to take a put", READY_WITHIN, async || {
                match client.post_bytes("/v3/kv/put", put(0).into()).await {
                    Ok(reply) if reply.status == 200 => Ok(()),
                    Ok(reply) => Err(reply.quoted()),
                    Err(err) => Err(err.to_string()),
                }
            })
            .await
            .map_err(|err| err.to_string())?;
        }
        Ok(())
    }

    /// Plain puts, each of a key of its own.
    pub(crate) fn load(&self, clients: usize, duration: Duration) -> Load {
        Load { nodes: self.clients.clone(), path: "/v3/kv/put", body: put, clients, duration }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A value as long as the context of a decision; both are base64, of which
/// twelve digits are nine bytes.
fn put(number: u64) -> String {
    format!(
        r#"{{"key":"{number:012}","value":"eyJwdXJwb3NlIjoidHJpYWdlIiwiY2hhbm5lbCI6InBob25lIiwidGlja2V0IjoxfQ=="}}"#
    )
}
