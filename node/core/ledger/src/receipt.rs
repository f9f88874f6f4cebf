//! A receipt as C2SP `tlog-proof`: one text that shows an entry to be in the
//! tree of a checkpoint, for whoever has the keys and nothing else.
//!
//! This file reads and writes the text. Whether the hashes lead to the root is
//! for [`crate::proof`], and who signed the checkpoint for [`crate::note`].
//!
//! Invariants
//! - Reading is strict: what was read is written back byte for byte.
//! - The checkpoint is a signed note of at least three lines, none of them empty.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use types::Digest;

use crate::note::Note;

/// Most hashes of a proof: the largest tree that can be counted is so high.
pub const HASHES_MAX: usize = 64;

/// Longest extra data: the longest header that an entry bundle can hold.
pub const EXTRA_BYTES_MAX: usize = 65_535;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A proof that an entry is in the tree of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Bytes of the entry's header. They are as trustworthy as their hash.
    pub extra: Option<Vec<u8>>,
    /// Id of the entry.
    pub index: u64,
    /// From the leaf towards the root.
    pub hashes: Vec<Digest>,
    /// The checkpoint with its signatures.
    pub checkpoint: String,
}

/// Text that is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a proof of a transparency log")]
pub struct ReceiptError;

impl TlogProof {
    /// Reads a proof; nothing is verified.
    ///
    /// # Errors
    /// [`ReceiptError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let proof = read(text).ok_or(ReceiptError)?;
        // Whatever the reader let pass, only the one spelling counts.
        if proof.to_string() == text { Ok(proof) } else { Err(ReceiptError) }
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash.0))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

fn read(text: &str) -> Option<TlogProof> {
    // No line before the first empty one is empty, so it ends the proof.
    let (head, checkpoint) = text.split_once("\n\n")?;
    let note = Note::parse(checkpoint).ok()?;
    if note.text.lines().count() < 3 || note.text.lines().any(str::is_empty) {
        return None;
    }
    let mut lines = head.split('\n').peekable();
    lines.next().filter(|first| *first == FIRST_LINE)?;
    let extra = match lines.peek()?.strip_prefix("extra ") {
        Some(extra) => {
            lines.next();
            Some(STANDARD.decode(extra).ok().filter(|extra| extra.len() <= EXTRA_BYTES_MAX)?)
        }
        None => None,
    };
    let index = lines.next()?.strip_prefix("index ")?.parse().ok()?;
    let mut hashes = Vec::new();
    for line in lines {
        if hashes.len() == HASHES_MAX {
            return None;
        }
        hashes.push(Digest(STANDARD.decode(line).ok()?.try_into().ok()?));
    }
    Some(TlogProof { extra, index, hashes, checkpoint: checkpoint.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKPOINT: &str = "example.com/fancylog\n109482\n\
        sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n— example.com/fancylog AAAAAAA=\n";

    fn proof() -> TlogProof {
        TlogProof {
            extra: Some(b"{}".to_vec()),
            index: 73_894,
            hashes: vec![Digest([0; 32]), Digest([0xff; 32])],
            checkpoint: CHECKPOINT.to_owned(),
        }
    }

    #[test]
    fn a_proof_has_the_lines_of_the_specification() {
        let text = format!(
            "c2sp.org/tlog-proof@v1\nextra e30=\nindex 73894\n{}=\n{}8=\n\n{CHECKPOINT}",
            "A".repeat(43),
            "/".repeat(42)
        );
        assert_eq!(proof().to_string(), text);
        assert_eq!(TlogProof::parse(&text), Ok(proof()));
    }

    #[test]
    fn a_proof_reads_back_with_the_least_and_the_most_it_may_hold() {
        let least = TlogProof { extra: None, index: 0, hashes: Vec::new(), ..proof() };
        let empty_extra = TlogProof { extra: Some(Vec::new()), ..least.clone() };
        let most = TlogProof {
            extra: Some(vec![7; EXTRA_BYTES_MAX]),
            index: u64::MAX,
            hashes: vec![Digest([7; 32]); HASHES_MAX],
            ..proof()
        };
        for proof in [least, empty_extra, most] {
            assert_eq!(TlogProof::parse(&proof.to_string()), Ok(proof));
        }
    }

    #[test]
    fn a_proof_that_holds_more_is_refused() {
        let hashes = vec![Digest([7; 32]); HASHES_MAX.saturating_add(1)];
        let extra = Some(vec![7; EXTRA_BYTES_MAX.saturating_add(1)]);
        for proof in [TlogProof { hashes, ..proof() }, TlogProof { extra, ..proof() }] {
            assert_eq!(TlogProof::parse(&proof.to_string()), Err(ReceiptError));
        }
    }

    #[test]
    fn another_spelling_of_the_same_proof_is_refused() {
        let text = proof().to_string();
        for (from, to) in [
            ("@v1", "@v2"),
            ("c2sp.org", " c2sp.org"),
            ("extra e30=", "extra e30"),
            ("extra e30=", "extra e31="),
            ("extra e30=", "extra  e30="),
            ("extra e30=", "extra e30=\nextra e30="),
            ("extra e30=", "extra"),
            ("index 73894", "index 073894"),
            ("index 73894", "index +73894"),
            ("index 73894", "index -1"),
            ("index 73894", "index 18446744073709551616"),
            ("index 73894\n", ""),
            ("index 73894\n", "index 73894\n\n"),
            ("AAA=\n", "AAB=\n"),
            ("AAA=\n", "AA=\n"),
            ("AAA=\n", "AAA= \n"),
            ("8=\n\n", "8=\n"),
            ("8=\n\n", "8=\n\n\n"),
            ("109482\n", ""),
            ("109482\n", "109482\n\n"),
            ("\n\n— ", "\n— "),
            ("— ", "- "),
            ("\n", "\r\n"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert_eq!(TlogProof::parse(&changed), Err(ReceiptError), "{changed}");
        }
        assert_eq!(TlogProof::parse(""), Err(ReceiptError));
    }
}
