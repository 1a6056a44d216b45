//! IP addresses and networks.

use std::net::IpAddr;

use ipnet::IpNet;

/// A network of a policy: in CIDR notation, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network(IpNet);

impl Network {
    /// Reads a network or an address.
    pub(crate) fn read(text: &str) -> Option<Self> {
        text.parse::<IpNet>()
            .ok()
            .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
            .map(Self)
    }

    /// Whether an address of the request lies in the network.
    ///
    /// As measured on IAM: host bits of an IPv4 network are ignored, an IPv6 network with host bits holds no address.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        match self.0 {
            IpNet::V4(_) => self.0.contains(&address),
            IpNet::V6(network) => network.addr() == network.network() && self.0.contains(&address),
        }
    }

    /// Whether the network is so wide that S3 calls a policy that names it public.
    ///
    /// The bounds are those of S3's documentation: wider than /8, for IPv6 wider than /32.
    pub(crate) fn is_wide(self) -> bool {
        match self.0 {
            IpNet::V4(network) => network.prefix_len() < 8,
            IpNet::V6(network) => network.prefix_len() < 32,
        }
    }
}

/// Reads an address of a request; an IPv4 address mapped into IPv6 counts as IPv4.
pub(super) fn read_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        for (network, address, expected) in [
            ("203.0.113.0/24", "203.0.113.77", true),
            ("203.0.113.0/24", "203.0.114.1", false),
            ("203.0.113.9/24", "203.0.113.77", true),
            ("203.0.113.9", "203.0.113.9", true),
            ("203.0.113.9", "203.0.113.8", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("203.0.113.0/24", "::ffff:203.0.113.5", true),
            ("2001:db8::/32", "2001:db8::1", true),
            ("2001:db8::1/32", "2001:db8::1", false),
            ("2001:db8::1", "2001:db8:0:0:0:0:0:1", true),
            ("::/0", "1.2.3.4", false),
        ] {
            let holds = Network::read(network)
                .unwrap()
                .contains(read_address(address).unwrap());
            assert_eq!(holds, expected, "{address} in {network}");
        }
    }

    /// The bounds stand in "The meaning of public" of S3's user guide.
    #[test]
    fn wide_networks_are_wider_than_s3s_bounds() {
        for (network, expected) in [
            ("203.0.113.9", false),
            ("10.0.0.0/9", false),
            ("10.0.0.0/8", false),
            ("10.0.0.0/7", true),
            ("0.0.0.0/0", true),
            ("2001:db8::/33", false),
            ("2001:db8::/32", false),
            ("2001:db8::/31", true),
            ("::/0", true),
        ] {
            let is_wide = Network::read(network).unwrap().is_wide();
            assert_eq!(is_wide, expected, "{network}");
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "*",
            "203.0.113",
            "203.0.113.0/33",
            "203.0.113.256",
            "host",
        ] {
            assert_eq!(Network::read(text), None, "{text}");
        }
        assert_eq!(read_address("203.0.113.0/24"), None);
    }
}
