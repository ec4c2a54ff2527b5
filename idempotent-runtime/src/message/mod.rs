//! Functions that run once for each key, without HTTP: message consumers, jobs, steps of longer work.
//!
//! A function has no request, so its key, scope and fingerprint are made from its own parameters. Its key is
//! claimed before it runs, its value is stored before its caller gets it, and later calls get the stored
//! value. Nothing here needs actix-web. Every future can move between threads if the function's own future
//! can.

// Files import downwards, in this order: `consume`, `guard`, `shape`, `course`, `run`, `messages`, `delivered`, `error`.

#[cfg(any(feature = "amqp", feature = "redis"))]
pub(crate) mod consume;
mod course;
mod delivered;
mod error;
pub(crate) mod guard;
mod messages;
mod run;
mod shape;

pub use error::MessageError;
#[cfg(feature = "actix")]
pub(crate) use messages::{MessageContext, MessageOnBegin, MessageScope, sealed};
pub use messages::{MessageEngine, Messages, MessagesBuilder};
