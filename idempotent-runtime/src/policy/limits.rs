//! The bounds of settings.

use std::time::Duration;

/// The longest duration of any setting, ten years. The sum of several still fits the numbers of stores and clocks.
pub(crate) const LONGEST: Duration = Duration::from_hours(24 * 3650);

/// A setting within its bounds: at least a millisecond, at most [`LONGEST`].
pub(crate) const fn within_bounds(setting: Duration) -> Duration {
    if setting.as_millis() == 0 { Duration::from_millis(1) } else { at_most_longest(setting) }
}

/// A setting that may be zero, at most [`LONGEST`].
pub(crate) const fn at_most_longest(setting: Duration) -> Duration {
    if setting.as_millis() > LONGEST.as_millis() { LONGEST } else { setting }
}

/// The greatest difference between the clocks of clients and of several servers that is allowed for.
#[cfg(feature = "actix")]
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(30);

/// The shortest lease: it is renewed at a third of its length, which takes a round trip to the store.
pub(crate) const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// A lease within its bounds: at least [`SHORTEST_LEASE`], at most [`LONGEST`].
pub(crate) const fn lease_within_bounds(lease: Duration) -> Duration {
    let shortest = SHORTEST_LEASE;
    if lease.as_millis() < shortest.as_millis() { shortest } else { at_most_longest(lease) }
}

/// Whether a duration in the program's source is within these limits.
#[must_use]
pub const fn is_within(duration: Duration, shortest: Duration, longest: Duration) -> bool {
    duration.as_nanos() >= shortest.as_nanos() && duration.as_nanos() <= longest.as_nanos()
}

/// Whether one duration in the program's source is shorter than another.
#[must_use]
pub const fn is_shorter(one: Duration, other: Duration) -> bool {
    one.as_nanos() < other.as_nanos()
}
