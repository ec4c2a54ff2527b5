//! Functions that run once for each key: message consumers, jobs, whatever has no HTTP.
//!
//! A function has no request, so its key, scope and fingerprint are made of its own parameters. It is
//! claimed before it runs, what it returns is stored before its caller gets it, and later calls get
//! what was stored. Nothing here needs actix-web, and every future can move between threads if the
//! function's own can.

#[cfg(any(feature = "amqp", feature = "redis"))]
pub(crate) mod consume;
mod error;
pub(crate) mod guard;
mod messages;
mod run;

pub use error::MessageError;
#[cfg(feature = "actix")]
pub(crate) use messages::{MessageContext, MessageScope, sealed};
pub use messages::{MessageEngine, Messages, MessagesBuilder};
