//! The service `Audit`: exports.
//!
//! A download is read from the disk piece by piece as its stream is drained, so
//! that a file of any size costs the node one piece of it.

use futures::stream::{self, StreamExt as _};
use proto::governance::v1::audit_server::Audit;
use proto::governance::v1::{
    AnswerExportRequest, DownloadExportRequest, Export, ExportChunk, ExportFile, GetExportRequest,
    ListExportsReply, ListExportsRequest, RequestExportReply, RequestExportRequest,
};
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};
use types::Object;

use super::Service;
use super::caller::{Input, Query, request_id};
use super::decisions::{put, put_integer, signature_message};
use super::members::Members;
use super::status;
use crate::backend::Backend;
use crate::call::{Content, Piece, RangeAsked};
use crate::edge::download;
use crate::problem::Problem;
use crate::routes::Op;

#[tonic::async_trait]
impl<B: Backend> Audit for Service<B> {
    async fn request_export(
        &self,
        request: Request<RequestExportRequest>,
    ) -> Result<Response<RequestExportReply>, Status> {
        self.reply(request, ask, asked).await
    }

    async fn get_export(
        &self,
        request: Request<GetExportRequest>,
    ) -> Result<Response<Export>, Status> {
        self.reply(request, of_export, export).await
    }

    async fn approve_export(
        &self,
        request: Request<AnswerExportRequest>,
    ) -> Result<Response<Export>, Status> {
        let approve = |message| Ok(settle(Op::ExportApprove, message));
        self.reply(request, approve, export).await
    }

    async fn reject_export(
        &self,
        request: Request<AnswerExportRequest>,
    ) -> Result<Response<Export>, Status> {
        let reject = |message| Ok(settle(Op::ExportReject, message));
        self.reply(request, reject, export).await
    }

    async fn list_exports(
        &self,
        request: Request<ListExportsRequest>,
    ) -> Result<Response<ListExportsReply>, Status> {
        self.reply(request, of_list, exports).await
    }

    type DownloadExportStream = BoxStream<ExportChunk>;

    async fn download_export(
        &self,
        request: Request<DownloadExportRequest>,
    ) -> Result<Response<Self::DownloadExportStream>, Status> {
        let request_id = request_id(request.extensions());
        self.reply_any(request, of_download, |content| chunks(content, request_id)).await
    }
}

fn ask(message: RequestExportRequest) -> Result<Input, Problem> {
    let mut members = Object::new();
    members.insert("scope", message.scope);
    members.insert("format", message.format);
    put(&mut members, "from", message.from);
    put(&mut members, "to", message.to);
    put(&mut members, "purpose", message.purpose);
    put_integer(&mut members, "ledger_size", message.ledger_size)?;
    put(&mut members, "requester", message.requester);
    Ok(Input::with_body(Op::ExportRequest, members))
}

fn of_export(message: GetExportRequest) -> Result<Input, Problem> {
    let query = Query::default().read(message.read);
    Ok(Input { path: message.export_id, query, ..Input::of(Op::ExportStatus) })
}

fn settle(op: Op, message: AnswerExportRequest) -> Input {
    let mut members = Object::new();
    put(&mut members, "notes", message.notes);
    Input { path: message.export_id, ..Input::with_body(op, members) }
}

fn of_list(message: ListExportsRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("limit", message.limit)
        .put("after", message.after)
        .put("status", message.status)
        .put("format", message.format)
        .put("order", message.order)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::Exports) })
}

/// As the headers `Range` and `If-Range` would ask.
fn of_download(message: DownloadExportRequest) -> Result<Input, Problem> {
    let query = Query::default().read(message.read);
    let range = message.offset.map(|from| RangeAsked {
        range: format!("bytes={from}-"),
        if_range: message.if_sha256.map(|sha256| format!("\"{sha256}\"")),
    });
    Ok(Input { path: message.export_id, query, range, ..Input::of(Op::ExportDownload) })
}

/// The file as messages.
fn chunks(content: Content, request_id: String) -> Result<BoxStream<ExportChunk>, Problem> {
    let Content::Download { media, file, piece, name } = content else {
        return Err(Problem::internal());
    };
    let Piece { from, to } = piece.unwrap_or(Piece { from: 0, to: file.size });
    let about = ExportFile {
        name,
        content_type: media.to_owned(),
        sha256: file.sha256.to_string(),
        size_bytes: file.size,
        offset: from,
    };
    let first = ExportChunk { file: Some(about), ..ExportChunk::default() };
    let pieces = download::stream(file.file, from, to).map(move |piece| match piece {
        Ok(data) => Ok(ExportChunk { file: None, data }),
        Err(error) => {
            tracing::error!(%error, request_id, "a download broke off");
            Err(status::of(&Problem::internal(), &request_id))
        }
    });
    Ok(Box::pin(stream::iter([Ok(first)]).chain(pieces)))
}

fn asked(mut reply: Members) -> RequestExportReply {
    RequestExportReply {
        export_id: reply.word("export_id"),
        status: reply.word("status"),
        scope: reply.word("scope"),
        format: reply.word("format"),
        ledger_size: reply.count("ledger_size"),
        status_url: reply.word("status_url"),
    }
}

fn export(mut export: Members) -> Export {
    Export {
        export_id: export.word("export_id"),
        status: export.word("status"),
        scope: export.word("scope"),
        format: export.word("format"),
        from: export.text("from"),
        to: export.text("to"),
        purpose: export.text("purpose"),
        ledger_size: export.count("ledger_size"),
        record_count: export.number("record_count"),
        progress_percent: export.number("progress_percent"),
        size_bytes: export.number("size_bytes"),
        sha256: export.text("sha256"),
        erasures_through: export.number("erasures_through"),
        signature: export.object("signature", signature_message),
        download_url: export.text("download_url"),
        requested_by: export.text("requested_by"),
        requested_at: export.word("requested_at"),
        completed_at: export.text("completed_at"),
        error: export.text("error"),
    }
}

fn exports(mut reply: Members) -> ListExportsReply {
    ListExportsReply {
        exports: reply.list("exports", export),
        total: reply.count("total"),
        total_exact: reply.flag("total_exact"),
        next: reply.number("next"),
    }
}
