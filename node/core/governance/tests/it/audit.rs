//! A ledger that was touched anywhere is found out, and the place is named.

use governance::{Direction, MemStore, Read as _, Scan, Store as _, Table, audit};
use types::EntryId;

use crate::support::{Machine, decide};

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
fn an_erased_part_is_no_fault_and_a_missing_header_is() {
    check(|store| store.delete(Table::Personal, &EntryId(40).key()), "holds");
    check(|store| store.delete(Table::Header, &EntryId(40).key()), "entry 40: missing");
    check(|store| store.delete(Table::Data, &EntryId(0).key()), "entry 0: data_hash_mismatch");
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
