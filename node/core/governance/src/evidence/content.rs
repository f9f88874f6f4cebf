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
use crate::store::{Direction, Read, Row, Scan, Store, Table};
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
    let (chunks_at, is_new) = match known {
        Some(record) if record.upload == *upload => (record.chunks_at, false),
        // The first half of two digests is the same: nobody meets that by chance.
        Some(_) => return Err(refused().into()),
        None => (admit(context)?, true),
    };
    let key = keys::chunk(chunks_at, *number);
    if let Some(there) = context.tables.read().get(Table::Chunk, &key)? {
        return match codec::strip("chunk", &there)? == bytes {
            true => Ok(Outcome::Noted),
            false => Err(refused().into()),
        };
    }
    if is_new {
        let expires_at = context.applied.at.checked_add(UPLOAD_LIFE).unwrap_or(Timestamp::MAX);
        let record = UploadRecord { upload: *upload, chunks_at, expires_at };
        context.tables.put_record(Table::Upload, &row(upload).key(), &record)?;
        deadline::set(context, expires_at, Due::Upload(row(upload)));
    }
    context.tables.put_bytes(Table::Chunk, &key, &[bytes]);
    Ok(Outcome::Noted)
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
        if rows(context.tables.read(), place, 1)?.is_empty() {
            break;
        }
        place = context.draw.ulid("chunks");
    }
    Ok(place)
}

/// Where an upload is kept: the first half of its id.
fn row(upload: &Digest) -> Ulid {
    let half = upload.0.first_chunk::<16>().copied().unwrap_or_default();
    Ulid(u128::from_be_bytes(half))
}

fn upload_record(read: &impl Read, upload: &Digest) -> Result<Option<UploadRecord>, Corruption> {
    tables::record(read, Table::Upload, &row(upload).key())
}

fn rows(read: &impl Read, chunks_at: Ulid, rows_max: usize) -> Result<Vec<Row>, Corruption> {
    let (from, to) = (keys::chunk(chunks_at, 0), keys::chunk(chunks_at, CHUNKS_MAX));
    read.scan(Scan {
        table: Table::Chunk,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max,
    })
}

/// Ends an upload that nobody registered.
pub(crate) fn sweep<S: Store>(context: &mut Context<'_, S>, id: Ulid) -> Result<(), Corruption> {
    let record: Option<UploadRecord> = context.tables.record(Table::Upload, &id.key())?;
    let Some(record) = record else { return Ok(()) };
    context.tables.delete(Table::Upload, &id.key());
    drop_chunks(context, record.chunks_at)
}

fn drop_chunks<S: Store>(context: &mut Context<'_, S>, at: Ulid) -> Result<(), Corruption> {
    for (key, _) in rows(context.tables.read(), at, usize::MAX)? {
        context.tables.delete(Table::Chunk, &key);
    }
    Ok(())
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
            let record = record.ok_or(Rejection::UploadIncomplete)?;
            let found = hash(context.tables.read(), record.chunks_at, *chunks)?;
            let place = found.ok_or(Rejection::UploadIncomplete)?;
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

/// Size and digest of chunks that are exactly so many; `None` where they are not.
fn hash(
    read: &impl Read,
    chunks_at: Ulid,
    chunks: u32,
) -> Result<Option<ContentPlace>, Corruption> {
    let (mut hash, mut size, mut next) = (Sha256::new(), 0_u64, 0_u32);
    for (key, value) in rows(read, chunks_at, usize::MAX)? {
        if key != keys::chunk(chunks_at, next) {
            return Ok(None);
        }
        let bytes = codec::strip("chunk", &value)?;
        hash.update(bytes);
        size = size.saturating_add(length(bytes));
        next = next.saturating_add(1);
    }
    let sha256 = Digest(hash.finalize().into());
    Ok((0 < chunks && next == chunks).then_some(ContentPlace { sha256, size }))
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
                drop_chunks(context, record.chunks_at)?;
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
    drop_chunks(context, record.chunks_at)
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
    for number in 0..record.chunks {
        let missing = || Corruption::new("chunk", format!("chunk {number} is missing"));
        let chunk = read.get(Table::Chunk, &keys::chunk(record.chunks_at, number))?;
        whole.extend_from_slice(codec::strip("chunk", &chunk.ok_or_else(missing)?)?);
    }
    Ok(Some(whole))
}

/// The digest of a content as it is stored now; `None` where it is not kept, or
/// not all of it is there.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn rehash(read: &impl Read, place: &ContentPlace) -> Result<Option<Digest>, Corruption> {
    let record: Option<ContentRecord> = tables::record(read, Table::Content, &place.sha256.0)?;
    let Some(record) = record else {
        return Ok(None);
    };
    let found = hash(read, record.chunks_at, record.chunks)?;
    Ok(found.map(|found| found.sha256))
}
