//! Verifying Ed25519 (RFC 8032) and RSASSA-PSS (RFC 8017), and the text form of
//! keys and signatures, base64url without padding.
//!
//! RSA stands beside Ed25519 for readers of the far future and is verified in
//! one shape only: SHA-256, MGF1 with SHA-256, a salt of 32 bytes.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use rsa::BoxedUint;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use sha2::Sha256;

/// Characters of a signature's text.
pub const TEXT_CHARS: usize = 86;

/// Sizes of an RSA modulus that count, in bits: below lies what can be broken,
/// above what costs more to verify than anyone needs.
pub const RSA_BITS: RangeInclusive<usize> = 2048..=4096;

/// Whether `signature` is one of `message` under `key`. Strict: a key or
/// signature with more than one spelling is refused, so that all verifiers
/// agree.
pub fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(key) else {
        return false;
    };
    key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
}

/// Whether these bytes are a key under which [`verify`] can ever hold. A weak
/// key would sign anything.
pub fn is_public_key(bytes: &[u8; 32]) -> bool {
    VerifyingKey::from_bytes(bytes).is_ok_and(|key| !key.is_weak())
}

/// An RSA public key as its two numbers.
///
/// INVARIANT: neither number is empty or has leading zeros; [`RsaPublic::new`]
/// alone makes one, so a key has one DER form and one key id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaPublic {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl RsaPublic {
    /// A key of big-endian modulus and exponent; `None` with leading zeros.
    /// Whether the numbers make a key shows when a signature is verified.
    pub fn new(n: Vec<u8>, e: Vec<u8>) -> Option<Self> {
        let is_minimal = |number: &[u8]| number.first().is_some_and(|first| *first != 0);
        (is_minimal(&n) && is_minimal(&e)).then_some(Self { n, e })
    }

    /// The modulus, big-endian.
    pub fn n(&self) -> &[u8] {
        &self.n
    }

    /// The public exponent, big-endian.
    pub fn e(&self) -> &[u8] {
        &self.e
    }

    /// DER SubjectPublicKeyInfo (RFC 5280), algorithm `rsaEncryption`.
    pub fn spki_der(&self) -> Vec<u8> {
        let key = der(SEQUENCE, &[der_integer(&self.n), der_integer(&self.e)].concat());
        let bits = der(BIT_STRING, &[&[0], key.as_slice()].concat());
        der(SEQUENCE, &[RSA_ENCRYPTION, bits.as_slice()].concat())
    }

    /// Reads DER SubjectPublicKeyInfo and nothing else.
    pub fn from_spki(spki: &[u8]) -> Option<Self> {
        let key = rsa::PublicKey::from_public_key_der(spki).ok()?;
        let key = Self::new(key.n_bytes().into_vec(), key.e_bytes().into_vec())?;
        (key.spki_der() == spki).then_some(key)
    }

    /// Whether `signature` is one of `message`: RSASSA-PSS as above, with a key
    /// of [`RSA_BITS`] and no other.
    pub fn verify_pss(&self, message: &[u8], signature: &[u8]) -> bool {
        let n = BoxedUint::from_be_slice_vartime(&self.n);
        let e = BoxedUint::from_be_slice_vartime(&self.e);
        rsa::PublicKey::new_with_size_limits(n, e, RSA_BITS)
            .is_ok_and(|key| key.pss_verify::<Sha256>(message, signature).is_ok())
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// DER of the algorithm: a sequence of the OID 1.2.840.113549.1.1.1 and null.
const RSA_ENCRYPTION: &[u8] =
    &[0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0];

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let length = length.get(zeros..).unwrap_or_default();
    let mut out = vec![tag];
    match (content.len(), u8::try_from(length.len())) {
        // The long form says first how many bytes the length has.
        (128.., Ok(bytes)) => out.push(0x80 | bytes),
        (0, _) => out.push(0),
        (_, _) => {}
    }
    out.extend_from_slice(length);
    out.extend_from_slice(content);
    out
}

fn der_integer(number: &[u8]) -> Vec<u8> {
    // A set first bit would make it negative.
    let is_negative = number.first().is_some_and(|first| 0x80 <= *first);
    let sign: &[u8] = if is_negative { &[0] } else { &[] };
    der(INTEGER, &[sign, number].concat())
}

/// Base64url without padding.
pub fn to_text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of base64url without padding, if the text is that.
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The 64 bytes of a signature's text.
pub fn parse(text: &str) -> Option<[u8; 64]> {
    from_text(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_key_is_none() {
        let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
        assert!(is_public_key(&key.verifying_key().to_bytes()));
        let mut weak = [0; 32];
        weak[0] = 1;
        let mut no_point = [0; 32];
        no_point[0] = 2;
        for other in [weak, no_point] {
            assert!(!is_public_key(&other), "{other:?}");
        }
    }

    /// Made with OpenSSL 3.0.
    const VECTORS: &str = include_str!("../tests/vectors/rsa_pss.json");

    struct Vector {
        name: String,
        key: RsaPublic,
        spki: Vec<u8>,
        message: Vec<u8>,
        signature: Vec<u8>,
        holds: bool,
    }

    fn vectors() -> Vec<Vector> {
        let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
        let vector = |vector: &serde_json::Value| {
            let bytes = |member: &str| from_text(vector[member].as_str().unwrap()).unwrap();
            Vector {
                name: vector["name"].to_string(),
                key: RsaPublic::from_spki(&bytes("spki")).unwrap(),
                spki: bytes("spki"),
                message: vector["message"].as_str().unwrap().as_bytes().to_vec(),
                signature: bytes("signature"),
                holds: vector["holds"].as_bool().unwrap(),
            }
        };
        vectors["signatures"].as_array().unwrap().iter().map(vector).collect()
    }

    #[test]
    fn a_signature_of_another_implementation_verifies_in_one_shape_only() {
        for vector in vectors() {
            let verified = vector.key.verify_pss(&vector.message, &vector.signature);
            assert_eq!(verified, vector.holds, "{}", vector.name);
        }
    }

    #[test]
    fn a_changed_signature_message_or_key_does_not_verify() {
        let vector = vectors().remove(0);
        let Vector { key, message, signature, .. } = &vector;
        let first_bit = |bytes: &[u8]| {
            let mut changed = bytes.to_vec();
            changed[0] ^= 1;
            changed
        };
        assert!(key.verify_pss(message, signature));
        assert!(!key.verify_pss(&first_bit(message), signature));
        let longer = [&[0], signature.as_slice()].concat();
        let changed = first_bit(signature);
        for refused in [&changed, &longer, &signature[1..], key.n(), &[0; 256], &[0xff; 256], &[]] {
            assert!(!key.verify_pss(message, refused));
        }
        let exponent_one = RsaPublic::new(key.n().to_vec(), vec![1]).unwrap();
        let mut even = key.n().to_vec();
        *even.last_mut().unwrap() &= 0xfe;
        let even = RsaPublic::new(even, key.e().to_vec()).unwrap();
        for refused in [exponent_one, even] {
            assert!(!refused.verify_pss(message, signature));
        }
    }

    #[test]
    fn a_key_of_another_implementation_is_written_back_byte_for_byte() {
        for Vector { key, spki, name, .. } in vectors() {
            assert_eq!(key.spki_der(), spki, "{name}");
            assert_eq!(RsaPublic::new(key.n().to_vec(), key.e().to_vec()), Some(key));
        }
    }

    #[test]
    fn another_spelling_of_a_key_is_refused() {
        let Vector { key, spki, .. } = vectors().remove(0);
        let leading_zero = |number: &[u8]| [&[0], number].concat();
        assert_eq!(RsaPublic::new(leading_zero(key.n()), key.e().to_vec()), None);
        assert_eq!(RsaPublic::new(key.n().to_vec(), leading_zero(key.e())), None);
        assert_eq!(RsaPublic::new(key.n().to_vec(), Vec::new()), None);
        let longer = [spki.as_slice(), &[0]].concat();
        let ed25519 =
            [&[0x30, 42, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 33, 0][..], &[7; 32]].concat();
        for refused in [&[][..], &spki[1..], &spki[..293], &longer, &ed25519] {
            assert_eq!(RsaPublic::from_spki(refused), None);
        }
    }

    #[test]
    fn the_length_of_der_has_one_spelling() {
        for (bytes, head) in [
            (0, &[3, 0][..]),
            (1, &[3, 1]),
            (127, &[3, 127]),
            (128, &[3, 0x81, 128]),
            (255, &[3, 0x81, 255]),
            (256, &[3, 0x82, 1, 0]),
            (65_536, &[3, 0x83, 1, 0, 0]),
        ] {
            let content = vec![9; bytes];
            assert_eq!(der(3, &content), [head, &content].concat(), "{bytes}");
        }
    }
}
