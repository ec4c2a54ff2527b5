//! Time, so that a test can hold it in its hand.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time.
///
/// Stores use it only where no server keeps time for them; a Redis or a database server judges
/// leases and lives by its own clock.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time since 1970-01-01T00:00:00Z; it may jump when the host's clock is set.
    fn wall(&self) -> Duration;

    /// The time since some fixed moment; it never goes back.
    fn steady(&self) -> Duration;
}

/// The clocks of the host.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose steady time starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn steady(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that moves only when a test moves it; it starts at 2026-01-01T00:00:00Z.
#[derive(Debug)]
pub struct ManualClock {
    wall_ms: AtomicU64,
    steady_ms: AtomicU64,
}

impl ManualClock {
    const START_MS: u64 = 1_767_225_600_000;

    /// A clock that stands still.
    #[must_use]
    pub fn new() -> Self {
        Self { wall_ms: AtomicU64::new(Self::START_MS), steady_ms: AtomicU64::new(0) }
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, by: Duration) {
        let by = millis(by);
        self.wall_ms.fetch_add(by, Ordering::SeqCst);
        self.steady_ms.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the wall clock alone, as an administrator or a time server would.
    pub fn set_wall(&self, since_epoch: Duration) {
        self.wall_ms.store(millis(since_epoch), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        Duration::from_millis(self.steady_ms.load(Ordering::SeqCst))
    }
}

/// Whole milliseconds, the unit of every stored time; what does not fit is the largest.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
