//! The technical documentation of Annex IV: what each of its nine sections must
//! say, and keeping what humans say there.
//!
//! The shape is fixed here and not read from the regulatory data, because it
//! decides what `apply` takes: two releases of that data must not decide
//! differently. A test holds the two together.
//!
//! Invariants
//! - A section is replaced as a whole, and every version of it stays an entry.
//! - The newest version of a section is kept while its system is not retired.
//! - Which entries were versions stays known after they are erased: an older one
//!   that was kept does not come to be the newest again.

use ledger::{EntryType, StoredEntry};
use sha2::{Digest as _, Sha256};
use types::{Digest, Json, Object, SystemId, Timestamp, Ulid};

use crate::access::{self, EVIDENCE};
use crate::apply::{Context, Stop};
use crate::command::{Erase, ErasedPart, UpdateAnnexIv};
use crate::idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::SystemRecord;
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::system::{self, SystemStatus};
use crate::tables;

/// A section of Annex IV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// 1..=9.
    pub number: u8,
    /// What it is about.
    pub title: &'static str,
    /// What it must say: its points.
    pub points: &'static [Point],
}

/// A point of a section, which is a member of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The letter of the point, or [`TEXT`] where a section has no letters.
    pub member: &'static str,
    /// What the point is about, in a few words.
    pub about: &'static str,
}

/// The member of a section without letters.
pub const TEXT: &str = "text";

const fn point(member: &'static str, about: &'static str) -> Point {
    Point { member, about }
}

/// Every section, in order.
pub const SECTIONS: [Section; 9] = [
    Section {
        number: 1,
        title: "General description of the AI system",
        points: &[
            point("a", "intended purpose, provider, version and its relation to earlier ones"),
            point("b", "interaction with outside hardware, software and other AI systems"),
            point("c", "versions of software and firmware, and update requirements"),
            point("d", "forms in which it is supplied"),
            point("e", "hardware it is meant to run on"),
            point("f", "photos, marking and internal layout where it is part of a product"),
            point("g", "user interface given to the deployer"),
            point("h", "instructions for use"),
        ],
    },
    Section {
        number: 2,
        title: "Elements of the AI system and its development",
        points: &[
            point("a", "development methods and steps, third-party and pre-trained parts"),
            point("b", "design specification: logic, key choices, assumptions, trade-offs"),
            point("c", "architecture and computing resources"),
            point("d", "data requirements: data sheets, provenance, labelling, cleaning"),
            point("e", "assessment of the human oversight measures needed"),
            point("f", "pre-determined changes and means to keep to the requirements"),
            point("g", "validation and testing, metrics, signed reports"),
            point("h", "cybersecurity measures"),
        ],
    },
    Section {
        number: 3,
        title: "Monitoring, functioning and control",
        points: &[point(
            TEXT,
            "capabilities and limits, accuracy, unintended outcomes, input data",
        )],
    },
    Section {
        number: 4,
        title: "Appropriateness of the performance metrics",
        points: &[point(TEXT, "why the metrics suit this system")],
    },
    Section {
        number: 5,
        title: "Risk management system",
        points: &[point(TEXT, "the risk management system of Article 9 in detail")],
    },
    Section {
        number: 6,
        title: "Changes through the lifecycle",
        points: &[point(TEXT, "relevant changes made by the provider")],
    },
    Section {
        number: 7,
        title: "Standards applied",
        points: &[point(TEXT, "harmonised standards, or the solutions used instead")],
    },
    Section {
        number: 8,
        title: "EU declaration of conformity",
        points: &[point(TEXT, "where the signed declaration is kept, and its reference")],
    },
    Section {
        number: 9,
        title: "Evaluation of performance after placement on the market",
        points: &[point(TEXT, "the system of Article 72 and the post-market monitoring plan")],
    },
];

/// A section by its number.
pub fn section(number: u8) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.number == number)
}

impl Section {
    /// The members of a content that the section does not have.
    pub fn unknown<'a>(&self, content: &'a Object) -> Vec<&'a str> {
        let is_known = |name: &str| self.points.iter().any(|point| point.member == name);
        content.iter().map(|(name, _)| name).filter(|name| !is_known(name)).collect()
    }

    /// The points of which a content says nothing.
    pub fn missing<'a>(&'a self, content: Option<&'a Object>) -> impl Iterator<Item = &'a Point> {
        let says =
            move |point: &&Point| !content.and_then(|c| c.get(point.member)).is_some_and(says);
        self.points.iter().filter(says)
    }
}

/// Whether a value says anything.
pub(crate) fn says(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(_) | Json::Number(_) => true,
        Json::String(text) => !text.trim().is_empty(),
        Json::Array(items) => items.iter().any(says),
        Json::Object(members) => members.iter().any(|(_, value)| says(value)),
    }
}

/// SHA-256 of a content in its canonical form.
pub fn digest(content: &Object) -> Digest {
    Digest(Sha256::digest(Json::Object(content.clone()).to_canonical()).into())
}

pub(crate) fn update<S: Store>(
    context: &mut Context<'_, S>,
    asked: &UpdateAnnexIv,
) -> Result<Outcome, Stop> {
    access::need_level(context, EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let section = section(asked.section).ok_or(Rejection::OutOfBounds { member: "section" })?;
    if !section.unknown(&asked.content).is_empty() {
        return Err(Rejection::OutOfBounds { member: "content" }.into());
    }
    if let Some(id) = asked.system {
        system::known(context.tables.read(), id)?;
    }
    let mut data = context.asked();
    data.insert("content", asked.content.clone());
    data.insert("content_digest", digest(&asked.content).to_string());
    data.insert("section", u64::from(asked.section));
    data.insert("system_id", asked.system.map(|id| id.to_string()));
    let recorded = context.record(EntryType::AnnexIvUpdated, data)?;
    let key = row(asked.system, asked.section, recorded.entry_id.0);
    context.tables.put_record(Table::AnnexIv, &key, &())?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// A version of a section. The file of no system is that of the id zero, which
/// no system has: the time of its draw would be the epoch.
pub(crate) fn row(system: Option<SystemId>, section: u8, entry: u64) -> Vec<u8> {
    let mut key = system.map_or(Ulid(0), |id| id.0).key().to_vec();
    key.push(section);
    key.extend_from_slice(&entry.to_be_bytes());
    key
}

/// The newest version of a section up to an entry.
pub(crate) fn latest(
    read: &impl Read,
    system: Option<SystemId>,
    section: u8,
    as_of: u64,
) -> Result<Option<u64>, Corruption> {
    let rows = read.scan(Scan {
        table: Table::AnnexIv,
        from: &row(system, section, 0),
        to: Some(&row(system, section, as_of.saturating_add(1))),
        direction: Direction::Descending,
        rows_max: 1,
    })?;
    Ok(rows.first().and_then(|(key, _)| keys::last_number(key)))
}

/// Whether an entry must keep its data: it is the newest version of a section of
/// a system that is not retired.
pub(crate) fn is_held(
    read: &impl Read,
    entry: &StoredEntry,
    erase: &Erase,
    now: Timestamp,
) -> Result<bool, Corruption> {
    Ok(erase.part == ErasedPart::All && is_alive(read, entry, now)?)
}

/// Whether an entry tells what a section says of something that lives.
pub(crate) fn is_alive(
    read: &impl Read,
    entry: &StoredEntry,
    now: Timestamp,
) -> Result<bool, Corruption> {
    if entry.header.entry_type != EntryType::AnnexIvUpdated {
        return Ok(false);
    }
    let data = entry.data.as_ref().and_then(|part| serde_json::from_str(&part.text).ok());
    let Some((system, section)) = data.as_ref().and_then(place) else { return Ok(false) };
    if latest(read, system, section, u64::MAX.saturating_sub(1))? != Some(entry.header.id.0) {
        return Ok(false);
    }
    let Some(id) = system else { return Ok(true) };
    let record: Option<SystemRecord> = tables::record(read, Table::System, &id.0.key())?;
    Ok(record.is_some_and(|record| record.details.status(now) != SystemStatus::Retired))
}

/// Whose section such an entry tells, and which.
fn place(data: &Object) -> Option<(Option<SystemId>, u8)> {
    let section = u8::try_from(data.get("section").and_then(Json::as_u64)?).ok()?;
    match data.get("system_id").and_then(Json::as_str) {
        Some(id) => Some((Some(id.parse().ok()?), section)),
        None => Some((None, section)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_something_where_any_part_of_it_does() {
        let value = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        for text in [r#""x""#, "0", "false", r#"["","x"]"#, r#"{"a":{"b":1}}"#] {
            assert!(says(&value(text)), "{text}");
        }
        for text in ["null", r#"" ""#, "[]", "{}", r#"[""]"#, r#"{"a":[null]}"#] {
            assert!(!says(&value(text)), "{text}");
        }
    }

    /// The refs of the regulatory data, as `2(b)` or `3`.
    #[test]
    fn the_points_are_those_of_the_regulatory_data() {
        let items = register::register().annex("annex_iv").and_then(Json::as_object).unwrap();
        let items = items.get("items").and_then(Json::as_array).unwrap();
        let named = items.iter().map(|item| item.as_object().unwrap().get("ref").unwrap());
        let named: Vec<&str> = named.map(|name| name.as_str().unwrap()).collect();
        let ours = SECTIONS.iter().flat_map(|section| {
            section.points.iter().map(|point| match point.member {
                TEXT => section.number.to_string(),
                letter => format!("{}({letter})", section.number),
            })
        });
        assert_eq!(ours.collect::<Vec<_>>(), named);
    }

    #[test]
    fn a_section_knows_its_points_and_what_is_missing() {
        let section = section(2).unwrap();
        let content: Object = serde_json::from_str(r#"{"a":"x","b":" ","z":"y"}"#).unwrap();
        assert_eq!(section.unknown(&content), ["z"]);
        let missing: Vec<_> = section.missing(Some(&content)).map(|point| point.member).collect();
        assert_eq!(missing, ["b", "c", "d", "e", "f", "g", "h"]);
        assert_eq!(section.missing(None).count(), 8);
    }
}
