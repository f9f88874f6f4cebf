//! Checkpoints: who may sign, when one is final, and what that fixes.

use crate::support::{Machine, SECOND, cosign, decide, node_with_keys, signed_by};
use governance::checkpoint::{Signatures, note};
use governance::command::{AddKey, Command, KeyMaterial, KeyUsage, RegisterNode, RetireKey};
use governance::outcome::{Cosigned, Sealed};
use governance::{MemStore, Outcome, Rejection, Tree, view};
use ledger::{Note, proof};
use types::{EntryId, KeyId, RaftId, Ulid};

/// Three voters, with the Raft ids that the machine gave them.
fn three() -> (Machine, [RaftId; 3]) {
    let mut machine = Machine::founded_with_keys();
    let ids = ["n2", "n3"].map(|name| {
        let register =
            RegisterNode { node: node_with_keys(name), nonce: name.to_owned(), lost_bearer: None };
        match machine.run(10, Command::RegisterNode(register)) {
            Outcome::NodeRegistered(registered) => registered.raft_id,
            other => panic!("not registered: {other:?}"),
        }
    });
    let ids = [RaftId(1), ids[0], ids[1]];
    let next = machine.index.0 + 1;
    machine.members(next, &[ids.to_vec()], &[]);
    (machine, ids)
}

fn seal(machine: &mut Machine, at: u64) -> Sealed {
    match machine.run(at, Command::Checkpoint) {
        Outcome::Sealed(sealed) => sealed,
        other => panic!("not sealed: {other:?}"),
    }
}

fn refused(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected(why) => why,
        other => panic!("not refused: {other:?}"),
    }
}

fn sign(machine: &mut Machine, sealed: &Sealed, name: &str) -> Outcome {
    let command = cosign(&machine.origin(), sealed.place, &sealed.claim, name);
    machine.run(sealed.claim.at.0, command)
}

fn frozen(machine: &Machine, size: u64) -> Option<String> {
    let cluster = view::cluster(&machine.store).unwrap().unwrap();
    let record = view::checkpoint(&machine.store, size).unwrap()?;
    note(&machine.store, &cluster, &record, Signatures::Frozen).unwrap()
}

#[test]
fn a_checkpoint_is_final_once_a_majority_has_signed_and_never_changes() {
    let (mut machine, _) = three();
    let sealed = seal(&mut machine, SECOND);
    let size = sealed.claim.size;
    assert_eq!(sealed.claim.root, view::head(&machine.store).unwrap().root());
    let signed = |outcome| match outcome {
        Outcome::Cosigned(Cosigned { became_final, .. }) => became_final,
        other => panic!("not signed: {other:?}"),
    };
    assert!(!signed(sign(&mut machine, &sealed, "n3")));
    assert_eq!(frozen(&machine, size), None);
    assert!(signed(sign(&mut machine, &sealed, "n1")));
    let first = frozen(&machine, size).unwrap();
    assert!(!signed(sign(&mut machine, &sealed, "n2")));
    assert_eq!(frozen(&machine, size).unwrap(), first);
    let note = Note::parse(&first).unwrap();
    assert_eq!(note.signatures.len(), 2);
    assert!(signed_by(&note, "n3") && signed_by(&note, "n1") && !signed_by(&note, "n2"));
}

#[test]
fn a_voter_signs_once_and_nobody_else_signs() {
    let (mut machine, _) = three();
    let sealed = seal(&mut machine, SECOND);
    sign(&mut machine, &sealed, "n1");
    assert_eq!(refused(sign(&mut machine, &sealed, "n1")), Rejection::AlreadySigned);
    let stranger =
        RegisterNode { node: node_with_keys("n4"), nonce: "n4".to_owned(), lost_bearer: None };
    machine.run(SECOND, Command::RegisterNode(stranger));
    assert!(matches!(refused(sign(&mut machine, &sealed, "n4")), Rejection::NotAVoter { .. }));
    let Command::Cosign(mut forged) = cosign(&machine.origin(), sealed.place, &sealed.claim, "n2")
    else {
        panic!("no cosignature")
    };
    forged.signature[7] ^= 1;
    let outcome = machine.run(SECOND, Command::Cosign(forged));
    assert_eq!(refused(outcome), Rejection::SignatureInvalid);
}

#[test]
fn nothing_is_sealed_twice_nor_too_soon() {
    let (mut machine, _) = three();
    seal(&mut machine, SECOND);
    assert_eq!(refused(machine.run(3 * SECOND, Command::Checkpoint)), Rejection::NothingToSeal);
    machine.run(3 * SECOND, decide("ai:a", "read"));
    seal(&mut machine, 3 * SECOND);
    machine.run(3 * SECOND + 1, decide("ai:a", "read"));
    let soon = machine.run(4 * SECOND - 1, Command::Checkpoint);
    assert_eq!(refused(soon), Rejection::NothingToSeal);
    seal(&mut machine, 4 * SECOND);
}

#[test]
fn no_smaller_checkpoint_becomes_final_after_a_larger_one() {
    let (mut machine, _) = three();
    let small = seal(&mut machine, SECOND);
    sign(&mut machine, &small, "n1");
    machine.run(SECOND, decide("ai:a", "read"));
    let large = seal(&mut machine, 2 * SECOND);
    sign(&mut machine, &large, "n1");
    sign(&mut machine, &large, "n2");
    assert_eq!(refused(sign(&mut machine, &small, "n2")), Rejection::CheckpointGone);
    let covering = view::first_final(&machine.store, EntryId(0)).unwrap().unwrap();
    assert_eq!(covering.claim.size, large.claim.size);
}

#[test]
fn checkpoints_that_nobody_signs_do_not_pile_up() {
    let (mut machine, _) = three();
    for second in 1..100 {
        machine.run(second * SECOND, decide("ai:a", "read"));
        seal(&mut machine, second * SECOND);
    }
    let kept = machine.store.rows().filter(|(table, _, _)| *table == governance::Table::Checkpoint);
    assert_eq!(kept.count(), 32);
    let last = view::last_checkpoint(&machine.store).unwrap().unwrap();
    assert_eq!(last.claim.size, view::head(&machine.store).unwrap().size());
}

#[test]
fn a_joint_configuration_needs_a_majority_of_both_sides() {
    let (mut machine, ids) = three();
    let next = machine.index.0 + 1;
    machine.members(next, &[vec![ids[0]], vec![ids[1], ids[2]]], &[]);
    let sealed = seal(&mut machine, SECOND);
    sign(&mut machine, &sealed, "n2");
    sign(&mut machine, &sealed, "n3");
    assert_eq!(frozen(&machine, sealed.claim.size), None);
    sign(&mut machine, &sealed, "n1");
    assert!(frozen(&machine, sealed.claim.size).is_some());
}

#[test]
fn a_key_counts_from_after_its_entry_to_its_end() {
    let (mut machine, _) = three();
    let old = node_with_keys("n2").keys[2].id;
    let before = seal(&mut machine, SECOND);
    let add = AddKey {
        raft_id: RaftId(2),
        id: KeyId(Ulid(999_999)),
        usage: KeyUsage::Checkpoint,
        material: KeyMaterial::Ed25519([9; 32]),
        replaces: Some(old),
    };
    let command = Command::AddKey(Box::new(add));
    let by_another = refused(machine.run_by("n3", SECOND, command.clone()));
    assert_eq!(by_another, Rejection::NotAVoter { raft_id: RaftId(2) });
    let added = machine.run_by("n2", SECOND, command.clone());
    assert!(matches!(added, Outcome::Recorded(_)), "{added:?}");
    let again = refused(machine.run_by("n2", SECOND, command));
    assert_eq!(again, Rejection::AlreadyRecorded);
    let after = seal(&mut machine, 2 * SECOND);
    assert!(matches!(sign(&mut machine, &before, "n2"), Outcome::Cosigned(_)));
    assert!(matches!(refused(sign(&mut machine, &after, "n2")), Rejection::NotAVoter { .. }));
}

#[test]
fn an_rsa_key_is_one_that_every_verifier_reads() {
    let (mut machine, _) = three();
    let mut add = |usage, n: Vec<u8>, e: Vec<u8>| {
        let material = KeyMaterial::Rsa { n, e };
        let id = KeyId(Ulid(999_999));
        let add = AddKey { raft_id: RaftId(1), id, usage, material, replaces: None };
        machine.run_by("n1", SECOND, Command::AddKey(Box::new(add)))
    };
    for (usage, n, e) in [
        (KeyUsage::Checkpoint, vec![0x80; 256], vec![1, 0, 1]),
        (KeyUsage::Checkpoint, vec![0x7f; 512], vec![1, 0, 1]),
        (KeyUsage::Checkpoint, vec![0x80; 1 << 20], vec![1, 0, 1]),
        (KeyUsage::Checkpoint, vec![0x80; 512], vec![1]),
        (KeyUsage::Checkpoint, vec![0x80; 512], vec![2]),
        (KeyUsage::Checkpoint, vec![0x80; 512], vec![0, 3]),
        (KeyUsage::Token, vec![0x80; 512], vec![1, 0, 1]),
    ] {
        assert!(matches!(refused(add(usage, n, e)), Rejection::UnknownKey { .. }));
    }
    let added = add(KeyUsage::Checkpoint, vec![0x80; 512], vec![1, 0, 1]);
    assert!(matches!(added, Outcome::Recorded(_)), "{added:?}");
}

#[test]
fn a_compromised_key_counts_nowhere() {
    let (mut machine, _) = three();
    let sealed = seal(&mut machine, SECOND);
    let stolen = node_with_keys("n2").keys[2].id;
    let retire = RetireKey { id: stolen, compromised: true, reason: "stolen".to_owned() };
    machine.run(SECOND, Command::RetireKey(retire.clone()));
    assert!(matches!(refused(sign(&mut machine, &sealed, "n2")), Rejection::NotAVoter { .. }));
    // Nor does what it signed before make anything final.
    let id = node_with_keys("n1").keys[2].id;
    sign(&mut machine, &sealed, "n1");
    let retire_n1 = RetireKey { id, ..retire.clone() };
    machine.run(SECOND, Command::RetireKey(retire_n1));
    sign(&mut machine, &sealed, "n3");
    assert_eq!(frozen(&machine, sealed.claim.size), None);
    let again = machine.run(SECOND, Command::RetireKey(retire));
    assert_eq!(refused(again), Rejection::AlreadyRevoked);
    let key = view::key(&machine.store, stolen).unwrap().unwrap();
    assert!(key.revoked && !key.counts_for(EntryId(0)));
}

/// Every proof from the stored tiles, at every size, leads to the root that the
/// frontier had there.
#[test]
fn tiles_prove_what_the_frontier_says() {
    let mut machine = Machine::founded();
    let mut roots = vec![view::head(&machine.store).unwrap().root()];
    for n in 0..700_u64 {
        machine.run(100 + n, decide("ai:a", "read"));
        roots.push(view::head(&machine.store).unwrap().root());
    }
    check_proofs(&machine.store, &roots);
    // The tile that is filling up is found again after a restart.
    machine.cache = governance::Cache::default();
    for n in 0..100_u64 {
        machine.run(1000 + n, decide("ai:a", "read"));
        roots.push(view::head(&machine.store).unwrap().root());
    }
    check_proofs(&machine.store, &roots);
}

fn check_proofs(store: &MemStore, roots: &[types::Digest]) {
    let tree = Tree(store);
    let size = roots.len() as u64;
    for at in (1..=size).step_by(37).chain([size, 255, 256, 257, 512]) {
        let root = roots[usize::try_from(at).unwrap() - 1];
        assert_eq!(proof::root(&tree, at).unwrap(), root, "size {at}");
        let index = at / 2;
        let leaf = view::entry(store, EntryId(index)).unwrap().unwrap().hash();
        let path = proof::inclusion(&tree, index, at).unwrap();
        assert!(proof::verify_inclusion(leaf, index, at, &path, root), "{index} of {at}");
        let last = roots[roots.len() - 1];
        let path = proof::consistency(&tree, at, size).unwrap();
        assert!(proof::verify_consistency(at, size, root, last, &path), "{at} to {size}");
    }
}
