//! What is signed, and what is never written over.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};

use super::*;

fn node(name: &str) -> Subject {
    Subject::Node { name: name.to_owned(), addresses: vec![Address::parse("n1.example").unwrap()] }
}

fn with_certificate<T>(path: &Path, look: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
    let der = CertificateDer::from_pem_file(path).unwrap();
    look(&X509Certificate::from_der(&der).unwrap().1)
}

/// Which key signed a certificate, or which it is of. That the signature holds
/// is for those to check who believe it.
fn of_key(certificate: &X509Certificate<'_>, signed: bool) -> Vec<u8> {
    let found = certificate.extensions().iter().find_map(|extension| {
        match (extension.parsed_extension(), signed) {
            (ParsedExtension::AuthorityKeyIdentifier(id), true) => id.key_identifier.as_ref(),
            (ParsedExtension::SubjectKeyIdentifier(id), false) => Some(id),
            _ => None,
        }
    });
    found.unwrap().0.to_vec()
}

#[test]
fn a_certificate_is_of_its_authority_and_ends_no_later() {
    let dir = tempfile::tempdir().unwrap();
    let (_, made) = Authority::create(dir.path(), Existing::Keep).unwrap();
    // What another run opens signs alike.
    let authority = Authority::open(dir.path()).unwrap();
    let issued = authority.issue(&node("n_1"), Validity { days: 9999 }, Existing::Keep).unwrap();
    let (subject, ends) = with_certificate(&made.certificate, |authority| {
        with_certificate(&issued.certificate, |node| {
            assert_eq!(of_key(node, true), of_key(authority, false));
            assert_eq!(node.issuer().to_string(), authority.subject().to_string());
            assert!(authority.is_ca() && !node.is_ca());
        });
        (authority.subject().to_string(), authority.validity().not_after.timestamp())
    });
    assert!(subject.starts_with("CN=Lexecon authority "), "{subject}");
    let node_ends =
        with_certificate(&issued.certificate, |node| node.validity().not_after.timestamp());
    assert!(node_ends <= ends, "{node_ends} is after {ends}");
    for key in [&made.key, &issued.key] {
        assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_key_is_written_over_only_by_force() {
    let dir = tempfile::tempdir().unwrap();
    let (authority, made) = Authority::create(dir.path(), Existing::Keep).unwrap();
    let days = Validity { days: 1 };
    let issued = authority.issue(&node("n1"), days, Existing::Keep).unwrap();
    let before = (fs::read(&made.key).unwrap(), fs::read(&issued.key).unwrap());
    let refused = Authority::create(dir.path(), Existing::Keep).unwrap_err();
    assert!(refused.to_string().contains("--force"), "{refused}");
    let refused = authority.issue(&node("n1"), days, Existing::Keep).unwrap_err();
    assert!(matches!(refused, Error::Occupied { .. }), "{refused}");
    assert_eq!((fs::read(&made.key).unwrap(), fs::read(&issued.key).unwrap()), before);
    authority.issue(&node("n1"), days, Existing::Replace).unwrap();
    assert_ne!(fs::read(&issued.key).unwrap(), before.1);
}

#[test]
fn without_an_authority_nothing_is_signed() {
    let dir = tempfile::tempdir().unwrap();
    let refused = Authority::open(dir.path()).unwrap_err();
    assert!(refused.to_string().contains("lexecon certs init"), "{refused}");
    let other = tempfile::tempdir().unwrap();
    for dir in [&dir, &other] {
        Authority::create(dir.path(), Existing::Keep).unwrap();
    }
    fs::copy(other.path().join("ca.key"), dir.path().join("ca.key")).unwrap();
    let refused = Authority::open(dir.path()).unwrap_err();
    assert!(refused.to_string().contains("another's"), "{refused}");
}

#[test]
fn a_name_that_is_no_part_of_a_path_or_uri_is_refused() {
    for text in ["n1", "a_b-c.d", "N"] {
        assert_eq!(name(text).as_deref(), Ok(text));
    }
    for text in ["", "../n1", "n 1", "n/1", "ñ", &"n".repeat(65)] {
        assert!(name(text).is_err(), "{text}");
    }
    for text in ["n1.example", "10.0.0.1", "::1"] {
        assert!(address(text).is_ok(), "{text}");
    }
    for text in ["", "https://n1", "n1:8000", "a b"] {
        assert!(address(text).is_err(), "{text}");
    }
}
