//! The host that a request is for.

use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use std::borrow::Cow;
use std::net::Ipv6Addr;

const UNREADABLE: &str = "the request's host cannot be read";

/// Whether the host of a request is a part of its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HostRole {
    /// The server has one host, however a request spells it.
    #[default]
    Ignored,
    /// The server has several hosts, and one path on two of them is two paths.
    Identity,
}

impl HostRole {
    /// The place of a request: its path, behind its host if hosts are told apart.
    ///
    /// A host has no slash and a path begins with one, so no two places read alike.
    pub(crate) fn place<'a>(
        self,
        request: &HttpRequest,
        path: &'a str,
    ) -> Result<Cow<'a, str>, &'static str> {
        match self {
            Self::Ignored => Ok(Cow::Borrowed(path)),
            Self::Identity => Ok(Cow::Owned(host(request)? + path)),
        }
    }

    /// A host that stands before a path, in its one form; none, if none may stand there.
    pub(crate) fn one_host(self, written: &str) -> Option<String> {
        match self {
            Self::Ignored => written.is_empty().then(String::new),
            Self::Identity => normal(written).ok(),
        }
    }
}

/// The host of a request, in the one form of all its spellings.
///
/// It is the authority of the request's target (`:authority` in HTTP/2), or else the one Host line
/// (RFC 9112, section 3.2). Where both are there they must agree: actix's guard `Host` reads the line
/// first. `Forwarded` and `X-Forwarded-Host` do not count, since any client can send them.
fn host(request: &HttpRequest) -> Result<String, &'static str> {
    let mut lines = request.headers().get_all(HOST);
    let line = lines.next().map(|line| normal(line.to_str().unwrap_or_default())).transpose()?;
    if lines.next().is_some() {
        return Err("the request names its host more than once");
    }
    let target = request.uri().authority();
    match (target.map(|target| normal(target.as_str())).transpose()?, line) {
        (Some(target), Some(line)) if target != line => Err("the request names two hosts"),
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Err("the request does not name its host"),
    }
}

/// A host in lower case, with its port unless that is the default one of http or https.
fn normal(written: &str) -> Result<String, &'static str> {
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

/// A name or an address of IPv4, of the letters of DNS, or an address of IPv6 in brackets, in its one form.
fn one_name(name: &str) -> Option<String> {
    if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"));
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let fits = !name.is_empty() && name.bytes().all(is_letter);
    fits.then(|| name.to_ascii_lowercase())
}

/// The port of `:8080`; none where nothing is written, or no digits.
fn port_number(written: &str) -> Result<Option<u16>, &'static str> {
    if matches!(written, "" | ":") {
        return Ok(None);
    }
    // `parse` would take a sign.
    let digits = written
        .strip_prefix(':')
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
        .ok_or(UNREADABLE)?;
    digits.parse().map(Some).map_err(|_| UNREADABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

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
            assert_eq!(normal(written).as_deref(), Ok(host), "{written}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for written in [
            "", ":80", "a b", "a/b", "a@b", "a,b", "a:b", "a:+80", "a:99999", "a:80:80", "[::1",
            "[]", "[a]", "[::1]80", "é", "%61",
        ] {
            assert!(normal(written).is_err(), "{written}");
        }
    }

    #[test]
    fn the_target_and_the_host_line_must_agree() {
        let of = |uri: &str, lines: &[&'static str]| {
            let mut request = TestRequest::with_uri(uri);
            for line in lines {
                request = request.append_header((HOST, *line));
            }
            host(&request.to_http_request()).ok()
        };
        assert_eq!(of("http://a.example/x", &[]).as_deref(), Some("a.example"));
        assert_eq!(of("http://a.example/x", &["A.example:80"]).as_deref(), Some("a.example"));
        assert_eq!(of("http://a.example/x", &["b.example"]), None);
        assert_eq!(of("/x", &["a.example", "a.example"]), None);
        assert_eq!(of("/x", &[]), None);
    }
}
