//! Members of an answer, taken out one by one as the types of messages.

use types::{Json, Object};

/// Members that have not been taken out yet.
#[derive(Debug, Default)]
pub(super) struct Members(pub(super) Object);

impl Members {
    fn take(&mut self, name: &str) -> Json {
        self.0.remove(name).unwrap_or_default()
    }

    /// A text, `None` where it is null.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        if let Json::String(text) = self.take(name) { Some(text) } else { None }
    }

    /// A text that is always there.
    pub(super) fn word(&mut self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// A number, `None` where it is null.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Json::as_u64)
    }

    /// A number that is always there.
    pub(super) fn count(&self, name: &str) -> u64 {
        self.number(name).unwrap_or_default()
    }

    /// A truth value, `None` where it is null.
    pub(super) fn fact(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Json::as_bool)
    }

    /// A truth value that is always there.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.fact(name).unwrap_or_default()
    }

    /// Texts.
    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let items = self.items(name).into_iter();
        items
            .filter_map(|item| if let Json::String(text) = item { Some(text) } else { None })
            .collect()
    }

    /// Any values.
    pub(super) fn items(&mut self, name: &str) -> Vec<Json> {
        if let Json::Array(items) = self.take(name) { items } else { Vec::new() }
    }

    /// Objects, each made into a message.
    pub(super) fn list<T>(&mut self, name: &str, message: impl Fn(Members) -> T) -> Vec<T> {
        let items = self.items(name).into_iter();
        items
            .filter_map(|item| if let Json::Object(object) = item { Some(object) } else { None })
            .map(|object| message(Members(object)))
            .collect()
    }

    /// An object made into a message, `None` where it is null.
    pub(super) fn object<T>(
        &mut self,
        name: &str,
        message: impl FnOnce(Members) -> T,
    ) -> Option<T> {
        match self.take(name) {
            Json::Object(object) => Some(message(Members(object))),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => None,
        }
    }

    /// Any value as canonical text.
    pub(super) fn json(&mut self, name: &str) -> String {
        self.take(name).to_canonical()
    }

    /// Any value as canonical text, `None` where it is null.
    pub(super) fn json_or_none(&mut self, name: &str) -> Option<String> {
        let value = self.take(name);
        (!value.is_null()).then(|| value.to_canonical())
    }
}
