//! What the end-to-end suites share: real servers that start and end with a test.

mod redis;

pub use redis::RedisServer;
