//! Master keys, from wherever the operator keeps them: the environment, a file,
//! or what a command prints. No value is ever shown.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use storage::MasterKey;
use zeroize::Zeroizing;

use super::{ConfigError, Encryption, Settings, Source};

/// Longest a command may take: it may ask a service.
const COMMAND_MAX: Duration = Duration::from_secs(30);
/// More than this is no key.
const BYTES_MAX: u64 = 64 * 1024;

/// Keys of settings that say where a master key comes from.
struct Origin {
    value: &'static str,
    file: &'static str,
    command: Option<&'static str>,
    /// What errors call it.
    variable: &'static str,
}

const DATA: Origin = Origin {
    value: "encryption.key",
    file: "encryption.key_file",
    command: Some("encryption.key_command"),
    variable: storage::keyring::VARIABLE,
};
const DATA_PREVIOUS: Origin = Origin {
    value: "encryption.key_previous",
    file: "encryption.key_previous_file",
    command: None,
    variable: "DB_ENCRYPTION_KEY_PREVIOUS",
};
const NODE: Origin = Origin {
    value: "encryption.master_key",
    file: "encryption.master_key_file",
    command: Some("encryption.master_key_command"),
    variable: crate::sealing::VARIABLE,
};
const NODE_PREVIOUS: Origin = Origin {
    value: "encryption.master_key_previous",
    file: "encryption.master_key_previous_file",
    command: None,
    variable: "LEXECON_MASTER_KEY_PREVIOUS",
};

impl Settings {
    pub(super) fn encryption(&self) -> Result<Encryption, ConfigError> {
        let rotate_after = self.seconds("encryption.rotate_after_s")?;
        if rotate_after.is_zero() {
            let key = "encryption.rotate_after_s";
            return Err(ConfigError(format!("{key} `0` is not at least 1")));
        }
        let (data, data_previous) = self.pair(&DATA, &DATA_PREVIOUS)?;
        let (node, node_previous) = self.pair(&NODE, &NODE_PREVIOUS)?;
        Ok(Encryption { data, data_previous, node, node_previous, rotate_after })
    }

    fn pair(
        &self,
        origin: &Origin,
        previous: &Origin,
    ) -> Result<(Option<MasterKey>, Option<MasterKey>), ConfigError> {
        let (key, previous_key) = (self.master_key(origin)?, self.master_key(previous)?);
        if key.is_none() && previous_key.is_some() {
            let (variable, previous) = (origin.variable, previous.variable);
            return Err(ConfigError(format!("{previous} is given without {variable}")));
        }
        Ok((key, previous_key))
    }

    fn master_key(&self, origin: &Origin) -> Result<Option<MasterKey>, ConfigError> {
        let command = origin.command.and_then(|key| Some((key, self.text(key)?)));
        match (self.secrets.get(origin.value), self.text(origin.file), command) {
            (None, None, None) => Ok(None),
            (Some(value), None, None) => parse(&self.name_of(origin.value), value).map(Some),
            (None, Some(path), None) => {
                let name = self.name_of(origin.file);
                let text = read(&path).map_err(|why| ConfigError(format!("{name}: {why}")))?;
                parse(&name, &text).map(Some)
            }
            (None, None, Some((key, command))) => {
                let name = self.name_of(key);
                let text = output(&command).map_err(|why| ConfigError(format!("{name}: {why}")))?;
                parse(&name, &text).map(Some)
            }
            _ => Err(ConfigError(format!(
                "{} is given twice: as a value, a file or a command, not several of them",
                origin.variable
            ))),
        }
    }

    /// What an operator calls a setting: the variable, if that is where it is from.
    fn name_of(&self, key: &str) -> String {
        match self.values.get(key) {
            Some((_, Source::Environment(name))) => name.clone(),
            Some((_, Source::Flag | Source::File(_) | Source::Default)) | None => key.to_owned(),
        }
    }
}

/// 32 bytes in hex or base64, or a text that is stretched.
fn parse(name: &str, text: &SecretString) -> Result<MasterKey, ConfigError> {
    let trimmed = text.expose_secret().trim();
    if let Some(bytes) = exact(trimmed) {
        return Ok(MasterKey::from_bytes(name, *bytes));
    }
    MasterKey::from_text(name, SecretString::from(trimmed)).map_err(|why| {
        ConfigError(format!(
            "{name} is no key: it must be 32 bytes in hex or base64, or a text, and {why}"
        ))
    })
}

fn exact(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = match text.len() {
        64 => types::digest::from_hex(&Zeroizing::new(text.to_ascii_lowercase()))?,
        44 => STANDARD.decode(text).ok()?,
        43 => STANDARD_NO_PAD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok()?,
        _ => return None,
    };
    let bytes = Zeroizing::new(bytes);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

fn read(path: &str) -> Result<SecretString, String> {
    let cannot = |error: std::io::Error| format!("cannot read `{path}`: {error}");
    let file = fs::File::open(path).map_err(cannot)?;
    text_of(file).map_err(cannot)
}

fn text_of(from: impl std::io::Read) -> std::io::Result<SecretString> {
    let mut text = String::new();
    from.take(BYTES_MAX).read_to_string(&mut text)?;
    Ok(text.into())
}

/// What a command prints. What it complains of goes where the log goes.
fn output(command: &str) -> Result<SecretString, String> {
    let cannot = |error: std::io::Error| format!("cannot run the command: {error}");
    let mut child = Command::new("/bin/sh");
    child.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = child.spawn().map_err(cannot)?;
    let printed = child.stdout.take();
    let reading = thread::spawn(move || printed.map(text_of));
    let began = Instant::now();
    let status = loop {
        match child.try_wait().map_err(cannot)? {
            Some(status) => break status,
            None if COMMAND_MAX < began.elapsed() => {
                // It may have ended by itself just now.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("the command took more than {} s", COMMAND_MAX.as_secs()));
            }
            None => thread::sleep(Duration::from_millis(10)),
        }
    };
    if !status.success() {
        return Err(format!("the command failed ({status})"));
    }
    let text = reading.join().ok().flatten();
    text.unwrap_or_else(|| Ok(SecretString::default())).map_err(cannot)
}
