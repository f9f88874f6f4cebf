//! `POST /evidence/register`: a content that is large goes in chunks before the
//! command that registers it, one after the other, so that no entry of the log
//! is large.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use governance::command::{
    Command, EvidenceContent, Idempotency, Principal, RegisterEvidence, UploadChunk,
};
use governance::evidence::{CHUNK_BYTES_MAX, CHUNKS_MAX, is_control};
use governance::record::ArtifactKind;
use governance::{Rejection, shown};
use types::{ArtifactId, DecisionId, Digest};

use super::{ARTIFACT, ENCODING, SOURCE, TYPE, found, unknown_decision};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Checked, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::reply::Member;
use crate::rest::named::{self, HUMAN_ID};
use crate::rest::recording::{self, Recording, record, record_or_note};

const PATH: &str = "/evidence/register";

/// Bytes of a content.
pub(super) const CONTENT_BYTES_MAX: usize = CHUNK_BYTES_MAX * CHUNKS_MAX as usize;

/// Body of `POST /evidence/register`.
pub(crate) const REGISTER: &[Field] = &[
    Field::required("artifact_type", TYPE, "What kind of thing it is."),
    Field::required("content", Kind::Verbatim, "The thing itself, at most 16 MiB; not trimmed."),
    ENCODING,
    Field::required("source", SOURCE, "Where it comes from."),
    Field::optional(
        "content_type",
        Kind::Text(Text::of(Alphabet::Printable, 255)),
        "Its media type.",
    ),
    Field::optional(
        "related_decision_ids",
        Kind::Texts { items_max: 100, item: Text::of(Alphabet::Name, 64) },
        "Decisions it is about.",
    )
    .default("[]"),
    Field::optional(
        "related_control_ids",
        Kind::Texts { items_max: 100, item: Text::any(255) },
        "Controls it bears on, such as `soc2:CC6.1`.",
    )
    .default("[]"),
    Field::optional(
        "storage_uri",
        Kind::Text(Text::of(Alphabet::Printable, 2048)),
        "Where else it is kept: an absolute URI.",
    ),
    Field::optional(
        "retention_days",
        Kind::Integer { min: 0, max: 36_500 },
        "How long to keep it; 0 for ever, absent as is usual for its type.",
    ),
    Field::optional("registered_by", HUMAN_ID, "Who registers it, where nobody authenticates."),
    Field::optional("metadata", Kind::Metadata, "Whatever you want to keep with it."),
];

/// Reply of `POST /evidence/register`.
pub(crate) const REGISTER_REPLY: &[Member] = ARTIFACT;

/// What is left to do once a request was read.
struct Prepared {
    idempotency: Option<Idempotency>,
    content: Vec<u8>,
    sha256: Digest,
    /// Still without its content.
    register: RegisterEvidence,
}

/// `POST /evidence/register`.
pub(crate) async fn register<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let body = body.into_fields();
    let principal = named::optional(app, principal, &body, "registered_by")?;
    let asking = principal.clone();
    let prepared = app.blocking(move || prepare(&asking, key, body)).await?;
    let recording = carry_out(app, &principal, prepared).await?;
    let data = recording::data(app, recording.entry)?;
    let id: ArtifactId = recording::id(&data, "artifact_id")?;
    let artifact = found(&app.backend.view()?, id)?;
    Ok(recording.answer(shown::artifact(&artifact, recording.entry)))
}

/// Reads what may be megabytes.
fn prepare(
    principal: &Principal,
    key: Option<String>,
    mut body: Checked,
) -> Result<Prepared, Problem> {
    let idempotency = key.map(|key| idempotency::record(principal, key, PATH, body.members()));
    let content = content(&mut body, CONTENT_BYTES_MAX)?.unwrap_or_default();
    let kind = body.word("artifact_type").and_then(ArtifactKind::parse);
    let decisions = body.texts("related_decision_ids");
    let decisions = decisions.iter().map(|id| id.parse::<DecisionId>());
    let controls = body.texts("related_control_ids");
    let register = RegisterEvidence {
        kind: kind.ok_or_else(Problem::internal)?,
        content: EvidenceContent::Inline(Vec::new()),
        content_type: media_type(body.text("content_type"))?,
        source: body.text("source").unwrap_or_default(),
        decisions: decisions.collect::<Result<_, _>>().map_err(|_| unknown_decision())?,
        controls: each_once(controls.iter().map(|name| control(name)))?,
        storage_uri: uri(body.text("storage_uri"))?,
        retention_days: body.integer("retention_days"),
        metadata: body.object("metadata"),
    };
    // Before anything is sent ahead.
    if let Some(control) = register.controls.iter().find(|name| !is_control(name)) {
        return Err(Rejection::UnknownControl { control: control.clone() }.into());
    }
    let sha256 = ledger::hash::sha256(&content);
    Ok(Prepared { idempotency, content, sha256, register })
}

/// The bytes that `content` says, if it is there.
pub(super) fn content(body: &mut Checked, bytes_max: usize) -> Result<Option<Vec<u8>>, Problem> {
    let is_base64 = body.word("content_encoding") == Some("base64");
    let Some(text) = body.text("content") else {
        return Ok(None);
    };
    let bytes = match is_base64 {
        false => text.into_bytes(),
        true => STANDARD.decode(text).map_err(|_| {
            let detail = "must be base64 of RFC 4648 with padding";
            Problem::fault(Fault::at("/content", "bad_format", detail))
        })?,
    };
    if bytes_max < bytes.len() {
        let detail = format!("at most {bytes_max} bytes are taken");
        return Err(Problem::new(Code::CONTENT_TOO_LARGE, detail));
    }
    Ok(Some(bytes))
}

/// A control with its framework in lower case, as one is named everywhere.
fn control(name: &str) -> String {
    match name.split_once(':') {
        Some((framework, id)) => format!("{}:{id}", framework.to_ascii_lowercase()),
        None => name.to_owned(),
    }
}

/// Names of which two may be spellings of one.
fn each_once(names: impl Iterator<Item = String>) -> Result<Vec<String>, Problem> {
    let mut each: Vec<String> = Vec::new();
    for (at, name) in names.enumerate() {
        if each.contains(&name) {
            let pointer = format!("/related_control_ids/{at}");
            return Err(Problem::fault(Fault::at(pointer, "duplicate", "is in the list twice")));
        }
        each.push(name);
    }
    Ok(each)
}

/// `type/subtype` with parameters: RFC 9110, section 8.3.1.
fn media_type(given: Option<String>) -> Result<Option<String>, Problem> {
    let is_token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let is_media = |media: &String| {
        let name = media.split(';').next().unwrap_or_default().trim();
        name.split_once('/').is_some_and(|(family, name)| is_token(family) && is_token(name))
    };
    match given {
        Some(media) if !is_media(&media) => {
            let detail = "must be a media type, such as `text/plain`";
            Err(Problem::fault(Fault::at("/content_type", "bad_format", detail)))
        }
        given => Ok(given),
    }
}

/// A scheme and something after it: RFC 3986, section 4.3.
fn uri(given: Option<String>) -> Result<Option<String>, Problem> {
    let is_absolute = |uri: &String| {
        let Some((scheme, rest)) = uri.split_once(':') else { return false };
        let mut bytes = scheme.bytes();
        let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
        let goes_on = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        begins && goes_on && !rest.is_empty() && !uri.contains([' ', '<', '>', '"', '\\'])
    };
    match given {
        Some(uri) if !is_absolute(&uri) => {
            let detail = "must be an absolute URI";
            Err(Problem::fault(Fault::at("/storage_uri", "bad_format", detail)))
        }
        given => Ok(given),
    }
}

/// Sends what is large ahead, and then the command.
async fn carry_out<B: Backend>(
    app: &App<B>,
    principal: &Principal,
    prepared: Prepared,
) -> Result<Recording, Problem> {
    let Prepared { idempotency, content, sha256, mut register } = prepared;
    register.content = if content.len() <= CHUNK_BYTES_MAX {
        EvidenceContent::Inline(content)
    } else {
        let upload = upload_id(idempotency.as_ref())?;
        let (mut number, size) = (0, content.len() as u64);
        for bytes in content.chunks(CHUNK_BYTES_MAX) {
            let chunk = UploadChunk { upload, number, bytes: bytes.to_vec() };
            let command = Command::UploadChunk(Box::new(chunk));
            let key = idempotency.clone();
            if let Ok(before) = record_or_note(app, principal, key, command).await? {
                return Ok(before);
            }
            number += 1;
        }
        EvidenceContent::Uploaded { upload, chunks: number, size, sha256 }
    };
    let command = Command::RegisterEvidence(Box::new(register));
    record(app, principal, idempotency, command).await
}

/// The same for a request that is repeated, so that it goes on where it was cut
/// off; without a key nobody can tell a repeated one from another.
fn upload_id(key: Option<&Idempotency>) -> Result<Digest, Problem> {
    let Some(Idempotency { scope, key, body_digest }) = key else {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| {
            tracing::error!(%error, "the system gives no random numbers");
            Problem::internal()
        })?;
        return Ok(Digest(random));
    };
    let text = format!("lexecon/upload/v1\n{scope}\0{key}\0{body_digest}");
    Ok(ledger::hash::sha256(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_has_two_parts() {
        for media in ["text/plain", "text/plain; charset=utf-8", "image/svg+xml"] {
            assert_eq!(media_type(Some(media.to_owned())), Ok(Some(media.to_owned())));
        }
        for other in ["text", "/plain", "text/", "te xt/plain", "text/plain/x"] {
            assert!(media_type(Some(other.to_owned())).is_err(), "{other}");
        }
    }

    #[test]
    fn a_uri_is_absolute() {
        for absolute in ["s3://bucket/a", "urn:isbn:1", "https://a.example/b?c#d"] {
            assert_eq!(uri(Some(absolute.to_owned())), Ok(Some(absolute.to_owned())));
        }
        for other in ["a/b", "/a", "://a", "1a:b", "s3:", "https://a b", "b\"a:c"] {
            assert!(uri(Some(other.to_owned())).is_err(), "{other}");
        }
    }

    #[test]
    fn a_repeated_request_goes_on_with_its_upload() {
        let key = |scope: &str, key: &str, n| Idempotency {
            scope: scope.to_owned(),
            key: key.to_owned(),
            body_digest: Digest([n; 32]),
        };
        let id = |given: Idempotency| upload_id(Some(&given)).unwrap();
        assert_eq!(id(key("a", "b", 1)), id(key("a", "b", 1)));
        for other in [key("a", "b", 2), key("a", "c", 1), key("", "a\0b", 1)] {
            assert_ne!(id(key("a", "b", 1)), id(other));
        }
        assert_ne!(upload_id(None).unwrap(), upload_id(None).unwrap());
    }
}
