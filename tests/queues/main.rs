//! Consumers of real queues: what is delivered twice, to the dying, while servers are down.

mod behaviours;
mod desk;
mod example;
mod killed;
mod place;
mod rabbit;
mod rabbits;
mod silent;
mod streams;

use behaviours::behaviours;

behaviours! {
    on_a_stream: crate::place::Stream;
    on_a_queue: crate::rabbit::Queue;
}
