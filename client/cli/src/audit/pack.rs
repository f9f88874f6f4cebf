//! Questions of an auditor that are asked together, as of one entry.
//!
//! The pack is a file that the auditor keeps, and no record of the cluster: what
//! somebody wants to look at is theirs.

use std::path::Path;

use client::Client;
use ledger::hash::sha256;
use types::{Json, Object};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;

struct Pack {
    name: String,
    queries: Vec<String>,
}

pub(super) async fn run(
    path: &Path,
    as_of: Option<&str>,
    (client, console): (&Client, &mut Console<'_>),
) -> Result<Exit, Failure> {
    let pack = read(path, input::document(path)?)?;
    // One answer has them all, so that none is as of another entry.
    let mut found = console.wait("the answers", client.compliance_queries(as_of)).await?;
    if as_of.is_none() {
        // Of the last entry it can change what signatures come: as of an entry it
        // is answered once they are there.
        let last = found.value.as_of_index.to_string();
        found = console.wait("the answers", client.compliance_queries(Some(&last))).await?;
    }
    let results = pick(&pack, &found.raw)?;
    let result = result(&pack, results, found.value.as_of_index);
    console.show_text(&format!("{}\n", result.to_canonical()))?;
    Ok(Exit::Done)
}

fn read(path: &Path, document: Json) -> Result<Pack, Failure> {
    let wrong = |what: &str| Failure::Usage(format!("`{}`: {what}", path.display()));
    let members = document.as_object().ok_or_else(|| wrong("must be an object"))?;
    if let Some((other, _)) = members.iter().find(|(name, _)| !["name", "queries"].contains(name)) {
        return Err(wrong(&format!("has no place for `{other}`")));
    }
    let name = members.get("name").and_then(Json::as_str);
    let name = name.ok_or_else(|| wrong("`name` must be a text"))?.to_owned();
    let queries = members.get("queries").and_then(Json::as_array).unwrap_or_default();
    let queries: Option<Vec<String>> =
        queries.iter().map(|query| query.as_str().map(str::to_owned)).collect();
    match queries {
        Some(queries) if !queries.is_empty() => Ok(Pack { name, queries }),
        Some(_) | None => Err(wrong("`queries` must be a list of names, at least one")),
    }
}

/// What was found for each question, in the order of the pack.
fn pick(pack: &Pack, found: &Json) -> Result<Vec<Json>, Failure> {
    let all = found.as_object().and_then(|found| found.get("queries")).and_then(Json::as_array);
    let all = all.unwrap_or_default();
    let one = |query: &String| {
        let is_it = |found: &&Json| {
            let name = found.as_object().and_then(|found| found.get("query"));
            name.and_then(Json::as_str) == Some(query)
        };
        let unknown = || Failure::Usage(format!("the register has no question `{query}`"));
        all.iter().find(is_it).cloned().ok_or_else(unknown)
    };
    pack.queries.iter().map(one).collect()
}

/// What is printed. The digest is over the rest of it.
fn result(pack: &Pack, results: Vec<Json>, as_of: u64) -> Json {
    let mut members = Object::new();
    members.insert("as_of_index", as_of);
    members.insert("name", pack.name.as_str());
    members.insert("results", Json::Array(results));
    let digest = sha256(Json::Object(members.clone()).to_canonical().as_bytes());
    members.insert("sha256", digest.to_string());
    Json::Object(members)
}
