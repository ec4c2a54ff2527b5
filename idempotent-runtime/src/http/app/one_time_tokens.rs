//! Tokens for the forms of the inspector. Each belongs to one operator, and can be used once.

use crate::key::hashed;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The most tokens that are valid at once. Beyond that the oldest is dropped.
const MOST: usize = 1024;

/// The time for which a token is valid.
const LIFE: Duration = Duration::from_mins(30);

/// The tokens that were given out and not used yet, kept as hashes.
#[derive(Debug, Default)]
pub(crate) struct OneTimeTokens(Mutex<VecDeque<GivenToken>>);

#[derive(Debug)]
struct GivenToken {
    /// The hash of the token and its operator.
    hash: [u8; 32],
    ends: Duration,
}

impl OneTimeTokens {
    /// A new token of this operator.
    pub(crate) fn give(&self, operator: &str, now: Duration) -> String {
        let token = rand::random::<[u8; 16]>().iter().fold(String::new(), |mut token, byte| {
            let _infallible = write!(token, "{byte:02x}");
            token
        });
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if given.len() >= MOST {
            given.pop_front();
        }
        given.push_back(GivenToken { hash: hash(operator, &token), ends: now + LIFE });
        token
    }

    /// Uses a token up. Returns whether it was valid and belongs to this operator.
    pub(crate) fn take(&self, operator: &str, token: &str, now: Duration) -> bool {
        let hash = hash(operator, token);
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.retain(|given| given.ends > now);
        let found = given.iter().position(|given| given.hash == hash);
        found.is_some_and(|at| given.remove(at).is_some())
    }
}

fn hash(operator: &str, token: &str) -> [u8; 32] {
    hashed(b"inspector", [operator.as_bytes(), token.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(7);

    #[test]
    fn a_token_is_valid_once_and_only_for_its_operator() {
        let tokens = OneTimeTokens::default();
        let token = tokens.give("anna", NOW);
        for (operator, token) in [("bert", &*token), ("anna", ""), ("", &token), ("anna", "a")] {
            assert!(!tokens.take(operator, token, NOW), "{operator} {token}");
        }
        assert!(tokens.take("anna", &token, NOW));
        assert!(!tokens.take("anna", &token, NOW));
        assert_ne!(tokens.give("anna", NOW), tokens.give("anna", NOW));
    }

    #[test]
    fn a_token_expires_and_the_oldest_make_room() {
        let tokens = OneTimeTokens::default();
        let token = tokens.give("anna", NOW);
        assert!(!tokens.take("anna", &token, NOW + LIFE));
        let first = tokens.give("anna", NOW);
        let second = tokens.give("anna", NOW);
        for _ in 1..MOST {
            tokens.give("bert", NOW);
        }
        assert!(!tokens.take("anna", &first, NOW));
        assert!(tokens.take("anna", &second, NOW));
    }
}
