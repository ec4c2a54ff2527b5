//! The backend for Redis: consumer groups of streams.
//!
//! A delivered entry is pending in its group until it is acknowledged. The server knows how long ago its
//! consumer touched it. A consumer touches the entries that it works on regularly; an entry that nobody
//! touched for the full time is taken over. For a redelivery, an entry is marked as if it had been touched so
//! long ago that its full time ends when the delay does: so no delay depends on a process that can die. If an
//! entry has a history, a hash beside the stream holds it.
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
