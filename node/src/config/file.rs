//! The configuration file: TOML, its keys those of the table of settings.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::ConfigError;
use super::settings::{Kind, SETTINGS};

/// Values by dotted key.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|err| {
        ConfigError(format!("cannot read the configuration at `{}`: {err}", path.display()))
    })?;
    let table: Table = text.parse().map_err(|err: toml::de::Error| {
        ConfigError(format!("`{}` is not TOML: {}", path.display(), err.message()))
    })?;
    let mut values = BTreeMap::new();
    flatten("", &table, &mut values)?;
    for key in values.keys() {
        let known = SETTINGS.iter().find(|setting| setting.key == key);
        if let Some(setting) = known.filter(|setting| setting.kind == Kind::Secret) {
            return Err(ConfigError(format!(
                "`{}` has `{key}`: give it as {}, or in a file of its own",
                path.display(),
                setting.environment
            )));
        }
        if known.is_none() {
            return Err(ConfigError(format!(
                "`{}` has an unknown key `{key}`: see lexecon serve --print-config",
                path.display()
            )));
        }
    }
    Ok(values)
}

fn flatten(
    prefix: &str,
    table: &Table,
    values: &mut BTreeMap<String, String>,
) -> Result<(), ConfigError> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(table) => flatten(&key, table, values)?,
            Value::Array(items) => {
                let items: Result<Vec<String>, _> =
                    items.iter().map(|item| scalar(&key, item)).collect();
                values.insert(key, items?.join(","));
            }
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_) => {
                let text = scalar(&key, value)?;
                values.insert(key, text);
            }
        }
    }
    Ok(())
}

fn scalar(key: &str, value: &Value) -> Result<String, ConfigError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(fact) => Ok(fact.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            Err(ConfigError(format!("`{key}` must be text, an integer or a truth value")))
        }
    }
}
