//! Addresses that some networks tell apart.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::condition::network::Network;

/// Where the IPv4 addresses inside IPv6 begin, and where they have ended.
const MAPPED: u128 = 0xffff_0000_0000;
const MAPPED_END: u128 = 0x1_0000_0000_0000;

/// For each part of the address space that lies in the same networks, some
/// spellings of addresses of it.
pub(super) fn parts(networks: &[&str]) -> Vec<Vec<String>> {
    let mut v4 = vec![0_u32];
    let mut v6 = vec![0_u128, MAPPED, MAPPED_END];
    for network in networks.iter().filter_map(|text| Network::parse(text)) {
        match network {
            Network::V4 { address, mask } => {
                v4.push(address);
                v4.extend((address | !mask).checked_add(1));
            }
            Network::V6 { address, mask } => {
                v6.push(address);
                v6.extend((address | !mask).checked_add(1));
            }
        }
    }
    v4.sort_unstable();
    v4.dedup();
    v6.sort_unstable();
    v6.dedup();
    let v6 = v6.into_iter().filter(|address| !(MAPPED..MAPPED_END).contains(address));
    v4.into_iter().map(spell_v4).chain(v6.map(spell_v6)).collect()
}

fn spell_v4(address: u32) -> Vec<String> {
    let address = Ipv4Addr::from_bits(address);
    let [high, low] = [address.to_bits() >> 16, address.to_bits() & 0xffff];
    vec![
        address.to_string(),
        format!("::ffff:{address}"),
        format!("::ffff:{high:x}:{low:x}"),
        format!("0::ffff:{address}"),
        format!("0:0::ffff:{address}"),
    ]
}

fn spell_v6(address: u128) -> Vec<String> {
    let address = Ipv6Addr::from_bits(address);
    let segments = address.segments();
    let full = segments.map(|segment| format!("{segment:x}")).join(":");
    let padded = segments.map(|segment| format!("{segment:04x}")).join(":");
    vec![address.to_string(), full, padded]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_spelled_by_addresses_of_it() {
        let nested = ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "::/0", "0.0.0.0/0"];
        let networks: Vec<Network> =
            nested.iter().filter_map(|text| Network::parse(text)).collect();
        let mut seen = Vec::new();
        for spellings in parts(&nested) {
            let holds = |text: &String| -> Vec<Option<bool>> {
                networks.iter().map(|network| network.holds(text)).collect()
            };
            let first = holds(&spellings[0]);
            assert!(spellings.iter().all(|text| holds(text) == first), "{spellings:?}");
            assert!(first.iter().all(Option::is_some), "{spellings:?}");
            seen.push(first);
        }
        seen.sort();
        seen.dedup();
        // Outside, in the large and in both of IPv4; outside and inside of IPv6.
        assert_eq!(seen.len(), 5);
    }
}
