//! Takes a snapshot in: into a directory of its own, file by file, each checked
//! against its digest. Only one that is complete, and found to hold what its
//! sender took, goes any further.
//!
//! The directory is named after the snapshot, so that a transfer that broke off
//! finds again what it had brought. One that was refused is removed.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use proto::peer::v1 as wire;
use proto::peer::v1::snapshot_part::Part;
use sha2::{Digest, Sha256};
use tonic::{Status, Streaming};

use super::convert::{own_vote, refused};
use super::pieces::digest;
use crate::adapter::blocking;
use crate::adapter::snapshot::{INCOMING_PREFIX, sync_dir};
use crate::config::TransportConfig;
use crate::encoding::{decode_applied, decode_meta};
use crate::kinds::{SnapshotMeta, Vote};
use crate::ports::Checkpoints;
use types::RaftId;

/// What is being received.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) meta: SnapshotMeta,
    /// What the state in it must come to.
    pub(crate) content: types::Digest,
    pub(crate) dir: PathBuf,
    files: Vec<wire::SnapshotFile>,
    value_keys: ValueKeys,
}

/// What opens its values. Never shown.
struct ValueKeys(Bytes);

impl fmt::Debug for ValueKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValueKeys(..)")
    }
}

/// The vote that a leader sends a snapshot with.
pub(crate) fn leader_vote(header: &wire::SnapshotHeader, sender: RaftId) -> Result<Vote, Status> {
    let vote = own_vote(&header.vote, sender)?;
    let meta = decode_meta(&header.meta).map_err(refused)?;
    // openraft panics on a snapshot that its sender's vote cannot cover.
    let covered = meta.last_log_id.is_none_or(|last| last.leader_id.term <= vote.leader_id.term);
    if vote.committed && covered {
        return Ok(vote);
    }
    Err(Status::invalid_argument("the snapshot is newer than its sender's term"))
}

/// Reads the header and makes the directory. The files it lacks come with it.
pub(crate) fn begin(
    header: wire::SnapshotHeader,
    snapshots_dir: &Path,
    config: &TransportConfig,
) -> Result<(Incoming, Vec<u32>), Status> {
    let meta = decode_meta(&header.meta).map_err(refused)?;
    if header.files.len() > config.snapshot_files_max {
        return Err(Status::invalid_argument("the snapshot has too many files"));
    }
    let content = header.content_digest.as_ref().try_into().map(types::Digest);
    let content = content
        .map_err(|_| Status::invalid_argument("the snapshot comes without its content digest"))?;
    let dir = snapshots_dir.join(incoming_name(&header));
    let (files, value_keys) = (header.files, ValueKeys(header.value_keys));
    let incoming = Incoming { meta, content, dir, files, value_keys };
    let wanted = blocking(|| incoming.prepare(snapshots_dir))?;
    Ok((incoming, wanted))
}

fn incoming_name(header: &wire::SnapshotHeader) -> String {
    let mut hash = Sha256::new();
    hash.update(&header.meta);
    hash.update(&header.content_digest);
    for file in &header.files {
        hash.update(&file.sha256);
    }
    let digest = hash.finalize();
    format!("{INCOMING_PREFIX}{}", types::digest::to_hex(digest.get(..16).unwrap_or_default()))
}

impl Incoming {
    /// Removes other attempts, and says which files are not here yet.
    fn prepare(&self, snapshots_dir: &Path) -> Result<Vec<u32>, Status> {
        for entry in fs::read_dir(snapshots_dir).map_err(|err| failed(&err))? {
            let path = entry.map_err(|err| failed(&err))?.path();
            let is_incoming = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(INCOMING_PREFIX));
            if is_incoming && path != self.dir {
                fs::remove_dir_all(&path).map_err(|err| failed(&err))?;
            }
        }
        fs::create_dir_all(&self.dir).map_err(|err| failed(&err))?;
        let mut wanted = Vec::new();
        for (place, file) in (0_u32..).zip(&self.files) {
            if !self.has(file)? {
                wanted.push(place);
            }
        }
        Ok(wanted)
    }

    /// Places of all its files.
    pub(crate) fn places(&self) -> Vec<u32> {
        (0_u32..).zip(&self.files).map(|(place, _)| place).collect()
    }

    fn has(&self, file: &wire::SnapshotFile) -> Result<bool, Status> {
        let path = self.path_of(file)?;
        match fs::metadata(&path) {
            Ok(found) if found.len() == file.size => {
                Ok(digest(&path).map_err(|err| failed(&err))? == file.sha256)
            }
            Ok(_) => Ok(false),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(err) => Err(failed(&err)),
        }
    }

    /// A path below the directory, whatever the sender says.
    fn path_of(&self, file: &wire::SnapshotFile) -> Result<PathBuf, Status> {
        let relative = Path::new(&file.path);
        let is_plain = !file.path.is_empty()
            && relative.components().all(|part| matches!(part, Component::Normal(_)));
        if is_plain {
            return Ok(self.dir.join(relative));
        }
        Err(Status::invalid_argument(format!("`{}` is no file of a snapshot", file.path)))
    }

    /// Takes every wanted file in, up to the end.
    pub(crate) async fn receive(
        &self,
        wanted: Vec<u32>,
        parts: &mut Streaming<wire::SnapshotPart>,
        config: &TransportConfig,
    ) -> Result<(), Status> {
        let mut wanted = wanted.into_iter();
        let mut current: Option<Arriving> = None;
        loop {
            // A file that is empty has no pieces.
            while current.as_ref().is_none_or(Arriving::is_complete) {
                if let Some(complete) = current.take() {
                    blocking(|| complete.finish())?;
                }
                let Some(place) = wanted.next() else { break };
                current = Some(self.arriving(place)?);
            }
            let part = tokio::time::timeout(config.snapshot_idle_max, parts.message()).await;
            let part = part.map_err(|_| Status::deadline_exceeded("the sender stands still"))??;
            match (part.and_then(|part| part.part), current.as_mut()) {
                (Some(Part::Chunk(chunk)), Some(current)) => {
                    blocking(|| current.take_in(&chunk))?;
                }
                (Some(Part::End(_)), None) => return blocking(|| self.sync()),
                (Some(Part::End(_)), Some(_)) => {
                    return Err(Status::invalid_argument("the snapshot ends before its files"));
                }
                (Some(Part::Chunk(_) | Part::Header(_)), _) => {
                    return Err(Status::invalid_argument("a part out of turn"));
                }
                (None, _) => return Err(Status::cancelled("the sender broke off")),
            }
        }
    }

    fn arriving(&self, place: u32) -> Result<Arriving, Status> {
        let found = usize::try_from(place).ok().and_then(|place| self.files.get(place));
        let file = found.cloned().ok_or_else(|| Status::internal("no such file"))?;
        let path = self.path_of(&file)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|err| failed(&err))?;
        }
        let out = File::create(&path).map_err(|err| failed(&err))?;
        Ok(Arriving { place, file, path, out, taken: 0, hash: Sha256::new() })
    }

    /// Makes the names durable; the files are already.
    fn sync(&self) -> Result<(), Status> {
        for file in &self.files {
            sync_dir(self.path_of(file)?.parent()).map_err(|err| failed(&err))?;
        }
        sync_dir(self.dir.parent()).map_err(|err| failed(&err))
    }

    /// Whether what arrived holds what was sent: the same content, as of the
    /// entry that was said, and a ledger without a fault. One that does not is
    /// removed. Reads all of it: blocks for as long as that takes.
    pub(crate) fn check(&self, checkpoints: &impl Checkpoints) -> Result<(), Status> {
        self.find_fault(checkpoints).map_err(|fault| {
            let path = self.dir.display();
            tracing::error!(%path, fault, "refused a snapshot that is damaged");
            self.clear();
            give_up_keys(checkpoints);
            Status::data_loss(format!("the snapshot is damaged: {fault}"))
        })
    }

    fn find_fault(&self, checkpoints: &impl Checkpoints) -> Result<(), String> {
        let text = |err: io::Error| err.to_string();
        checkpoints.take_value_keys(&self.value_keys.0).map_err(text)?;
        let found = checkpoints.content_digest(&self.dir).map_err(text)?;
        if found != self.content {
            let sent = self.content;
            return Err(format!("its content digest is `{found}`, and `{sent}` was sent"));
        }
        let applied = checkpoints.applied_in(&self.dir).map_err(text)?;
        let applied = applied.ok_or("nothing was applied to it")?;
        let applied = decode_applied(&applied).map_err(|err| err.to_string())?;
        if applied.last != self.meta.last_log_id || applied.membership != self.meta.last_membership
        {
            let (held, said) = (applied.last, self.meta.last_log_id);
            return Err(format!("it holds `{held:?}`, and was sent as `{said:?}`"));
        }
        checkpoints.verify(&self.dir).map_err(text)
    }

    /// Removes what is left of the directory.
    pub(crate) fn clear(&self) {
        if let Err(err) = fs::remove_dir_all(&self.dir)
            && err.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(error = %err, "cannot remove a received snapshot");
        }
    }
}

/// Keys of a snapshot that is not installed are not kept: whoever sends some could
/// fill up what holds them.
pub(crate) fn give_up_keys(checkpoints: &impl Checkpoints) {
    if let Err(err) = checkpoints.give_up_value_keys() {
        tracing::warn!(error = %err, "cannot let go of the keys of a received snapshot");
    }
}

/// A file on its way in.
struct Arriving {
    place: u32,
    file: wire::SnapshotFile,
    path: PathBuf,
    out: File,
    taken: u64,
    hash: Sha256,
}

impl Arriving {
    fn is_complete(&self) -> bool {
        self.taken == self.file.size
    }

    fn take_in(&mut self, chunk: &wire::SnapshotChunk) -> Result<(), Status> {
        let length = u64::try_from(chunk.data.len()).unwrap_or(u64::MAX);
        let end = self.taken.saturating_add(length);
        if chunk.file != self.place || chunk.offset != self.taken || end > self.file.size {
            return Err(Status::invalid_argument("a piece out of place"));
        }
        self.out.write_all(&chunk.data).map_err(|err| failed(&err))?;
        self.hash.update(&chunk.data);
        self.taken = end;
        Ok(())
    }

    fn finish(self) -> Result<(), Status> {
        if self.hash.finalize().as_slice() == self.file.sha256 {
            return self.out.sync_all().map_err(|err| failed(&err));
        }
        // So that the next attempt wants it again.
        fs::remove_file(&self.path).map_err(|err| failed(&err))?;
        Err(Status::data_loss(format!("`{}` arrived with another digest", self.file.path)))
    }
}

fn failed(err: &io::Error) -> Status {
    Status::internal(format!("cannot store the snapshot: {err}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    use crate::encoding::encode_meta;

    fn header(content_digest: &[u8]) -> wire::SnapshotHeader {
        wire::SnapshotHeader {
            vote: Bytes::new(),
            meta: encode_meta(&SnapshotMeta::default()),
            files: Vec::new(),
            content_digest: Bytes::copy_from_slice(content_digest),
            value_keys: Bytes::from_static(b"a secret of the sender"),
        }
    }

    #[track_caller]
    fn check(content_digest: &[u8], is_taken: bool) {
        let dir = tempfile::tempdir().unwrap();
        let begun = begin(header(content_digest), dir.path(), &TransportConfig::default());
        assert_eq!(begun.is_ok(), is_taken, "{begun:?}");
        assert!(!format!("{begun:?}").contains("secret"), "{begun:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), usize::from(is_taken));
    }

    /// Holds the keys that it was given, and reads every state as the same.
    #[derive(Debug, Default)]
    struct Store(Mutex<Vec<u8>>);

    impl Checkpoints for Store {
        fn content_digest(&self, _: &Path) -> io::Result<types::Digest> {
            assert_eq!(*self.0.lock().unwrap(), b"a secret of the sender", "first its keys");
            Ok(types::Digest([7; 32]))
        }

        fn verify(&self, _: &Path) -> io::Result<()> {
            Ok(())
        }

        fn applied_in(&self, _: &Path) -> io::Result<Option<Bytes>> {
            Ok(None)
        }

        fn take_value_keys(&self, keys: &[u8]) -> io::Result<()> {
            self.0.lock().unwrap().extend_from_slice(keys);
            Ok(())
        }

        fn give_up_value_keys(&self) -> io::Result<()> {
            self.0.lock().unwrap().clear();
            Ok(())
        }
    }

    #[test]
    fn a_snapshot_that_is_refused_leaves_neither_files_nor_keys() {
        for (content, fault) in [([8; 32], "its content digest is"), ([7; 32], "nothing was")] {
            let (dir, store) = (tempfile::tempdir().unwrap(), Store::default());
            let (incoming, _) =
                begin(header(&content), dir.path(), &TransportConfig::default()).unwrap();
            let refused = incoming.check(&store).unwrap_err();
            assert!(refused.message().contains(fault), "{refused}");
            assert_eq!(*store.0.lock().unwrap(), b"");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_snapshot_without_a_whole_content_digest_is_refused() {
        check(&[7; 32], true);
        check(&[], false);
        check(&[7; 31], false);
    }
}
