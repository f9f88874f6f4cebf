//! A machine with accounts that no command made, for the tests of what begins
//! with one.

use ledger::EntryType;
use types::{
    ClusterId, Digest, EntryId, Json, LogIndex, Object, RaftId, SessionId, Timestamp, Ulid, UserId,
};

use crate::access::AccountRole;
use crate::apply::{Applied, Context, apply, finish_batch};
use crate::cache::Cache;
use crate::command::{
    Command, ENVELOPE_VERSION, Envelope, FailLogin, Found, LoginProof, MAIN_GROUP, NodeDescription,
    OpenChallenge, OpenSession, Principal, PrincipalKind,
};
use crate::draw::{Draw, Seed};
use crate::keys::{self, UserName};
use crate::outcome::{Outcome, Rejection};
use crate::record::{MfaRecord, SessionRecord, UserRecord};
use crate::store::{MemStore, Read, Scan, Store, Table};
use crate::tables::Tables;
use crate::{Direction, codec, view};

/// Microseconds.
pub(crate) const SECOND: u64 = 1_000_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;

pub(crate) const MARIA: UserId = UserId(Ulid(7));
pub(crate) const PAUL: UserId = UserId(Ulid(8));

/// Where requests come from.
pub(crate) const HERE: &str = "192.0.2.1";

#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) store: MemStore,
    cache: Cache,
    index: u64,
}

impl Machine {
    /// A cluster with the accounts of Maria and Paul, without second factors.
    pub(crate) fn founded() -> Self {
        let mut machine = Self::default();
        let node = NodeDescription {
            name: "n1".to_owned(),
            api_address: String::new(),
            peer_address: String::new(),
            region: None,
            zone: None,
            keys: Vec::new(),
        };
        let log_name = "lexecon.local".to_owned();
        let found = Found { cluster_id: ClusterId(Ulid(1)), log_name, node, raft_id: RaftId(1) };
        machine.run(1, Command::Found(found));
        for (id, name) in [(MARIA, "maria"), (PAUL, "paul")] {
            machine.put(id, name);
        }
        machine
    }

    /// The same where Maria has a second factor whose step 100 was used.
    pub(crate) fn with_mfa() -> Self {
        let mut machine = Self::founded();
        machine.change(MARIA, |user| {
            user.mfa = Some(MfaRecord {
                sealed_secret: vec![1; 49],
                last_step: 100,
                backup_code_hashes: (1..=10).map(digest).collect(),
            });
        });
        machine
    }

    fn put(&mut self, id: UserId, name: &str) {
        let record = UserRecord {
            entry_id: EntryId(0),
            username: name.to_owned(),
            email: format!("{name}@example.org"),
            full_name: None,
            role: AccountRole::Viewer,
            oversight: Vec::new(),
            password_hashes: vec!["$argon2id$".to_owned()],
            password_version: 1,
            password_set_at: Timestamp(1),
            is_disabled: false,
            disabled_by: None,
            mfa: None,
            pending_mfa: None,
            last_login_at: None,
            created_at: Timestamp(1),
        };
        self.put_user(id, &record);
        for (kind, text) in
            [(UserName::Username, &record.username), (UserName::Email, &record.email)]
        {
            let id = codec::encode("user_by_name", &id).unwrap();
            self.store.put(Table::UserByName, &keys::user_name(kind, text), &id);
        }
    }

    fn put_user(&mut self, id: UserId, record: &UserRecord) {
        let bytes = codec::encode("user", record).unwrap();
        self.store.put(Table::User, &id.0.key(), &bytes);
    }

    pub(crate) fn change(&mut self, id: UserId, change: impl FnOnce(&mut UserRecord)) {
        let mut record = self.user(id);
        change(&mut record);
        self.put_user(id, &record);
    }

    pub(crate) fn user(&self, id: UserId) -> UserRecord {
        view::user(&self.store, id).unwrap().unwrap()
    }

    /// Applies a command of a node.
    pub(crate) fn run(&mut self, at: u64, command: Command) -> Outcome {
        self.run_for(Principal::node("n1"), at, command)
    }

    pub(crate) fn run_for(&mut self, principal: Principal, at: u64, command: Command) -> Outcome {
        self.index = self.index.saturating_add(1);
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.index.to_be_bytes());
        let envelope = envelope(principal, Seed(seed), command);
        let applied = Applied { index: LogIndex(self.index), sub_index: 0, at: Timestamp(at) };
        let outcome = apply(&mut self.store, &mut self.cache, applied, &envelope).unwrap();
        finish_batch(&mut self.store, &mut self.cache).unwrap();
        outcome
    }

    /// Does what a service does that no command reaches yet.
    pub(crate) fn with_context(&mut self, at: u64, act: impl FnOnce(&mut Context<'_, MemStore>)) {
        let envelope = envelope(Principal::node("n1"), Seed([9; 32]), Command::Tick);
        let tables = Tables::new(&mut self.store, Digest::ZERO);
        let applied = Applied { index: LogIndex(self.index), sub_index: 0, at: Timestamp(at) };
        let draw = Draw::new(&envelope.seed, applied.at);
        let cache = &mut self.cache;
        act(&mut Context { tables, cache, draw, applied, envelope: &envelope });
    }

    /// Logs in, and gives the session.
    #[track_caller]
    pub(crate) fn log_in(&mut self, at: u64, open: OpenSession) -> SessionId {
        let hash = open.session_hash;
        recorded(self.run(at, Command::OpenSession(Box::new(open))));
        view::session_by_hash(&self.store, &hash).unwrap().unwrap().0
    }

    #[track_caller]
    pub(crate) fn challenge(&mut self, at: u64, hash: u8) -> Outcome {
        let pair = pair("maria");
        let (user, address, challenge_hash) = (MARIA, HERE.to_owned(), digest(hash));
        let open = OpenChallenge { user, password_version: 1, challenge_hash, pair, address };
        self.run(at, Command::OpenChallenge(Box::new(open)))
    }

    pub(crate) fn session(&self, id: SessionId) -> Option<SessionRecord> {
        view::session(&self.store, id).unwrap()
    }

    pub(crate) fn rows(&self, table: Table) -> usize {
        let direction = Direction::Ascending;
        let scan = Scan { table, from: &[], to: None, direction, rows_max: usize::MAX };
        self.store.scan(scan).unwrap().len()
    }

    pub(crate) fn entries(&self) -> u64 {
        view::head(&self.store).unwrap().size()
    }

    /// Type, `data` and `personal` of the last entries, oldest first.
    pub(crate) fn last(&self, count: u64) -> Vec<(EntryType, Object, String)> {
        let size = self.entries();
        let entry = |id| {
            let entry = view::entry(&self.store, EntryId(id)).unwrap().unwrap();
            let data = serde_json::from_str(&entry.data.unwrap().text).unwrap();
            let personal = entry.personal.map(|part| part.text).unwrap_or_default();
            (entry.header.entry_type, data, personal)
        };
        (size.saturating_sub(count)..size).map(entry).collect()
    }
}

fn envelope(principal: Principal, seed: Seed, command: Command) -> Envelope {
    Envelope {
        version: ENVELOPE_VERSION,
        group: MAIN_GROUP.to_owned(),
        command,
        principal,
        idempotency: None,
        seed,
        asked_node: "n1".to_owned(),
    }
}

pub(crate) fn digest(byte: u8) -> Digest {
    Digest([byte; 32])
}

/// Stands for that of a name and [`HERE`].
pub(crate) fn pair(name: &str) -> Digest {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    Digest(bytes)
}

pub(crate) fn open(user: UserId, proof: LoginProof, session: u8) -> OpenSession {
    let name = if user == MARIA { "maria" } else { "paul" };
    let (pair, address) = (pair(name), HERE.to_owned());
    OpenSession { user, proof, session_hash: digest(session), pair, address }
}

pub(crate) fn by_password(session: u8) -> OpenSession {
    open(MARIA, LoginProof::Password { version: 1 }, session)
}

pub(crate) fn by_totp(challenge: u8, step: u64, session: u8) -> OpenSession {
    let challenge_hash = digest(challenge);
    open(MARIA, LoginProof::Totp { challenge_hash, step }, session)
}

/// A login under a name failed.
pub(crate) fn failed(user: Option<UserId>, name: &str) -> FailLogin {
    let (pair, address) = (pair(name), HERE.to_owned());
    FailLogin { user, pair, address, challenge_hash: None }
}

/// Somebody in a session.
pub(crate) fn in_session(user: UserId, session: SessionId) -> Principal {
    Principal {
        kind: PrincipalKind::User,
        id: user.to_string(),
        credential_id: Some(session.to_string()),
        authn: "password".to_owned(),
    }
}

#[track_caller]
pub(crate) fn recorded(outcome: Outcome) -> EntryId {
    let Outcome::Recorded(recorded) = outcome else { panic!("not recorded: {outcome:?}") };
    recorded.entry_id
}

#[track_caller]
pub(crate) fn refused(outcome: Outcome) -> Rejection {
    let Outcome::Rejected(why) = outcome else { panic!("not refused: {outcome:?}") };
    why
}

pub(crate) fn word<'a>(data: &'a Object, name: &str) -> &'a str {
    data.get(name).and_then(Json::as_str).unwrap_or_default()
}
