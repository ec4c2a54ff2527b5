//! The pauses between two connections to a server that does not answer.

use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Pauses that double while connections fail. Each pause is a random part of its length, so that many
/// consumers do not come back at the same time.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: SHORTEST }
    }
}

impl Backoff {
    /// The pause after a connection that lasted this long.
    pub(super) fn next_pause(&mut self, lasted: Duration) -> Duration {
        if lasted > LONGEST {
            *self = Self::default();
        }
        let pause = self.next.mul_f64(rand::random::<f64>());
        self.next = (self.next * 2).min(LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_begin_again_after_a_connection_that_lasted() {
        let mut backoff = Backoff::default();
        for _ in 0..20 {
            assert!(backoff.next_pause(Duration::ZERO) <= LONGEST);
        }
        assert_eq!(backoff.next, LONGEST);
        assert!(backoff.next_pause(LONGEST * 2) <= SHORTEST);
        assert_eq!(backoff.next, SHORTEST * 2);
    }
}
