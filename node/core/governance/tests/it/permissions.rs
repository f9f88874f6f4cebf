//! Who may do what: every command, asked by every kind of principal, against a
//! golden table. `UPDATE_PERMISSIONS=1` writes it anew; a change of it is reviewed
//! as a change of the contract.

mod samples;

use std::collections::BTreeMap;

use crate::people::{
    OIDC, account, change, key, log_in, new_key, of_key, person, revoking, socket,
};
use crate::support::{Machine, decided, envelope, load, policy, recorded};
use governance::access::{AccountRole, Permission, right_of};
use governance::command::{Command, CreateApiKey, Principal, UserChange};
use governance::oversight::Role;
use governance::{Cache, Outcome, Rejection, Table};
use types::{DecisionId, Timestamp, TokenId, Ulid};

/// When everything is asked: sessions from before have ended by then.
const NOW: u64 = 3_600 * crate::support::SECOND;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/permissions.txt");

/// What the commands are about.
#[derive(Clone, Copy)]
struct Subject {
    decision: DecisionId,
    token: TokenId,
}

/// A cluster in which an actor was allowed something.
fn open() -> (Machine, Subject) {
    let mut machine = Machine::founded();
    machine.run(100, load(policy()));
    let decision = decided(&mut machine, 100, "ai:a");
    let row = machine.store.rows().find(|(table, ..)| *table == Table::Token);
    let token = row.map(|(_, key, _)| u128::from_be_bytes(key.try_into().unwrap()));
    let token = TokenId(Ulid(token.unwrap()));
    (machine, Subject { decision, token })
}

/// The same with an administrator, and everybody who may ask there.
fn closed() -> (Machine, Subject, Vec<(String, Principal)>) {
    let (mut machine, subject) = open();
    let admin = person(&mut machine, 100, "founder", (AccountRole::Admin, &[]));
    let mut everybody = vec![("nobody".to_owned(), Principal::nobody())];
    everybody.extend(people(&mut machine));
    everybody.extend(programs(&mut machine, &admin));
    everybody.push(("node".to_owned(), Principal::node("n1")));
    everybody.push(("admin socket".to_owned(), socket()));
    (machine, subject, everybody)
}

fn people(machine: &mut Machine) -> Vec<(String, Principal)> {
    let overseer: &[Role] = &[Role::GovernanceLead];
    let mut people = Vec::new();
    for role in AccountRole::ALL {
        for (oversight, of) in [(&[][..], ""), (overseer, " who oversees")] {
            let name = format!("{}{of}", role.as_str());
            let username = format!("{}{}", role.as_str(), oversight.len());
            let user = account(machine, 200, &username, (role, oversight));
            people.push((user, name));
        }
    }
    let late = account(machine, 200, "late", (AccountRole::Admin, overseer));
    let late = log_in(machine, late, 200, OIDC);
    let gone = account(machine, 200, "gone", (AccountRole::Admin, overseer));
    let ended = log_in(machine, gone, 200, OIDC);
    recorded(machine.run_for(socket(), 300, change(gone, UserChange::Disable)));
    let mut all = Vec::new();
    for (user, name) in people {
        if name.starts_with("admin") || name.ends_with("oversees") {
            let session = log_in(machine, user, NOW, "password");
            all.push((format!("{name}, no second factor"), session));
        }
        all.push((name, log_in(machine, user, NOW, OIDC)));
    }
    all.push(("disabled user".to_owned(), log_in(machine, gone, NOW, OIDC)));
    all.push(("expired session".to_owned(), late));
    all.push(("ended session".to_owned(), ended));
    all
}

fn programs(machine: &mut Machine, admin: &Principal) -> Vec<(String, Principal)> {
    let mut programs = Vec::new();
    for (hash, name, prefix, permissions) in [
        (1, "key of the actor", "ai:a", &[][..]),
        (2, "key of another actor", "ai:b", &[]),
        (3, "key with every permission", "ai:b", &Permission::ALL),
        (4, "revoked key", "*", &Permission::ALL),
        (5, "expired key", "*", &Permission::ALL),
    ] {
        let expires_at = (name == "expired key").then_some(Timestamp(NOW));
        let new = CreateApiKey { expires_at, ..new_key(hash, &[prefix], permissions) };
        let id = key(machine, 300, admin, new);
        if name == "revoked key" {
            recorded(machine.run_for(admin.clone(), 300, revoking(id)));
        }
        programs.push((name.to_owned(), of_key(id)));
    }
    programs
}

/// How a command is answered in this state, which stays as it is. Whether it is
/// about one's own account, or whether one is asked, its service finds out, and
/// the tests of that say so.
fn answer(machine: &Machine, who: &Principal, command: &Command) -> &'static str {
    let (store, index) = (machine.store.clone(), machine.index);
    let mut copy = Machine { store, cache: Cache::default(), index };
    let mut asked = envelope(command.clone(), 7);
    asked.principal = who.clone();
    let outcome = copy.apply(NOW, &asked);
    match outcome {
        Outcome::Rejected(why @ (Rejection::Denied(_) | Rejection::AlreadyFounded)) => {
            let unchanged = machine.store.rows().filter(|(table, ..)| *table != Table::Meta);
            assert!(unchanged.eq(copy.store.rows().filter(|(table, ..)| *table != Table::Meta)));
            why.code()
        }
        _ => "admitted",
    }
}

fn table() -> String {
    let (open, in_open) = open();
    let (closed, in_closed, everybody) = closed();
    let mut text = String::new();
    for (of_open, of_closed) in samples::all(in_open).iter().zip(&samples::all(in_closed)) {
        let mut answers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let open_mode = answer(&open, &Principal::nobody(), of_open);
        answers.entry(open_mode).or_default().push("open mode");
        for (name, who) in &everybody {
            answers.entry(answer(&closed, who, of_closed)).or_default().push(name);
        }
        let right = right_of(of_closed).describe();
        text.push_str(&format!("{}: {right}\n", samples::describe(of_closed)));
        for (answer, whom) in answers {
            text.push_str(&format!("  {answer}: {}\n", whom.join("; ")));
        }
    }
    text
}

#[test]
fn every_command_is_admitted_as_the_table_says() {
    let table = table();
    if std::env::var_os("UPDATE_PERMISSIONS").is_some() {
        std::fs::write(TABLE, &table).unwrap();
    }
    let golden = std::fs::read_to_string(TABLE).unwrap();
    for (line, (now, golden)) in table.lines().zip(golden.lines()).enumerate() {
        assert_eq!(now, golden, "line {}: run with UPDATE_PERMISSIONS=1 and review", line + 1);
    }
    assert_eq!(table, golden, "run with UPDATE_PERMISSIONS=1 and review");
}

#[test]
fn the_table_has_every_command() {
    let samples = samples::all(open().1);
    let mut names: Vec<&str> = samples.iter().map(samples::name).collect();
    names.dedup();
    assert_eq!(names, samples::NAMES);
}
