//! Messages and services as the `.proto` files define them: generated code, and
//! the one `Debug` that must not show all there is.
//!
//! - [`governance`]: the public interface, one service per section of the REST
//!   contract.
//! - [`peer`]: what nodes of one cluster say to each other; never exposed.

/// The public interface.
pub mod governance {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("lexecon.governance.v1");
    }
}

/// Between nodes.
pub mod peer {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("lexecon.peer.v1");

        impl std::fmt::Debug for SnapshotHeader {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("SnapshotHeader")
                    .field("files", &self.files)
                    .field("content_digest", &self.content_digest)
                    .finish_non_exhaustive()
            }
        }
    }
}

/// Every descriptor, encoded, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
