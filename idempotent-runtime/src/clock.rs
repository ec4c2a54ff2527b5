//! The sources of time, and one that tests can move.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of time.
///
/// A store uses it only if no server keeps time for it. A Redis or database server counts leases and lives by
/// its own clock.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time since 1970-01-01T00:00:00Z. It may jump when the host's clock is set.
    fn wall(&self) -> Duration;

    /// The time since some fixed moment. It never goes back, and also counts while the host is suspended.
    fn steady(&self) -> Duration;
}

/// A random duration between half of this one and one and a half of it, so that many processes do not act at
/// the same time.
pub(crate) fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(0.5 + rand::random::<f64>())
}

/// The clocks of the host.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Duration,
}

impl SystemClock {
    /// A clock whose steady time starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: since_boot() }
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
        since_boot().saturating_sub(self.start)
    }
}

/// The time since the host started, or since some later moment.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn since_boot() -> Duration {
    // Both clocks also count while the host is suspended; `std::time::Instant` does not.
    #[cfg(not(target_vendor = "apple"))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    #[cfg(target_vendor = "apple")]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
    Duration::try_from(rustix::time::clock_gettime(CLOCK)).unwrap_or_default()
}

/// The time since the first call. Whether it counts while the host is suspended depends on the system.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn since_boot() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed()
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

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let by = millis(by);
        self.wall_ms.fetch_add(by, Ordering::SeqCst);
        self.steady_ms.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets only the wall clock, as an administrator or a time server would.
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

/// Whole milliseconds, the unit of every stored time. A longer duration becomes the greatest number.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::env::{current_exe, var_os};
    use std::process::Command;

    /// The variable that is set in the process with a namespace of its own.
    const INSIDE: &str = "IDEMPOTENT_CLOCK_TEST";

    /// In a namespace in which the host seems to have been suspended for a day.
    #[test]
    fn steady_time_counts_how_long_the_host_was_suspended() {
        if var_os(INSIDE).is_some() {
            let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
            let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
            let difference = since_boot().as_secs_f64() - uptime;
            assert!(difference.abs() < 60.0, "{difference} seconds from the time of the kernel");
            return;
        }
        let namespace = ["--user", "--map-root-user", "--time", "--boottime", "86400"];
        let tried = Command::new("unshare").args(namespace).arg("true").output();
        if !tried.is_ok_and(|tried| tried.status.success()) {
            eprintln!("did not run: this host lets nobody make a namespace");
            return;
        }
        let name = "clock::tests::steady_time_counts_how_long_the_host_was_suspended";
        let inside = Command::new("unshare")
            .args(namespace)
            .arg(current_exe().unwrap())
            .args(["--exact", name])
            .env(INSIDE, "")
            .output()
            .unwrap();
        assert!(inside.status.success(), "{}", String::from_utf8_lossy(&inside.stdout));
    }
}
