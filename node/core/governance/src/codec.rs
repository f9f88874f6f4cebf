//! Records as bytes: a format byte, then bincode. The only file that names
//! bincode, so that another codec touches one file.
//!
//! It never meets the network or the ledger format, and it is part of what a
//! feature level fixes: the state digest is made over these bytes.

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::command::Envelope;
use crate::outcome::Corruption;

/// First byte of every value.
pub(crate) const FORMAT: u8 = 1;

/// A policy in its normal form is the largest record: several times as large as
/// the command that brought it, because the normal form names every member.
const RECORD_BYTES_MAX: u64 = 64 << 20;

/// The largest command, and some room.
const ENVELOPE_BYTES_MAX: u64 = 16 << 20;

pub(crate) fn encode<T: Serialize>(table: &'static str, record: &T) -> Result<Vec<u8>, Corruption> {
    write(table, record, RECORD_BYTES_MAX)
}

/// Whether a record is small enough to be kept.
pub(crate) fn fits<T: Serialize>(record: &T) -> bool {
    options(RECORD_BYTES_MAX).serialized_size(record).is_ok()
}

fn write<T: Serialize>(
    table: &'static str,
    record: &T,
    bytes_max: u64,
) -> Result<Vec<u8>, Corruption> {
    let mut bytes = vec![FORMAT];
    options(bytes_max)
        .serialize_into(&mut bytes, record)
        .map_err(|err| Corruption::new(table, err.to_string()))?;
    Ok(bytes)
}

pub(crate) fn decode<T: DeserializeOwned>(
    table: &'static str,
    bytes: &[u8],
) -> Result<T, Corruption> {
    read(table, bytes, RECORD_BYTES_MAX)
}

fn read<T: DeserializeOwned>(
    table: &'static str,
    bytes: &[u8],
    bytes_max: u64,
) -> Result<T, Corruption> {
    let record = strip(table, bytes)?;
    options(bytes_max).deserialize(record).map_err(|err| Corruption::new(table, err.to_string()))
}

/// A value without its format byte.
pub(crate) fn strip<'a>(table: &'static str, bytes: &'a [u8]) -> Result<&'a [u8], Corruption> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => Ok(rest),
        Some((other, _)) => Err(Corruption::new(table, format!("unknown format byte {other}"))),
        None => Err(Corruption::new(table, "empty value")),
    }
}

/// An envelope as it travels and is logged.
///
/// # Errors
/// When it is larger than any command may be.
pub fn encode_envelope(envelope: &Envelope) -> Result<Vec<u8>, Corruption> {
    write("envelope", envelope, ENVELOPE_BYTES_MAX)
}

/// Reads back what [`encode_envelope`] made.
///
/// # Errors
/// For any other bytes.
pub fn decode_envelope(bytes: &[u8]) -> Result<Envelope, Corruption> {
    read("envelope", bytes, ENVELOPE_BYTES_MAX)
}

fn options(bytes_max: u64) -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_big_endian()
        .with_limit(bytes_max)
        .reject_trailing_bytes()
}
