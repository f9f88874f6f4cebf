//! Documents for those who answer to an authority: of articles, and the package
//! of Annex IV.

use governance::Read;
use governance::document::{self, Asked, Document};
use governance::view::AsOf;
use types::{Json, SystemId};

use super::annex_iv::{SYSTEM_ID, check_system, system_of};
use super::as_of::{self, AS_OF};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call, Form};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::problem::{Code, Problem};
use crate::reply::{Member, free, hash, integer, object, text, texts, time};
use crate::routes::Op;

const MARKDOWN: &str = "text/markdown; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// Query of the documents of articles.
pub(crate) const QUERY: &[Field] = &[
    Field::optional(
        "format",
        Kind::Text(Text::of(Alphabet::Name, 16)),
        "`json` or `markdown`; overrides `Accept`.",
    ),
    SYSTEM_ID,
    AS_OF,
];

/// Query of `GET /compliance/eu-ai-act/annex-iv/package`.
pub(crate) const PACKAGE_QUERY: &[Field] = &[
    Field::optional(
        "format",
        Kind::Text(Text::of(Alphabet::Name, 16)),
        "`json`, `markdown` or `html`; overrides `Accept`.",
    ),
    SYSTEM_ID,
    AS_OF,
];

const KIND: Member = text("document_type", "Which document it is.");
const TITLE: Member = text("title", "What stands above it.");
const AS_OF_INDEX: Member = integer("as_of_index", "The last entry that counts.");
const TIMESTAMP: Member = time("timestamp", "Time of that entry, which is that of the document.");
const REGISTER: Member = text(
    "register_version",
    "The regulatory data it was made with; for Article 11 and Annex IV, which have nothing of them, \
     those recorded last.",
)
.or_null();
const SYSTEMS: Member = texts("system_ids", "The systems it is about.");
const CHAIN: Member =
    texts("evidence_chain", "Hashes of the entries it names, in the order of the ledger.");
const MISSING: Member = texts("missing", "What a human must say and nobody has: `section.item`.");
const HASH: Member = hash("document_hash", "SHA-256 of the RFC 8785 bytes of the other members.");

const SECTION_ABOUT: &str = "`title`, `items[]{name, about, value, source, by, at, \
     ledger_entry_id}`, `diagram` (SVG or null), `missing[]`.";

const SECTIONS_11: &[Member] = &[
    free("general_description", SECTION_ABOUT),
    free("intended_purpose", SECTION_ABOUT),
    free("design_specifications", SECTION_ABOUT),
    free("data_flows", SECTION_ABOUT),
    free("risk_assessments", SECTION_ABOUT),
    free("component_traceability", SECTION_ABOUT),
    free("human_oversight_measures", SECTION_ABOUT),
    free("accuracy_metrics", SECTION_ABOUT),
    free("known_limitations", SECTION_ABOUT),
];

/// Reply of `GET /compliance/eu-ai-act/article-11/documentation`.
pub(crate) const REPLY_11: &[Member] = &[
    KIND,
    TITLE,
    AS_OF_INDEX,
    TIMESTAMP,
    REGISTER,
    SYSTEMS,
    object("sections", SECTIONS_11, "Its parts."),
    CHAIN,
    MISSING,
    HASH,
];

/// Reply of the other documents.
pub(crate) const REPLY: &[Member] = &[
    KIND,
    TITLE,
    AS_OF_INDEX,
    TIMESTAMP,
    REGISTER,
    SYSTEMS,
    free("sections", "Its parts by name, each as in the document of Article 11."),
    CHAIN,
    MISSING,
    HASH,
];

/// The form of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Markdown,
    Html,
}

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Article11,
    Article(u16),
    Package,
}

/// Answers a call for a document.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let wanted = match call.route.op {
        Op::Article11Document => Wanted::Article11,
        Op::ArticleDocument => Wanted::Article(number(&call.path).ok_or_else(unknown)?),
        Op::AnnexIvPackage => Wanted::Package,
        other => {
            tracing::error!(?other, "an operation that is none of documents came here");
            return Err(Problem::internal());
        }
    };
    let format = format(call, wanted)?;
    let (system, asked) = (system_of(call)?, as_of::asked(call)?);
    let read = app.backend.view()?;
    let work = move || {
        let document = made(&read, wanted, (system, asked))?;
        Ok(shown(&document, format))
    };
    app.audit(work).await
}

/// An article by its number, written in one way.
fn number(path: &str) -> Option<u16> {
    let number: u16 = path.parse().ok()?;
    (number.to_string() == path).then_some(number)
}

fn unknown() -> Problem {
    let articles = document::ARTICLES.map(|article| article.to_string()).join(", ");
    Problem::new(Code::UNKNOWN_ARTICLE, format!("there are documents of 11, {articles}"))
}

fn format(call: &Call, wanted: Wanted) -> Result<Format, Problem> {
    match call.query.word("format").map(str::to_ascii_lowercase).as_deref() {
        None if call.form == Form::Media => Ok(Format::Markdown),
        None | Some("json") => Ok(Format::Json),
        Some("markdown") => Ok(Format::Markdown),
        Some("html") if wanted == Wanted::Package => Ok(Format::Html),
        Some(_) => {
            let detail = match wanted {
                Wanted::Package => "`format` may be `json`, `markdown` or `html`",
                Wanted::Article11 | Wanted::Article(_) => "`format` may be `json` or `markdown`",
            };
            Err(Problem::new(Code::UNSUPPORTED_FORMAT, detail))
        }
    }
}

fn made(
    read: &impl Read,
    wanted: Wanted,
    (system, as_of): (Option<SystemId>, AsOf),
) -> Result<Document, Problem> {
    let as_of = as_of::last(read, as_of)?;
    check_system(read, system, as_of)?;
    let asked = Asked { system, as_of };
    match wanted {
        Wanted::Article11 => Ok(document::article_11(read, asked)?),
        Wanted::Article(number) => document::article(read, number, asked)?.ok_or_else(unknown),
        Wanted::Package => document::package(read, asked)?.map_err(incomplete),
    }
}

fn incomplete(missing: Vec<String>) -> Problem {
    let detail = format!("nothing is said of {} points: {}", missing.len(), missing.join(", "));
    let missing: Vec<Json> = missing.into_iter().map(Json::from).collect();
    Problem::new(Code::ANNEX_IV_INCOMPLETE, detail).with("missing", Json::Array(missing))
}

fn shown(document: &Document, format: Format) -> Answer {
    let mut answer = match format {
        Format::Json => Answer::json(document.to_json()),
        Format::Markdown => Answer::bytes(MARKDOWN, document.to_markdown()),
        Format::Html => Answer::bytes(HTML, document.to_html()),
    };
    answer.personal = document.personal;
    answer
}
