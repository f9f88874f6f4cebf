//! Second factors, as the authenticator of whoever logs in shows them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Letters of base 32 (RFC 4648) in the order of their values.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code of RFC 6238 that a secret in base 32 gives now; empty for a text that
/// is no such secret, which no node takes.
pub fn code(secret: &str) -> String {
    let (mut held, mut bits, mut bytes) = (0_u32, 0_u32, Vec::new());
    for letter in secret.bytes() {
        let Some(value) = BASE32.iter().position(|known| *known == letter) else {
            return String::new();
        };
        held = (held << 5) | u32::try_from(value).unwrap_or_default();
        bits += 5;
        if 8 <= bits {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).unwrap_or_default());
            held &= (1 << bits) - 1;
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let Ok(secret) = <[u8; 20]>::try_from(bytes) else { return String::new() };
    let made = totp_rs::Builder::new().with_secret(secret).build();
    made.map(|made| made.generate(now).to_string()).unwrap_or_default()
}
