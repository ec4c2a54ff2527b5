//! Connections that are not encrypted.

use crate::store::finding::Finding;
use crate::store::tls::loopback::is_loopback;

/// A finding where a connection that is not encrypted leaves this host; `help` says how to encrypt it.
pub(crate) fn plaintext(host: &str, help: &str) -> Option<Finding> {
    (!is_loopback(host)).then(|| {
        Finding::warning(
            format!(
                "the connection to {host} is not encrypted: whoever stands in between reads its \
                 credentials and records, and changes them"
            ),
            help,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_that_is_not_this_one_is_remarked_upon() {
        for here in ["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert_eq!(plaintext(here, "help"), None, "{here}");
        }
        for away in ["db", "localhost.example", "10.0.0.1", "[2001:db8::1]", "127.example"] {
            let found = plaintext(away, "help").expect("a finding").to_string();
            assert!(found.contains(away) && found.contains("help"), "{found}");
        }
    }
}
