//! From an HTTP request to a checked call.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method as HttpMethod};
use governance::access::Authority;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::app::App;
use crate::auth::Asker;
use crate::backend::Backend;
use crate::call::{Body as CallBody, Call, Form, RangeAsked};
use crate::cookies;
use crate::fields::{Checked, check_open_query, check_query};
use crate::idempotency;
use crate::json_text::{self, TextFault};
use crate::problem::{Code, Fault, Problem};
use crate::routes::{Access, Op, Reply, Route, Shape};

/// Bodies below this are read where they arrive.
const INLINE_BYTES_MAX: usize = 256 << 10;

pub(super) struct Intake<'a> {
    pub(super) route: &'static Route,
    pub(super) parts: &'a Parts,
    pub(super) path: String,
    pub(super) request_id: &'a str,
    pub(super) asker: Asker,
    pub(super) authority: Authority,
}

impl Intake<'_> {
    /// Checks everything about a request that its handler need not know.
    pub(super) async fn call<B: Backend>(self, app: &App<B>, body: Body) -> Result<Call, Problem> {
        let Self { route, parts, path, request_id, asker, authority } = self;
        let headers = &parts.headers;
        check_tenant(headers)?;
        let form = form(route, headers)?;
        let query = match route.op {
            // Browsers and proxies may add to the address of a page.
            Op::Docs => Checked::default(),
            // Providers add parameters of their own.
            Op::OidcCallback => {
                check_open_query(&route.parameters(), parts.uri.query().unwrap_or_default())?
            }
            _ => check_query(&route.parameters(), parts.uri.query().unwrap_or_default())?,
        };
        let key = match (route.access, headers.get(idempotency::HEADER)) {
            (Access::Write, Some(value)) => Some(idempotency::read_key(value.as_bytes())?),
            (_, _) => None,
        };
        let known = headers.get("if-none-match").and_then(|value| value.to_str().ok());
        let known = known.map(str::to_owned);
        let min_index = min_index(headers)?;
        let (body, body_bytes) = match route.shape {
            Shape::None if route.access != Access::Write => (CallBody::None, 0),
            _ => read_body(app, route, headers, body).await?,
        };
        let request_id = request_id.to_owned();
        Ok(Call {
            route,
            path,
            query,
            body,
            body_bytes,
            key,
            known,
            min_index,
            request_id,
            principal: asker.principal,
            join_token: asker.join_token,
            authority,
            address: asker.address,
            binding: cookies::read(headers, cookies::binding_name(&app.config)),
            form,
            // A range is of what a GET gives: RFC 9110, 14.2.
            range: (parts.method == HttpMethod::GET).then(|| range(headers)).flatten(),
        })
    }
}

pub(crate) fn check_tenant(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get("x-tenant-id").map(|value| value.as_bytes().trim_ascii()) {
        None | Some(b"default") => Ok(()),
        Some(_) => {
            let detail = "`X-Tenant-ID` may only be `default`: one cluster serves one organisation";
            Err(Problem::new(Code::TENANT_UNSUPPORTED, detail))
        }
    }
}

/// Which piece of a file is wanted.
fn range(headers: &HeaderMap) -> Option<RangeAsked> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let if_range = text("if-range");
    text("range").map(|range| RangeAsked { range, if_range })
}

/// The form of the answer that the caller takes. Of two that it likes the same
/// it gets the first.
fn form(route: &Route, headers: &HeaderMap) -> Result<Form, Problem> {
    const JSON: &str = "application/json";
    let of = |media: &'static [&str]| media.first().map(|media| (Form::Media, *media));
    let forms = match route.reply {
        Reply::Members(_) | Reply::DoneOrPlanned(..) => [Some((Form::Json, JSON)), None],
        Reply::Media(media) => [of(media), None],
        Reply::Either { media, first: Form::Json, .. } => [Some((Form::Json, JSON)), of(media)],
        Reply::Either { media, first: Form::Media, .. } => [of(media), Some((Form::Json, JSON))],
    };
    let mut ranges = Vec::new();
    for value in headers.get_all("accept") {
        let value = value.to_str().unwrap_or_default();
        ranges.extend(value.split(',').map(str::trim).filter(|range| !range.is_empty()));
    }
    // What a file is shows once it is read.
    let is_table = route.op == Op::RegulatoryPackage
        && ranges.iter().any(|range| range.starts_with("text/csv"));
    let takes_all = is_table
        || ranges.is_empty()
        || matches!(route.op, Op::Root | Op::Docs | Op::ArtifactContent | Op::ExportDownload);
    let mut best: Option<(Form, f32)> = None;
    for (form, media) in forms.into_iter().flatten() {
        let quality = if takes_all { 1.0 } else { quality(&ranges, media) };
        if 0.0 < quality && best.is_none_or(|(_, before)| before < quality) {
            best = Some((form, quality));
        }
    }
    best.map(|(form, _)| form).ok_or_else(|| {
        let names: Vec<String> =
            forms.iter().flatten().map(|(_, media)| format!("`{media}`")).collect();
        Problem::new(Code::NOT_ACCEPTABLE, format!("this path answers {}", names.join(" or ")))
    })
}

/// How much a media type is wanted, by the most specific range that names it:
/// RFC 9110, section 12.5.1.
fn quality(ranges: &[&str], media: &str) -> f32 {
    let family = media.split_once('/').map_or("", |(family, _)| family);
    let mut best = (0, 0.0);
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let specificity = match name.as_str() {
            name if name == media => 3,
            name if name == format!("{family}/*") => 2,
            "*/*" => 1,
            _ => continue,
        };
        let mut weights = parts.filter_map(|part| {
            part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="))?.parse::<f32>().ok()
        });
        let weight = weights.next().unwrap_or(1.0);
        if best.0 < specificity {
            best = (specificity, weight);
        }
    }
    best.1
}

pub(crate) fn min_index(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    const NAME: &str = "X-Lexecon-Min-Index";
    let Some(value) = headers.get(NAME) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(index) if digits => Ok(Some(index)),
        Ok(_) | Err(_) => {
            let detail = "must be a log index";
            Err(Problem::fault(Fault::header(NAME, "bad_format", detail)))
        }
    }
}

async fn read_body<B: Backend>(
    app: &App<B>,
    route: &'static Route,
    headers: &HeaderMap,
    body: Body,
) -> Result<(CallBody, usize), Problem> {
    let declared = headers.get("content-length").and_then(|value| value.to_str().ok());
    let declared: Option<usize> = declared.and_then(|text| text.parse().ok());
    let too_large = || {
        let detail = format!("at most {} bytes are taken", route.body_bytes_max);
        Problem::new(Code::PAYLOAD_TOO_LARGE, detail)
    };
    if declared.is_some_and(|bytes| route.body_bytes_max < bytes) {
        return Err(too_large());
    }
    if headers.get("content-encoding").is_some_and(|coding| coding != "identity") {
        // A small body that becomes a large one is no bound.
        let detail = "`Content-Encoding` must be `identity`: no compressed body is taken";
        return Err(Problem::new(Code::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let is_json = is_json(headers);
    if !is_json && headers.contains_key("content-type") {
        return Err(unsupported());
    }
    let collected = Limited::new(body, route.body_bytes_max).collect().await;
    let bytes = match collected {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(_) => return Err(Problem::new(Code::MALFORMED_JSON, "the body ended early")),
    };
    if bytes.is_empty() {
        return Ok((CallBody::check(&route.shape, None)?, 0));
    }
    if !is_json {
        return Err(unsupported());
    }
    let size = bytes.len();
    let read = move || {
        let json = json_text::read(&bytes).map_err(|fault| json_problem(route.op, fault))?;
        CallBody::check(&route.shape, Some(json))
    };
    // Megabytes take long enough to hold up the other requests of a thread.
    let body = if size < INLINE_BYTES_MAX { read()? } else { app.blocking(read).await? };
    Ok((body, size))
}

fn unsupported() -> Problem {
    Problem::new(Code::UNSUPPORTED_MEDIA_TYPE, "`Content-Type` must be `application/json`")
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get("content-type").and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media = parts.next().is_some_and(|media| media == "application/json");
    media
        && parts.all(|part| {
            part.is_empty() || matches!(part.as_str(), "charset=utf-8" | "charset=\"utf-8\"")
        })
}

/// What is wrong with a text, for a caller of `op`.
pub(crate) fn json_problem(op: Op, fault: TextFault) -> Problem {
    let detail = fault.to_string();
    let code = match fault {
        TextFault::Malformed(_) => Code::MALFORMED_JSON,
        TextFault::DuplicateKey(_) => Code::DUPLICATE_KEY,
        TextFault::NotCanonical { .. } => Code::NUMBER_NOT_CANONICAL,
        // Only a context can be deep and a decision otherwise well formed.
        TextFault::TooDeep if matches!(op, Op::Decide | Op::Evaluation) => Code::CONTEXT_TOO_LARGE,
        TextFault::TooDeep => Code::PAYLOAD_TOO_LARGE,
    };
    Problem::new(code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_says_how_much_a_media_type_is_wanted() {
        for (accept, expect) in [
            ("*/*", 1.0),
            ("application/*;q=0.1", 0.1),
            ("Application/JSON", 1.0),
            ("application/json;q=0", 0.0),
            ("*/*, application/json;q=0", 0.0),
            ("application/json, */*;q=0.1", 1.0),
            ("*/*;q=0.1, application/json", 1.0),
            ("text/html", 0.0),
            ("text/*", 0.0),
        ] {
            let ranges: Vec<&str> = accept.split(", ").collect();
            assert_eq!(quality(&ranges, "application/json"), expect, "{accept}");
        }
    }
}
