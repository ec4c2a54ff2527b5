//! The backend for Redis: consumer groups of streams.
//!
//! A delivered entry is pending in its group until it is acknowledged, with the time since its consumer last
//! touched it. A consumer touches the entries that it works on again and again; one that nobody touched for
//! the full time is taken over. An entry that is to be redelivered later is marked as touched so long ago
//! that the full time ends then: no delay lives in a process that can die. Its past stands in a hash beside the
//! stream, as soon as there is one.
//!
//! Files import downwards, in this order: `redis_stream`, `redrive`, `session`, `group`, `notices`, `dues`,
//! `past`, `entry`, `broken`.

mod broken;
mod dues;
mod entry;
mod group;
mod notices;
mod past;
mod redis_stream;
mod redrive;
mod session;

pub use redis_stream::RedisStream;
