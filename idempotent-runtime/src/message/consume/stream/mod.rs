//! The backend for Redis: consumer groups of streams.
//!
//! A delivered entry is pending in its group until it is acknowledged, with the time since its consumer last
//! touched it. A consumer touches the entries that it works on again and again; one that nobody touched for
//! the full time is taken over. An entry that is to be redelivered later is marked as touched so long ago
//! that the full time ends then: no delay lives in a process that can die.
//!
//! Files import downwards, in this order: `redis_stream`, `session`, `group`, `entry`, `broken`.

mod broken;
mod entry;
mod group;
mod redis_stream;
mod session;

pub use redis_stream::RedisStream;
