//! The canonical spelling of a host.

use std::net::Ipv6Addr;

const UNREADABLE: &str = "the request's host cannot be read";

/// Whether the host of a request is a part of its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HostRole {
    /// The server has one host. Its name in a request makes no difference.
    #[default]
    Ignored,
    /// The server has several hosts, and one path on two of them is two places.
    Identity,
}

impl HostRole {
    /// The canonical spelling of the text before a path. An error if no host may stand there.
    pub(crate) fn before_path(self, written: &str) -> Result<String, &'static str> {
        match self {
            Self::Ignored if written.is_empty() => Ok(String::new()),
            Self::Ignored => Err("hosts are not told apart"),
            Self::Identity => one_host(written),
        }
    }
}

/// A host in lower case, with its port unless it is the default port of http or https.
pub(crate) fn one_host(written: &str) -> Result<String, &'static str> {
    let name_end = if written.starts_with('[') {
        written.find(']').map_or(0, |end| end + 1)
    } else {
        written.find(':').unwrap_or(written.len())
    };
    let (name, port) = written.split_at(name_end);
    let name = one_name(name).ok_or(UNREADABLE)?;
    Ok(match port_number(port)? {
        None | Some(80 | 443) => name,
        Some(port) => format!("{name}:{port}"),
    })
}

/// The canonical spelling of a name or an IPv4 address, in the letters of DNS, or of an IPv6 address in brackets.
fn one_name(name: &str) -> Option<String> {
    if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"));
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let fits = !name.is_empty() && name.bytes().all(is_letter);
    fits.then(|| name.to_ascii_lowercase())
}

/// The port in `:8080`; `None` if no digits are written.
fn port_number(written: &str) -> Result<Option<u16>, &'static str> {
    if matches!(written, "" | ":") {
        return Ok(None);
    }
    // `parse` would accept a sign.
    let digits = written
        .strip_prefix(':')
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
        .ok_or(UNREADABLE)?;
    digits.parse().map(Some).map_err(|_| UNREADABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_host_are_one() {
        for (written, host) in [
            ("shop.example", "shop.example"),
            ("SHOP.Example:80", "shop.example"),
            ("shop.example:443", "shop.example"),
            ("shop.example:", "shop.example"),
            ("shop.example:08080", "shop.example:8080"),
            ("[2001:DB8::1]:443", "[2001:db8::1]"),
            ("[0:0:0:0:0:0:0:1]:8080", "[::1]:8080"),
            ("[2001:db8:0:0::0:1]", "[2001:db8::1]"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
        ] {
            assert_eq!(one_host(written).as_deref(), Ok(host), "{written}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_host_is_refused() {
        for written in [
            "", ":80", "a b", "a/b", "a@b", "a,b", "a:b", "a:+80", "a:99999", "a:80:80", "[::1",
            "[]", "[a]", "[::1]80", "é", "%61",
        ] {
            assert!(one_host(written).is_err(), "{written}");
        }
    }
}
