//! Technical documentation: what humans write, and documents for those who answer
//! to an authority.

use proto::governance::v1::{
    AnnexIv, AnnexIvPoint, AnnexIvSection, Document, DocumentReply, GetAnnexIvPackageRequest,
    GetAnnexIvRequest, GetArticle11DocumentRequest, GetArticleDocumentRequest,
    UpdateAnnexIvRequest,
};
use types::Object;

use super::packages::{Form, form};
use crate::call::Content;
use crate::grpc::caller::{Input, Query};
use crate::grpc::decisions::put;
use crate::grpc::members::Members;
use crate::grpc::risks::metadata;
use crate::problem::Problem;
use crate::routes::Op;

pub(super) fn of_sections(message: GetAnnexIvRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("system_id", message.system_id)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::AnnexIv) })
}

pub(super) fn update(message: UpdateAnnexIvRequest) -> Result<Input, Problem> {
    let text = Some(message.content_json).filter(|text| !text.is_empty());
    let mut members = Object::new();
    put(&mut members, "content", metadata(text, Op::AnnexIvUpdate)?);
    let query = Query::default().put("system_id", message.system_id);
    let path = message.section.to_string();
    Ok(Input { path, query, ..Input::with_body(Op::AnnexIvUpdate, members) })
}

pub(super) fn of_package(message: GetAnnexIvPackageRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("format", message.format)
        .put("system_id", message.system_id)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::AnnexIvPackage) })
}

pub(super) fn of_article_11(message: GetArticle11DocumentRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("format", message.format)
        .put("system_id", message.system_id)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::Article11Document) })
}

pub(super) fn of_article(message: GetArticleDocumentRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("format", message.format)
        .put("system_id", message.system_id)
        .put("as_of", message.as_of)
        .read(message.read);
    // By REST too it is another row under the same path.
    let op = if message.n == "11" { Op::Article11Document } else { Op::ArticleDocument };
    Ok(Input { path: message.n, query, ..Input::of(op) })
}

pub(super) fn document(content: Content) -> Result<DocumentReply, Problem> {
    Ok(match form(content, members)? {
        Form::Members(document) => DocumentReply { document: Some(document), text: None },
        Form::Text(text) => DocumentReply { document: None, text: Some(text) },
    })
}

fn members(mut document: Members) -> Document {
    Document {
        document_type: document.word("document_type"),
        title: document.word("title"),
        as_of_index: document.count("as_of_index"),
        timestamp: document.word("timestamp"),
        register_version: document.text("register_version"),
        system_ids: document.texts("system_ids"),
        sections_json: document.json("sections"),
        evidence_chain: document.texts("evidence_chain"),
        missing: document.texts("missing"),
        document_hash: document.word("document_hash"),
    }
}

pub(super) fn annex_iv(mut reply: Members) -> AnnexIv {
    AnnexIv {
        system_id: reply.text("system_id"),
        sections: reply.list("sections", section),
        complete: reply.flag("complete"),
        as_of_index: reply.count("as_of_index"),
    }
}

pub(super) fn section(mut section: Members) -> AnnexIvSection {
    AnnexIvSection {
        number: section.count("number"),
        title: section.word("title"),
        status: section.word("status"),
        missing: section.texts("missing"),
        points: section.list("points", point),
        content_json: section.json_or_none("content"),
        content_digest: section.text("content_digest"),
        updated_by: section.text("updated_by"),
        updated_at: section.text("updated_at"),
        ledger_entry_id: section.number("ledger_entry_id"),
        system_id: section.text("system_id"),
    }
}

fn point(mut point: Members) -> AnnexIvPoint {
    AnnexIvPoint {
        member: point.word("member"),
        about: point.word("about"),
        filled: point.flag("filled"),
    }
}
