//! Consumers of queues, which acknowledge a message after its record was stored.
//!
//! One driver settles each message and works on as many at once as are wanted; a backend for each kind of
//! server delivers messages and tells the server about them. A message is settled after its handler
//! returned, and so after its record was stored: one that is lost between the two is delivered again, and
//! found to be done.
//!
//! Files import downwards, in this order: `consumer`, `driver`, `amqp`, `stream`, `worker_pool`, `worker`, `breaker`, `longest`, `backoff`,
//! `source`, `decide`, `history`, `incoming`, `failure`.

#[cfg(feature = "amqp")]
mod amqp;
mod backoff;
mod breaker;
mod consumer;
mod decide;
mod driver;
mod failure;
mod history;
mod incoming;
mod longest;
mod source;
#[cfg(feature = "redis")]
mod stream;
mod worker;
mod worker_pool;

#[cfg(feature = "amqp")]
pub use amqp::{AmqpQueue, QueueKind};
pub use consumer::Consumer;
pub use failure::Failure;
pub use incoming::Incoming;
pub use source::{ConsumeError, Source};
#[cfg(feature = "redis")]
pub use stream::RedisStream;
