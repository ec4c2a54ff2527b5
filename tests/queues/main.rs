//! Consumers of real queues: messages that are delivered twice, consumers that die, servers that are down.

mod delivery;
mod downstream;
mod example;
mod killed_consumers;
mod log_lines;
mod order_handler;
mod own_connections;
mod poison;
mod queue_under_test;
mod rabbitmq_connections;
mod rabbitmq_delivery;
mod rabbitmq_headers;
mod rabbitmq_queue;
mod rabbitmq_tls;
mod recovery;
mod redis_stream;
mod redis_stream_delivery;
mod soak;
mod unanswering_servers;

use delivery::delivery;
use recovery::recovery;

delivery! {
    on_a_stream: crate::redis_stream::Stream;
    on_a_queue: crate::rabbitmq_queue::Queue;
}

recovery! {
    recovery_on_a_stream: crate::redis_stream::Stream;
    recovery_on_a_queue: crate::rabbitmq_queue::Queue;
}
