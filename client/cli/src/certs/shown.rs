//! `lexecon certs show`: what certificates say, read from their bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use types::{Json, Timestamp};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, InputError};
use crate::table::fields;

/// What there is to show of one.
struct Shown {
    subject: String,
    issuer: String,
    names: Vec<String>,
    from: Timestamp,
    until: Timestamp,
    is_authority: bool,
    holds: bool,
}

pub(super) fn run(file: &Path, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let malformed = |why: String| InputError::Malformed { path: file.to_owned(), why };
    let bytes = input::bytes(file)?;
    let mut all = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|error| malformed(error.to_string()))?;
        all.push(read(&certificate).map_err(malformed)?);
    }
    if all.is_empty() {
        return Err(malformed("there is no certificate in it".to_owned()).into());
    }
    let raw =
        Json::object([("certificates", all.iter().map(Shown::to_json).collect::<Vec<_>>().into())]);
    console.show(&raw, || all.iter().map(Shown::to_text).collect::<Vec<_>>().join("\n"))?;
    Ok(Exit::answer(all.iter().all(|one| one.holds)))
}

fn read(certificate: &CertificateDer<'_>) -> Result<Shown, String> {
    let parsed = X509Certificate::from_der(certificate);
    let (_, parsed) = parsed.map_err(|error| format!("it is no certificate: {error}"))?;
    let names = parsed.subject_alternative_name().map_err(|error| error.to_string())?;
    let names =
        names.map_or_else(Vec::new, |names| names.value.general_names.iter().map(name).collect());
    let micros =
        |seconds: i64| Timestamp(u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000));
    let validity = parsed.validity();
    let (from, until) =
        (micros(validity.not_before.timestamp()), micros(validity.not_after.timestamp()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = micros(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    Ok(Shown {
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        names,
        from,
        until,
        is_authority: parsed.is_ca(),
        holds: from <= now && now <= until,
    })
}

/// A name as people write it.
fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::URI(uri) => (*uri).to_owned(),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
            let v6 = || <[u8; 16]>::try_from(*bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)));
            v4.or_else(|_| v6()).map_or_else(|_| name.to_string(), |ip| ip.to_string())
        }
        other => other.to_string(),
    }
}

impl Shown {
    fn to_json(&self) -> Json {
        let names: Vec<Json> = self.names.iter().map(|name| name.as_str().into()).collect();
        Json::object([
            ("subject", self.subject.as_str().into()),
            ("issuer", self.issuer.as_str().into()),
            ("names", names.into()),
            ("valid_from", self.from.to_string().into()),
            ("valid_until", self.until.to_string().into()),
            ("is_authority", self.is_authority.into()),
            ("valid_now", self.holds.into()),
        ])
    }

    fn to_text(&self) -> String {
        let now = if self.holds { "yes" } else { "no" };
        let kind = self.is_authority.then(|| "an authority".to_owned());
        fields([
            ("subject", Some(self.subject.clone())),
            ("issuer", Some(self.issuer.clone())),
            ("is", kind),
            ("names", (!self.names.is_empty()).then(|| self.names.join(", "))),
            ("from", Some(self.from.to_string())),
            ("until", Some(self.until.to_string())),
            ("holds now", Some(now.to_owned())),
        ])
    }
}
