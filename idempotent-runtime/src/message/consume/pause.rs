//! How long to leave a server alone that does not answer.

use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// A pause that doubles while nothing gets better, each of them somewhere between none and all of it,
/// so that many consumers do not come back at once.
#[derive(Debug)]
pub(super) struct Pause {
    next: Duration,
}

impl Default for Pause {
    fn default() -> Self {
        Self { next: SHORTEST }
    }
}

impl Pause {
    /// The pause after a connection that lasted so long.
    pub(super) fn after(&mut self, lasted: Duration) -> Duration {
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
        let mut pause = Pause::default();
        for _ in 0..20 {
            assert!(pause.after(Duration::ZERO) <= LONGEST);
        }
        assert_eq!(pause.next, LONGEST);
        assert!(pause.after(LONGEST * 2) <= SHORTEST);
        assert_eq!(pause.next, SHORTEST * 2);
    }
}
