//! The interactive description: Swagger UI from the binary, nothing fetched
//! from elsewhere.

use std::sync::{Arc, LazyLock};

use utoipa_swagger_ui::Config;

use crate::call::Answer;
use crate::problem::{Code, Problem};

/// Where the files are.
pub(crate) const FILES: &str = "/docs/{*file}";

/// `validator_url` "none" keeps the page from asking a badge of a server of
/// its maker.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::from("/openapi.json").validator_url("none").try_it_out_enabled(true);
    Arc::new(config)
});

/// The page, or a file it is made of.
pub(crate) fn page(file: &str) -> Result<Answer, Problem> {
    let missing = || Problem::new(Code::NOT_FOUND, "there is no such file");
    let found = utoipa_swagger_ui::serve(file, Arc::clone(&CONFIG)).map_err(|error| {
        tracing::error!(%error, "the description cannot be shown");
        Problem::internal()
    })?;
    let found = found.ok_or_else(missing)?;
    let bytes = found.bytes.into_owned();
    if file.is_empty() || file == "index.html" {
        // The page names its files relative to `/docs/`, and is served at
        // `/docs` too.
        let page =
            String::from_utf8_lossy(&bytes).replacen("<head>", "<head><base href=\"/docs/\">", 1);
        return Ok(Answer::bytes("text/html; charset=utf-8", page));
    }
    Ok(Answer::bytes(media(file), bytes))
}

fn media(file: &str) -> &'static str {
    match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("png") => "image/png",
        Some("map" | "json") => "application/json",
        Some(_) | None => "application/octet-stream",
    }
}
