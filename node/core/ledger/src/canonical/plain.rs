//! Finding what ends a run of plain characters in a JSON string, eight bytes at
//! a time: verifiers go over every byte of a ledger so.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How many bytes there are before the first that is a quote, a backslash or a
/// control character; all, where there is none.
pub(crate) fn run(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (at, chunk) in chunks.iter().enumerate() {
        let plain = run_of_eight(*chunk);
        if plain < 8 {
            return at.saturating_mul(8).saturating_add(plain);
        }
    }
    let plain = rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len());
    bytes.len().saturating_sub(rest.len()).saturating_add(plain)
}

/// The same of eight bytes.
pub(crate) fn run_of_eight(bytes: [u8; 8]) -> usize {
    let word = u64::from_le_bytes(bytes);
    // The high bit of a byte is set where subtracting borrows, which of ASCII
    // only smaller ones do. A byte above a true hit may be set in error, and the
    // lowest is right.
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES.wrapping_mul(bound)) & !word & HIGH;
    let equal = |byte: u8| below(word ^ ONES.wrapping_mul(u64::from(byte)), 1);
    let special = below(word, 0x20) | equal(b'"') | equal(b'\\');
    usize::try_from(special.trailing_zeros() / 8).unwrap_or(8)
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_byte_is_plain_or_special_wherever_it_stands() {
        for byte in 0..=255 {
            for at in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[at] = byte;
                let expected = if is_special(byte) { at } else { 20 };
                assert_eq!(run(&bytes), expected, "{byte} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_run_ends_at_the_first_special_byte(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let first = bytes.iter().position(|byte| is_special(*byte));
            prop_assert_eq!(run(&bytes), first.unwrap_or(bytes.len()));
        }
    }
}
