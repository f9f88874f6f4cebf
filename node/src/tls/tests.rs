//! Files that change: the new pair, the old pair, and never half of each.

use std::fs;
use std::path::Path;

use cli::certs::Existing;
use cli::certs::authority::{Authority, Subject, Validity};

use super::*;

fn subject(name: &str) -> Subject {
    Subject::Node { name: name.to_owned(), addresses: Vec::new() }
}

/// An authority, and files as a node has them.
struct Desk {
    dir: tempfile::TempDir,
    authority: Authority,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (authority, _) = Authority::create(dir.path(), Existing::Keep).unwrap();
        let desk = Self { dir, authority };
        desk.sign("n1", 365);
        desk
    }

    fn sign(&self, name: &str, days: u32) {
        self.authority.issue(&subject(name), Validity { days }, Existing::Replace).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn files(&self) -> TlsFiles {
        let own = PairFiles { cert: self.path("node-n1.crt"), key: self.path("node-n1.key") };
        let peers = PeerFiles { own: own.clone(), ca: self.path("ca.crt") };
        TlsFiles { api: Some(own), peers: Some(peers), ca: None }
    }

    fn load(&self, name: &str) -> Result<Certificates, StartError> {
        Certificates::load(&self.files(), name, &Telemetry::new().unwrap())
    }
}

impl Certificates {
    fn look(&mut self) {
        self.sources.iter_mut().for_each(Source::look);
    }

    fn in_force(&self) -> Arc<rustls::ServerConfig> {
        self.api.as_ref().unwrap().load_full()
    }
}

fn put(from: &Path, to: &Path) {
    // In place of the other, as tools do: the time of a copy may be the same.
    let beside = to.with_extension("beside");
    fs::copy(from, &beside).unwrap();
    fs::rename(beside, to).unwrap();
}

#[test]
fn a_pair_is_replaced_whole_or_not_at_all() {
    let desk = Desk::new();
    desk.sign("n2", 365);
    let mut certificates = desk.load("n1").unwrap();
    let first = certificates.in_force();
    certificates.look();
    assert!(Arc::ptr_eq(&first, &certificates.in_force()), "nothing changed");
    // Only the key is new: the certificate is not its.
    let key = fs::read(desk.path("node-n1.key")).unwrap();
    put(&desk.path("node-n2.key"), &desk.path("node-n1.key"));
    certificates.look();
    assert!(Arc::ptr_eq(&first, &certificates.in_force()), "half a pair came in force");
    fs::write(desk.path("node-n1.key"), key).unwrap();
    certificates.look();
    assert!(!Arc::ptr_eq(&first, &certificates.in_force()), "the pair was not read again");
    // Files that are away for a moment change nothing.
    let second = certificates.in_force();
    fs::remove_file(desk.path("node-n1.crt")).unwrap();
    certificates.look();
    certificates.look();
    assert!(Arc::ptr_eq(&second, &certificates.in_force()));
    desk.sign("n1", 365);
    certificates.look();
    assert!(!Arc::ptr_eq(&second, &certificates.in_force()));
}

#[test]
fn the_end_of_what_is_in_force_is_shown() {
    let desk = Desk::new();
    let mut certificates = desk.load("n1").unwrap();
    let ends = |certificates: &Certificates, usage: &str| {
        certificates.expiry.with_label_values(&[usage]).get()
    };
    let before = ends(&certificates, "api");
    assert_eq!(before, ends(&certificates, "peer"));
    assert!(before < ends(&certificates, "peer_ca"), "the authority holds longer");
    desk.sign("n1", 10);
    certificates.look();
    for source in &certificates.sources {
        certificates.show(&source.ends);
    }
    let after = ends(&certificates, "api");
    assert!(after < before - 300 * 24 * 3600, "{before} became {after}");
}

#[test]
fn what_is_of_no_use_is_refused_with_its_files() {
    let desk = Desk::new();
    let refused = |name: &str| match desk.load(name) {
        Ok(_) => panic!("it was taken"),
        Err(error) => error.to_string(),
    };
    let of_another = refused("n9");
    assert!(of_another.contains("is of `n1`, and this node is `n9`"), "{of_another}");
    assert!(of_another.contains("node-n1.crt"), "{of_another}");
    fs::write(desk.path("node-n1.key"), "no key").unwrap();
    assert!(refused("n1").contains("no key in"), "{}", refused("n1"));
    fs::write(desk.path("node-n1.crt"), "").unwrap();
    assert!(refused("n1").contains("no certificate in"), "{}", refused("n1"));
}

#[tokio::test]
async fn another_authority_counts_once_its_file_does() {
    let desk = Desk::new();
    let other = tempfile::tempdir().unwrap();
    Authority::create(other.path(), Existing::Keep).unwrap();
    let mut certificates = desk.load("n1").unwrap();
    let ours = fs::read_to_string(desk.path("ca.crt")).unwrap();
    // Without its own authority nobody would believe this node.
    put(&other.path().join("ca.crt"), &desk.path("ca.crt"));
    certificates.look();
    assert_eq!(certificates.sources[1].ends.len(), 2);
    let before = certificates.sources[1].ends.clone();
    let both = ours + &fs::read_to_string(other.path().join("ca.crt")).unwrap();
    fs::write(desk.path("ca.crt"), both).unwrap();
    certificates.look();
    assert_eq!(certificates.sources[1].ends[0], before[0], "the certificate is the same");
}
