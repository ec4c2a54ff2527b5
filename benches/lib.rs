//! Parts that the benches share: a load that costs little itself, runs without HTTP, and ratios within one run.

#![expect(clippy::missing_panics_doc, reason = "a bench that panics says nothing")]

mod commands;
mod load;
mod ratio;
mod redis_by_hand;
mod runs;

pub use commands::commands;
pub use load::{Load, Requests, post, read_created};
pub use ratio::{Round, compare, median, row};
pub use redis_by_hand::{RedisByHand, redis_name};
pub use runs::{ANSWER, BODY, LEASE, TTL, engine, key, outcome, replay, request, run};
