//! Ranges of addresses in CIDR form.

use std::net::IpAddr;

use super::{Complaint, Verdict};

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    length: u8,
}

impl Cidr {
    /// Parses a range whose host bits are zero.
    ///
    /// Errors: what is wrong with the text, for the label of an `invalid-cidr`.
    pub fn parse(text: &str) -> Result<Cidr, Complaint> {
        let hint = "write an address and a prefix length, such as `10.0.0.0/8` or `2001:db8::/32`";
        let Some((address, length)) = text.split_once('/') else {
            return Err(match text.parse::<IpAddr>() {
                Ok(IpAddr::V4(_)) => Complaint::new("the prefix length is missing")
                    .hint(format!("write `{text}/32` for this one address")),
                Ok(IpAddr::V6(_)) => Complaint::new("the prefix length is missing")
                    .hint(format!("write `{text}/128` for this one address")),
                Err(_) => Complaint::new("not an address and a prefix length").hint(hint),
            });
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| Complaint::new("not an IP address before the `/`").hint(hint))?;
        let bits = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let bad_length =
            || Complaint::new(format!("the prefix length is not between 0 and {bits}")).hint(hint);
        if length.is_empty()
            || !length.bytes().all(|byte| byte.is_ascii_digit())
            || (length.len() > 1 && length.starts_with('0'))
        {
            return Err(bad_length());
        }
        let length: u8 = length.parse().map_err(|_| bad_length())?;
        if length > bits {
            return Err(bad_length());
        }
        let cidr = Cidr { address, length };
        let network = cidr.network();
        if network != address {
            return Err(Complaint::new("bits after the prefix are set").hint(format!(
                "write `{network}/{length}` for the range, or `{address}/{bits}` for the one address"
            )));
        }
        Ok(cidr)
    }

    fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.length))
                    .unwrap_or(0);
                IpAddr::V4((u32::from(address) & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.length))
                    .unwrap_or(0);
                IpAddr::V6((u128::from(address) & mask).into())
            }
        }
    }

    /// Tells whether every address of another range lies in this one.
    pub fn covers(&self, other: &Cidr) -> bool {
        self.length <= other.length && self.contains(other.address)
    }

    /// Tells whether an address lies in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        let of_same_family = matches!(
            (self.address, address),
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_))
        );
        of_same_family
            && Cidr {
                address,
                length: self.length,
            }
            .network()
                == self.address
    }
}

/// Checks a range of addresses whose host bits are zero.
pub fn cidr(text: &str) -> Verdict {
    Cidr::parse(text).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn grammar() {
        check(
            cidr,
            &[
                "10.0.0.0/8",
                "0.0.0.0/0",
                "192.168.1.7/32",
                "2001:db8::/32",
                "::/0",
                "::1/128",
            ],
            &[
                "",
                "10.0.0.0",
                "10.0.0.1/8",
                "10.0.0.0/33",
                "10.0.0.0/08",
                "10.0.0/8",
                "010.0.0.0/8",
                "::1/64",
                "a/8",
                "10.0.0.0/",
                "10.0.0.0/-1",
            ],
        );
    }

    #[test]
    fn ranges_in_ranges() {
        for (wide, narrow, inside) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.1.0.0/16", "10.1.0.0/16", true),
            ("10.1.0.0/16", "10.0.0.0/8", false),
            ("10.1.0.0/16", "10.2.0.0/16", false),
            ("0.0.0.0/0", "::/0", false),
            ("::/0", "2001:db8::/32", true),
        ] {
            let range = |text: &str| Cidr::parse(text).unwrap();
            assert_eq!(
                range(wide).covers(&range(narrow)),
                inside,
                "{wide} {narrow}"
            );
        }
    }

    #[test]
    fn containment() {
        let cidr = Cidr::parse("10.1.0.0/16").unwrap();
        for (address, inside) in [("10.1.2.3", true), ("10.2.0.0", false), ("::1", false)] {
            assert_eq!(cidr.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(
            Cidr::parse("::/0")
                .unwrap()
                .contains("::1".parse().unwrap())
        );
    }
}
