//! Accounts, sessions and keys for scripts.
//!
//! An account is made by its command. A session is put where logging in puts it:
//! what must be so for that has tests of its own, and a script should not fail
//! with them.

use crate::support::{Machine, data, id, recorded};
use governance::access::{AccountRole, Permission, Permissions};
use governance::command::{
    ChangeUser, Command, CreateApiKey, CreateUser, FailLogin, Principal, PrincipalKind,
    RevokeApiKey, UpdateUser, UserChange,
};
use governance::oversight::Role;
use governance::{Store as _, Table, view};
use types::{ApiKeyId, Digest, EntryId, SessionId, Timestamp, Ulid, UserId};

/// How a person logs in of whom no second factor is asked here.
pub(crate) const OIDC: &str = "oidc";

pub(crate) fn socket() -> Principal {
    Principal::socket("n1")
}

pub(crate) fn new_user(username: &str, role: AccountRole, oversight: &[Role]) -> CreateUser {
    CreateUser {
        username: username.to_owned(),
        email: format!("{username}@example.org"),
        full_name: Some(format!("{username} of Example")),
        role,
        oversight: oversight.to_vec(),
        password_hash: format!("$argon2id${username}"),
    }
}

pub(crate) fn create(user: CreateUser) -> Command {
    Command::CreateUser(Box::new(user))
}

pub(crate) fn update(user: UserId) -> UpdateUser {
    UpdateUser { user, role: None, full_name: None, oversight: None }
}

pub(crate) fn updating(update: UpdateUser) -> Command {
    Command::UpdateUser(Box::new(update))
}

pub(crate) fn change(user: UserId, change: UserChange) -> Command {
    Command::ChangeUser(Box::new(ChangeUser { user, change, reason: "as asked".to_owned() }))
}

/// An account, made through the socket of a node.
#[track_caller]
pub(crate) fn account(
    machine: &mut Machine,
    at: u64,
    username: &str,
    (role, oversight): (AccountRole, &[Role]),
) -> UserId {
    let entry =
        recorded(machine.run_for(socket(), at, create(new_user(username, role, oversight))));
    id(&data(machine, entry), "user_id")
}

/// Somebody with an account, and logged in.
#[track_caller]
pub(crate) fn person(
    machine: &mut Machine,
    at: u64,
    username: &str,
    what: (AccountRole, &[Role]),
) -> Principal {
    let user = account(machine, at, username, what);
    log_in(machine, user, at, OIDC)
}

pub(crate) fn of_session(user: UserId, session: SessionId, authn: &str) -> Principal {
    Principal {
        kind: PrincipalKind::User,
        id: user.to_string(),
        credential_id: Some(session.to_string()),
        authn: authn.to_owned(),
    }
}

/// A session, as logging in leaves it; each one has its own credential.
pub(crate) fn log_in(machine: &mut Machine, user: UserId, at: u64, authn: &str) -> Principal {
    // A place of the log is used once, and so is what is counted by it.
    machine.index.0 += 1;
    let number = 1_000 + u128::from(machine.index.0);
    put_session(machine, user, SessionId(Ulid(number)), (at, authn));
    of_session(user, SessionId(Ulid(number)), authn)
}

fn put_session(machine: &mut Machine, user: UserId, session: SessionId, (at, authn): (u64, &str)) {
    let at = Timestamp(at).max(view::head(&machine.store).unwrap().at);
    let mut hash = [0; 32];
    hash[16..].copy_from_slice(&session.0.key());
    let row = Row::new()
        .bytes(&user.0.key())
        .bytes(&hash)
        .text(authn)
        .text("192.0.2.7")
        .bytes(&0_u64.to_be_bytes())
        .bytes(&at.0.to_be_bytes())
        .bytes(&at.0.to_be_bytes());
    machine.store.put(Table::Session, &session.0.key(), &row.0);
    let by_hash = Row::new().bytes(&session.0.key());
    machine.store.put(Table::SessionByHash, &hash, &by_hash.0);
    let by_user = [user.0.key(), session.0.key()].concat();
    machine.store.put(Table::SessionByUser, &by_user, &Row::new().0);
    let kept = view::session_by_hash(&machine.store, &Digest(hash)).unwrap().unwrap();
    assert_eq!((kept.0, kept.1.user, kept.1.touched_at), (session, user, at));
}

/// A viewer who is logged in, and whose account is older than the script: no entry
/// of it is counted among those of the script.
pub(crate) fn visitor(machine: &mut Machine, at: u64) -> Principal {
    let (user, session) = (UserId(Ulid(1)), SessionId(Ulid(1)));
    let none = [0];
    let row = Row::new()
        .bytes(&EntryId(0).key())
        .text("visitor")
        .text("visitor@example.org")
        .bytes(&none)
        .bytes(&0_u32.to_be_bytes())
        .bytes(&0_u64.to_be_bytes())
        .bytes(&0_u64.to_be_bytes())
        .bytes(&1_u32.to_be_bytes())
        .bytes(&at.to_be_bytes())
        .bytes(&[0; 5])
        .bytes(&at.to_be_bytes());
    machine.store.put(Table::User, &user.0.key(), &row.0);
    let kept = view::user(&machine.store, user).unwrap().unwrap();
    assert_eq!((kept.role, kept.is_disabled), (AccountRole::Viewer, false));
    put_session(machine, user, session, (at, OIDC));
    of_session(user, session, OIDC)
}

/// Has a second factor wait for its first code.
pub(crate) fn begin_mfa(machine: &mut Machine, user: UserId) {
    let is_of_user = |table: Table, key: &[u8]| table == Table::User && key == user.0.key();
    let row = machine.store.rows().find(|(table, key, _)| is_of_user(*table, key));
    let row = row.map(|(.., value)| value.to_vec()).unwrap();
    // Before it the record ends in `pending_mfa`, `last_login_at`, `created_at`.
    let (before, after) = row.split_at(row.len() - 10);
    let pending = [before, &[1], &1_u64.to_be_bytes(), &[7], &after[1..]].concat();
    machine.store.put(Table::User, &user.0.key(), &pending);
    let kept = view::user(&machine.store, user).unwrap().unwrap();
    assert_eq!(kept.pending_mfa, Some(vec![7]));
}

/// Counts a failed login.
pub(crate) fn fail_login(machine: &mut Machine, user: UserId, pair: u8) {
    let fail = FailLogin {
        user: Some(user),
        pair: Digest([pair; 32]),
        address: "192.0.2.7".to_owned(),
        challenge_hash: None,
    };
    let at = view::head(&machine.store).unwrap().at.0;
    machine.run_for(Principal::node("n1"), at, Command::FailLogin(Box::new(fail)));
    let kept = view::login_pair(&machine.store, &Digest([pair; 32])).unwrap().unwrap();
    assert_eq!(kept.user, Some(user));
}

pub(crate) fn new_key(hash: u8, prefixes: &[&str], permissions: &[Permission]) -> CreateApiKey {
    CreateApiKey {
        name: format!("key {hash}"),
        key_hash: Digest([hash; 32]),
        actor_prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
        permissions: Permissions::of(permissions),
        expires_at: None,
    }
}

pub(crate) fn creating(key: CreateApiKey) -> Command {
    Command::CreateApiKey(Box::new(key))
}

pub(crate) fn revoking(key: ApiKeyId) -> Command {
    Command::RevokeApiKey(RevokeApiKey { key })
}

/// A key made by somebody.
#[track_caller]
pub(crate) fn key(machine: &mut Machine, at: u64, by: &Principal, key: CreateApiKey) -> ApiKeyId {
    let entry = recorded(machine.run_for(by.clone(), at, creating(key)));
    id(&data(machine, entry), "key_id")
}

pub(crate) fn of_key(key: ApiKeyId) -> Principal {
    Principal {
        kind: PrincipalKind::ApiKey,
        id: key.to_string(),
        credential_id: Some(key.to_string()),
        authn: "api_key".to_owned(),
    }
}

/// A record as bytes, in the codec's form.
struct Row(Vec<u8>);

impl Row {
    fn new() -> Self {
        Self(vec![1])
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, text: &str) -> Self {
        let len = u64::try_from(text.len()).unwrap().to_be_bytes();
        self.bytes(&len).bytes(text.as_bytes())
    }
}
