//! The text that voters sign: what the ledger was at one size.
//!
//! A C2SP `tlog-checkpoint` with five extension lines, always all and in one
//! order. The signatures around it are those of a [`crate::note`]; whether they
//! make the checkpoint final is not decided here.
//!
//! Invariants
//! - Reading is strict: what was read is written back byte for byte, so a
//!   signature over the text is one over the fields.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use types::{Digest, Timestamp};

use crate::note::{self, Line};

/// Longest origin, in characters.
pub const ORIGIN_CHARS_MAX: usize = 255;

/// The ledger at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger: `<log name>/<cluster id>`.
    pub origin: String,
    /// Number of entries; a ledger has genesis at least.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Digest,
    /// Which meanings of commands are in force.
    pub feature_level: u32,
    /// Hash of the entry that names the voters.
    pub membership_hash: Digest,
    /// Hash of the policy in force.
    pub policy_hash: Digest,
    /// Running digest over every write of the state machine.
    pub state_hash: Digest,
    /// Applied time of the command that made the checkpoint.
    pub timestamp: Timestamp,
}

/// Text that is no checkpoint of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the text of a checkpoint")]
pub struct CheckpointError;

impl Checkpoint {
    /// The text that is signed.
    pub fn to_text(&self) -> String {
        format!(
            "{}\n{}\n{}\nfeature_level {}\nmembership_hash {}\npolicy_hash {}\nstate_hash {}\n\
             timestamp {}\n",
            self.origin,
            self.size,
            STANDARD.encode(self.root.0),
            self.feature_level,
            self.membership_hash,
            self.policy_hash,
            self.state_hash,
            self.timestamp,
        )
    }

    /// Reads the text and nothing else.
    ///
    /// # Errors
    /// [`CheckpointError`] for any other text, be it a checkpoint of C2SP or not.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let checkpoint = read(text).ok_or(CheckpointError)?;
        // Whatever the reader let pass, only the one spelling counts.
        if checkpoint.to_text() == text { Ok(checkpoint) } else { Err(CheckpointError) }
    }
}

fn read(text: &str) -> Option<Checkpoint> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let origin = lines.next().filter(|origin| is_origin(origin))?.to_owned();
    let size = lines.next()?.parse().ok().filter(|size| *size != 0)?;
    let root = Digest(STANDARD.decode(lines.next()?).ok()?.try_into().ok()?);
    let mut extension = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let feature_level = extension("feature_level")?.parse().ok()?;
    let membership_hash = extension("membership_hash")?.parse().ok()?;
    let policy_hash = extension("policy_hash")?.parse().ok()?;
    let state_hash = extension("state_hash")?.parse().ok()?;
    let timestamp = extension("timestamp")?.parse().ok()?;
    lines.next().is_none().then_some(Checkpoint {
        origin,
        size,
        root,
        feature_level,
        membership_hash,
        policy_hash,
        state_hash,
        timestamp,
    })
}

/// Whether a ledger may be called so. The origin is a line of the text and the
/// name of keys, so it is printable ASCII without white space and without `+`.
pub fn is_origin(origin: &str) -> bool {
    (1..=ORIGIN_CHARS_MAX).contains(&origin.len())
        && origin.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+')
}

/// The note line of a voter's Ed25519 signature.
pub fn ed25519_line(origin: &str, public: &[u8; 32], signature: &[u8; 64]) -> Line {
    line(origin, &[note::ED25519], public, signature)
}

/// The note line of a voter's RSASSA-PSS signature; the key is its DER
/// SubjectPublicKeyInfo.
pub fn rsa_line(origin: &str, spki_der: &[u8], signature: &[u8]) -> Line {
    line(origin, note::RSA_PSS, spki_der, signature)
}

fn line(origin: &str, algorithm: &[u8], key: &[u8], signature: &[u8]) -> Line {
    let key_id = note::key_id(origin, algorithm, key);
    Line { name: origin.to_owned(), key_id, signature: signature.to_vec() }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;
    use crate::note::Note;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: "ledger.example/clu_1".to_owned(),
            size: 1042,
            root: Digest([0xfb; 32]),
            feature_level: 3,
            membership_hash: Digest([0x11; 32]),
            policy_hash: Digest([0x22; 32]),
            state_hash: Digest([0x33; 32]),
            timestamp: "2027-03-04T05:06:07.123456Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_checkpoint_has_the_lines_of_the_format() {
        let text = format!(
            "ledger.example/clu_1\n1042\n{}s=\nfeature_level 3\nmembership_hash {}\n\
             policy_hash {}\nstate_hash {}\ntimestamp 2027-03-04T05:06:07.123456Z\n",
            "+/v7".repeat(10) + "+/",
            "11".repeat(32),
            "22".repeat(32),
            "33".repeat(32)
        );
        assert_eq!(checkpoint().to_text(), text);
        assert_eq!(Checkpoint::parse(&text), Ok(checkpoint()));
    }

    #[test]
    fn the_least_and_the_largest_checkpoint_read_back() {
        let least = Checkpoint { size: 1, feature_level: 0, ..checkpoint() };
        let timestamp = Timestamp::MAX;
        let largest =
            Checkpoint { size: u64::MAX, feature_level: u32::MAX, timestamp, ..checkpoint() };
        for checkpoint in [least, largest] {
            assert_eq!(Checkpoint::parse(&checkpoint.to_text()), Ok(checkpoint));
        }
    }

    #[test]
    fn another_spelling_of_the_same_checkpoint_is_refused() {
        let text = checkpoint().to_text();
        for (from, to) in [
            ("ledger.example", "ledger example"),
            ("ledger.example", "ledger+example"),
            ("ledger.example/clu_1", ""),
            ("\n1042\n", "\n01042\n"),
            ("\n1042\n", "\n+1042\n"),
            ("\n1042\n", "\n0\n"),
            ("\n1042\n", "\n18446744073709551616\n"),
            ("\n1042\n", "\n\n"),
            ("+/s=", "+/t="),
            ("+/s=", "+/s"),
            ("+/v7", ""),
            ("level 3", "level 03"),
            ("level 3", "level  3"),
            ("level 3", "level 4294967296"),
            ("feature_level 3\n", ""),
            ("policy_hash 22", "policy_hash 2"),
            ("membership_hash 11", "membership_hash AA"),
            ("policy_hash", "policy-hash"),
            (".123456Z", ".123456789Z"),
            (".123456Z", ".123456+00:00"),
            ("Z\n", "Z"),
            ("Z\n", "Z\n\n"),
            ("Z\n", "Z\nanother line\n"),
            ("\n", "\r\n"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert_eq!(Checkpoint::parse(&changed), Err(CheckpointError), "{changed}");
        }
        assert_eq!(Checkpoint::parse(""), Err(CheckpointError));
    }

    #[test]
    fn extension_lines_have_one_order() {
        let text = checkpoint().to_text();
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        lines.swap(4, 5);
        assert_eq!(Checkpoint::parse(&lines.concat()), Err(CheckpointError));
    }

    #[test]
    fn an_origin_is_a_printable_name() {
        for origin in ["a", "ledger.example/clu_1", "~!", &"a".repeat(255)] {
            assert!(is_origin(origin), "{origin}");
        }
        for refused in ["", " ", "a b", "a+b", "a\n", "a\t", "é", "a\u{7f}", &"a".repeat(256)] {
            assert!(!is_origin(refused), "{refused:?}");
        }
    }

    #[test]
    fn a_signed_checkpoint_is_a_note_that_verifies() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = key.verifying_key().to_bytes();
        let text = checkpoint().to_text();
        let signature = key.sign(text.as_bytes()).to_bytes();
        let origin = checkpoint().origin;
        let signatures =
            vec![ed25519_line(&origin, &public, &signature), rsa_line(&origin, b"spki", &[1; 512])];
        let note = Note { text, signatures }.to_string();

        let note = Note::parse(&note).unwrap();
        assert_eq!(Checkpoint::parse(&note.text), Ok(checkpoint()));
        let [ed25519, rsa] = &note.signatures[..] else { panic!("{note}") };
        assert!(note::verify_ed25519(&public, ed25519, &note.text));
        assert_ne!(ed25519.key_id, rsa.key_id);
        let (name, id, key) = note::parse_vkey(&note::vkey(&origin, &public)).unwrap();
        assert_eq!((name, id, key), (origin, ed25519.key_id, public));
    }

    #[test]
    fn the_key_id_of_rsa_is_that_of_the_format() {
        let hashed = b"log\n\xfflexecon/rsa-pss-sha256/v1spki";
        let expected = &crate::hash::sha256(hashed).0[..4];
        assert_eq!(rsa_line("log", b"spki", &[1]).key_id, expected);
    }
}
