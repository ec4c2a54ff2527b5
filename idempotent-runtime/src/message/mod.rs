//! Functions that run once for each key: message consumers, jobs, whatever has no HTTP.
//!
//! A function has no request, so its key, scope and fingerprint are made of its own parameters. It is
//! claimed before it runs, what it returns is stored before its caller gets it, and later calls get
//! what was stored. Nothing here needs actix-web, and every future can move between threads if the
//! function's own can.

#[cfg(any(feature = "amqp", feature = "redis"))]
mod consume;
mod error;
mod guard;
mod messages;
mod run;

#[cfg(feature = "redis")]
pub use consume::RedisStream;
#[cfg(feature = "amqp")]
pub use consume::{AmqpQueue, QueueKind};
#[cfg(any(feature = "amqp", feature = "redis"))]
pub use consume::{ConsumeError, Consumer, Failure, Incoming, Source};
pub use error::MessageError;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use guard::guard_in_transaction;
pub use guard::{Message, guard};
#[cfg(feature = "actix")]
pub(crate) use messages::{MessageContext, MessageScope, sealed};
pub use messages::{MessageEngine, Messages, MessagesBuilder};
