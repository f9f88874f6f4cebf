//! Tiles and entry bundles, as C2SP `tlog-tiles` names them. Payloads are not
//! in them: a bundle holds headers, which live for ever.

use governance::{Corruption, Read, Tree, view};
use ledger::tile::{self, Resource, Tiles as _};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Caching, Call};
use crate::problem::{Code, Problem};

const MEDIA: &str = "application/octet-stream";

/// `GET /tile/{path}`.
pub(crate) async fn tile<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let resource = Resource::parse(&call.path).ok_or_else(none)?;
    let width = match resource {
        Resource::Hashes(id) => id.width,
        Resource::Entries { width, .. } => width,
    };
    // A partial one never changes either, but who keeps it keeps asking for
    // less than there is.
    let is_full = u64::from(width) == tile::WIDTH;
    let caching = if is_full { Caching::Forever } else { Caching::Never };
    let read = app.backend.view()?;
    let bytes = app.blocking(move || bytes(&read, resource)).await?;
    Ok(Answer::bytes(MEDIA, bytes).kept(caching))
}

fn none() -> Problem {
    Problem::new(Code::NOT_FOUND, "no tile of this ledger is at this path")
}

fn bytes(read: &impl Read, resource: Resource) -> Result<Vec<u8>, Problem> {
    if !tile::exists(resource, view::head(read)?.size()) {
        return Err(none());
    }
    match resource {
        Resource::Hashes(id) => Ok(tile::to_bytes(&Tree(read).tile(id)?)),
        Resource::Entries { index, width } => {
            let mut bundle = Vec::new();
            for header in view::headers(read, index, width)? {
                if !tile::append_bundle(&mut bundle, &header) {
                    let what = "a header is longer than a bundle can hold";
                    return Err(Corruption::new("header", what).into());
                }
            }
            Ok(bundle)
        }
    }
}
