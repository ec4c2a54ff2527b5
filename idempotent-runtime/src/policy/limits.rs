//! The bounds of settings.

use std::time::Duration;

/// The longest that anything may be set to take, ten years: the sum of some still fits what stores and
/// clocks count in.
pub(crate) const LONGEST: Duration = Duration::from_hours(24 * 3650);

/// A setting within what can be kept: at least a millisecond, at most [`LONGEST`].
pub(crate) const fn within_bounds(setting: Duration) -> Duration {
    if setting.as_millis() == 0 { Duration::from_millis(1) } else { at_most_longest(setting) }
}

/// A setting that may be zero, at most [`LONGEST`].
pub(crate) const fn at_most_longest(setting: Duration) -> Duration {
    if setting.as_millis() > LONGEST.as_millis() { LONGEST } else { setting }
}

/// The time by which the clocks of clients and of several servers may differ.
#[cfg(feature = "actix")]
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(30);

/// The shortest lease: it is renewed at a third of its length, which takes a round trip to the store.
pub(crate) const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// A lease within what can be kept: at least [`SHORTEST_LEASE`], at most [`LONGEST`].
pub(crate) const fn lease_within_bounds(lease: Duration) -> Duration {
    let shortest = SHORTEST_LEASE;
    if lease.as_millis() < shortest.as_millis() { shortest } else { at_most_longest(lease) }
}

/// Whether a duration of the program is within these limits.
#[must_use]
pub const fn is_within(duration: Duration, shortest: Duration, longest: Duration) -> bool {
    duration.as_nanos() >= shortest.as_nanos() && duration.as_nanos() <= longest.as_nanos()
}

/// Whether one duration of the program is shorter than another.
#[must_use]
pub const fn is_shorter(one: Duration, other: Duration) -> bool {
    one.as_nanos() < other.as_nanos()
}
