//! Accounts, sessions and keys of programs, put in the state of a node row by
//! row: what is tested with them is who may ask, not how they come to be.

use bincode::Options as _;
use governance::access::{AccountRole, Permissions};
use governance::oversight::Role;
use governance::record::{AccessRecord, ApiKeyRecord, MfaRecord, SessionRecord, UserRecord};
use governance::{Store as _, Table};
use types::{ApiKeyId, Digest, EntryId, SessionId, Timestamp, Ulid, UserId};

use crate::common::Node;

/// The text of a credential by its number.
pub(crate) fn text(prefix: &str, number: u8) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |value: u8| char::from(alphabet[usize::from(value & 63)]);
    let zeros = "A".repeat(40);
    format!("{prefix}{zeros}{}{}A", digit(number >> 6), digit(number))
}

/// A person as the state has it.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) number: u8,
    pub(crate) username: &'static str,
    pub(crate) role: AccountRole,
    pub(crate) oversight: Vec<Role>,
    pub(crate) has_mfa: bool,
    pub(crate) is_disabled: bool,
    pub(crate) password_days: u64,
    pub(crate) idle_minutes: u64,
}

impl Person {
    pub(crate) fn new(number: u8, username: &'static str, role: AccountRole) -> Self {
        Self {
            number,
            username,
            role,
            oversight: Vec::new(),
            has_mfa: true,
            is_disabled: false,
            password_days: 1,
            idle_minutes: 1,
        }
    }

    pub(crate) fn id(&self) -> UserId {
        UserId(Ulid(u128::from(self.number)))
    }

    /// The text of the session.
    pub(crate) fn session(&self) -> String {
        text("sess_", self.number)
    }

    fn session_id(&self) -> SessionId {
        SessionId(Ulid(u128::from(self.number)))
    }
}

/// A program as the state has it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) number: u8,
    pub(crate) prefixes: &'static [&'static str],
    pub(crate) permissions: Permissions,
    pub(crate) is_revoked: bool,
}

impl Program {
    pub(crate) fn new(number: u8, prefixes: &'static [&'static str]) -> Self {
        Self { number, prefixes, permissions: Permissions::NONE, is_revoked: false }
    }

    /// The text of the key.
    pub(crate) fn key(&self) -> String {
        text("lxk_", self.number)
    }

    pub(crate) fn id(&self) -> ApiKeyId {
        ApiKeyId(Ulid(u128::from(self.number)))
    }
}

fn hash(text: &str) -> Digest {
    ledger::hash::sha256(text.as_bytes())
}

/// A record as records are written everywhere: a format byte, then bincode.
macro_rules! record {
    ($record:expr) => {{
        let options = bincode::DefaultOptions::new().with_fixint_encoding().with_big_endian();
        let mut bytes = vec![1];
        options.serialize_into(&mut bytes, $record).unwrap();
        bytes
    }};
}

fn put(node: &Node, table: Table, key: &[u8], record: &[u8]) {
    node.inner().store.put(table, key, record);
}

fn ago(node: &Node, micros: u64) -> Timestamp {
    Timestamp(node.inner().now - micros)
}

const MINUTE: u64 = 60_000_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// From now on nobody is served without a credential.
pub(crate) fn close(node: &Node) {
    let access = AccessRecord { is_closed: true, administrators: 1, api_keys: 0 };
    put(node, Table::Access, b"only", &record!(&access));
}

/// A person with a session.
pub(crate) fn admit(node: &Node, person: &Person) {
    let mfa = MfaRecord { sealed_secret: vec![1], last_step: 0, backup_code_hashes: Vec::new() };
    let record = UserRecord {
        entry_id: EntryId(1),
        username: person.username.to_owned(),
        email: format!("{}@desk.example", person.username),
        full_name: None,
        role: person.role,
        oversight: person.oversight.clone(),
        password_hashes: Vec::new(),
        password_version: 1,
        password_set_at: ago(node, person.password_days * DAY),
        is_disabled: person.is_disabled,
        disabled_by: person.is_disabled.then_some(EntryId(1)),
        mfa: person.has_mfa.then_some(mfa),
        pending_mfa: None,
        last_login_at: None,
        created_at: ago(node, 100 * DAY),
    };
    put(node, Table::User, &person.id().0.key(), &record!(&record));
    let name = format!("username\0{}\0", person.username);
    put(node, Table::UserByName, name.as_bytes(), &record!(&person.id()));
    let touched_at = ago(node, person.idle_minutes * MINUTE);
    let session = SessionRecord {
        user: person.id(),
        hash: hash(&person.session()),
        authn: "password+totp".to_owned(),
        address: "192.0.2.1".to_owned(),
        entry_id: EntryId(1),
        created_at: Timestamp(touched_at.0 - MINUTE),
        touched_at,
    };
    put(node, Table::Session, &person.session_id().0.key(), &record!(&session));
    put(node, Table::SessionByHash, &session.hash.0, &record!(&person.session_id()));
}

/// A program with a key.
pub(crate) fn equip(node: &Node, program: &Program) {
    let record = ApiKeyRecord {
        entry_id: EntryId(1),
        name: "a program".to_owned(),
        // Made over the socket: nobody's account is behind it.
        owner: "n1".to_owned(),
        hash: hash(&program.key()),
        actor_prefixes: program.prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
        permissions: program.permissions,
        created_at: ago(node, DAY),
        expires_at: None,
        last_used_at: None,
        revoked: program.is_revoked.then_some(EntryId(1)),
    };
    put(node, Table::ApiKey, &program.id().0.key(), &record!(&record));
    put(node, Table::ApiKeyByHash, &record.hash.0, &record!(&program.id()));
}
