//! The number of requests and the time that a run may take.

use crate::check::wire::no_answer::NoAnswer;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The most requests of one run.
pub(crate) const MOST_REQUESTS: u32 = 500;

/// The time and the requests that one run may take.
#[derive(Debug)]
pub(crate) struct Limits {
    begun: AtomicU32,
    for_each: Duration,
    end: Instant,
}

impl Limits {
    pub(crate) fn new(for_each: Duration, for_all: Duration) -> Self {
        Self { begun: AtomicU32::new(0), for_each, end: Instant::now() + for_all }
    }

    /// Counts a request, unless there were too many.
    pub(crate) fn begin(&self) -> Result<(), NoAnswer> {
        let one_more = |begun| (begun < MOST_REQUESTS).then(|| begun + 1);
        let counted = self.begun.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.map(drop).map_err(|_| NoAnswer::Spent)
    }

    /// The number of requests that were begun.
    pub(crate) fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// The time that one request may take.
    pub(crate) fn for_each(&self) -> Duration {
        self.for_each
    }

    /// Does one thing within the time of one request and of all.
    pub(crate) async fn within<T>(
        &self,
        doing: impl Future<Output = Result<T, NoAnswer>>,
    ) -> Result<T, NoAnswer> {
        let own_end = Instant::now() + self.for_each;
        let done = timeout_at(own_end.min(self.end), doing).await;
        done.unwrap_or_else(|_| {
            Err(if own_end < self.end { NoAnswer::TimedOut } else { NoAnswer::Over })
        })
    }

    /// The end of a wait of this length, which is never after the end of the whole run.
    pub(crate) fn end_of(&self, wait: Duration) -> Instant {
        self.end.min(Instant::now() + wait)
    }

    /// Sleeps, but not beyond the end.
    pub(crate) async fn pause(&self, pause: Duration) -> Result<(), NoAnswer> {
        let end = Instant::now() + pause;
        tokio::time::sleep_until(end.min(self.end)).await;
        if end < self.end { Ok(()) } else { Err(NoAnswer::Over) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_after_the_last_one_is_refused_for_ever() {
        let limits = Limits::new(Duration::from_secs(1), Duration::from_secs(1));
        for _ in 0..MOST_REQUESTS {
            limits.begin().expect("one of the allowed");
        }
        for _ in 0..3 {
            assert!(matches!(limits.begin(), Err(NoAnswer::Spent)));
        }
        assert_eq!(limits.begun(), MOST_REQUESTS);
    }

    #[tokio::test]
    async fn a_request_ends_with_its_own_time_or_that_of_all() {
        let never = || std::future::pending::<Result<(), NoAnswer>>();
        let (short, long) = (Duration::from_millis(1), Duration::from_mins(1));
        let own = Limits::new(short, long).within(never()).await;
        assert!(matches!(own, Err(NoAnswer::TimedOut)));
        let all = Limits::new(long, short);
        assert!(matches!(all.within(never()).await, Err(NoAnswer::Over)));
        assert!(matches!(all.pause(long).await, Err(NoAnswer::Over)));
    }
}
