//! The length of a soak.

use std::time::Duration;

/// The length of a soak as a part of all tests.
const SHORT: Duration = Duration::from_secs(30);

/// `SOAK`, such as `10m` or `90s`.
pub fn soak_length() -> Duration {
    let Ok(asked) = std::env::var("SOAK") else { return SHORT };
    let (many, unit) = asked.split_at(asked.len().saturating_sub(1));
    let many: u64 = many.parse().expect("a number in `SOAK`");
    match unit {
        "m" => Duration::from_mins(many),
        "s" => Duration::from_secs(many),
        _ => panic!("`SOAK` is in `m` or `s`"),
    }
}
