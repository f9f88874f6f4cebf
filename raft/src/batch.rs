//! One Raft entry's worth of commands, and the stamp they share.
//!
//! Layout, integers big-endian: version `1`, stamp in microseconds (8 bytes),
//! number of commands (4), then per command the Raft id of the asked node (8),
//! its epoch (8), its sequence (8), length of the envelope (4), the envelope.
//!
//! Origin, epoch and sequence are how the asked node finds its client again
//! when it applies the entry; no replica keeps them.

use bytes::Bytes;
use types::{RaftId, Timestamp};

use crate::encoding::{Cursor, EncodingError, put_bytes};

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 8 + 4;
/// What a command costs in a batch beyond its envelope.
pub(crate) const ITEM_OVERHEAD_BYTES: usize = 8 + 8 + 8 + 4;

/// The node a command was asked of, and that process's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) node: RaftId,
    /// Drawn when the process started, so that a restart never takes an old
    /// command for one of its own.
    pub(crate) epoch: u64,
}

/// One command in its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) origin: Origin,
    pub(crate) sequence: u64,
    pub(crate) envelope: Bytes,
}

/// Commands that are committed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) stamped: Timestamp,
    pub(crate) items: Vec<Item>,
}

impl Batch {
    pub(crate) fn encode(&self) -> Bytes {
        let bytes: usize =
            self.items.iter().map(|item| item.envelope.len() + ITEM_OVERHEAD_BYTES).sum();
        let mut out = Vec::with_capacity(HEADER_BYTES + bytes);
        out.push(VERSION);
        out.extend_from_slice(&self.stamped.0.to_be_bytes());
        let count = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        for item in &self.items {
            out.extend_from_slice(&item.origin.node.0.to_be_bytes());
            out.extend_from_slice(&item.origin.epoch.to_be_bytes());
            out.extend_from_slice(&item.sequence.to_be_bytes());
            put_bytes(&mut out, &item.envelope);
        }
        out.into()
    }

    /// The envelopes share the memory of `bytes`.
    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, EncodingError> {
        let mut cursor = Cursor::versioned("a batch", VERSION, bytes)?;
        let stamped = Timestamp(cursor.u64()?);
        let count = cursor.count(ITEM_OVERHEAD_BYTES)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            let origin = Origin { node: RaftId(cursor.u64()?), epoch: cursor.u64()? };
            let sequence = cursor.u64()?;
            let envelope = bytes.slice_ref(cursor.bytes()?);
            items.push(Item { origin, sequence, envelope });
        }
        cursor.end()?;
        Ok(Self { stamped, items })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_these_bytes() {
        let origin = Origin { node: RaftId(2), epoch: 3 };
        let item = Item { origin, sequence: 4, envelope: Bytes::from_static(b"\xee\xff") };
        let batch = Batch { stamped: Timestamp(9), items: vec![item] };
        let golden = "01 0000000000000009 00000001
            0000000000000002 0000000000000003 0000000000000004 00000002 eeff";
        let bytes = batch.encode();
        assert_eq!(types::digest::to_hex(&bytes), golden.replace([' ', '\n'], ""));
        assert_eq!(Batch::decode(&bytes), Ok(batch));
    }

    #[test]
    fn a_batch_that_is_cut_short_is_refused() {
        let batch = Batch { stamped: Timestamp(9), items: Vec::new() };
        let bytes = batch.encode();
        assert!(Batch::decode(&bytes.slice(..bytes.len() - 1)).is_err());
    }
}
