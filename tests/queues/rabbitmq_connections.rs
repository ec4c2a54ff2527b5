//! The connections to `RabbitMQ`: of handlers that block their thread, and of a broker that takes no messages.

use crate::order_handler::{OrderHandler, order};
use crate::queue_under_test::QueueUnderTest;
use crate::rabbitmq_queue::Queue;
use idempotent_runtime::consume::{AmqpQueue, Consumer, Failure, Incoming};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::eventually;

/// On one thread for everything.
#[tokio::test]
async fn a_handler_that_blocks_its_thread_costs_no_heartbeat() {
    let (queue, handled) = (Queue::new().await, Arc::<Mutex<Vec<_>>>::default());
    let log = Arc::clone(&handled);
    let blocks_at_first = move |incoming: Incoming| {
        let is_first = {
            let mut handled = log.lock().expect("no panic");
            handled.push(incoming.payload().clone());
            handled.len() == 1
        };
        if is_first {
            // The broker gives up a connection without a heartbeat after two seconds.
            std::thread::sleep(Duration::from_secs(6));
        }
        async { Ok::<_, Failure>(()) }
    };
    let url = format!("{}?heartbeat=1", queue.arguments()[0]);
    let source = AmqpQueue::new(&url, queue.name.as_str()).expect("it is a URL");
    let consumer = tokio::spawn(Consumer::of(source).run(std::future::pending(), blocks_at_first));
    for payload in ["a", "b"] {
        queue.publish(payload).await;
        eventually("it is handled", async || {
            handled.lock().expect("no panic").iter().any(|one| one == payload).then_some(())
        })
        .await;
    }
    assert_eq!(*handled.lock().expect("no panic"), ["a", "b"]);
    consumer.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_takes_no_messages_others_are_acknowledged() {
    let (queue, orders) = (Queue::of_its_own().await, OrderHandler::new());
    let declares = orders.consumes_as_is(&queue);
    queue.publish(&order("a", "holds")).await;
    orders.started.notified().await;
    declares.dies().await;
    for id in ["c", "d", "e"] {
        queue.publish(&order(id, "returns")).await;
    }
    queue.server().has_memory(false);
    // The first one has to be published again, and keeps one of two places.
    let next = orders.consumes(&queue, |consumer| consumer.prefetch(2).attempts(2));
    eventually("the others are done", async || {
        let ran = orders.ran();
        ["c", "d", "e"].iter().all(|id| ran.iter().any(|one| one == id)).then_some(())
    })
    .await;
    queue.server().has_memory(true);
    orders.go.notify_one();
    next.settles(&queue).await;
    assert_eq!(queue.dead().await, []);
}
