//! A decision as it is stored, read without building it: what is asked for is
//! borrowed from the text, the rest is passed over.
//!
//! For text that this machine wrote itself in canonical form: members in order,
//! no blanks. Anything else is `None`, and damage to whoever reads it.

use std::borrow::Cow;

use policy::{Mode, ReasonCode, Verdict};
use types::{DecisionId, Json, Number, Object, Timestamp};

use crate::command::RiskInput;
use crate::decision::Facts;
use crate::risk::Score;

/// Levels of a value; the edge takes far fewer.
const DEPTH_MAX: u32 = 128;

/// A hash in hexadecimal digits.
const HASH_CHARS: usize = 64;
/// A time in its one spelling.
const TIME_CHARS: usize = 27;

const LIST: (&str, &str) = ("[", "]");
const OBJECT: (&str, &str) = ("{", "}");

/// What an impact asks of `data`.
#[derive(Debug)]
pub(super) struct Stored<'a> {
    pub(super) actor: Cow<'a, str>,
    pub(super) action: Cow<'a, str>,
    pub(super) resource: Option<Cow<'a, str>>,
    pub(super) tool: Option<Cow<'a, str>>,
    pub(super) data_classes: Vec<String>,
    pub(super) decision_id: Cow<'a, str>,
    pub(super) score: Score,
    pub(super) mode: Option<Mode>,
    pub(super) outcome: Verdict,
    pub(super) facts: Facts,
}

impl<'a> Stored<'a> {
    /// Members in the order in which they are written.
    pub(super) fn read(data: &'a str) -> Option<Self> {
        let mut at = Reader(data);
        let action = at.required("action")?.string()?;
        let actor = at.required("actor")?.string()?;
        let data_classes = at.required("data_classes")?.strings()?;
        let decision_id = at.required("decision_id")?.string()?;
        let mut facts = at.required("facts")?.facts()?;
        let outcome = Verdict::parse(&at.required("outcome")?.string()?)?;
        let reason = at.required("reason")?.string()?;
        let reason_code = ReasonCode::parse(&at.required("reason_code")?.string()?)?;
        let mode = at.optional("requested_mode", Reader::string)?;
        let mode = mode.map(|mode| Mode::parse(&mode).ok_or(())).transpose().ok()?;
        let resource = at.optional("resource", Reader::string)?;
        let risk = at.optional("risk_input", Reader::risk)?;
        let level = at.optional("risk_level", Reader::small)?;
        let tool = at.optional("tool", Reader::string)?;
        facts.looked = Facts::looked(reason_code, &reason, facts.conflicting.len());
        let score = Score::of(risk.as_ref(), level);
        Some(Self {
            actor,
            action,
            resource,
            tool,
            data_classes,
            decision_id,
            score,
            mode,
            outcome,
            facts,
        })
    }
}

/// Type and time in the header of an entry: near its two ends, between hashes
/// that nobody asks for.
pub(super) fn header(text: &str) -> Option<(&str, Timestamp)> {
    let (_, rest) = text.split_once(',')?;
    let rest = rest.strip_prefix("\"data_hash\":\"")?.get(HASH_CHARS..)?;
    let (entry_type, _) = rest.strip_prefix("\",\"entry_type\":\"")?.split_once('"')?;
    let (rest, _) = text.rsplit_once(':')?;
    let rest = rest.strip_suffix("\",\"type_seq\"")?;
    let at = rest.get(rest.len().checked_sub(TIME_CHARS)?..)?;
    Some((entry_type, Timestamp::from_canonical(at)?))
}

/// The context in `personal`.
pub(super) fn context(personal: &str) -> Option<Object> {
    match Reader(personal).required("context")?.json(DEPTH_MAX)? {
        Json::Object(context) => Some(context),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => None,
    }
}

/// What is still to be read.
#[derive(Debug)]
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn first(&self) -> Option<u8> {
        self.0.as_bytes().first().copied()
    }

    fn take(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Reads the items of a list or object.
    fn items(
        &mut self,
        (open, close): (&str, &str),
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        if self.take(close).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.take(close).is_some() {
                return Some(());
            }
            self.take(",")?;
        }
    }

    /// To the value of a member of the object this is in; where there is no such
    /// member, nowhere.
    #[inline]
    fn seek(&mut self, name: &str) -> Option<bool> {
        let mut ahead = Reader(self.0);
        while let Some(key) = ahead.0.strip_prefix(['{', ',']) {
            let key = key.strip_prefix('"')?;
            let end = quote(key.as_bytes())?;
            let is_it = end == name.len() && key.starts_with(name);
            ahead.0 = key.get(end..)?.strip_prefix("\":")?;
            if is_it {
                *self = ahead;
                return Some(true);
            }
            ahead.skip()?;
        }
        Some(false)
    }

    #[inline]
    fn required(&mut self, name: &str) -> Option<&mut Self> {
        self.seek(name)?.then_some(self)
    }

    /// A member that may be missing or null.
    fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if !self.seek(name)? || self.take("null").is_some() {
            return Some(None);
        }
        read(self).map(Some)
    }

    /// Passes over a value.
    fn skip(&mut self) -> Option<()> {
        let end = value_end(self.0.as_bytes())?;
        self.0 = self.0.get(end..)?;
        Some(())
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        let rest = self.0.strip_prefix('"')?;
        let (text, after) = rest.split_at_checked(quote(rest.as_bytes())?)?;
        if let Some(after) = after.strip_prefix('"') {
            self.0 = after;
            return Some(Cow::Borrowed(text));
        }
        // Escapes are rare in what is asked for.
        let (raw, after) = self.0.split_at_checked(string_end(self.0.as_bytes())?)?;
        self.0 = after;
        serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
    }

    fn strings(&mut self) -> Option<Vec<String>> {
        let mut found = Vec::new();
        self.items(LIST, |at| {
            found.push(at.string()?.into_owned());
            Some(())
        })?;
        Some(found)
    }

    /// How far the history was looked at is told elsewhere.
    fn facts(&mut self) -> Option<Facts> {
        let mut conflicting: Vec<DecisionId> = Vec::new();
        self.required("conflicting_decision_ids")?;
        self.items(LIST, |at| {
            conflicting.push(at.string()?.parse().ok()?);
            Some(())
        })?;
        let stop_id = self.optional("stop_id", Self::string)?.map(Cow::into_owned);
        self.close()?;
        Some(Facts { conflicting, stop_id, ..Facts::default() })
    }

    fn risk(&mut self) -> Option<RiskInput> {
        let compliance = self.optional("compliance", Self::small)?;
        let financial = self.optional("financial", Self::small)?;
        let operational = self.optional("operational", Self::small)?;
        let privacy = self.optional("privacy", Self::small)?;
        let reputational = self.optional("reputational", Self::small)?;
        let security = self.optional("security", Self::small)?;
        self.close()?;
        Some(RiskInput { security, privacy, compliance, operational, reputational, financial })
    }

    /// To the end of the object this is in.
    fn close(&mut self) -> Option<()> {
        while self.take("}").is_none() {
            let (_, value) = self.0.split_once(':')?;
            self.0 = value;
            self.skip()?;
        }
        Some(())
    }

    fn small(&mut self) -> Option<u8> {
        self.scalar()?.parse().ok()
    }

    /// The text of a number or word.
    fn scalar(&mut self) -> Option<&'a str> {
        let (text, rest) = self.0.split_at_checked(scalar_end(self.0.as_bytes()))?;
        self.0 = rest;
        Some(text)
    }

    fn json(&mut self, depth: u32) -> Option<Json> {
        let depth = depth.checked_sub(1)?;
        match self.first()? {
            b'"' => self.string().map(|text| Json::String(text.into_owned())),
            b'[' => {
                let mut items = Vec::new();
                self.items(LIST, |at| {
                    items.push(at.json(depth)?);
                    Some(())
                })?;
                Some(Json::Array(items))
            }
            b'{' => {
                let mut members = Vec::new();
                self.items(OBJECT, |at| {
                    let key = at.string()?.into_owned();
                    at.take(":")?;
                    members.push((key, at.json(depth)?));
                    Some(())
                })?;
                Object::from_members(members).ok().map(Json::Object)
            }
            _ => match self.scalar()? {
                "null" => Some(Json::Null),
                "true" => Some(Json::Bool(true)),
                "false" => Some(Json::Bool(false)),
                number => self::number(number).map(Json::Number),
            },
        }
    }
}

fn number(text: &str) -> Option<Number> {
    match text.parse() {
        Ok(integer) => Number::from_i64(integer).ok(),
        Err(_) => Number::from_canonical(text).ok(),
    }
}

/// Where a value ends.
fn value_end(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string_end(bytes),
        b'[' | b'{' => nested_end(bytes),
        _ => Some(scalar_end(bytes)),
    }
}

fn scalar_end(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|byte| matches!(byte, b',' | b']' | b'}'));
    end.unwrap_or(bytes.len())
}

fn nested_end(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0_usize, 0_u32);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = at.wrapping_add(string_end(bytes.get(at..)?)?);
                continue;
            }
            b'[' | b'{' => depth = depth.checked_add(1)?,
            b']' | b'}' => depth = depth.checked_sub(1)?,
            _ => (),
        }
        at = at.wrapping_add(1);
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Where a text ends that begins with its quote.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1_usize;
    loop {
        at = at.wrapping_add(quote(bytes.get(at..)?)?);
        match bytes.get(at)? {
            b'"' => return Some(at.wrapping_add(1)),
            _ => at = at.wrapping_add(2),
        }
    }
}

/// The first quote or escape, looked for eight bytes at a time: most of what is
/// passed over is text.
#[inline]
fn quote(bytes: &[u8]) -> Option<usize> {
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const ESCAPES: u64 = u64::from_le_bytes([b'\\'; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut before = 0_usize;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ QUOTES) | zeros(word ^ ESCAPES);
        if found != 0 {
            let within = usize::try_from(found.trailing_zeros() / 8).ok()?;
            return Some(before.wrapping_add(within));
        }
        before = before.wrapping_add(8);
    }
    let within = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(before.wrapping_add(within))
}

/// The highest bit of each byte that is zero; above the first such byte a borrow
/// may set others, so that only the lowest of them counts.
fn zeros(word: u64) -> u64 {
    const LOWEST: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGHEST: u64 = u64::from_le_bytes([0x80; 8]);
    word.wrapping_sub(LOWEST) & !word & HIGHEST
}

#[cfg(test)]
mod tests;
