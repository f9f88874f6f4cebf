//! Accounts whose entries were erased.

use super::*;
use crate::cache::Cache;
use crate::command::{
    ChangeUser, Command, CreateUser, EntryRange, Envelope, Erase, ErasureCause, Found, MAIN_GROUP,
    NodeDescription, Principal, UserChange,
};
use crate::draw::{Draw, Seed};
use crate::outcome::{Outcome, Rejection};
use crate::store::MemStore;
use crate::tables::Tables;
use crate::{Applied, apply, finish_batch};
use types::{ClusterId, EntryId, LogIndex, RaftId, Ulid};

const AT: Timestamp = Timestamp(1_000);

fn envelope(command: Command, principal: Principal, seed: u8) -> Envelope {
    Envelope {
        version: crate::command::ENVELOPE_VERSION,
        group: MAIN_GROUP.to_owned(),
        command,
        principal,
        idempotency: None,
        seed: Seed([seed; 32]),
        asked_node: "n1".to_owned(),
    }
}

fn run(store: &mut MemStore, envelope: &Envelope) -> Outcome {
    let applied = Applied { index: LogIndex(1), sub_index: 0, at: AT };
    let mut cache = Cache::default();
    let outcome = apply(store, &mut cache, applied, envelope).unwrap();
    finish_batch(store, &mut cache).unwrap();
    outcome
}

fn founded() -> MemStore {
    let mut store = MemStore::default();
    let node = NodeDescription {
        name: "n1".to_owned(),
        api_address: "http://127.0.0.1:8000".to_owned(),
        peer_address: "127.0.0.1:9000".to_owned(),
        region: None,
        zone: None,
        keys: Vec::new(),
    };
    let log_name = "lexecon.local".to_owned();
    let found = Found { cluster_id: ClusterId(Ulid(1)), log_name, node, raft_id: RaftId(1) };
    run(&mut store, &envelope(Command::Found(found), Principal::node("n1"), 0));
    store
}

fn created(store: &mut MemStore) -> UserId {
    let create = CreateUser {
        username: "ana".to_owned(),
        email: "ana@example.org".to_owned(),
        full_name: None,
        role: access::AccountRole::Viewer,
        oversight: Vec::new(),
        password_hash: "$argon2id$ana".to_owned(),
    };
    run(store, &envelope(Command::CreateUser(Box::new(create)), Principal::socket("n1"), 1));
    view::user_by_username(store, "ana").unwrap().unwrap().0
}

/// Links a person of a provider to an account, as logging in does.
fn linked(store: &mut MemStore, user: UserId, subject: &str) {
    told(store, user, EntryType::OidcLinked);
    let row = keys::oidc("corp", subject);
    let own = codec::encode(tables::name(Table::OidcLink), &user).unwrap();
    store.put(Table::OidcLink, &row, &own);
}

/// Records something about an account.
fn told(store: &mut MemStore, user: UserId, entry_type: EntryType) {
    let envelope = envelope(Command::Tick, Principal::node("n1"), 2);
    let mut cache = Cache::default();
    let before = cache.head(store).unwrap().state_digest;
    let mut context = Context {
        tables: Tables::new(store, before),
        cache: &mut cache,
        draw: Draw::new(&envelope.seed, AT),
        applied: Applied { index: LogIndex(1), sub_index: 0, at: AT },
        envelope: &envelope,
    };
    let actor = user.to_string();
    let mut data = context.asked();
    data.insert("actor", actor.as_str());
    data.insert("provider", "corp");
    context.record_about(entry_type, Some(&actor), data, Object::new()).unwrap();
    context.tables.finish();
    finish_batch(store, &mut cache).unwrap();
}

fn erase(entry: u64) -> Envelope {
    let ranges = vec![EntryRange { from: EntryId(entry), to: EntryId(entry) }];
    let erase = Erase { part: ErasedPart::All, ranges, cause: ErasureCause::Request };
    envelope(Command::Erase(erase), Principal::node("n1"), 3)
}

/// Who has a second factor is told by these entries alone.
#[test]
fn that_an_account_has_a_second_factor_is_kept_while_it_can_be_used() {
    let mut store = founded();
    let ana = created(&mut store);
    told(&mut store, ana, EntryType::MfaEnrolled);
    told(&mut store, ana, EntryType::MfaReset);
    told(&mut store, ana, EntryType::BackupCodesRenewed);
    for entry in [2, 3] {
        let alive = Outcome::Rejected(Rejection::NotErasable { entry: EntryId(entry) });
        assert_eq!(run(&mut store, &erase(entry)), alive);
    }
    assert!(matches!(run(&mut store, &erase(4)), Outcome::Erased(_)));
    let change = UserChange::Disable;
    let disable = Box::new(ChangeUser { user: ana, change, reason: "left".to_owned() });
    run(&mut store, &envelope(Command::ChangeUser(disable), Principal::socket("n1"), 4));
    assert!(matches!(run(&mut store, &erase(2)), Outcome::Erased(_)));
}

#[test]
fn who_a_provider_knows_is_forgotten_with_the_entry_once_the_account_has_ended() {
    let mut store = founded();
    let ana = created(&mut store);
    linked(&mut store, ana, "subject-of-ana");
    linked(&mut store, UserId(Ulid(7)), "subject-of-leo");
    let alive = Outcome::Rejected(Rejection::NotErasable { entry: EntryId(2) });
    assert_eq!(run(&mut store, &erase(2)), alive);
    let change = UserChange::Disable;
    let disable = Box::new(ChangeUser { user: ana, change, reason: "left".to_owned() });
    run(&mut store, &envelope(Command::ChangeUser(disable), Principal::socket("n1"), 4));
    assert!(matches!(run(&mut store, &erase(2)), Outcome::Erased(_)));
    let is_linked =
        |subject: &str| store.get(Table::OidcLink, &keys::oidc("corp", subject)).unwrap().is_some();
    assert_eq!((is_linked("subject-of-ana"), is_linked("subject-of-leo")), (false, true));
}
