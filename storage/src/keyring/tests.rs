//! A keyring is opened by its keys alone, is never lost half way, and bounds
//! what one key seals.

use std::fs;

use secrecy::SecretString;

use super::*;

fn key(byte: u8) -> MasterKey {
    MasterKey::from_bytes(format!("KEY_{byte}"), [byte; 32])
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("keyring")
    }

    fn open(&self, master: Option<&MasterKey>, previous: Option<&MasterKey>) -> Keyring {
        self.try_open(master, previous).unwrap()
    }

    fn try_open(
        &self,
        master: Option<&MasterKey>,
        previous: Option<&MasterKey>,
    ) -> Result<Keyring, Error> {
        Keyring::open(self.path(), master, previous, true)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

fn place() -> Vec<u8> {
    b"here".to_vec()
}

fn seal(keyring: &Keyring, value: &[u8]) -> Vec<u8> {
    keyring.seal(&mut Nonces::new(), b"here", value).unwrap().into_owned()
}

fn opened(keyring: &Keyring, stored: &[u8]) -> Result<Vec<u8>, String> {
    let of_one = keyring.open_owned(place, stored.to_vec());
    let mut buffer = Vec::new();
    assert_eq!(of_one.as_deref(), keyring.open_value(place, stored, &mut buffer).as_deref());
    of_one
}

#[test]
fn what_one_opening_sealed_another_opens() {
    for master in [
        key(1),
        MasterKey::from_text("A_TEXT", SecretString::from("correct horse battery")).unwrap(),
    ] {
        let dir = Dir::new();
        let sealed = seal(&dir.open(Some(&master), None), b"secret");
        let again = dir.open(Some(&master), None);
        assert_eq!(opened(&again, &sealed).unwrap(), b"secret");
        assert_eq!(
            again.status(),
            Status { seals: true, keys: 1, is_pending: false, rewritten: 0 }
        );
        assert!(again.is_as_written(&sealed) && !again.is_as_written(b"secret"));
    }
}

#[test]
fn without_a_master_key_nothing_is_sealed_and_no_file_is_made() {
    let dir = Dir::new();
    let keyring = dir.open(None, None);
    for value in [&b"value"[..], b"", b"\xe0", b"\xe1 looks sealed"] {
        assert_eq!(opened(&keyring, &seal(&keyring, value)).unwrap(), value);
    }
    assert_eq!(seal(&keyring, b"value"), b"value");
    assert!(!dir.path().exists());
}

#[test]
fn a_wrong_or_missing_key_is_refused_by_name_and_changes_nothing() {
    let dir = Dir::new();
    drop(dir.open(Some(&key(1)), None));
    let before = dir.text();
    let error = dir.try_open(Some(&key(2)), None).unwrap_err().to_string();
    assert!(error.starts_with("the key in KEY_2 does not open the data keys at"), "{error}");
    let error = dir.try_open(Some(&key(2)), Some(&key(3))).unwrap_err().to_string();
    assert!(error.contains("KEY_2"), "{error}");
    let error = dir.try_open(None, None).unwrap_err().to_string();
    assert!(error.contains("set DB_ENCRYPTION_KEY or DB_ENCRYPTION_KEY_FILE"), "{error}");
    assert_eq!(dir.text(), before);
}

#[test]
fn the_master_key_is_replaced_and_the_data_keys_stay() {
    let dir = Dir::new();
    let sealed = seal(&dir.open(Some(&key(1)), None), b"secret");
    let rewrapped = dir.open(Some(&key(2)), Some(&key(1)));
    assert_eq!(opened(&rewrapped, &sealed).unwrap(), b"secret");
    assert!(matches!(dir.try_open(Some(&key(1)), None), Err(Error::WrongKey { .. })));
    let before = dir.text();
    // The previous one may stay for a while.
    assert_eq!(opened(&dir.open(Some(&key(2)), Some(&key(1))), &sealed).unwrap(), b"secret");
    assert_eq!(dir.text(), before);
}

#[test]
fn a_damaged_file_is_refused_and_not_replaced() {
    let dir = Dir::new();
    drop(dir.open(Some(&key(1)), None));
    for damaged in ["", "lexecon keyring 2\n", &dir.text().replace("salt ", "salt 0")] {
        fs::write(dir.path(), damaged).unwrap();
        for master in [None, Some(&key(1))] {
            let error = dir.try_open(master, None).unwrap_err();
            assert!(matches!(error, Error::KeyringDamaged { .. }), "{error}");
        }
        assert_eq!(dir.text(), damaged);
    }
}

#[test]
fn keys_do_not_show() {
    let dir = Dir::new();
    let keyring = dir.open(Some(&key(1)), None);
    let exported = keyring.export();
    let secret = types::digest::to_hex(&exported.expose_secret()[17..49]);
    let shown = format!("{keyring:?} {:?} {:?}", keyring.status(), keyring.pass());
    assert!(!shown.contains(&secret), "{shown}");
    assert!(!dir.text().contains(&secret));
}

#[test]
fn no_key_seals_more_than_it_may_and_each_is_written_down_first() {
    let dir = Dir::new();
    let keyring = dir.open(Some(&key(1)), None);
    assert!(dir.text().contains(" 0 sealed "));
    let first = seal(&keyring, b"x");
    assert!(dir.text().contains(" 1048576 sealed "), "{}", dir.text());
    drop(keyring);
    // As after four thousand starts, with room for one reservation more.
    let spent = MESSAGES_MAX - RESERVED;
    fs::write(dir.path(), dir.text().replace(" 1048576 ", &format!(" {spent} "))).unwrap();
    let keyring = dir.open(Some(&key(1)), None);
    assert_eq!(value_key(&seal(&keyring, b"x")), value_key(&first));
    drop(keyring);
    assert!(dir.text().contains(&format!(" {MESSAGES_MAX} sealed ")), "{}", dir.text());
    let keyring = dir.open(Some(&key(1)), None);
    let next = seal(&keyring, b"x");
    assert_ne!(value_key(&next), value_key(&first));
    assert_eq!(opened(&keyring, &first).unwrap(), b"x");
    assert_eq!(keyring.status(), Status { seals: true, keys: 2, is_pending: true, rewritten: 0 });
}

fn value_key(stored: &[u8]) -> u64 {
    match value::parse(stored) {
        Some(Stored::Sealed(sealed)) => sealed.key,
        other => panic!("{other:?} is not sealed"),
    }
}

#[test]
fn many_threads_seal_with_what_is_written_down() {
    let dir = Dir::new();
    let keyring = dir.open(Some(&key(1)), None);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..200).for_each(|_| drop(seal(&keyring, b"x"))));
        }
    });
    let left = keyring.ring().active.as_ref().unwrap().left.load(Ordering::SeqCst);
    let reserved = keyring.ring().active.as_ref().unwrap().reserved.load(Ordering::SeqCst);
    assert!(0 < left && left <= 1 << 20);
    assert!((RESERVED..=4 * RESERVED).contains(&reserved), "{reserved}");
}

#[test]
fn a_key_that_is_old_gives_way_and_goes_once_nothing_needs_it() {
    let dir = Dir::new();
    let keyring = dir.open(Some(&key(1)), None);
    let old = seal(&keyring, b"x");
    assert!(!keyring.rotate_after(Duration::from_secs(3600)).unwrap());
    assert!(keyring.pass().is_none());
    assert!(keyring.rotate_after(Duration::ZERO).unwrap());
    let pass = keyring.pass().unwrap();
    assert!(!pass.state_only);
    assert!(!keyring.is_as_written(&old));
    // What comes in between makes it necessary to begin anew.
    keyring.note_replaced().unwrap();
    assert!(!keyring.finish(&pass, true).unwrap());
    assert_eq!(opened(&keyring, &old).unwrap(), b"x");
    let pass = keyring.pass().unwrap();
    assert!(keyring.finish(&pass, true).unwrap());
    assert_eq!(keyring.status(), Status { seals: true, keys: 1, is_pending: false, rewritten: 0 });
    let error = opened(&keyring, &old).unwrap_err();
    assert!(error.contains("which is not here"), "{error}");
    let again = dir.open(Some(&key(1)), None);
    assert_eq!(again.status(), keyring.status());
}

#[test]
fn a_node_reads_what_another_sealed_whether_it_seals_itself_or_not() {
    let theirs = Dir::new();
    let theirs = theirs.open(Some(&key(1)), None);
    let sealed = seal(&theirs, b"x");
    for master in [None, Some(&key(2))] {
        let dir = Dir::new();
        let ours = dir.open(master, None);
        assert!(opened(&ours, &sealed).is_err());
        ours.import(theirs.export().expose_secret()).unwrap();
        ours.import(theirs.export().expose_secret()).unwrap();
        assert!(!ours.is_as_written(&sealed));
        ours.note_replaced().unwrap();
        let ours = dir.open(master, None);
        assert_eq!(opened(&ours, &sealed).unwrap(), b"x");
        let pass = ours.pass().unwrap();
        assert!(ours.finish(&pass, true).unwrap());
        assert_eq!(ours.status().keys, usize::from(master.is_some()));
        assert!(opened(&ours, &sealed).is_err());
    }
}

#[test]
fn keys_that_come_stay_until_their_values_are_in_force_or_given_up() {
    let (theirs, dir) = (Dir::new(), Dir::new());
    let theirs = theirs.open(Some(&key(1)), None);
    let sealed = seal(&theirs, b"x");
    let ours = dir.open(Some(&key(2)), None);
    let import = || ours.import(theirs.export().expose_secret()).unwrap();
    let finish = || ours.finish(&ours.pass().unwrap(), true).unwrap();
    import();
    let before = dir.text();
    // A pass that began after they came.
    ours.rotate_after(Duration::ZERO).unwrap();
    assert!(finish());
    assert_eq!(opened(&ours, &sealed).unwrap(), b"x");
    assert_ne!(dir.text(), before);
    // Given up, they are gone at once, and from the disk too.
    ours.give_up().unwrap();
    assert!(opened(&ours, &sealed).is_err());
    assert_eq!(dir.open(Some(&key(2)), None).status().keys, 1);
    // One that a state needs which is in force is not given up with them.
    import();
    ours.note_replaced().unwrap();
    import();
    ours.give_up().unwrap();
    assert_eq!(opened(&ours, &sealed).unwrap(), b"x");
    assert!(finish());
    assert!(opened(&ours, &sealed).is_err());
}

#[test]
fn a_key_that_comes_while_a_pass_ends_is_there_or_the_pass_is_not_done() {
    let (theirs, dir) = (Dir::new(), Dir::new());
    let theirs = theirs.open(Some(&key(1)), None);
    let sealed = seal(&theirs, b"x");
    let exported = theirs.export();
    let ours = dir.open(Some(&key(2)), None);
    for _ in 0..50 {
        ours.import(exported.expose_secret()).unwrap();
        ours.note_replaced().unwrap();
        let pass = ours.pass().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| ours.finish(&pass, true).unwrap());
            scope.spawn(|| ours.import(exported.expose_secret()).unwrap());
        });
        assert_eq!(opened(&ours, &sealed).unwrap(), b"x");
    }
}

#[test]
fn a_keyring_that_is_full_is_one_to_make_room_in() {
    let dir = Dir::new();
    let keyring = dir.open(Some(&key(1)), None);
    let exported: Vec<u8> = (1..=1_023_u64)
        .flat_map(|id| [&id.to_be_bytes()[..], &[0; 8], &[7; 32]].concat())
        .collect();
    keyring.import(&[&[EXPORT_VERSION], &exported[..]].concat()).unwrap();
    keyring.note_replaced().unwrap();
    let error = keyring.rotate_after(Duration::ZERO).unwrap_err().to_string();
    assert!(error.contains("there are 1024 data keys already"), "{error}");
    // What is left of them is evidence: also that gives way.
    assert!(keyring.finish(&keyring.pass().unwrap(), false).unwrap());
    let pass = keyring.pass().unwrap();
    assert!(!pass.state_only);
    assert!(keyring.finish(&pass, true).unwrap());
    assert!(keyring.rotate_after(Duration::ZERO).unwrap());
    assert_eq!(keyring.status().keys, 2);
}

#[test]
fn keys_of_others_are_sealed_once_there_is_a_master_key() {
    let dir = Dir::new();
    let theirs = Dir::new();
    let theirs = theirs.open(Some(&key(1)), None);
    let sealed = seal(&theirs, b"x");
    dir.open(None, None).import(theirs.export().expose_secret()).unwrap();
    assert!(dir.text().contains(" open "));
    let ours = dir.open(Some(&key(2)), None);
    assert!(!dir.text().contains(" open "), "{}", dir.text());
    assert_eq!(opened(&ours, &sealed).unwrap(), b"x");
}

#[test]
fn what_is_no_export_or_another_key_under_the_same_id_is_refused() {
    let dir = Dir::new();
    let keyring = dir.open(Some(&key(1)), None);
    let exported = keyring.export();
    let exported = exported.expose_secret();
    assert_eq!(exported.len(), 1 + EXPORTED_BYTES);
    let mut other = exported.to_vec();
    other[20] ^= 1;
    for refused in [&other[..], &exported[..48], b"\x02", &[1; 1 + EXPORTED_BYTES * 1025]] {
        let error = keyring.import(refused).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    keyring.import(b"").unwrap();
    assert_eq!(keyring.status().keys, 1);
}
