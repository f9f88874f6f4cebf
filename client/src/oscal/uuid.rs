//! UUIDs of version 5 (RFC 9562, section 5.5): names hashed under a namespace.
//! OSCAL allows versions 4 and 5, so the hash is SHA-1; nothing here is secret,
//! and nothing relies on nobody finding a second name.

use sha1::{Digest as _, Sha1};

/// Of all documents written here.
const NAMESPACE: [u8; 16] = [
    0x6c, 0x65, 0x78, 0x65, 0x63, 0x6f, 0x4e, 0x80, 0x9f, 0x3a, 0x6f, 0x73, 0x63, 0x61, 0x6c, 0x01,
];

/// The UUID of what the parts name.
pub(super) fn of(parts: &[&str]) -> String {
    under(&NAMESPACE, parts.join("\n").as_bytes())
}

fn under(namespace: &[u8; 16], name: &[u8]) -> String {
    let hash = Sha1::new().chain_update(namespace).chain_update(name).finalize();
    let mut bytes = [0; 16];
    for (byte, hashed) in bytes.iter_mut().zip(hash) {
        *byte = hashed;
    }
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = *version & 0x0f | 0x50;
    *variant = *variant & 0x3f | 0x80;
    let hex = types::digest::to_hex(&bytes);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_comes_out() {
        // RFC 9562, appendix A.4: `www.example.com` under the namespace of DNS.
        let dns = [
            0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4,
            0x30, 0xc8,
        ];
        assert_eq!(under(&dns, b"www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    }

    #[test]
    fn parts_are_told_apart() {
        assert_ne!(of(&["a", "bc"]), of(&["ab", "c"]));
    }
}
