//! A ledger that was touched anywhere is found out, and the place is named.

use governance::command::Command;
use governance::{Direction, MemStore, Outcome, Read as _, Scan, Store as _, Table, audit};
use types::EntryId;

use crate::support::{Machine, SECOND, cosign, decide};

/// Genesis and more entries than are read at once.
fn ledger(actor: &str) -> MemStore {
    let mut machine = Machine::founded();
    for at in 2..80 {
        machine.run(at, decide(actor, "action:read"));
    }
    machine.store
}

fn value(store: &MemStore, table: Table, key: &[u8]) -> Vec<u8> {
    store.get(table, key).unwrap().unwrap()
}

#[track_caller]
fn check(touch: impl FnOnce(&mut MemStore), expect: &str) {
    let mut store = ledger("a");
    touch(&mut store);
    let found = audit::check(&store).map_or_else(|err| err.to_string(), |()| "holds".to_owned());
    assert!(found.starts_with(expect), "{found}, not {expect}");
}

fn flip(table: Table, id: u64) -> impl FnOnce(&mut MemStore) {
    move |store| {
        let key = EntryId(id).key();
        let mut bytes = value(store, table, &key);
        *bytes.last_mut().unwrap() ^= 1;
        store.put(table, &key, &bytes);
    }
}

#[test]
fn a_ledger_as_it_was_written_holds() {
    check(|_| {}, "holds");
    audit::check(&MemStore::default()).unwrap();
}

#[test]
fn what_is_gone_without_a_run_that_names_it_is_found() {
    check(
        |store| store.delete(Table::Personal, &EntryId(40).key()),
        "entry 40: unrecorded_erasure",
    );
    check(|store| store.delete(Table::Header, &EntryId(40).key()), "entry 40: missing");
    check(|store| store.delete(Table::Data, &EntryId(0).key()), "entry 0: erasure_not_allowed");
}

#[test]
fn a_flipped_bit_is_found_in_the_entry_that_has_it() {
    check(flip(Table::Header, 33), "entry 33: missing");
    check(flip(Table::Data, 33), "entry 33: data_hash_mismatch");
    check(flip(Table::Personal, 77), "entry 77: personal_hash_mismatch");
}

#[test]
fn what_is_no_row_of_an_entry_is_found() {
    let past = |table| move |store: &mut MemStore| store.put(table, &EntryId(900).key(), b"\x01");
    check(past(Table::Header), "a row of `header` lies past the last entry");
    check(past(Table::Personal), "a row of `personal` lies past the last entry");
    let between = |store: &mut MemStore| store.put(Table::Data, b"\0\0\0\0\0\0\0\x05\x01", b"\x01");
    check(between, "stored state is damaged: data: a key is no entry's");
}

#[test]
fn a_ledger_that_holds_and_is_not_the_heads_is_found() {
    let only = Scan {
        table: Table::Meta,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: 1,
    };
    let other = ledger("b").scan(only).unwrap();
    let (key, head) = other.first().unwrap();
    check(|store| store.put(Table::Meta, key, head), "the hash over entries up to 79 is `");
}

/// More entries than two tiles of level 0 hold.
fn long_ledger() -> MemStore {
    let mut machine = Machine::founded();
    for at in 2..602 {
        machine.run(at, decide("a", "action:read"));
    }
    machine.store
}

fn tile(level: u8, index: u64) -> Vec<u8> {
    [&[level][..], &index.to_be_bytes()].concat()
}

#[track_caller]
fn check_tile(touch: impl FnOnce(&mut MemStore), expect: &str) {
    let mut store = long_ledger();
    audit::check(&store).unwrap();
    touch(&mut store);
    let found = audit::check(&store).unwrap_err().to_string();
    assert!(found.contains(expect), "{found}, not {expect}");
}

#[test]
fn a_tile_that_is_not_that_of_the_entries_is_found() {
    for (level, index) in [(0, 0), (0, 1), (1, 0)] {
        let flip = |store: &mut MemStore| {
            let mut bytes = value(store, Table::Tile, &tile(level, index));
            *bytes.last_mut().unwrap() ^= 1;
            store.put(Table::Tile, &tile(level, index), &bytes);
        };
        check_tile(flip, "is not that of the entries");
    }
    check_tile(|store| store.delete(Table::Tile, &tile(0, 0)), "tile 0/000 is missing");
    check_tile(|store| store.delete(Table::Tile, &tile(1, 0)), "is missing");
    let past = |store: &mut MemStore| store.put(Table::Tile, &tile(1, 1), &[1; 33]);
    check_tile(past, "more or fewer than the entries fill");
}

#[test]
fn a_checkpoint_that_no_majority_signed_is_found() {
    let mut machine = Machine::founded_with_keys();
    let Outcome::Sealed(sealed) = machine.run(SECOND, Command::Checkpoint) else {
        panic!("not sealed")
    };
    let signed = cosign(&machine.origin(), sealed.place, &sealed.claim, "n1");
    machine.run(SECOND, signed);
    audit::check(&machine.store).unwrap();
    let key = sealed.claim.size.to_be_bytes();
    let bytes = value(&machine.store, Table::Checkpoint, &key);
    let faults: Vec<String> = (1..bytes.len())
        .filter_map(|at| {
            let mut store = machine.store.clone();
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            store.put(Table::Checkpoint, &key, &changed);
            audit::check(&store).err().map(|err| err.to_string())
        })
        .collect();
    let of = |what: &str| faults.iter().filter(|fault| fault.contains(what)).count();
    assert!(64 <= of("is not signed by a majority"), "{faults:?}");
    assert!(32 <= of("has another root than the entries"), "{faults:?}");
    assert!(32 <= of("does not name the entry of its voters"), "{faults:?}");
    assert!(1 <= of("names other voters than the ledger"), "{faults:?}");
}
