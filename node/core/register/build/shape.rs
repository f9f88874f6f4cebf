//! What may stand in a document: an outline of its members, read from a
//! `.shape` file.
//!
//! A line is `name: kind`, `name?: kind` where it may be left out; what is in a
//! `map`, and in each member of a `list`, stands below, two spaces deeper.
//! `[kind]` is a list of leaves. Of an `id` there is one in its list. Members
//! that the outline does not have are refused, so that nothing is misspelled
//! unseen.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::document::Node;
use crate::words::{
    Coverage, DateGroupId, DateRoute, DateStatus, Detail, EvidenceKind, Primitive, Query,
    Relevance, Role,
};

/// What may stand in one place.
#[derive(Debug)]
pub(crate) enum Shape {
    Leaf(String),
    Leaves(String),
    Map(Vec<Member>),
    List(Vec<Member>),
}

/// A member of a map.
#[derive(Debug)]
pub(crate) struct Member {
    name: String,
    is_optional: bool,
    shape: Shape,
}

impl Shape {
    /// Reads an outline.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines.reverse();
        let members = members(&mut lines, 0)?;
        match lines.pop() {
            Some(line) => Err(format!("`{line}` is too deep")),
            None => Ok(Self::Map(members)),
        }
    }

    /// The document as JSON, if it has this shape.
    pub(crate) fn take(&self, document: &Node) -> Result<Value, String> {
        self.take_at(document, "")
    }

    fn take_at(&self, node: &Node, path: &str) -> Result<Value, String> {
        match (self, node) {
            (Self::Leaf(kind), Node::Leaf(text)) => leaf(kind, text, path),
            (Self::Leaves(kind), Node::List(values)) => {
                let values = values.iter().enumerate().map(|(at, value)| match value {
                    Node::Leaf(text) => leaf(kind, text, &format!("{path}[{at}]")),
                    Node::List(_) | Node::Map(_) => Err(format!("{path}[{at}]: is no leaf")),
                });
                Ok(Value::Array(values.collect::<Result<_, _>>()?))
            }
            (Self::Map(shapes), Node::Map(members)) => map(shapes, members, path),
            (Self::List(shapes), Node::List(values)) => list(shapes, values, path),
            (Self::Leaf(_), Node::List(_) | Node::Map(_)) => Err(format!("{path}: is no leaf")),
            (Self::Leaves(_) | Self::List(_), Node::Leaf(_) | Node::Map(_)) => {
                Err(format!("{path}: is no list"))
            }
            (Self::Map(_), Node::Leaf(_) | Node::List(_)) => Err(format!("{path}: is no map")),
        }
    }
}

/// The members at one depth, from the last line on.
fn members(lines: &mut Vec<&str>, depth: usize) -> Result<Vec<Member>, String> {
    let mut found = Vec::new();
    while let Some(line) = lines.last().copied() {
        let words = line.trim_start();
        if line.len() - words.len() != depth {
            break;
        }
        lines.pop();
        let (name, kind) = words.split_once(": ").ok_or_else(|| format!("`{line}` has no kind"))?;
        let shape = match kind {
            "map" => Shape::Map(members(lines, depth + 2)?),
            "list" => Shape::List(members(lines, depth + 2)?),
            kind => match kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
                Some(kind) => Shape::Leaves(kind.to_owned()),
                None => Shape::Leaf(kind.to_owned()),
            },
        };
        let is_optional = name.ends_with('?');
        found.push(Member { name: name.trim_end_matches('?').to_owned(), is_optional, shape });
    }
    Ok(found)
}

fn map(shapes: &[Member], members: &[(String, Node)], path: &str) -> Result<Value, String> {
    let under = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    let mut taken = Map::new();
    for (name, node) in members {
        let known = shapes.iter().find(|shape| shape.name == *name);
        let known = known.ok_or_else(|| format!("{}: no such member", under(name)))?;
        taken.insert(name.clone(), known.shape.take_at(node, &under(name))?);
    }
    match shapes.iter().find(|shape| !shape.is_optional && !taken.contains_key(&shape.name)) {
        Some(missing) => Err(format!("{}: is missing", under(&missing.name))),
        None => Ok(Value::Object(taken)),
    }
}

fn list(shapes: &[Member], values: &[Node], path: &str) -> Result<Value, String> {
    let is_id = |shape: &&Member| matches!(&shape.shape, Shape::Leaf(kind) if kind == "id");
    let id = shapes.iter().find(is_id).map(|shape| shape.name.as_str());
    let (mut taken, mut ids) = (Vec::new(), BTreeSet::new());
    for (at, node) in values.iter().enumerate() {
        let path = format!("{path}[{at}]");
        let Node::Map(members) = node else {
            return Err(format!("{path}: is no map"));
        };
        let value = map(shapes, members, &path)?;
        if let Some(name) = id
            && !ids.insert(value[name].to_string())
        {
            return Err(format!("{path}.{name}: {} is given twice", value[name]));
        }
        taken.push(value);
    }
    Ok(Value::Array(taken))
}

/// A leaf of a kind. All but flags and whole numbers stay texts.
fn leaf(kind: &str, text: &str, path: &str) -> Result<Value, String> {
    let refused = || format!("{path}: `{text}` is no {kind}");
    let is_good = match kind {
        "text" => true,
        "id" => !text.is_empty() && text.trim() == text,
        "flag" => {
            return text.parse::<bool>().map(Value::Bool).map_err(|_| refused());
        }
        "whole" => {
            return text.parse::<u32>().map(Value::from).map_err(|_| refused());
        }
        "date" => text.len() == 10 && text.parse::<types::Timestamp>().is_ok(),
        "duration" => text.is_empty() || is_duration(text),
        "coverage" => text.parse::<Coverage>().is_ok(),
        "primitive" => text.parse::<Primitive>().is_ok(),
        "query" => text.parse::<Query>().is_ok(),
        "artifact" => text.parse::<EvidenceKind>().is_ok(),
        "role" => text.parse::<Role>().is_ok(),
        "route" => text.parse::<DateRoute>().is_ok(),
        "group" => text.parse::<DateGroupId>().is_ok(),
        "date_status" => text.parse::<DateStatus>().is_ok(),
        "relevance" => text.parse::<Relevance>().is_ok(),
        "detail" => text.parse::<Detail>().is_ok(),
        other => return Err(format!("{path}: `{other}` is no kind of a shape")),
    };
    if is_good { Ok(Value::from(text)) } else { Err(refused()) }
}

/// ISO 8601, as far as limits in law need it: `P15D`, `PT72H`, `P1M`.
fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else {
        return false;
    };
    let (rest, units) = match rest.strip_prefix('T') {
        Some(rest) => (rest, "HMS"),
        None => (rest, "YMWD"),
    };
    let Some(unit) = rest.chars().last().filter(|unit| units.contains(*unit)) else {
        return false;
    };
    rest.trim_end_matches(unit).parse::<u32>().is_ok()
}
