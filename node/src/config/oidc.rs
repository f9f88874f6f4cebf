//! Providers of logins, from their settings.

use std::path::Path;

use api::OidcProvider;
use governance::access::AccountRole;
use reqwest::Url;
use secrecy::SecretString;

use super::{Config, ConfigError, Settings, bad};

/// What a description of a provider is called.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Keys of the settings of one provider.
struct Origin {
    name: &'static str,
    client_id: &'static str,
    client_secret: &'static str,
    client_secret_file: &'static str,
    scopes: &'static str,
    role_claim: &'static str,
    role_map: &'static str,
}

const GOOGLE: Origin = Origin {
    name: "google",
    client_id: "oidc.google.client_id",
    client_secret: "oidc.google.client_secret",
    client_secret_file: "oidc.google.client_secret_file",
    scopes: "oidc.google.scopes",
    role_claim: "oidc.google.role_claim",
    role_map: "oidc.google.role_map",
};
const AZURE: Origin = Origin {
    name: "azure",
    client_id: "oidc.azure.client_id",
    client_secret: "oidc.azure.client_secret",
    client_secret_file: "oidc.azure.client_secret_file",
    scopes: "oidc.azure.scopes",
    role_claim: "oidc.azure.role_claim",
    role_map: "oidc.azure.role_map",
};
const CUSTOM: Origin = Origin {
    name: "custom",
    client_id: "oidc.custom.client_id",
    client_secret: "oidc.custom.client_secret",
    client_secret_file: "oidc.custom.client_secret_file",
    scopes: "oidc.custom.scopes",
    role_claim: "oidc.custom.role_claim",
    role_map: "oidc.custom.role_map",
};

impl Settings {
    /// Where browsers come in, without a slash at the end.
    pub(super) fn base_url(&self) -> Result<Option<String>, ConfigError> {
        let key = "base_url";
        let Some(text) = self.text(key) else { return Ok(None) };
        let url: Url = text.parse().map_err(|_| bad(key, &text, "a URL"))?;
        let is_plain = url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
            return Err(bad(key, &text, "`http://` or `https://`, a host and at most a path"));
        }
        Ok(Some(text.trim_end_matches('/').to_owned()))
    }

    /// The providers that have a client id.
    pub(super) fn oidc(&self) -> Result<Vec<OidcProvider>, ConfigError> {
        let google = self.provider(&GOOGLE, |_| Ok("https://accounts.google.com".to_owned()))?;
        let azure = self.provider(&AZURE, Self::azure_issuer)?;
        let custom = self.provider(&CUSTOM, Self::custom_issuer)?;
        Ok([google, azure, custom].into_iter().flatten().collect())
    }

    fn provider(
        &self,
        origin: &Origin,
        issuer: impl Fn(&Self) -> Result<String, ConfigError>,
    ) -> Result<Option<OidcProvider>, ConfigError> {
        let Some(client_id) = self.text(origin.client_id) else { return Ok(None) };
        Ok(Some(OidcProvider {
            name: origin.name,
            issuer: issuer(self)?,
            client_id,
            client_secret: self.client_secret(origin)?,
            scopes: self.list(origin.scopes),
            role_claim: self.text(origin.role_claim),
            roles: self.roles(origin)?,
        }))
    }

    fn client_secret(&self, origin: &Origin) -> Result<Option<SecretString>, ConfigError> {
        let given = self.secrets.get(origin.client_secret).cloned();
        let Some(path) = self.text(origin.client_secret_file) else { return Ok(given) };
        if given.is_some() {
            let (one, other) = (origin.client_secret, origin.client_secret_file);
            return Err(ConfigError(format!("{one} and {other} are both given: give one")));
        }
        let text = std::fs::read_to_string(Path::new(&path)).map_err(|error| {
            ConfigError(format!("{} `{path}` cannot be read: {error}", origin.client_secret_file))
        })?;
        let text = text.trim();
        if text.is_empty() {
            return Err(ConfigError(format!("{} `{path}` is empty", origin.client_secret_file)));
        }
        Ok(Some(SecretString::from(text)))
    }

    /// One tenant, by its id: `common` and its like would let the people of any
    /// tenant of the world in.
    fn azure_issuer(&self) -> Result<String, ConfigError> {
        let key = "oidc.azure.tenant";
        let tenant = self.text(key).unwrap_or_default().to_ascii_lowercase();
        let lengths: Vec<usize> = tenant.split('-').map(str::len).collect();
        let is_hex = tenant.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if lengths != [8, 4, 4, 4, 12] || !is_hex {
            return Err(bad(key, &tenant, "the id of one tenant, a UUID"));
        }
        Ok(format!("https://login.microsoftonline.com/{tenant}/v2.0"))
    }

    /// Tokens name the issuer to the letter, a slash at its end included.
    fn custom_issuer(&self) -> Result<String, ConfigError> {
        let key = "oidc.custom.discovery_url";
        let text = self.text(key).unwrap_or_default();
        let url: Url = text.parse().map_err(|_| bad(key, &text, "a URL"))?;
        let is_plain = url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
            return Err(bad(key, &text, "the URL of an issuer"));
        }
        Ok(text.strip_suffix(WELL_KNOWN).unwrap_or(&text).to_owned())
    }

    /// `value=role`, the first that fits counts. The value may have `=` in it.
    fn roles(&self, origin: &Origin) -> Result<Vec<(String, AccountRole)>, ConfigError> {
        let key = origin.role_map;
        let map = self.list(key);
        if !map.is_empty() && self.text(origin.role_claim).is_none() {
            return Err(ConfigError(format!("{key} needs {}", origin.role_claim)));
        }
        let what = "`value=role` with a role of viewer, auditor, compliance_officer or admin";
        let one = |text: &String| {
            let (value, role) = text.rsplit_once('=')?;
            Some((value.trim().to_owned(), AccountRole::parse(role.trim())?))
        };
        map.iter().map(|text| one(text).ok_or_else(|| bad(key, text, what))).collect()
    }
}

/// A provider sends browsers back to us, so it must be told where.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    match config.oidc.first() {
        Some(provider) if config.base_url.is_none() => {
            Err(ConfigError(format!("oidc.{}.client_id needs base_url", provider.name)))
        }
        Some(_) | None => Ok(()),
    }
}
