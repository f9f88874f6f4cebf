//! One request and its answer, free of any transport: REST and gRPC make the
//! same [`Call`] and get the same [`Answer`].

use std::net::IpAddr;

use bytes::Bytes;
use governance::access::Authority;
use governance::command::Principal;
use ledger::StoredEntry;
use secrecy::SecretString;
use types::{Digest, EntryId, Json, LogIndex, Object};

use crate::backend::ExportFile;
use crate::cookies::SetCookie;
use crate::fields::{Checked, check_body, check_open_body};
use crate::problem::{Code, Fault, Problem};
use crate::routes::{Route, Shape};

/// A request whose parameters and fields were checked.
#[derive(Debug)]
pub(crate) struct Call {
    /// What is asked for.
    pub(crate) route: &'static Route,
    /// The parameter of the path, several with a slash between them; empty where
    /// it has none.
    pub(crate) path: String,
    /// Parameters of the query.
    pub(crate) query: Checked,
    /// The body.
    pub(crate) body: Body,
    /// Its size as it came.
    pub(crate) body_bytes: usize,
    /// `Idempotency-Key`.
    pub(crate) key: Option<String>,
    /// `If-None-Match`: what the caller has already.
    pub(crate) known: Option<String>,
    /// `X-Lexecon-Min-Index`.
    pub(crate) min_index: Option<u64>,
    /// `X-Request-Id` of the answer.
    pub(crate) request_id: String,
    /// Who asks.
    pub(crate) principal: Principal,
    /// SHA-256 of the token of a node that wants to join.
    pub(crate) join_token: Option<Digest>,
    /// What it may do.
    pub(crate) authority: Authority,
    /// Where the request came from: the peer, or what a trusted proxy says.
    pub(crate) address: IpAddr,
    /// The cookie that binds a login at a provider to this browser.
    pub(crate) binding: Option<SecretString>,
    /// Which of the two forms of [`crate::routes::Reply::Either`] is wanted.
    pub(crate) form: Form,
    /// Which piece of a file is wanted.
    pub(crate) range: Option<RangeAsked>,
}

/// `Range` and `If-Range`.
#[derive(Debug)]
pub(crate) struct RangeAsked {
    /// As sent.
    pub(crate) range: String,
    /// Only of this file; else the whole.
    pub(crate) if_range: Option<String>,
}

/// A piece of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The first byte.
    pub(crate) from: u64,
    /// The end, exclusive.
    pub(crate) to: u64,
}

/// A form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// Members.
    #[default]
    Json,
    /// The other media type of the route.
    Media,
}

/// A body by the shape its route gives it.
#[derive(Debug, Default)]
pub(crate) enum Body {
    /// There is none.
    #[default]
    None,
    /// Known members.
    Fields(Checked),
    /// Judged by its handler.
    Raw(Json),
}

impl Body {
    /// Checks a body against the shape of its route.
    pub(crate) fn check(shape: &Shape, body: Option<Json>) -> Result<Self, Problem> {
        let empty = || Json::Object(Object::new());
        match (shape, body) {
            (Shape::None, None) => Ok(Self::None),
            (Shape::None, Some(Json::Object(object))) if object.is_empty() => Ok(Self::None),
            (Shape::None, Some(_)) => {
                Err(Problem::fault(Fault::at("", "unknown_field", "this path takes no body")))
            }
            (Shape::Fields(fields), body) => {
                check_body(fields, body.unwrap_or_else(empty)).map(Self::Fields)
            }
            (Shape::Open(fields), body) => {
                check_open_body(fields, body.unwrap_or_else(empty)).map(Self::Fields)
            }
            (Shape::Policy(fields), Some(Json::Object(object)))
                if object.get("policy").is_some() =>
            {
                check_body(fields, Json::Object(object)).map(Self::Fields)
            }
            (Shape::Either { key, with, without }, body) => {
                let mut body = body.unwrap_or_else(empty);
                if let Json::Object(members) = &mut body
                    && members.get(key).is_some_and(Json::is_null)
                {
                    members.remove(key);
                }
                let has_key = body.as_object().is_some_and(|body| body.get(key).is_some());
                check_body(if has_key { with } else { without }, body).map(Self::Fields)
            }
            (Shape::Policy(_) | Shape::Decision, Some(body @ Json::Object(_))) => {
                Ok(Self::Raw(body))
            }
            (Shape::Policy(_) | Shape::Decision, Some(_)) => {
                Err(Problem::fault(Fault::at("", "wrong_type", "must be an object")))
            }
            (Shape::Policy(_) | Shape::Decision, None) => {
                Err(Problem::new(Code::MALFORMED_JSON, "the body is empty"))
            }
        }
    }

    /// Checked members; none where the shape has none.
    pub(crate) fn into_fields(self) -> Checked {
        match self {
            Self::Fields(checked) => checked,
            Self::None | Self::Raw(_) => Checked::default(),
        }
    }
}

/// What a call is answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What it says.
    pub(crate) content: Content,
    /// Log index of what was recorded.
    pub(crate) index: Option<LogIndex>,
    /// Whether it was recorded before.
    pub(crate) replayed: bool,
    /// Whether what was asked for is still to be done.
    pub(crate) is_accepted: bool,
    /// How long it may be kept.
    pub(crate) caching: Caching,
    /// What the browser is to keep.
    pub(crate) cookies: Vec<SetCookie>,
    /// The least and the greatest entry whose personal part it shows.
    pub(crate) personal: Option<(EntryId, EntryId)>,
}

/// How long whoever passes an answer on may keep it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Not at all.
    #[default]
    Never,
    /// It changes seldom.
    Minute,
    /// It never changes.
    Forever,
}

impl Caching {
    /// The value of `Cache-Control`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Never => "no-store",
            Self::Minute => "public, max-age=60",
            Self::Forever => "public, max-age=31536000, immutable",
        }
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Content {
    /// Members.
    Json(Object),
    /// Any other bytes, with their media type.
    Bytes {
        /// Media type.
        media: &'static str,
        /// The bytes.
        bytes: Bytes,
    },
    /// A file that somebody else made: to be kept, not shown.
    File {
        /// Media type.
        media: &'static str,
        /// The bytes; `None` where the caller has them already.
        bytes: Option<Bytes>,
        /// Their digest.
        sha256: Digest,
    },
    /// A file on the disk.
    Download {
        /// Media type.
        media: &'static str,
        /// The file.
        file: ExportFile,
        /// Which piece of it; `None` is the whole.
        piece: Option<Piece>,
        /// What it is to be called.
        name: String,
    },
}

impl Answer {
    /// Members.
    pub(crate) fn json(object: Object) -> Self {
        Self::new(Content::Json(object))
    }

    /// Members, named in place.
    pub(crate) fn members<const N: usize>(members: [(&str, Json); N]) -> Self {
        let mut object = Object::new();
        for (name, value) in members {
            object.insert(name, value);
        }
        Self::json(object)
    }

    /// Bytes of another media type.
    pub(crate) fn bytes(media: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self::new(Content::Bytes { media, bytes: bytes.into() })
    }

    pub(crate) fn new(content: Content) -> Self {
        Self {
            content,
            index: None,
            replayed: false,
            is_accepted: false,
            caching: Caching::Never,
            cookies: Vec::new(),
            personal: None,
        }
    }

    /// That something is to be done, and not done yet.
    #[must_use]
    pub(crate) fn accepted(mut self) -> Self {
        self.is_accepted = true;
        self
    }

    /// With a cookie for the browser.
    #[must_use]
    pub(crate) fn cookie(mut self, cookie: SetCookie) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// With the personal parts of these entries, of those that still have one.
    #[must_use]
    pub(crate) fn showing<'a>(
        mut self,
        entries: impl IntoIterator<Item = &'a StoredEntry>,
    ) -> Self {
        let shown = entries.into_iter().filter(|entry| entry.personal.is_some());
        for id in shown.map(|entry| entry.header.id) {
            let (least, greatest) = self.personal.unwrap_or((id, id));
            self.personal = Some((least.min(id), greatest.max(id)));
        }
        self
    }

    /// That may be kept for so long.
    #[must_use]
    pub(crate) fn kept(mut self, caching: Caching) -> Self {
        self.caching = caching;
        self
    }

    /// With the index at which it was recorded.
    #[must_use]
    pub(crate) fn at(mut self, index: LogIndex) -> Self {
        self.index = Some(index);
        self
    }
}
