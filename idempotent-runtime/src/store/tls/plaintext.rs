//! Findings about connections that are not encrypted.

use crate::store::finding::Finding;
use crate::store::tls::loopback::is_loopback;

/// A finding, if a connection leaves this host without encryption. `help` tells how to encrypt it.
pub(crate) fn plaintext(host: &str, help: &str) -> Option<Finding> {
    (!is_loopback(host)).then(|| {
        Finding::warning(
            format!(
                "the connection to {host} is not encrypted: anybody on the network between can read \
                 and change its credentials and records"
            ),
            help,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connection_that_leaves_this_host_is_a_finding() {
        for here in ["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert_eq!(plaintext(here, "help"), None, "{here}");
        }
        for away in ["db", "localhost.example", "10.0.0.1", "[2001:db8::1]", "127.example"] {
            let found = plaintext(away, "help").expect("a finding").to_string();
            assert!(found.contains(away) && found.contains("help"), "{found}");
        }
    }
}
