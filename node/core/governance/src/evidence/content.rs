//! Contents: in chunks, each content once, and uploads that become one.
//!
//! Chunks stay where an upload put them: what is registered takes them over, so
//! that sixteen megabytes are written once. Where they are is drawn for each
//! upload, so that no upload reaches the chunks of another or of a content.
//!
//! Invariants
//! - At most [`UPLOADS_MAX`] uploads are in progress, each of at most
//!   [`CHUNKS_MAX`] chunks, and each has a deadline.
//! - A content is there as long as an artifact has it, and no longer.

use sha2::{Digest as _, Sha256};
use types::{Digest, Micros, Timestamp, Ulid};

use super::{CHUNK_BYTES_MAX, CHUNKS_MAX};
use crate::apply::{Context, Stop};
use crate::command::{EvidenceContent, UploadChunk};
use crate::deadline::{self, Due};
use crate::idempotency;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::{ContentPlace, ContentRecord, UploadRecord};
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::{codec, keys, tables};

/// Uploads in progress.
const UPLOADS_MAX: usize = 64;

/// How long an upload may take from its first chunk on.
const UPLOAD_LIFE: Micros = Micros(10 * 60 * 1_000_000);

/// Takes a chunk. One that is there with the same bytes is no fault: its sender
/// did not hear that it arrived.
pub(crate) fn upload<S: Store>(
    context: &mut Context<'_, S>,
    chunk: &UploadChunk,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let UploadChunk { upload, number, bytes } = chunk;
    let refused = || Rejection::ChunkRefused { number: *number };
    if CHUNKS_MAX <= *number || bytes.is_empty() || CHUNK_BYTES_MAX < bytes.len() {
        return Err(refused().into());
    }
    let known = upload_record(context.tables.read(), upload)?;
    let record = match known {
        Some(record) if record.upload == *upload => record,
        // The first half of two digests is the same: nobody meets that by chance.
        Some(_) => return Err(refused().into()),
        None => begin(context, upload)?,
    };
    let key = keys::chunk(record.chunks_at, *number);
    if record.present & bit(*number) != 0 {
        let missing = || Corruption::new("chunk", format!("chunk {number} is missing"));
        let there = context.tables.read().get(Table::Chunk, &key)?.ok_or_else(missing)?;
        return match codec::strip("chunk", &there)? == bytes {
            true => Ok(Outcome::Noted),
            false => Err(refused().into()),
        };
    }
    if record.present == 0 {
        deadline::set(context, record.expires_at, Due::Upload(row(upload)));
    }
    let record = UploadRecord { present: record.present | bit(*number), ..record };
    context.tables.put_record(Table::Upload, &row(upload).key(), &record)?;
    context.tables.put_bytes(Table::Chunk, &key, &[bytes]);
    Ok(Outcome::Noted)
}

/// The bit of a chunk, of which there are as many as a number has.
fn bit(number: u32) -> u64 {
    1_u64.checked_shl(number).unwrap_or(0)
}

/// The bits of so many chunks from the first on.
fn bits(chunks: u32) -> u64 {
    let rest = CHUNKS_MAX.checked_sub(chunks);
    rest.and_then(|rest| u64::MAX.checked_shr(rest)).unwrap_or(0)
}

/// One more upload, without a chunk yet, if there is room for it.
fn begin<S: Store>(context: &mut Context<'_, S>, upload: &Digest) -> Result<UploadRecord, Stop> {
    let chunks_at = admit(context)?;
    let expires_at = context.applied.at.checked_add(UPLOAD_LIFE).unwrap_or(Timestamp::MAX);
    Ok(UploadRecord { upload: *upload, chunks_at, present: 0, expires_at })
}

/// A place for the chunks of one more upload, if there is room for it.
fn admit<S: Store>(context: &mut Context<'_, S>) -> Result<Ulid, Stop> {
    let uploads = context.tables.scan(Scan {
        table: Table::Upload,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: UPLOADS_MAX,
    })?;
    if UPLOADS_MAX <= uploads.len() {
        return Err(Rejection::UploadsBusy.into());
    }
    Ok(place(context)?)
}

/// A place that has no chunks yet.
fn place<S: Store>(context: &mut Context<'_, S>) -> Result<Ulid, Corruption> {
    const DRAWS_MAX: u32 = 16;
    let mut place = context.draw.ulid("chunks");
    for _ in 0..DRAWS_MAX {
        if !has_chunks(context.tables.read(), place)? {
            break;
        }
        place = context.draw.ulid("chunks");
    }
    Ok(place)
}

fn has_chunks(read: &impl Read, place: Ulid) -> Result<bool, Corruption> {
    let (from, to) = (keys::chunk(place, 0), keys::chunk(place, CHUNKS_MAX));
    let (table, direction) = (Table::Chunk, Direction::Ascending);
    let rows = read.scan(Scan { table, from: &from, to: Some(&to), direction, rows_max: 1 })?;
    Ok(!rows.is_empty())
}

/// Where an upload is kept: the first half of its id.
fn row(upload: &Digest) -> Ulid {
    keys::half(upload)
}

fn upload_record(read: &impl Read, upload: &Digest) -> Result<Option<UploadRecord>, Corruption> {
    tables::record(read, Table::Upload, &row(upload).key())
}

/// Ends an upload that nobody registered.
pub(crate) fn sweep<S: Store>(context: &mut Context<'_, S>, id: Ulid) -> Result<(), Corruption> {
    let record: Option<UploadRecord> = context.tables.record(Table::Upload, &id.key())?;
    let Some(record) = record else { return Ok(()) };
    context.tables.delete(Table::Upload, &id.key());
    drop_upload(context, &record);
    Ok(())
}

/// Drops the chunks that are there, none of which has to be read for that.
fn drop_upload<S: Store>(context: &mut Context<'_, S>, record: &UploadRecord) {
    for number in (0..CHUNKS_MAX).filter(|number| record.present & bit(*number) != 0) {
        context.tables.delete(Table::Chunk, &keys::chunk(record.chunks_at, number));
    }
}

/// A content that was found to be what the command says, before it is kept.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    pub(super) place: ContentPlace,
    from: From<'a>,
}

#[derive(Debug)]
enum From<'a> {
    Command(&'a [u8]),
    Upload { record: UploadRecord, chunks: u32 },
}

/// Finds the size and the digest of a content, whatever the command tells.
pub(super) fn check<'a, S: Store>(
    context: &Context<'_, S>,
    content: &'a EvidenceContent,
) -> Result<Checked<'a>, Stop> {
    match content {
        EvidenceContent::Inline(bytes) if bytes.is_empty() || CHUNK_BYTES_MAX < bytes.len() => {
            Err(Rejection::ContentMismatch.into())
        }
        EvidenceContent::Inline(bytes) => Ok(inline(bytes)),
        EvidenceContent::Uploaded { upload, chunks, size, sha256 } => {
            let record = upload_record(context.tables.read(), upload)?;
            let record = record.filter(|record| record.upload == *upload);
            let whole = |record: &UploadRecord| 0 < *chunks && record.present == bits(*chunks);
            let record = record.filter(whole).ok_or(Rejection::UploadIncomplete)?;
            let place = hash(context.tables.read(), record.chunks_at, *chunks)?;
            if (place.size, place.sha256) != (*size, *sha256) {
                return Err(Rejection::ContentMismatch.into());
            }
            Ok(Checked { place, from: From::Upload { record, chunks: *chunks } })
        }
    }
}

/// A content that is small enough for one chunk.
pub(super) fn inline(bytes: &[u8]) -> Checked<'_> {
    let sha256 = Digest(Sha256::digest(bytes).into());
    let place = ContentPlace { sha256, size: length(bytes) };
    Checked { place, from: From::Command(bytes) }
}

/// Size and digest of so many chunks.
fn hash(read: &impl Read, chunks_at: Ulid, chunks: u32) -> Result<ContentPlace, Corruption> {
    let (mut hash, mut size) = (Sha256::new(), 0_u64);
    each(read, chunks_at, chunks, |bytes| {
        hash.update(bytes);
        size = size.saturating_add(length(bytes));
    })?;
    Ok(ContentPlace { sha256: Digest(hash.finalize().into()), size })
}

/// Shows chunks one by one: no more than one of them is in memory.
fn each(
    read: &impl Read,
    chunks_at: Ulid,
    chunks: u32,
    mut see: impl FnMut(&[u8]),
) -> Result<(), Corruption> {
    for number in 0..chunks {
        let missing = || Corruption::new("chunk", format!("chunk {number} is missing"));
        let chunk = read.get(Table::Chunk, &keys::chunk(chunks_at, number))?;
        see(codec::strip("chunk", &chunk.ok_or_else(missing)?)?);
    }
    Ok(())
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Keeps a content for one more artifact. What is there already is not kept
/// twice.
pub(super) fn keep<S: Store>(
    context: &mut Context<'_, S>,
    checked: &Checked<'_>,
) -> Result<(), Corruption> {
    let key = checked.place.sha256.0;
    let known: Option<ContentRecord> = context.tables.record(Table::Content, &key)?;
    if let From::Upload { record, .. } = &checked.from {
        let row = row(&record.upload);
        context.tables.delete(Table::Upload, &row.key());
        deadline::clear(context, record.expires_at, Due::Upload(row));
    }
    let record = match (known, &checked.from) {
        (Some(known), from) => {
            if let From::Upload { record, .. } = from {
                drop_upload(context, record);
            }
            ContentRecord { artifacts: known.artifacts.saturating_add(1), ..known }
        }
        (None, From::Upload { record, chunks }) => {
            ContentRecord { chunks_at: record.chunks_at, chunks: *chunks, artifacts: 1 }
        }
        (None, From::Command(bytes)) => {
            let chunks_at = place(context)?;
            context.tables.put_bytes(Table::Chunk, &keys::chunk(chunks_at, 0), &[bytes]);
            ContentRecord { chunks_at, chunks: 1, artifacts: 1 }
        }
    };
    context.tables.put_record(Table::Content, &key, &record)
}

/// Gives a content up for one artifact; with the last one it goes.
pub(super) fn release<S: Store>(
    context: &mut Context<'_, S>,
    sha256: &Digest,
) -> Result<(), Corruption> {
    let record: Option<ContentRecord> = context.tables.record(Table::Content, &sha256.0)?;
    let Some(record) = record else { return Ok(()) };
    let artifacts = record.artifacts.saturating_sub(1);
    if 0 < artifacts {
        let record = ContentRecord { artifacts, ..record };
        return context.tables.put_record(Table::Content, &sha256.0, &record);
    }
    context.tables.delete(Table::Content, &sha256.0);
    for number in 0..record.chunks {
        context.tables.delete(Table::Chunk, &keys::chunk(record.chunks_at, number));
    }
    Ok(())
}

/// A content, unchecked; `None` where it is not kept.
///
/// # Errors
/// [`Corruption`] when it cannot be read, or a chunk of it is missing.
pub fn content(read: &impl Read, place: &ContentPlace) -> Result<Option<Vec<u8>>, Corruption> {
    let record: Option<ContentRecord> = tables::record(read, Table::Content, &place.sha256.0)?;
    let Some(record) = record else {
        return Ok(None);
    };
    let mut whole = Vec::with_capacity(usize::try_from(place.size).unwrap_or_default());
    each(read, record.chunks_at, record.chunks, |bytes| whole.extend_from_slice(bytes))?;
    Ok(Some(whole))
}

/// The digest of a content as it is stored now; `None` where it is not kept.
///
/// # Errors
/// [`Corruption`] when it cannot be read, or a chunk of it is missing.
pub fn rehash(read: &impl Read, place: &ContentPlace) -> Result<Option<Digest>, Corruption> {
    let record: Option<ContentRecord> = tables::record(read, Table::Content, &place.sha256.0)?;
    let Some(record) = record else {
        return Ok(None);
    };
    Ok(Some(hash(read, record.chunks_at, record.chunks)?.sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_has_a_bit() {
        assert_eq!((bit(0), bit(1), bit(63)), (1, 2, 1 << 63));
        assert_eq!((bits(0), bits(1), bits(3), bits(64), bits(65)), (0, 1, 7, u64::MAX, 0));
    }
}
