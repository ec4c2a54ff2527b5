//! The backend for `RabbitMQ`: queues of AMQP 0.9.1.
//!
//! A message that is to be redelivered later waits in a queue that nobody consumes. There is one such queue
//! for each step of the delay: its messages expire after that time, and the broker moves them back. Before a
//! delivered message is acknowledged, its copy is published into such a queue, or among the dead letters, and
//! confirmed.
//!
//! Files import downwards, in this order: `amqp_queue`, `redrive`, `session`, `message`, `acknowledger`, `outstanding`,
//! `properties`, `headers`, `publish`, `queues`, `broker`, `encryption`, `broken`.

mod acknowledger;
mod amqp_queue;
mod broken;
mod broker;
#[cfg(feature = "tls")]
mod encryption;
mod headers;
mod message;
mod outstanding;
mod properties;
mod publish;
mod queues;
mod redrive;
mod session;

pub use amqp_queue::AmqpQueue;
pub use queues::QueueKind;
