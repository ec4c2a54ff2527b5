//! Consumers of real queues: what is delivered twice, to the dying, while servers are down.

mod delivery;
mod example;
mod killed_consumers;
mod order_handler;
mod queue_under_test;
mod rabbitmq_delivery;
mod rabbitmq_headers;
mod rabbitmq_queue;
mod redis_stream;
mod redis_stream_delivery;
mod unanswering_servers;

use delivery::delivery;

delivery! {
    on_a_stream: crate::redis_stream::Stream;
    on_a_queue: crate::rabbitmq_queue::Queue;
}
