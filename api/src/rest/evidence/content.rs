//! The content of an artifact, and whether it is what was registered.

use governance::evidence;
use governance::record::ContentPlace;
use types::{Digest, Json, Object};

use super::register::{CONTENT_BYTES_MAX, content};
use super::{ARTIFACT_ID, ENCODING, absent, named};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call, Content};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::problem::{Fault, Problem};
use crate::reply::{Member, flag, hash};
use governance::view::{Absent, Artifact};

/// Of bytes that nothing is said about.
const ANY: &str = "application/octet-stream";

/// Media types that a reader may be told: none of them is run by a browser. Whatever
/// else was registered is the first.
pub(crate) const MEDIA: &[&str] = &[
    ANY,
    "application/json",
    "application/pdf",
    "application/zip",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
    "text/plain",
];

/// Body of `POST /evidence/{artifact_id}/verify`.
pub(crate) const VERIFY: &[Field] = &[
    Field::optional("content", Kind::Verbatim, "What is to be compared."),
    ENCODING,
    Field::optional(
        "sha256",
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "Its digest in lower-case hex, in place of the content.",
    ),
];

/// Reply of `POST /evidence/{artifact_id}/verify`.
pub(crate) const VERIFY_REPLY: &[Member] = &[
    ARTIFACT_ID,
    flag("is_valid", "Whether both are the same."),
    hash("stored_hash", "What was registered."),
    hash(
        "computed_hash",
        "Of what was given, else of what is stored now; null where that is gone.",
    )
    .or_null(),
];

/// What an artifact holds, while it does.
fn place(artifact: &Artifact) -> Result<ContentPlace, Problem> {
    artifact.content.ok_or_else(|| absent(Absent::Erased))
}

/// `GET /evidence/{artifact_id}/content`.
pub(crate) async fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let (id, known) = (call.path.clone(), call.known.clone());
    let read = app.backend.view()?;
    let work = move || {
        let artifact = named(&read, &id)?;
        let place = place(&artifact)?;
        let media = media(artifact.content_type.as_deref());
        let has_it = known.is_some_and(|known| names(&known, &place.sha256));
        let bytes = match has_it {
            true => None,
            false => {
                let bytes = evidence::content(&read, &place)?;
                Some(bytes.ok_or_else(|| absent(Absent::Erased))?.into())
            }
        };
        Ok(Answer::new(Content::File { media, bytes, sha256: place.sha256 }))
    };
    app.blocking(work).await
}

/// The media type as told, if it is safe to tell.
fn media(told: Option<&str>) -> &'static str {
    let name = told.and_then(|told| told.split(';').next()).unwrap_or_default();
    let name = name.trim().to_ascii_lowercase();
    let safe = MEDIA.iter().find(|safe| **safe == name);
    safe.copied().unwrap_or(ANY)
}

/// Whether `If-None-Match` names a digest: RFC 9110, section 13.1.2.
fn names(known: &str, sha256: &Digest) -> bool {
    let tag = format!("\"{sha256}\"");
    let mut tags = known.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|known| known == "*" || known == tag)
}

/// `POST /evidence/{artifact_id}/verify`.
pub(crate) async fn verify<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, .. } = call;
    let mut body = body.into_fields();
    let read = app.backend.view()?;
    let work = move || {
        let artifact = named(&read, &path)?;
        let place = place(&artifact)?;
        let told = body.word("sha256").map(str::parse::<Digest>).transpose().map_err(|error| {
            Problem::fault(Fault::at("/sha256", "bad_format", error.to_string()))
        })?;
        let given = content(&mut body, CONTENT_BYTES_MAX)?;
        let computed = match (given, told) {
            (Some(_), Some(_)) => {
                let detail = "give `content` or `sha256`";
                return Err(Problem::fault(Fault::at("/sha256", "conflicting_values", detail)));
            }
            (Some(bytes), None) => Some(ledger::hash::sha256(&bytes)),
            (None, Some(told)) => Some(told),
            (None, None) => evidence::rehash(&read, &place)?,
        };
        let mut reply = Object::new();
        reply.insert("artifact_id", artifact.id.to_string());
        reply.insert("is_valid", computed == Some(place.sha256));
        reply.insert("stored_hash", place.sha256.to_string());
        reply.insert("computed_hash", computed.map(|computed| computed.to_string()));
        Ok(Answer::json(reply))
    };
    app.blocking(work).await
}

/// A content as a member, and how it is written: as text where it is that.
pub(super) fn written(bytes: Vec<u8>) -> (Json, Json) {
    use base64::Engine as _;
    match String::from_utf8(bytes) {
        Ok(text) => (text.into(), "utf-8".into()),
        Err(error) => {
            let text = base64::engine::general_purpose::STANDARD.encode(error.as_bytes());
            (text.into(), "base64".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_told_only_where_no_browser_runs_it() {
        for (told, expect) in [
            (Some("Text/Plain; charset=utf-8"), "text/plain"),
            (Some("image/png"), "image/png"),
            (Some("text/html"), "application/octet-stream"),
            (Some("image/svg+xml"), "application/octet-stream"),
            (None, "application/octet-stream"),
        ] {
            assert_eq!(media(told), expect, "{told:?}");
        }
    }

    #[test]
    fn a_caller_has_what_it_names() {
        let sha256 = ledger::hash::sha256(b"x");
        let tag = format!("\"{sha256}\"");
        for known in ["*".to_owned(), tag.clone(), format!("\"a\", W/{tag}")] {
            assert!(names(&known, &sha256), "{known}");
        }
        for other in [String::new(), sha256.to_string(), "\"a\"".to_owned()] {
            assert!(!names(&other, &sha256), "{other}");
        }
    }

    #[test]
    fn what_is_no_text_is_written_as_base64() {
        assert_eq!(written(b"abc".to_vec()), ("abc".into(), "utf-8".into()));
        assert_eq!(written(vec![0xff]), ("/w==".into(), "base64".into()));
    }
}
