//! Tells which hosts are this one.

use std::net::IpAddr;

/// Whether the host is this one, so that nobody stands between.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_is_loopback() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["db", "10.0.0.1", "localhost.example", "[2001:db8::1]", "0.0.0.0", "127.example"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
