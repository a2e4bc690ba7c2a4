//! A block of network addresses, for the list of trusted proxies. It knows no socket and no header.

use std::{net::IpAddr, str::FromStr};

/// Addresses that share their first bits, as `10.0.0.0/8`; a plain address is a block of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Any address of the block.
    pub address: IpAddr,
    /// How many leading bits are shared.
    pub prefix_bits: u8,
}

/// Text that is not a block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a block of them, as \"127.0.0.1\" or \"10.0.0.0/8\"")]
pub struct NetworkError;

impl Network {
    /// Whether the address is in the block; an IPv4 address in IPv6 clothing counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix_bits)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix_bits)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = prefix.map_or(Ok(most), |prefix| prefix.parse().map_err(|_| NetworkError))?;
        if prefix_bits > most {
            return Err(NetworkError);
        }
        Ok(Self { address, prefix_bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_block_holds_its_addresses_and_no_others() {
        let block = network("10.1.0.0/16");
        assert!(block.contains(address("10.1.255.7")));
        assert!(block.contains(address("::ffff:10.1.2.3")));
        assert!(!block.contains(address("10.2.0.1")));
        assert!(!block.contains(address("2001:db8::1")));
        assert!(network("0.0.0.0/0").contains(address("8.8.8.8")));
        assert!(network("2001:db8::/32").contains(address("2001:db8:7::1")));
    }

    #[test]
    fn a_plain_address_is_a_block_of_one() {
        assert!(network("127.0.0.1").contains(address("127.0.0.1")));
        assert!(!network("127.0.0.1").contains(address("127.0.0.2")));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::1/129"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError), "{text}");
        }
    }
}
