//! Taking an export away: the file, or a piece of it.

use std::time::Duration;

use governance::access::Permission;
use governance::export::ExportFormat;
use governance::record::ExportStatus;
use types::{EntryId, ExportId};

use super::{admit, known, unknown};
use crate::app::App;
use crate::backend::{Backend, ExportFile};
use crate::call::{Answer, Call, Content, Piece, RangeAsked};
use crate::problem::{Code, Problem};

/// How long a download waits while this node builds the file.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// `GET /audit/exports/{export_id}/download`.
pub(super) async fn download<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id: ExportId = call.path.parse().map_err(|_| unknown())?;
    let record = known(&app.backend.view()?, id)?;
    admit(call, &record, Permission::ExportData)?;
    if record.status != ExportStatus::Completed {
        let detail = format!("the export is `{}`", record.status.as_str());
        return Err(Problem::new(Code::EXPORT_NOT_READY, detail));
    }
    let file = app.backend.export_file(id, WAIT_MAX).await?.ok_or_else(|| {
        Problem::new(
            Code::EXPORT_NOT_READY,
            "this node is building the file: ask again in a moment",
        )
    })?;
    let piece = piece(call.range.as_ref(), &file)?;
    let extension = extension(record.format);
    let name = format!("lexecon-{}-{}.{extension}", record.scope.as_str(), record.ledger_size);
    let mut answer =
        Answer::new(Content::Download { media: media(record.format), file, piece, name });
    // It has the personal parts of all its entries that still have one.
    answer.personal = Some((EntryId(0), EntryId(record.ledger_size.saturating_sub(1))));
    Ok(answer)
}

/// The piece that is asked for; `None` is the whole.
fn piece(asked: Option<&RangeAsked>, file: &ExportFile) -> Result<Option<Piece>, Problem> {
    let Some(RangeAsked { range, if_range }) = asked else { return Ok(None) };
    let etag = format!("\"{}\"", file.sha256);
    if if_range.as_ref().is_some_and(|known| *known != etag) {
        return Ok(None);
    }
    match read_range(range, file.size) {
        Range::Piece(piece) => Ok(Some(piece)),
        Range::Ignored => Ok(None),
        Range::Outside => Err(Problem::outside(file.size)),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    Piece(Piece),
    /// What is not one range of bytes is no reason to refuse: RFC 9110, 14.2.
    Ignored,
    Outside,
}

fn read_range(text: &str, size: u64) -> Range {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|set| set.split_once('-'))
    else {
        return Range::Ignored;
    };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let (from, to) = match (number(first.trim()), number(last.trim())) {
        (Some(from), Some(to)) if to < from => return Range::Ignored,
        (Some(from), Some(to)) => (from, to.saturating_add(1).min(size)),
        (Some(from), None) if last.trim().is_empty() => (from, size),
        (None, Some(of_end)) if first.trim().is_empty() => (size.saturating_sub(of_end), size),
        (_, _) => return Range::Ignored,
    };
    if to <= from { Range::Outside } else { Range::Piece(Piece { from, to }) }
}

/// What files are, less the parameters.
pub(crate) const MEDIA: &[&str] =
    &["application/json", "application/zip", "text/csv", "text/html", "text/markdown"];

fn media(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Json | ExportFormat::Oscal => "application/json",
        ExportFormat::Csv => "text/csv; charset=utf-8",
        ExportFormat::Markdown => "text/markdown; charset=utf-8",
        ExportFormat::Html => "text/html; charset=utf-8",
        ExportFormat::Zip => "application/zip",
    }
}

fn extension(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Json => "json",
        ExportFormat::Csv => "csv",
        ExportFormat::Markdown => "md",
        ExportFormat::Html => "html",
        ExportFormat::Oscal => "oscal.json",
        ExportFormat::Zip => "zip",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_piece_of_the_file_or_nothing() {
        let piece = |from, to| Range::Piece(Piece { from, to });
        for (text, expect) in [
            ("bytes=0-", piece(0, 10)),
            ("bytes=3-5", piece(3, 6)),
            ("bytes=3-99", piece(3, 10)),
            ("bytes=-4", piece(6, 10)),
            ("bytes=-99", piece(0, 10)),
            ("bytes=10-", Range::Outside),
            ("bytes=-0", Range::Outside),
            ("bytes=5-3", Range::Ignored),
            ("bytes=0-1,3-4", Range::Ignored),
            ("bytes=-", Range::Ignored),
            ("bytes=a-b", Range::Ignored),
            ("lines=0-1", Range::Ignored),
        ] {
            assert_eq!(read_range(text, 10), expect, "{text}");
        }
        assert_eq!(read_range("bytes=0-", 0), Range::Outside);
    }
}
