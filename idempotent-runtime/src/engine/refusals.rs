//! When a store will never take an outcome: a pure function.

use crate::error::{StoreError, StoreErrorKind};
use std::time::Duration;

/// An outcome is given up after this number of refusals, if the time from the first to the last is at least
/// this part of the lease and at least this long.
const ENOUGH: u32 = 3;
const PART: u32 = 3;
const SHORTEST: Duration = Duration::from_secs(5);

/// The refusals of an outcome, each by a store that had just accepted a renewal of the same record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refusals {
    many: u32,
    first: Duration,
}

impl Refusals {
    /// Counts one more failure, and tells whether the store will never take the outcome.
    ///
    /// Not every refusal counts. A store that takes nothing at all tells nothing about this outcome, nor does
    /// one that is slow or busy. A store that cuts the connection because the outcome is too large counts.
    pub(super) fn is_hopeless(
        &mut self,
        error: &StoreError,
        is_renewed: bool,
        now: Duration,
        lease: Duration,
    ) -> bool {
        match error.kind() {
            StoreErrorKind::TooLarge => return true,
            StoreErrorKind::Timeout
            | StoreErrorKind::Busy
            | StoreErrorKind::Corrupt
            | StoreErrorKind::Unopened => return false,
            StoreErrorKind::Rejected | StoreErrorKind::Unavailable | StoreErrorKind::Aborted => {}
        }
        if !is_renewed {
            return false;
        }
        if self.many == 0 {
            self.first = now;
        }
        self.many = self.many.saturating_add(1);
        let lasted = now.saturating_sub(self.first);
        self.many >= ENOUGH && lasted >= (lease / PART).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_mins(1);

    /// Whether an outcome is given up after failures of this kind at these seconds.
    fn hopeless(kind: StoreErrorKind, is_renewed: bool, lease: Duration, at: &[u64]) -> bool {
        let (mut refusals, error) = (Refusals::default(), StoreError::new(kind, "swap"));
        let judged = at
            .iter()
            .map(|at| refusals.is_hopeless(&error, is_renewed, Duration::from_secs(*at), lease));
        judged.last().unwrap_or(false)
    }

    #[test]
    fn an_outcome_is_given_up_after_three_refusals_over_a_third_of_the_lease() {
        let short = Duration::from_secs(3);
        for (lease, at, expected) in [
            (LEASE, &[100, 110, 120][..], true),
            (LEASE, &[100, 110, 119], false),
            (LEASE, &[100, 120], false),
            (LEASE, &[100, 101, 102, 103, 120], true),
            (short, &[100, 101, 104], false),
            (short, &[100, 101, 105], true),
        ] {
            for kind in [StoreErrorKind::Rejected, StoreErrorKind::Unavailable] {
                assert_eq!(hopeless(kind, true, lease, at), expected, "{at:?} of {lease:?}");
                assert!(!hopeless(kind, false, lease, at), "the store takes nothing at all");
            }
        }
    }

    #[test]
    fn an_outcome_that_is_too_large_is_given_up_at_once_and_one_that_is_only_late_never() {
        assert!(hopeless(StoreErrorKind::TooLarge, false, LEASE, &[100]));
        for kind in [StoreErrorKind::Timeout, StoreErrorKind::Busy] {
            assert!(!hopeless(kind, true, LEASE, &[100, 110, 120, 900]));
        }
    }
}
