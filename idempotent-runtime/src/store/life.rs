//! The life of a value in the units of servers.

use crate::clock::millis;
use std::time::Duration;

/// The longest life that a server gets, a hundred years. Sums with longer ones overflow.
const LONGEST: Duration = Duration::from_hours(876_000);

/// A life in milliseconds, at least one, since a server refuses 0.
pub(in crate::store) fn life_millis(life: Duration) -> i64 {
    let life = life.clamp(Duration::from_millis(1), LONGEST);
    i64::try_from(millis(life)).unwrap_or(i64::MAX)
}
