//! Environment variables: which are ours, which look like ours misspelt, and
//! which were promised but have no effect yet.

use std::collections::BTreeMap;
use std::path::Path;

use super::settings::{DATABASE_URL, OF_CLIENTS, SETTINGS, Setting, WITHOUT_EFFECT};
use super::{ConfigError, Source};

/// The value of a setting, if the environment gives one.
pub(super) fn value(
    environment: &BTreeMap<String, String>,
    setting: &Setting,
) -> Option<(String, Source)> {
    let names = [Some(setting.environment), setting.also];
    let found = names.into_iter().flatten().find_map(|name| {
        let value = environment.get(name)?;
        Some((value.clone(), Source::Environment(name.to_owned())))
    });
    if setting.key == "data_dir" {
        return found.or_else(|| sqlite_dir(environment));
    }
    found
}

/// `sqlite:///path` once named a database file; its directory is ours.
fn sqlite_dir(environment: &BTreeMap<String, String>) -> Option<(String, Source)> {
    let path = environment.get(DATABASE_URL)?.strip_prefix("sqlite:///")?;
    let dir = Path::new(path).parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new(".")).to_string_lossy().into_owned();
    Some((dir, Source::Environment(DATABASE_URL.to_owned())))
}

/// Refuses what looks like a variable of ours misspelt; gives back what to warn
/// about. Values are never shown: one may be a secret.
pub(super) fn check(environment: &BTreeMap<String, String>) -> Result<Vec<String>, ConfigError> {
    let mut warnings = Vec::new();
    for (name, value) in environment {
        let mirror = name == DATABASE_URL && !value.starts_with("sqlite:");
        if WITHOUT_EFFECT.contains(&name.as_str()) || mirror {
            warnings.push(format!("{name} is set and has no effect in this release"));
        } else if ["LEXECON", "DB_ENCRYPTION"].iter().any(|ours| name.starts_with(ours))
            && !is_known(name)
        {
            if let Some(meant) = ours().find(|ours| distance_within_2(name, ours)) {
                return Err(ConfigError(format!("{name} is not a variable of ours: {meant} is")));
            }
            warnings.push(format!("{name} is not a variable of ours"));
        }
    }
    Ok(warnings)
}

fn ours() -> impl Iterator<Item = &'static str> {
    let settings = SETTINGS.iter().flat_map(|setting| [Some(setting.environment), setting.also]);
    settings.flatten().chain(WITHOUT_EFFECT.iter().copied()).chain([DATABASE_URL])
}

fn is_known(name: &str) -> bool {
    // Kubernetes sets such variables for every service in a namespace.
    let service_link = name.contains("_SERVICE_") || name.contains("_PORT");
    let peer_port = name == "LEXECON_PEER_LISTEN";
    OF_CLIENTS.contains(&name) || ours().any(|ours| ours == name) || (service_link && !peer_port)
}

/// Whether at most two insertions, deletions or replacements lie between.
fn distance_within_2(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    (1..=2).contains(&row[b.len()])
}
