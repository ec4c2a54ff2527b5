//! The limits that the attribute enforces at compile time, and the runtime again at run time.
//!
//! The two crates share no code, so each has its own; `tests/agreement.rs` compares them.

use std::time::Duration;

/// The longest duration that can be set, ten years.
pub(crate) const LONGEST: Duration = Duration::from_hours(24 * 3650);

/// The shortest lease. A lease is renewed at a third of its length, which takes a round trip to the store.
pub(crate) const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// The time by which the clocks of clients and servers may differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(30);

/// Headers that are never replayed: they belong to one client or one connection, or the guard sets them.
pub(crate) const NEVER_REPLAYED: [&str; 13] = [
    "set-cookie",
    "set-cookie2",
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "idempotency-replayed",
    "idempotency-stored",
    "idempotency-problem",
];
