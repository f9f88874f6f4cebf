//! Holds the data to their shape and to the words of the crate, and writes them
//! as one compact JSON text for the crate to embed.
//!
//! A fault ends the build and names its path, such as
//! `articles[3].obligations[0].coverage`.

#[path = "build/document.rs"]
mod document;
#[path = "src/model.rs"]
#[expect(dead_code, unreachable_pub, reason = "read here as the crate reads it, and used there")]
mod model;
#[path = "build/shape.rs"]
mod shape;
#[path = "src/words.rs"]
#[expect(dead_code, unreachable_pub, reason = "the words of the crate")]
mod words;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Value, json};

use document::Node;
use shape::Shape;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    for watched in ["build.rs", "build", "data", "src/model.rs", "src/words.rs"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let act = read(&root.join("data"), "eu-ai-act")?;
    let mut frameworks = read(&root.join("data"), "frameworks")?;
    check_vocabulary(&act)?;
    if act["vocabulary"] != frameworks["vocabulary"] {
        return Err("the vocabularies of the two files differ".into());
    }
    check_articles(&act)?;
    check_totals(&frameworks)?;
    // Said once is enough.
    frameworks.as_object_mut().and_then(|members| members.remove("vocabulary"));
    let text = json!({ "act": act, "frameworks": frameworks }).to_string();
    serde_json::from_str::<model::Data>(&text).map_err(|err| format!("as types: {err}"))?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("register.json"), text)?;
    Ok(())
}

/// A file in its shape.
fn read(data: &Path, name: &str) -> Result<Value, Box<dyn Error>> {
    let text = |ending: &str| {
        let path = data.join(format!("{name}.{ending}"));
        fs::read_to_string(&path).map_err(|err| format!("cannot read {}: {err}", path.display()))
    };
    let shape = Shape::read(&text("shape")?).map_err(|err| format!("{name}.shape: {err}"))?;
    let document = Node::read(&text("yaml")?).map_err(|err| format!("{name}.yaml: {err}"))?;
    Ok(shape.take(&document).map_err(|err| format!("{name}.yaml: {err}"))?)
}

/// The vocabulary and the words of the crate are the same, in the same order.
fn check_vocabulary(act: &Value) -> Result<(), String> {
    fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|one| word(*one)).collect()
    }
    let kinds = [
        ("primitives", words(words::Primitive::ALL, words::Primitive::as_str)),
        ("evidence_queries", words(words::Query::ALL, words::Query::as_str)),
        ("human_artifact_types", words(words::EvidenceKind::ALL, words::EvidenceKind::as_str)),
    ];
    for (kind, expect) in kinds {
        let listed = act["vocabulary"][kind].as_array().into_iter().flatten();
        let found: Vec<&str> = listed.filter_map(|one| one["id"].as_str()).collect();
        if found != expect {
            return Err(format!("vocabulary.{kind} is {found:?}, and the crate has {expect:?}"));
        }
    }
    let order = act["status_model"]["precedence"].as_array().into_iter().flatten();
    let order: Vec<&str> = order.filter_map(Value::as_str).collect();
    if order != words(words::Detail::ALL, words::Detail::as_str) {
        return Err(format!("status_model.precedence is {order:?}, which the crate has otherwise"));
    }
    Ok(())
}

/// Ids of duties are unique among all, and each is one of its article; dates
/// are those of the group.
fn check_articles(act: &Value) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    let articles = act["articles"].as_array().into_iter().flatten();
    for (at, article) in articles.enumerate() {
        let group = &article["application"]["group"];
        let groups = act["date_groups"].as_array().into_iter().flatten();
        let found: Vec<&Value> = groups.filter(|other| other["id"] == *group).collect();
        let [found] = found.as_slice() else {
            return Err(format!("articles[{at}].application.group: no such group"));
        };
        if found["dates"] != article["application"]["dates"] {
            return Err(format!("articles[{at}].application.dates: not those of its group"));
        }
        let duties = article["obligations"].as_array().into_iter().flatten();
        for (number, duty) in duties.enumerate() {
            if !ids.insert(duty["id"].as_str()) {
                return Err(format!("articles[{at}].obligations[{number}].id: given twice"));
            }
        }
    }
    Ok(())
}

/// A framework counts its controls right.
fn check_totals(frameworks: &Value) -> Result<(), String> {
    let all = frameworks["frameworks"].as_array().into_iter().flatten();
    for (at, framework) in all.enumerate() {
        let controls = framework["controls"].as_array().into_iter().flatten();
        let coverages: Vec<&Value> = controls.map(|control| &control["coverage"]).collect();
        let totals = framework["totals"].as_object().into_iter().flatten();
        for (word, told) in totals {
            let counted = match word.as_str() {
                "controls" => coverages.len(),
                word => coverages.iter().filter(|coverage| **coverage == word).count(),
            };
            if *told != json!(counted) {
                let path = format!("frameworks[{at}].totals.{word}");
                return Err(format!("{path}: says {told}, and there are {counted}"));
            }
        }
    }
    Ok(())
}
