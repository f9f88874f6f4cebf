//! Documents for those who answer to an authority, and what humans write in
//! them: Annex IV, and one document for each of several articles.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// What a document is about, and as of when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// One system; every one of the organisation when absent.
    pub system_id: Option<String>,
    /// An entry id or a time.
    pub as_of: Option<String>,
}

/// A document as members.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Document {
    /// `EU_AI_ACT_ARTICLE_11` and the like.
    pub document_type: String,
    /// What stands above it.
    pub title: String,
    /// The last entry that counts.
    pub as_of_index: u64,
    /// Its time, which is that of the document.
    pub timestamp: String,
    /// The regulatory data it was made with.
    pub register_version: Option<String>,
    /// The systems it is about.
    pub system_ids: Vec<String>,
    /// SHA-256 of its canonical form, without this.
    pub document_hash: String,
    /// Its parts, by name.
    pub sections: Object,
    /// Hashes of the entries that it names.
    pub evidence_chain: Vec<String>,
    /// What a human must say and nobody has.
    pub missing: Vec<String>,
}

/// What the technical documentation says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AnnexIv {
    /// The system; absent for the only file of the organisation.
    pub system_id: Option<String>,
    /// The nine sections.
    pub sections: Vec<AnnexIvSection>,
    /// Whether something is said of every point.
    pub complete: bool,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// A section of the technical documentation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AnnexIvSection {
    /// 1 to 9.
    pub number: u8,
    /// What it is about.
    pub title: String,
    /// `evidence_sufficient`, `partial` or `needs_human_evidence`.
    pub status: String,
    /// Points of which nothing is said.
    pub missing: Vec<String>,
    /// What humans say.
    pub content: Option<Object>,
    /// Who said so.
    pub updated_by: Option<String>,
    /// Cluster time of the entry that says so.
    pub updated_at: Option<String>,
    /// That entry.
    pub ledger_entry_id: Option<u64>,
}

const ANNEX_IV: [&str; 3] = ["compliance", "eu-ai-act", "annex-iv"];

impl Client {
    /// The document of an article: 9, 11, 13, 15, 17, 18, 26, 27, 43, 47, 49, 50
    /// or 72.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn article_document(
        &self,
        article: u16,
        about: &About,
    ) -> Result<Reply<Document>, Error> {
        self.call(&document(article, about, "json")).await
    }

    /// The same as Markdown.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn article_markdown(&self, article: u16, about: &About) -> Result<String, Error> {
        self.send(&document(article, about, "markdown").accept("*/*")).await?.into_text()
    }

    /// What the technical documentation says, and what is missing.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn annex_iv(&self, about: &About) -> Result<Reply<AnnexIv>, Error> {
        self.call(&on(Call::get(ANNEX_IV), about)).await
    }

    /// Writes a section of the technical documentation, all of it.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn annex_iv_set(
        &self,
        section: u8,
        content: Object,
        system_id: Option<&str>,
    ) -> Result<Reply<AnnexIvSection>, Error> {
        let [area, act, noun] = ANNEX_IV;
        let path = [area, act, noun, &section.to_string()];
        let body = Json::object([("content", content.into())]);
        let call = Call::write(Method::PUT, path).query("system_id", system_id).body(&body);
        self.call(&call).await
    }

    /// The technical documentation in one piece, as members.
    ///
    /// # Errors
    /// Any [`Error`]; a problem `annex_iv_incomplete` while something is missing.
    pub async fn annex_iv_package(&self, about: &About) -> Result<Reply<Document>, Error> {
        self.call(&package(about, "json")).await
    }

    /// The same as a text: `markdown` or `html`.
    ///
    /// # Errors
    /// As [`Client::annex_iv_package`].
    pub async fn annex_iv_package_text(
        &self,
        about: &About,
        format: &str,
    ) -> Result<String, Error> {
        self.send(&package(about, format).accept("*/*")).await?.into_text()
    }
}

fn document(article: u16, about: &About, format: &str) -> Call {
    let article = format!("article-{article}");
    let path = ["compliance", "eu-ai-act", article.as_str(), "documentation"];
    on(Call::get(path), about).query("format", Some(format)).long()
}

fn package(about: &About, format: &str) -> Call {
    let [area, act, noun] = ANNEX_IV;
    on(Call::get([area, act, noun, "package"]), about).query("format", Some(format)).long()
}

fn on(call: Call, about: &About) -> Call {
    call.query("system_id", about.system_id.as_deref()).query("as_of", about.as_of.as_deref())
}
