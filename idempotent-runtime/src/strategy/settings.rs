//! Settings of an app for all its guarded functions.

use crate::policy::Policy;
#[cfg(feature = "actix")]
use crate::policy::Strategy;
#[cfg(feature = "actix")]
use std::fmt;
use std::time::Duration;

/// How far the clock of the host that issued a signed token may be ahead.
#[cfg(feature = "actix")]
pub(super) const TOKEN_SKEW: Duration = Duration::from_secs(30);

/// Settings of an app for all its guarded functions.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Keeps deployments apart that share a store.
    pub(crate) namespace: String,
    /// How long a finished request is remembered.
    pub(crate) ttl: Duration,
    /// How long a run excludes others without being renewed.
    pub(crate) lease: Duration,
    /// How long a duplicate waits for the first to finish.
    pub(crate) wait: Duration,
    #[cfg(feature = "actix")]
    /// How long a token can be used.
    pub(crate) token_ttl: Duration,
    #[cfg(feature = "actix")]
    /// Signs tokens; without, they are stored.
    pub(crate) secrets: Option<TokenSecrets>,
    #[cfg(feature = "actix")]
    /// How many tasks a runner of this process works on at a time.
    pub(crate) tasks_at_once: usize,
}

/// The secret that signs tokens now, and the one that signed those that are still out.
#[cfg(feature = "actix")]
#[derive(Clone)]
pub(crate) struct TokenSecrets {
    pub(crate) current: Vec<u8>,
    pub(crate) previous: Option<Vec<u8>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: String::new(),
            ttl: Duration::from_hours(24),
            lease: Duration::from_mins(1),
            wait: Duration::from_secs(10),
            #[cfg(feature = "actix")]
            token_ttl: Duration::from_mins(5),
            #[cfg(feature = "actix")]
            secrets: None,
            #[cfg(feature = "actix")]
            tasks_at_once: 16,
        }
    }
}

impl Settings {
    /// How long a finished request of this policy is remembered.
    pub(crate) fn ttl(&self, policy: &Policy) -> Duration {
        let ttl = policy.ttl.unwrap_or(self.ttl);
        #[cfg(feature = "actix")]
        if policy.strategy == Strategy::Token && self.secrets.is_some() {
            // A signed token is valid for as long as its text says. Were its record shorter lived,
            // it could be used again.
            return ttl.max(self.token_ttl + TOKEN_SKEW);
        }
        ttl
    }
}

#[cfg(feature = "actix")]
impl fmt::Debug for TokenSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecrets(…)")
    }
}
