//! Chooses the process's provider of cryptography.

use rustls::crypto::{CryptoProvider, ring};

/// Gives the process a default provider if it has none. If a binary has two providers and no default, the
/// clients of servers panic.
pub(crate) fn choose_provider() {
    if CryptoProvider::get_default().is_none() {
        // If another thread was faster, its provider stays.
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
