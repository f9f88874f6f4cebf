//! IPv4 and IPv6 networks as `address/length`, or a single address.
//!
//! An IPv4 address inside IPv6 (`::ffff:a.b.c.d`) is the IPv4 address, so that
//! no spelling of an address slips past a rule about it.

use std::net::{IpAddr, Ipv6Addr};

/// Length of the prefix of IPv4 addresses inside IPv6.
const MAPPED_LENGTH: u32 = 96;

/// All addresses that share a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
}

impl Network {
    /// `None` for other text, a length beyond the address, or bits set beyond
    /// the length.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(number(length)?)),
            None => (text, None),
        };
        let network = match address.parse().ok()? {
            IpAddr::V4(address) => Self::v4(address.to_bits(), length.unwrap_or(32))?,
            IpAddr::V6(address) => Self::v6(address, length.unwrap_or(128))?,
        };
        network.is_base().then_some(network)
    }

    /// Whether the text is an address of this network; `None` where it is no
    /// address.
    pub(crate) fn holds(&self, text: &str) -> Option<bool> {
        let asked = text.parse::<IpAddr>().ok()?.to_canonical();
        Some(match (self, asked) {
            (Self::V4 { address, mask }, IpAddr::V4(asked)) => asked.to_bits() & mask == *address,
            (Self::V6 { address, mask }, IpAddr::V6(asked)) => asked.to_bits() & mask == *address,
            (Self::V4 { .. }, IpAddr::V6(_)) | (Self::V6 { .. }, IpAddr::V4(_)) => false,
        })
    }

    fn v4(address: u32, length: u32) -> Option<Self> {
        let host = 32_u32.checked_sub(length)?;
        Some(Self::V4 { address, mask: u32::MAX.checked_shl(host).unwrap_or(0) })
    }

    fn v6(address: Ipv6Addr, length: u32) -> Option<Self> {
        let host = 128_u32.checked_sub(length)?;
        match (address.to_ipv4_mapped(), length.checked_sub(MAPPED_LENGTH)) {
            (Some(mapped), Some(length)) => Self::v4(mapped.to_bits(), length),
            (Some(_) | None, None) | (None, Some(_)) => Some(Self::V6 {
                address: address.to_bits(),
                mask: u128::MAX.checked_shl(host).unwrap_or(0),
            }),
        }
    }

    fn is_base(&self) -> bool {
        match self {
            Self::V4 { address, mask } => address & mask == *address,
            Self::V6 { address, mask } => address & mask == *address,
        }
    }
}

/// Digits alone, without leading zeros: `str::parse` would also take a sign.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let padded = 1 < text.len() && text.starts_with('0');
    if plain && !padded { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, address: &str, expect: bool) {
        let holds = Network::parse(network).unwrap().holds(address);
        assert_eq!(holds, Some(expect), "{network} {address}");
    }

    #[test]
    fn an_address_is_in_a_network_by_its_prefix() {
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.3/32", "10.1.2.4", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("::/0", "2001:db9::1", true);
        check("::/0", "10.0.0.1", false);
        check("0.0.0.0/0", "::1", false);
    }

    #[test]
    fn an_ipv4_address_inside_ipv6_is_the_ipv4_address() {
        check("10.0.0.0/8", "::ffff:10.1.1.1", true);
        check("::ffff:10.0.0.0/104", "10.1.1.1", true);
        check("::ffff:10.0.0.0/104", "::ffff:11.1.1.1", false);
    }

    #[test]
    fn what_is_no_address_can_not_be_told() {
        for text in ["", "10.1", "010.0.0.1", "10.0.0.1 ", "10.0.0.0/8", "host"] {
            assert_eq!(Network::parse("10.0.0.0/8").unwrap().holds(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/08"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
        for text in ["::1/0", "::/129", "10.0.0.0/8/8", "10.0.0/8", "*"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
