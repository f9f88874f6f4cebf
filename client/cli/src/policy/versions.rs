//! `lexecon policy load`, `list`, `show` and `rollback`.

use std::path::Path;
use std::str::FromStr;

use client::Client;
use client::policy::{LoadOptions, Loaded, Policies, Policy, Version};
use types::Json;

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::table::{cell, fields, short, table};

pub(super) const LOAD_HELP: &str = "\
Puts a policy in force. The document is JSON or YAML; `-` reads standard input.

It is checked completely first: one that is not valid changes nothing, exits 1, and every fault is \
named. Keys given twice, YAML aliases and numbers that would not keep their value are refused.

The request is sent once: where its outcome is unknown, `lexecon policy list` tells.

Examples:

  lexecon policy load policy.yaml

  lexecon policy load - --expected-active-version 3 --note 'quarterly review' < policy.json";

pub(super) const LIST_HELP: &str = "\
Every version, oldest first. Version 0 is the empty policy that every ledger begins with.

Example:

  lexecon policy list --json";

pub(super) const SHOW_HELP: &str = "\
One version with its document in normal form: long spellings, defaults filled in, lists sorted.

Examples:

  lexecon policy show

  lexecon policy show 3";

pub(super) const ROLLBACK_HELP: &str = "\
Puts the document of an earlier version in force again, as a new version. The ledger keeps why.

The request is sent once: where its outcome is unknown, `lexecon policy list` tells.

Example:

  lexecon policy rollback 3 --reason 'version 4 locked the night shift out'";

/// A version as it is named on the command line.
#[derive(Clone, Copy, Debug)]
pub struct Which(pub(super) Version);

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "active" => Ok(Self(Version::Active)),
            number => {
                let number = number.parse().map_err(|_| "must be a version or `active`")?;
                Ok(Self(Version::Number(number)))
            }
        }
    }
}

pub(super) async fn load(
    file: &Path,
    options: &LoadOptions,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let document = input::document(file)?;
    let load = client.policy_load(&document, options);
    let reply = console.wait("the policy to be loaded", load).await?;
    console.show(&reply.raw, || shown_loaded(&reply.value))?;
    Ok(Exit::Done)
}

pub(super) async fn rollback(
    version: u64,
    reason: &str,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let rollback = client.policy_rollback(version, reason);
    let reply = console.wait("the policy to be loaded", rollback).await?;
    console.show(&reply.raw, || shown_loaded(&reply.value))?;
    Ok(Exit::Done)
}

pub(super) async fn list(client: &Client, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let reply = console.wait("the policies", client.policies()).await?;
    console.show(&reply.raw, || shown_list(&reply.value))?;
    Ok(Exit::Done)
}

pub(super) async fn show(
    which: Which,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let reply = console.wait("the policy", client.policy(which.0)).await?;
    console.show(&reply.raw, || shown_policy(&reply.value))?;
    Ok(Exit::Done)
}

fn shown_loaded(loaded: &Loaded) -> String {
    let mut text = fields([
        ("version", Some(format!("{} (was {})", loaded.policy_version, loaded.previous_version))),
        ("hash", Some(loaded.policy_hash.clone())),
        ("mode", Some(loaded.mode.clone())),
        ("terms", Some(loaded.terms_loaded.to_string())),
        ("relations", Some(loaded.relations_loaded.to_string())),
        ("entry", Some(loaded.ledger_entry_id.to_string())),
    ]);
    text.push_str(&warnings(&loaded.warnings));
    text
}

pub(super) fn warnings(warnings: &[Json]) -> String {
    let lines = warnings.iter().map(|warning| {
        let said = |name: &str| warning.as_object()?.get(name)?.as_str();
        let line = match (said("pointer"), said("detail")) {
            (Some(pointer), Some(detail)) => format!("{pointer}: {detail}"),
            _ => warning.as_str().map_or_else(|| warning.to_canonical(), str::to_owned),
        };
        format!("warning: {}\n", printable(&line))
    });
    lines.collect()
}

fn shown_list(list: &Policies) -> String {
    let rows = list.policies.iter().map(|policy| {
        [
            policy.version.to_string(),
            if policy.active { "active".to_owned() } else { String::new() },
            policy.mode.clone(),
            policy.terms_count.to_string(),
            policy.relations_count.to_string(),
            short(&policy.policy_hash),
            cell(policy.loaded_at.as_ref()),
            cell(policy.name.as_ref()),
        ]
    });
    let header = ["VERSION", "STATE", "MODE", "TERMS", "RELATIONS", "HASH", "LOADED", "NAME"];
    table(header, rows.collect())
}

fn shown_policy(policy: &Policy) -> String {
    let mut text = fields([
        ("version", Some(policy.version.to_string())),
        ("active", Some(if policy.active { "yes" } else { "no" }.to_owned())),
        ("name", policy.name.clone()),
        ("mode", Some(policy.mode.clone())),
        ("hash", Some(policy.policy_hash.clone())),
        ("loaded", policy.loaded_at.clone()),
        ("by", policy.loaded_by.clone()),
        ("entry", policy.ledger_entry_id.map(|id| id.to_string())),
    ]);
    if let Some(document) = &policy.document {
        // Pretty JSON escapes control characters by itself.
        let pretty = serde_json::to_string_pretty(document);
        text.push_str(&format!("\n{}\n", pretty.unwrap_or_else(|_| document.to_canonical())));
    }
    text
}
