//! The connections to `RabbitMQ`: of handlers that block their thread, and of a broker that takes no messages.

use crate::order_handler::{OrderHandler, order};
use crate::queue_under_test::QueueUnderTest;
use crate::rabbitmq_queue::Queue;
use idempotent_runtime::consume::{AmqpQueue, Consumer, Failure, Incoming};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::{Log, eventually};

/// The test has only one thread.
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

/// The retry waits on the connection that publishes, which the broker does not read any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_takes_no_messages_others_are_acknowledged() {
    let log = Log::listen();
    let (queue, orders) = (Queue::of_its_own().await, OrderHandler::new());
    let consumer = orders.consumes(&queue, |consumer| consumer.prefetch(2));
    queue.publish(&order("a", "holds and fails once")).await;
    orders.started.notified().await;
    queue.publish(&order("b", "holds")).await;
    queue.publish(&order("c", "returns")).await;
    orders.started.notified().await;
    queue.server().has_memory(false);
    orders.go.notify_one();
    let told = async |text| {
        let is_told = async || (!log.lines(text).is_empty()).then_some(());
        eventually(text, is_told).await;
    };
    told("the broker takes no messages: retries and dead letters wait").await;
    orders.go.notify_one();
    eventually("another has the place of one that is acknowledged", async || {
        orders.ran().contains(&"c".to_owned()).then_some(())
    })
    .await;
    assert_eq!(orders.ran(), ["a", "b", "c"]);
    queue.server().has_memory(true);
    told("no retry or dead letter waits for the broker any more").await;
    eventually("it is tried again", async || (orders.ran().len() == 4).then_some(())).await;
    consumer.settles(&queue).await;
    assert_eq!(
        (orders.ran(), queue.dead().await),
        (["a", "a", "b", "c"].map(str::to_owned).to_vec(), vec![])
    );
}
