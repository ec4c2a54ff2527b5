//! The process's provider of cryptography.

use rustls::crypto::{CryptoProvider, ring};

/// Gives the process a default provider where it has none: with two of them in one binary the clients of servers
/// would panic.
pub(crate) fn choose_provider() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may have been faster: then its provider counts.
        drop(ring::default_provider().install_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_process_has_a_provider_and_keeps_it() {
        choose_provider();
        let first = CryptoProvider::get_default().expect("there is one");
        choose_provider();
        assert!(Arc::ptr_eq(first, CryptoProvider::get_default().expect("still")));
    }
}
