//! Files that are sent from the disk piece by piece, however large they are.

use std::io::{Read as _, Seek as _, SeekFrom};

use axum::body::Body;
use axum::http::{Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::headers;
use crate::backend::ExportFile;
use crate::call::Piece;

/// Bytes read at once, and held for one download.
const BUFFER: u64 = 256 << 10;

/// The answer with a file, or with a piece of it. The digest is of the whole, so
/// that whoever puts pieces together can tell that they fit.
pub(super) fn response(
    media: &str,
    name: &str,
    file: ExportFile,
    piece: Option<Piece>,
) -> Response<Body> {
    let ExportFile { file, size, sha256 } = file;
    let Piece { from, to } = piece.unwrap_or(Piece { from: 0, to: size });
    let mut response = Response::new(Body::from_stream(stream(file, from, to)));
    headers::put(&mut response, "content-type", media);
    headers::put(&mut response, "content-length", &to.saturating_sub(from).to_string());
    headers::put(&mut response, "content-disposition", &format!("attachment; filename=\"{name}\""));
    headers::put(&mut response, "digest", &format!("sha-256={}", STANDARD.encode(sha256.0)));
    headers::put(&mut response, "etag", &format!("\"{sha256}\""));
    headers::put(&mut response, "accept-ranges", "bytes");
    if piece.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let last = to.saturating_sub(1);
        headers::put(&mut response, "content-range", &format!("bytes {from}-{last}/{size}"));
    }
    response
}

/// The bytes of a file from one place to another.
pub(crate) fn stream(
    file: std::fs::File,
    from: u64,
    to: u64,
) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    futures::stream::try_unfold((file, from), move |(mut file, at)| async move {
        let wanted = to.saturating_sub(at).min(BUFFER);
        if wanted == 0 {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || {
            file.seek(SeekFrom::Start(at))?;
            let mut bytes = Vec::new();
            let count = file.by_ref().take(wanted).read_to_end(&mut bytes)?;
            // The length was told: a file that is shorter is no whole answer.
            if count as u64 != wanted {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
            }
            Ok((file, bytes))
        });
        let (file, bytes) = read.await.map_err(std::io::Error::other)??;
        Ok(Some((Bytes::from(bytes), (file, at.saturating_add(wanted)))))
    })
}
