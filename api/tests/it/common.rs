//! A node in memory: commands are applied by the real state machine as they
//! come, keys and signatures are real. What consensus would do can be told.

use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use api::backend::{
    Backend, Change, ChangeDone, ChangeRefused, Committed, Credential, ExportFile, JoinBy, Joined,
    Member, Plan, Role, Rotated, Signature, SnapshotTaken, Status, Unavailable,
};
use api::{Config, Metrics};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use ed25519_dalek::{Signer as _, SigningKey};
use governance::command::{
    AddKey, Claim, Command, Cosign, Decide, ENVELOPE_VERSION, EntryRange, Envelope, Erase,
    ErasedPart, ErasureCause, Found, KeyMaterial, KeyUsage, MAIN_GROUP, NodeDescription, Principal,
    PublicKey, RegisterNode, RegisterNodeByToken,
};
use governance::outcome::{Cosigned, Sealed};
use governance::{Applied, Cache, MemStore, Outcome, Seed, view};
use http_body_util::BodyExt as _;
use secrecy::SecretSlice;
use serde_json::Value;
use tokio::sync::Notify;
use tower::ServiceExt as _;
use types::{ClusterId, EntryId, ExportId, KeyId, LogIndex, RaftId, Timestamp, Ulid};

/// A principal that was shown personal parts, and of which entries.
pub(crate) type PersonalRead = (Principal, Option<(EntryId, EntryId)>);

/// 2027-03-04T05:06:07Z
pub(crate) const START: u64 = 1_804_136_767_000_000;

pub(crate) struct Inner {
    pub(crate) store: MemStore,
    pub(crate) cache: Cache,
    pub(crate) index: u64,
    pub(crate) now: u64,
    pub(crate) role: Role,
    pub(crate) leader: Option<String>,
    pub(crate) members: Vec<Member>,
    pub(crate) failed: Option<String>,
    pub(crate) quarantine: Option<String>,
    pub(crate) recovered: bool,
    pub(crate) disk_full: bool,
    /// Whether files of exports are there.
    pub(crate) has_exports: bool,
    pub(crate) staleness: Option<Duration>,
    /// What submitting and confirming answer, if not done.
    pub(crate) refuse: Option<Unavailable>,
    /// Whether submitting waits until it is released.
    pub(crate) hang: bool,
    /// Commands that came.
    pub(crate) submitted: u64,
    /// The command of this number is applied, and nobody hears of it.
    pub(crate) lose: Option<u64>,
    /// Waits for an index.
    waits: u64,
    pub(crate) no_keys: bool,
    /// Whether submitting panics.
    pub(crate) panic: bool,
}

#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    pub(crate) inner: Arc<Mutex<Inner>>,
    /// Every key it ever had; the last one of a use is in force.
    keys: Arc<Mutex<Vec<(KeyId, KeyUsage, SigningKey)>>>,
    released: Arc<Notify>,
    /// Credentials that were used.
    pub(crate) used: Arc<Mutex<Vec<Credential>>>,
    /// Who was shown personal parts, and of which entries.
    pub(crate) read: Arc<Mutex<Vec<PersonalRead>>>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Node")
    }
}

pub(crate) fn cluster_id() -> ClusterId {
    ClusterId(Ulid(7))
}

fn member(name: &str, raft_id: u64, voter: bool, leader: bool) -> Member {
    Member {
        node_id: name.to_owned(),
        raft_id: RaftId(raft_id),
        address: format!("http://{name}:8000"),
        peer_address: format!("{name}:9000"),
        region: None,
        zone: None,
        voter,
        leader,
        reachable: Some(true),
        matched_index: Some(1),
        last_contact: Some(Duration::from_millis(3)),
    }
}

impl Node {
    /// A node that has founded its cluster.
    pub(crate) fn founded() -> Self {
        let node = Self::empty();
        let public = |(id, usage, key): &(KeyId, KeyUsage, SigningKey)| PublicKey {
            id: *id,
            usage: *usage,
            bytes: key.verifying_key().to_bytes(),
        };
        let found = Found {
            cluster_id: cluster_id(),
            log_name: "lexecon.test".to_owned(),
            node: NodeDescription {
                name: node.name.to_string(),
                api_address: "http://n1:8000".to_owned(),
                peer_address: "n1:9000".to_owned(),
                region: None,
                zone: None,
                keys: node.keys.lock().unwrap().iter().map(public).collect(),
            },
            raft_id: RaftId(1),
        };
        let outcome = node.apply(envelope(Command::Found(found))).outcome;
        assert!(matches!(outcome, Outcome::Founded(_)), "{outcome:?}");
        node
    }

    /// A node before genesis.
    pub(crate) fn empty() -> Self {
        let keys = KeyUsage::ALL.into_iter().zip(1_u8..);
        let keys = keys.map(|(usage, n)| {
            (KeyId(Ulid(u128::from(n))), usage, SigningKey::from_bytes(&[n; 32]))
        });
        let inner = Inner {
            store: MemStore::default(),
            cache: Cache::default(),
            index: 0,
            now: START,
            role: Role::Leader,
            leader: Some("n1".to_owned()),
            members: vec![
                member("n1", 1, true, true),
                member("n2", 2, true, false),
                member("n3", 3, false, false),
            ],
            failed: None,
            quarantine: None,
            recovered: true,
            disk_full: false,
            has_exports: true,
            staleness: Some(Duration::ZERO),
            refuse: None,
            hang: false,
            submitted: 0,
            lose: None,
            waits: 0,
            no_keys: false,
            panic: false,
        };
        let inner = Arc::new(Mutex::new(inner));
        let keys = Arc::new(Mutex::new(keys.collect()));
        Self {
            name: "n1".into(),
            inner,
            keys,
            released: Arc::default(),
            used: Arc::default(),
            read: Arc::default(),
        }
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(crate) fn apply(&self, envelope: Envelope) -> Committed {
        let mut inner = self.inner();
        inner.index += 1;
        inner.now += 1000;
        let (index, at) = (LogIndex(inner.index), Timestamp(inner.now));
        let applied = Applied { index, sub_index: 0, at };
        let Inner { store, cache, .. } = &mut *inner;
        let outcome = governance::apply(store, cache, applied, &envelope).unwrap();
        governance::finish_batch(store, cache).unwrap();
        Committed { index, at, outcome }
    }

    /// Applies a command of a principal, which makes ids of its own.
    pub(crate) fn apply_of(&self, principal: Principal, command: Command) -> Outcome {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.inner().index.to_be_bytes());
        self.apply(Envelope { principal, seed: Seed(seed), ..envelope(command) }).outcome
    }

    /// Commands that came.
    pub(crate) fn submitted(&self) -> u64 {
        self.inner().submitted
    }

    /// Lets a command that hangs go on, and those that come later too.
    pub(crate) fn release(&self) {
        self.inner().hang = false;
        self.released.notify_one();
    }

    /// A cluster of three voters, n1 to n3, in which nothing was decided yet.
    pub(crate) fn of_three() -> Self {
        let node = Self::founded();
        for name in ["n2", "n3"] {
            let keys = KeyUsage::ALL.map(|usage| {
                let (id, key) = key_of(name, usage);
                PublicKey { id, usage, bytes: key.verifying_key().to_bytes() }
            });
            let description = NodeDescription {
                name: name.to_owned(),
                api_address: format!("http://{name}:8000"),
                peer_address: format!("{name}:9000"),
                region: None,
                zone: None,
                keys: keys.into(),
            };
            let register =
                RegisterNode { node: description, nonce: name.to_owned(), lost_bearer: None };
            let outcome = node.apply(envelope(Command::RegisterNode(register))).outcome;
            assert!(matches!(outcome, Outcome::NodeRegistered(_)), "{outcome:?}");
        }
        let voters = [vec![RaftId(1), RaftId(2), RaftId(3)]];
        let mut inner = node.inner();
        inner.index += 1;
        let Inner { store, cache, index, .. } = &mut *inner;
        governance::apply_membership(store, cache, LogIndex(*index), &voters, &[]).unwrap();
        governance::finish_batch(store, cache).unwrap();
        drop(inner);
        node
    }

    /// Records decisions until there are so many entries, past the interface: it
    /// is quicker.
    pub(crate) fn grow(&self, size: u64) {
        while self.ledger_size() < size {
            self.decide(Decide {
                actor: "a".to_owned(),
                action: "read".to_owned(),
                resource: None,
                tool: None,
                data_classes: Vec::new(),
                context: types::Object::new(),
                user_intent: None,
                risk: None,
                risk_level: None,
                policy_mode: None,
                expires_in_seconds: 1,
                request_id: None,
            });
        }
    }

    /// Records a decision, each with a seed of its own.
    fn decide(&self, decide: Decide) {
        let outcome = self.apply_of(Principal::nobody(), Command::Decide(Box::new(decide)));
        assert!(matches!(outcome, Outcome::Decided(_)), "{outcome:?}");
    }

    /// How often somebody waited for more to be applied.
    pub(crate) fn looked(&self) -> u64 {
        self.inner().waits
    }

    /// Seals the ledger as it is; nobody has signed yet.
    pub(crate) fn seal(&self) -> Sealed {
        self.inner().now += 1_000_000;
        match self.apply(envelope_of("n1", Command::Checkpoint)).outcome {
            Outcome::Sealed(sealed) => sealed,
            other => panic!("{other:?}"),
        }
    }

    /// A voter signs `claim` for what was sealed.
    pub(crate) fn cosign(&self, sealed: &Sealed, claim: &Claim, name: &str) -> Cosigned {
        let (id, key) = match name {
            "n1" => self.key(KeyUsage::Checkpoint).unwrap(),
            other => key_of(other, KeyUsage::Checkpoint),
        };
        let origin = view::cluster(&self.inner().store).unwrap().unwrap().origin();
        let text = claim.checkpoint(origin).to_text();
        let cosign = Cosign {
            place: sealed.place,
            claim: claim.clone(),
            key: id,
            signature: key.sign(text.as_bytes()).to_bytes().to_vec(),
            rsa: None,
        };
        match self.apply(envelope_of("n1", Command::Cosign(Box::new(cosign)))).outcome {
            Outcome::Cosigned(cosigned) => cosigned,
            other => panic!("{other:?}"),
        }
    }

    /// Makes a checkpoint final that this node, the only voter, signs.
    pub(crate) fn finalize(&self) -> Claim {
        let sealed = self.seal();
        assert!(self.cosign(&sealed, &sealed.claim, "n1").became_final);
        sealed.claim
    }

    /// Erases parts of one entry.
    pub(crate) fn erase(&self, part: ErasedPart, id: u64) {
        let ranges = vec![EntryRange { from: EntryId(id), to: EntryId(id) }];
        let erase = Erase { part, ranges, cause: ErasureCause::Request };
        let outcome = self.apply(envelope(Command::Erase(erase))).outcome;
        assert!(matches!(outcome, Outcome::Erased(_)), "{outcome:?}");
    }

    pub(crate) fn ledger_size(&self) -> u64 {
        view::head(&self.inner().store).unwrap().size()
    }

    fn key(&self, usage: KeyUsage) -> Option<(KeyId, SigningKey)> {
        let keys = self.keys.lock().unwrap();
        let known = keys.iter().rfind(|(_, of, _)| *of == usage);
        known.filter(|_| !self.inner().no_keys).map(|(id, _, key)| (*id, key.clone()))
    }
}

/// The key of another node.
fn key_of(name: &str, usage: KeyUsage) -> (KeyId, SigningKey) {
    let n = name.bytes().last().unwrap() * 4 + u8::try_from(usage as usize).unwrap();
    (KeyId(Ulid(u128::from(n))), SigningKey::from_bytes(&[n; 32]))
}

pub(crate) fn envelope(command: Command) -> Envelope {
    Envelope {
        version: ENVELOPE_VERSION,
        group: MAIN_GROUP.to_owned(),
        command,
        principal: Principal::nobody(),
        idempotency: None,
        seed: Seed([9; 32]),
        asked_node: "n1".to_owned(),
    }
}

/// What the file of an export says.
pub(crate) fn export_text(id: ExportId) -> String {
    format!("{id}\n").repeat(20_000)
}

/// A file that has no name any more.
fn nameless(bytes: &[u8]) -> std::fs::File {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("lexecon-api-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut file =
        std::fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// The same on a node's own account.
pub(crate) fn envelope_of(node: &str, command: Command) -> Envelope {
    Envelope { principal: Principal::node(node), ..envelope(command) }
}

impl Backend for Node {
    type View = MemStore;

    async fn submit(&self, envelope: Envelope) -> Result<Committed, Unavailable> {
        let (refuse, hang) = {
            let inner = self.inner();
            (inner.refuse.clone(), inner.hang)
        };
        if std::mem::take(&mut self.inner().panic) {
            panic!("as told");
        }
        self.inner().submitted += 1;
        if hang {
            self.released.notified().await;
        }
        match refuse {
            Some(why) => Err(why),
            None => {
                let committed = self.apply(envelope);
                let inner = self.inner();
                let is_lost = inner.lose == Some(inner.submitted);
                if is_lost { Err(Unavailable::OutcomeUnknown) } else { Ok(committed) }
            }
        }
    }

    fn view(&self) -> Result<MemStore, Unavailable> {
        let inner = self.inner();
        match (&inner.failed, &inner.quarantine) {
            (None, None) => Ok(inner.store.clone()),
            (_, _) => Err(Unavailable::Quarantined),
        }
    }

    async fn wait_applied(&self, index: LogIndex, _: Duration) -> bool {
        let mut inner = self.inner();
        inner.waits += 1;
        index.0 <= inner.index
    }

    async fn confirm_read(&self, _: Duration) -> Result<(), Unavailable> {
        self.inner().refuse.clone().map_or(Ok(()), Err)
    }

    fn staleness(&self) -> Option<Duration> {
        self.inner().staleness
    }

    fn status(&self) -> Status {
        let inner = self.inner();
        Status {
            node_id: self.name.to_string(),
            raft_id: RaftId(1),
            role: inner.role,
            leader_id: inner.leader.clone(),
            term: 3,
            commit_index: inner.index,
            applied_index: inner.index,
            uptime_seconds: 12,
            members: inner.members.clone(),
            failed: inner.failed.clone(),
            quarantine: inner.quarantine.clone(),
            recovered: inner.recovered,
            disk_full: inner.disk_full,
        }
    }

    fn node_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    fn leader_name(&self) -> Option<Arc<str>> {
        self.inner().leader.as_deref().map(Arc::from)
    }

    fn applied_index(&self) -> LogIndex {
        LogIndex(self.inner().index)
    }

    fn cluster_id(&self) -> Option<ClusterId> {
        Some(cluster_id())
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.inner().now)
    }

    fn key_id(&self, usage: KeyUsage) -> Option<KeyId> {
        self.key(usage).map(|(id, _)| id)
    }

    fn sign(&self, usage: KeyUsage, message: &[u8]) -> Option<Signature> {
        let (key_id, key) = self.key(usage)?;
        Some(Signature { key_id, bytes: key.sign(message).to_bytes() })
    }

    async fn change(&self, change: Change) -> Result<ChangeDone, ChangeRefused> {
        let mut inner = self.inner();
        match change {
            Change::Promote(name) if name == "n2" => {
                Err(ChangeRefused::Unsafe("votes already".to_owned()))
            }
            Change::Promote(name) => {
                inner.members.iter_mut().filter(|m| m.node_id == name).for_each(|m| m.voter = true);
                Ok(ChangeDone { leader_id: inner.leader.clone() })
            }
            Change::Demote(name) => {
                inner
                    .members
                    .iter_mut()
                    .filter(|m| m.node_id == name)
                    .for_each(|m| m.voter = false);
                Ok(ChangeDone { leader_id: inner.leader.clone() })
            }
            Change::Remove(name) if name == "n1" => {
                Err(ChangeRefused::Unsafe("the leader is not removed".to_owned()))
            }
            Change::Remove(name) => {
                inner.members.retain(|member| member.node_id != name);
                Ok(ChangeDone { leader_id: inner.leader.clone() })
            }
            Change::Transfer(Some(name)) if name == "n3" => {
                Err(ChangeRefused::NotCaughtUp { lag_entries: 9 })
            }
            Change::Transfer(to) => {
                inner.leader = to.or(Some("n2".to_owned()));
                Ok(ChangeDone { leader_id: inner.leader.clone() })
            }
        }
    }

    async fn plan(&self, change: &Change) -> Result<Plan, ChangeRefused> {
        let inner = self.inner();
        let voters = inner.members.iter().filter(|member| member.voter);
        let before: Vec<String> = voters.map(|member| member.node_id.clone()).collect();
        let mut after = before.clone();
        match change {
            Change::Promote(name) => after.push(name.clone()),
            Change::Demote(name) | Change::Remove(name) => after.retain(|voter| voter != name),
            Change::Transfer(_) => (),
        }
        Ok(Plan { allowed: true, reasons: Vec::new(), voters_before: before, voters_after: after })
    }

    async fn join(
        &self,
        node: NodeDescription,
        nonce: String,
        by: JoinBy,
    ) -> Result<Joined, ChangeRefused> {
        let name = node.name.clone();
        let register = RegisterNode { node, nonce, lost_bearer: None };
        let command = match by {
            JoinBy::Leave => Command::RegisterNode(register),
            JoinBy::Token(token_hash) => {
                Command::RegisterNodeByToken(Box::new(RegisterNodeByToken { register, token_hash }))
            }
        };
        match self.apply(Envelope { principal: Principal::node("n1"), ..envelope(command) }).outcome
        {
            Outcome::Rejected(governance::Rejection::JoinRefused) => {
                Err(ChangeRefused::JoinRefused)
            }
            Outcome::NodeRegistered(done) => Ok(Joined {
                cluster_id: cluster_id(),
                raft_id: done.raft_id,
                incarnation: done.incarnation,
            }),
            _ => Err(ChangeRefused::NameInUse(name)),
        }
    }

    /// A file for every export that is completed: its id, many times.
    async fn export_file(
        &self,
        id: ExportId,
        _: Duration,
    ) -> Result<Option<ExportFile>, Unavailable> {
        if !self.inner().has_exports {
            return Ok(None);
        }
        let text = export_text(id);
        let file = nameless(text.as_bytes());
        let sha256 = ledger::hash::sha256(text.as_bytes());
        Ok(Some(ExportFile { file, size: text.len() as u64, sha256 }))
    }

    async fn rotate_key(&self, usage: KeyUsage) -> Result<Rotated, Unavailable> {
        if let Some(why) = self.inner().refuse.clone() {
            return Err(why);
        }
        let replaces = self.key(usage).map(|(id, _)| id);
        let n = u8::try_from(self.keys.lock().unwrap().len() + 1).unwrap();
        let (id, key) = (KeyId(Ulid(u128::from(n))), SigningKey::from_bytes(&[n; 32]));
        let material = KeyMaterial::Ed25519(key.verifying_key().to_bytes());
        let add = AddKey { raft_id: RaftId(1), id, usage, material, replaces };
        match self.apply(envelope_of("n1", Command::AddKey(Box::new(add)))).outcome {
            Outcome::Recorded(recorded) => {
                self.keys.lock().unwrap().push((id, usage, key));
                Ok(Rotated { key_id: id, replaces, recorded })
            }
            other => panic!("{other:?}"),
        }
    }

    fn seal(&self, purpose: &'static str, secret: &[u8]) -> Result<Vec<u8>, Unavailable> {
        Ok(api::seal(&[9; 32], purpose, secret).unwrap())
    }

    fn unseal(
        &self,
        purpose: &'static str,
        sealed: &[u8],
    ) -> Result<Option<SecretSlice<u8>>, Unavailable> {
        Ok(api::unseal(&[9; 32], purpose, sealed))
    }

    fn note_use(&self, credential: Credential) {
        self.used.lock().unwrap().push(credential);
    }

    fn note_personal_read(&self, principal: &Principal, entries: Option<(EntryId, EntryId)>) {
        self.read.lock().unwrap().push((principal.clone(), entries));
    }

    async fn snapshot(&self) -> Result<SnapshotTaken, Unavailable> {
        let index = LogIndex(self.inner().index);
        Ok(SnapshotTaken { id: "snap-1".to_owned(), index, size_bytes: 42 })
    }
}

/// A node with its interface.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) node: Node,
    pub(crate) router: Router,
}

/// An answer taken apart.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `200`, or the status and code of a problem that has every member.
    pub(crate) fn outcome(&self) -> String {
        if [200, 202].contains(&self.status) {
            return self.status.to_string();
        }
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.status);
        let problem = self.json();
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("urn:lexecon:problem:{code}"));
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["instance"], self.header("x-request-id"));
        for member in ["title", "detail"] {
            assert!(problem[member].is_string(), "{problem}");
        }
        format!("{} {code}", self.status)
    }

    /// `pointer code`, one per fault.
    pub(crate) fn faults(&self) -> Vec<String> {
        let problem = self.json();
        let faults = problem["errors"].as_array().cloned().unwrap_or_default();
        let place = |fault: &Value| {
            ["pointer", "parameter", "header"]
                .into_iter()
                .find_map(|name| fault[name].as_str().map(str::to_owned))
        };
        faults
            .iter()
            .map(|fault| format!("{} {}", place(fault).unwrap(), fault["code"].as_str().unwrap()))
            .collect()
    }
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(Node::founded(), Config::default())
    }

    pub(crate) fn with(node: Node, config: Config) -> Self {
        let registry = prometheus::Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let router = api::router(node.clone(), config, metrics, registry);
        Self { node, router }
    }

    /// A server whose policy lets triage read claims.
    pub(crate) async fn loaded() -> Self {
        let server = Self::new();
        let reply = server.post("/policies/load", POLICY).await;
        assert_eq!(reply.outcome(), "200", "{}", reply.json());
        server
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status.as_u16(), headers: parts.headers, bytes }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, "", &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl ToString) -> Reply {
        self.call("POST", path, &body.to_string(), &[]).await
    }
}

/// Lets triage read claims for the purpose of triage, and nothing else.
pub(crate) const POLICY: &str = r#"{"policy":{"name":"Claims desk","mode":"strict",
 "terms":[{"id":"actor:ai_agent:claims_triage","type":"actor"},{"id":"action:read_claim","type":"action"}],
 "relations":[{"type":"permits","subject":"actor:ai_agent:claims_triage","action":"action:read_claim",
  "conditions":[{"purpose":"triage"}],"justification":"Triage may read open claims"}]}}"#;

/// A request that this policy allows.
pub(crate) const ALLOWED: &str = r#"{"actor":"ai_agent:claims_triage","action":"read_claim",
 "context":{"purpose":"triage","channel":"phone"},"request_id":"triage-8841"}"#;
