//! One request, before it is known which node gets it.

use std::fmt;

use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use types::Json;

/// What sending a request twice would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It records nothing.
    Read,
    /// It records once, however often it is sent: its body has a key.
    Keyed,
    /// It may record twice.
    Write,
}

/// A request.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
    pub(crate) effect: Effect,
    /// Whether the answer takes as long as the ledger is: one try then gets
    /// all the time of the call.
    pub(crate) is_long: bool,
    /// Whether an answer with status 503 is one, and no refusal.
    pub(crate) takes_unhealthy: bool,
    /// The form that is wanted, where a path has several.
    pub(crate) accept: Option<&'static str>,
    /// What binds it to an earlier one.
    pub(crate) cookie: Option<HeaderValue>,
    /// Which piece of a file is wanted.
    pub(crate) range: Option<String>,
    /// And of which file alone.
    pub(crate) if_range: Option<String>,
}

impl fmt::Debug for Call {
    /// Bodies and queries have passwords and codes in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Call");
        shown.field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Call {
    pub(crate) fn get<const N: usize>(path: [&str; N]) -> Self {
        Self::new(Method::GET, path, Effect::Read)
    }

    pub(crate) fn write<const N: usize>(method: Method, path: [&str; N]) -> Self {
        Self::new(method, path, Effect::Write)
    }

    fn new<const N: usize>(method: Method, path: [&str; N], effect: Effect) -> Self {
        Self {
            method,
            path: path.map(str::to_owned).into(),
            query: Vec::new(),
            body: None,
            effect,
            is_long: false,
            takes_unhealthy: false,
            accept: None,
            cookie: None,
            range: None,
            if_range: None,
        }
    }

    /// A question that travels as a POST.
    pub(crate) fn ask<const N: usize>(path: [&str; N], body: &Json) -> Self {
        Self::new(Method::POST, path, Effect::Read).body(body)
    }

    /// The canonical text, so that what is sent is what was checked.
    #[must_use]
    pub(crate) fn body(mut self, body: &Json) -> Self {
        self.body = Some(body.to_canonical());
        self
    }

    #[must_use]
    pub(crate) fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    #[must_use]
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    #[must_use]
    pub(crate) fn long(mut self) -> Self {
        self.is_long = true;
        self
    }

    #[must_use]
    pub(crate) fn taking_unhealthy(mut self) -> Self {
        self.takes_unhealthy = true;
        self
    }

    #[must_use]
    pub(crate) fn accept(mut self, media: &'static str) -> Self {
        self.accept = Some(media);
        self
    }

    #[must_use]
    pub(crate) fn cookie(mut self, cookie: Option<HeaderValue>) -> Self {
        self.cookie = cookie;
        self
    }

    /// A piece of a file, as `Range` says it.
    #[must_use]
    pub(crate) fn range(mut self, range: String) -> Self {
        self.range = Some(range);
        self
    }

    /// The whole where the file has not this tag.
    #[must_use]
    pub(crate) fn only_of(mut self, tag: Option<String>) -> Self {
        self.if_range = tag;
        self
    }

    /// Where it goes on the node at `base`. Names in the path are escaped.
    pub(crate) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        // A base is checked to have a path when the client is made.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, call: &Call, expect: &str) {
        assert_eq!(call.url(&Url::parse(base).unwrap()).as_str(), expect);
    }

    #[test]
    fn a_url_is_base_path_and_query() {
        let call = Call::get(["ledger", "entries"]);
        check("http://a:1", &call, "http://a:1/ledger/entries");
        check("http://a:1/", &call, "http://a:1/ledger/entries");
        check("http://a:1/gw/", &call, "http://a:1/gw/ledger/entries");
        let call = call.query("actor", Some("a b&c")).query("after", None::<u64>);
        check("http://a:1", &call, "http://a:1/ledger/entries?actor=a+b%26c");
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_the_path() {
        let call = Call::get(["decisions", "../../x?y#z"]);
        check("http://a:1", &call, "http://a:1/decisions/..%2F..%2Fx%3Fy%23z");
    }
}
