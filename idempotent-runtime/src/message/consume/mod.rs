//! Consumers of queues, which acknowledge a message after its record was stored.
//!
//! One driver works on messages, as many at the same time as the consumer allows, and decides how each is
//! settled. For each kind of server a backend delivers messages and tells the server about their settlement.
//! A message is settled after its handler has returned, so its record is stored by then. If the settlement is
//! lost, the message is delivered again, and its record shows that it is done.
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
