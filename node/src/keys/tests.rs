//! Keys are made once, kept private, and used only while the ledger lists them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ledger::signature;
use types::{EntryId, RaftId};

use super::*;
use crate::identity::IdentityError;
use crate::sealing::VARIABLE;

fn open(path: &Path) -> Result<NodeKeys, KeyError> {
    NodeKeys::open(&DataDir::open(path).unwrap(), Sealing::default(), Timestamp(1_000_000))
}

fn listed(keys: &NodeKeys, id: KeyId) -> Option<KeyRecord> {
    let key = keys.all().into_iter().find(|key| key.id == id)?;
    Some(KeyRecord {
        id,
        usage: key.usage,
        material: key.material(),
        node: "n1".to_owned(),
        raft_id: RaftId(1),
        valid_from: EntryId(0),
        valid_until: None,
        revoked: false,
    })
}

#[test]
fn keys_are_made_once_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let made = open(dir.path()).unwrap();
    let read = open(dir.path()).unwrap();
    assert_eq!(made.public(), read.public());
    let signed =
        |keys: &NodeKeys, usage| keys.in_force(|id| listed(keys, id)).sign(usage, b"x").unwrap();
    assert_eq!(signed(&made, KeyUsage::Token), signed(&read, KeyUsage::Token));
    assert_ne!(signed(&made, KeyUsage::Token).1, signed(&made, KeyUsage::Decision).1);
}

#[test]
fn a_key_signs_only_while_the_ledger_lists_it() {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(dir.path()).unwrap();
    assert!(keys.in_force(|_| None).sign(KeyUsage::Token, b"x").is_none());
    let old = keys.in_force(|id| listed(&keys, id)).id(KeyUsage::Token).unwrap();
    let new = Key::make(KeyUsage::Token, Kind::Ed25519, Timestamp(2_000_000)).unwrap();
    let new = keys.add(new).unwrap().id();
    let after = |id| listed(&keys, id).filter(|key| key.id != old);
    assert_eq!(keys.in_force(after).id(KeyUsage::Token), Some(old), "what was found is kept");
    keys.forget();
    assert_eq!(keys.in_force(after).id(KeyUsage::Token), Some(new));
    keys.destroy(old).unwrap();
    let again = open(dir.path()).unwrap();
    assert!(again.all().iter().all(|key| key.id != old));
    assert!(again.all().iter().any(|key| key.id == new));
}

#[test]
fn an_rsa_key_is_kept_and_its_signature_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(dir.path()).unwrap();
    let made = Key::make(KeyUsage::Checkpoint, Kind::Rsa, Timestamp(1)).unwrap();
    let made = keys.add(made).unwrap();
    let read = open(dir.path()).unwrap().any(KeyUsage::Checkpoint, Kind::Rsa).unwrap();
    assert_eq!(read.material(), made.material());
    let KeyMaterial::Rsa { n, e } = read.material() else { panic!("no RSA key") };
    let public = signature::RsaPublic::new(n, e).unwrap();
    assert!(public.verify_pss(b"x", &read.sign(b"x").unwrap()));
}

#[test]
fn keys_that_others_can_read_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).unwrap();
    let path = dir.path().join("keys/node.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(open(dir.path()), Err(KeyError::Exposed { mode: 0o640, .. })));
}

#[test]
fn a_damaged_file_is_refused_and_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).unwrap();
    let path = dir.path().join("keys/node.json");
    fs::write(&path, b"[]").unwrap();
    assert!(matches!(open(dir.path()), Err(KeyError::File(IdentityError::Damaged { .. }))));
    assert_eq!(fs::read(&path).unwrap(), b"[]");
}

#[test]
fn a_master_key_seals_the_file_and_may_be_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let plain = open(dir.path()).unwrap();
    let path = dir.path().join("keys/node.json");
    let seed = {
        let text = fs::read_to_string(&path).unwrap();
        text.split("\"seed\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let key = |byte| Some(storage::MasterKey::from_bytes(VARIABLE, [byte; 32]));
    let open_with = |sealing: Sealing| {
        NodeKeys::open(&DataDir::open(dir.path()).unwrap(), sealing, Timestamp(9))
    };
    for sealing in
        [Sealing::new(key(1), None), Sealing::new(key(2), key(1)), Sealing::new(key(2), None)]
    {
        let keys = open_with(sealing).unwrap();
        assert_eq!(keys.public(), plain.public());
        let stored = fs::read(&path).unwrap();
        assert!(!stored.windows(seed.len()).any(|window| window == seed.as_bytes()));
        keys.add(Key::make(KeyUsage::Token, Kind::Ed25519, Timestamp(2)).unwrap()).unwrap();
        assert!(storage::keyring::master::is_sealed(&fs::read(&path).unwrap()));
    }
    let before = fs::read(&path).unwrap();
    for refused in [Sealing::default(), Sealing::new(key(1), None)] {
        let error = open_with(refused).unwrap_err().to_string();
        assert!(error.contains(VARIABLE), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn keys_do_not_show_in_debug_output() {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(dir.path()).unwrap();
    let file = fs::read_to_string(dir.path().join("keys/node.json")).unwrap();
    let shown = format!("{keys:?} {:?}", keys.all());
    let seeds = file.lines().filter_map(|line| line.trim().strip_prefix("\"seed\": \""));
    let seeds: Vec<&str> = seeds.map(|seed| seed.trim_end_matches(['"', ','])).collect();
    assert_eq!(seeds.len(), 4);
    assert!(seeds.iter().all(|seed| !shown.contains(seed)), "{shown}");
}
