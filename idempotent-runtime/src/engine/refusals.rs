//! When an outcome is one that a store will never take; pure.

use crate::error::{StoreError, StoreErrorKind};
use std::time::Duration;

/// The number of refusals after which an outcome is given up, and the time from the first refusal to the last: a part
/// of the lease, and never less than this.
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
    /// Counts one more failure, and says whether the outcome will never be taken.
    ///
    /// Not every refusal counts: a store that takes nothing at all says nothing about this outcome, nor does
    /// one that is slow or busy with others. One that cuts the connection at what is too large for it does.
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

    /// Whether it is hopeless after failures of this kind at these seconds.
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
    fn what_is_too_large_is_given_up_at_once_and_what_is_only_late_never() {
        assert!(hopeless(StoreErrorKind::TooLarge, false, LEASE, &[100]));
        for kind in [StoreErrorKind::Timeout, StoreErrorKind::Busy] {
            assert!(!hopeless(kind, true, LEASE, &[100, 110, 120, 900]));
        }
    }
}
