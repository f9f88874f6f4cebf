//! Backup codes: each stands once for a code of an authenticator that was lost.
//!
//! Sixteen characters of Crockford's base 32 are 80 bits, so a plain hash is
//! enough to keep. Whose code it is goes into the hash: codes of two accounts are
//! never alike, and one table tries no two of them.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use types::{Digest, UserId};

use super::{NoRandomness, random};

/// Codes of an account.
pub(crate) const CODES: usize = 10;

const CHARS: usize = 16;

/// What people type is not longer, whatever they put between the groups.
const TYPED_BYTES_MAX: usize = 64;

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const DOMAIN: &[u8] = b"lexecon backup code v1\0";

/// A code, without what people put into it.
#[derive(Clone)]
pub(crate) struct BackupCode(SecretString);

impl fmt::Debug for BackupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupCode(..)")
    }
}

impl BackupCode {
    /// Ten new ones.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub(crate) fn draw_all() -> Result<[Self; CODES], NoRandomness> {
        let mut codes = [const { None }; CODES];
        for code in &mut codes {
            *code = Some(Self::of(random()?));
        }
        let codes = codes.map(|code| code.ok_or(NoRandomness));
        let [a, b, c, d, e, f, g, h, i, j] = codes;
        Ok([a?, b?, c?, d?, e?, f?, g?, h?, i?, j?])
    }

    fn of(bytes: [u8; 10]) -> Self {
        let bits = bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let letters = (0..CHARS).rev().map(|place| (bits >> (5 * place)) & 31);
        let letter = |index: u128| usize::try_from(index).ok().and_then(|at| CROCKFORD.get(at));
        let text: String = letters.filter_map(letter).map(|letter| char::from(*letter)).collect();
        Self(text.into())
    }

    /// Reads what somebody typed: in any case, with or without what parts the
    /// groups, and with letters that are taken for digits.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        if TYPED_BYTES_MAX < typed.len() {
            return None;
        }
        let typed = typed.chars().filter(|typed| !matches!(typed, '-' | ' '));
        let code: Option<String> = typed.map(read).collect();
        code.filter(|code| code.len() == CHARS).map(|code| Self(code.into()))
    }

    /// As it is shown, in groups of four.
    pub(crate) fn text(&self) -> SecretString {
        let mut text = String::with_capacity(CHARS + 3);
        for (place, letter) in self.0.expose_secret().chars().enumerate() {
            if place != 0 && place % 4 == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        text.into()
    }

    /// What is kept of it.
    pub(crate) fn hash(&self, user: UserId) -> Digest {
        let hash = Sha256::new_with_prefix(DOMAIN)
            .chain_update(user.to_string())
            .chain_update([0])
            .chain_update(self.0.expose_secret());
        Digest(hash.finalize().into())
    }
}

fn read(typed: char) -> Option<char> {
    let letter = match typed.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        letter => letter,
    };
    let is_known = u8::try_from(letter).is_ok_and(|letter| CROCKFORD.contains(&letter));
    is_known.then_some(letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user() -> UserId {
        "user_01K1R0D0000000000000000000".parse().unwrap()
    }

    fn hash(typed: &str) -> Option<String> {
        BackupCode::parse(typed).map(|code| code.hash(user()).to_string())
    }

    #[test]
    fn ten_codes_are_drawn_and_each_is_read_as_it_is_shown() {
        let codes = BackupCode::draw_all().unwrap();
        let mut shown = std::collections::BTreeSet::new();
        for code in &codes {
            let text = code.text();
            let text = text.expose_secret();
            let groups: Vec<_> = text.split('-').map(str::len).collect();
            assert_eq!(groups, [4; 4]);
            assert_eq!(BackupCode::parse(text).unwrap().hash(user()), code.hash(user()));
            shown.insert(text.to_owned());
        }
        assert_eq!(shown.len(), CODES);
        assert_eq!(BackupCode::of([0xff; 10]).text().expose_secret(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        let counted = BackupCode::of([0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf]);
        assert_eq!(counted.text().expose_secret(), "0123-4567-89AB-CDEF");
    }

    #[test]
    fn what_people_make_of_a_code_is_read_as_the_code() {
        let expect = hash("0123-4567-89AB-CDEF");
        assert!(expect.is_some());
        for typed in
            ["0123456789abcdef", " o123 4567 89aB-cdef ", "OL23-4567-89AB-CDEF", "oi23456789ABCDEF"]
        {
            assert_eq!(hash(typed), expect, "{typed}");
        }
        for typed in [
            "",
            "0123-4567-89AB-CDE",
            "0123-4567-89AB-CDEF0",
            "0123_4567_89AB_CDEF",
            "U123-4567-89AB-CDEF",
            "\u{0660}123-4567-89AB-CDEF",
            &format!("0123456789ABCDEF{}", "-".repeat(64)),
        ] {
            assert_eq!(hash(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_hash_is_of_a_code_and_whose_it_is() {
        // printf 'lexecon backup code v1\0%s\0%s' "$USER" 0123456789ABCDEF | sha256sum
        let code = BackupCode::parse("0123-4567-89AB-CDEF").unwrap();
        assert_eq!(
            code.hash(user()).to_string(),
            "1cdb00a95fc86255a49b89b5351b78afc17425d213dbae5ca1c3c07a25bf9c6f"
        );
        assert_ne!(code.hash(UserId(types::Ulid(1))), code.hash(user()));
        assert_eq!(format!("{code:?}"), "BackupCode(..)");
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_fail(typed in "[0-9A-Za-z -]{0,20}|\\PC{0,80}") {
            if let Some(code) = BackupCode::parse(&typed) {
                let shown = code.text();
                let again = BackupCode::parse(shown.expose_secret()).unwrap();
                prop_assert_eq!(again.hash(user()), code.hash(user()));
            }
        }
    }
}
