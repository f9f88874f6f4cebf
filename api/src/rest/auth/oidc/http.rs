//! Asking providers: bounded in time, in bytes and in how much goes on at once.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use tokio::sync::Semaphore;

/// Time for a request and its answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Requests to providers at once: one that hangs must not hold up the node.
const REQUESTS_MAX: usize = 16;

/// Why a provider was not asked, or did not answer. What it said is not in here.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("as many requests to providers as this node makes at once are in progress")]
    Busy,
    #[error("no client for HTTP could be made")]
    NoClient,
    #[error("the answer is larger than {BODY_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the request failed")]
    Failed(#[from] reqwest::Error),
    #[error("the answer is no answer")]
    Malformed(#[from] axum::http::Error),
}

/// A client of providers.
pub(super) struct Http {
    client: OnceLock<Option<reqwest::Client>>,
    room: Semaphore,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl Default for Http {
    fn default() -> Self {
        Self { client: OnceLock::new(), room: Semaphore::new(REQUESTS_MAX) }
    }
}

impl Http {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let _permit = self.room.try_acquire().map_err(|_| HttpError::Busy)?;
        let client = self.client.get_or_init(client).as_ref().ok_or(HttpError::NoClient)?;
        let mut answer = client.execute(reqwest::Request::try_from(request)?).await?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if BODY_BYTES_MAX < body.len().saturating_add(chunk.len()) {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = axum::http::Response::builder().status(answer.status());
        if let Some(media) = answer.headers().get("content-type") {
            response = response.header("content-type", media);
        }
        Ok(response.body(body)?)
    }
}

/// Made when it is first needed. A redirect is followed nowhere: a provider that
/// is asked for keys must not have us fetch them elsewhere.
fn client() -> Option<reqwest::Client> {
    // Whoever came first has chosen; without any, a client cannot be made.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT)
        .build();
    client.inspect_err(|error| tracing::error!(%error, "no client for providers of logins")).ok()
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}
