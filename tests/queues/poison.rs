//! A message that kills its process, among others that do not: it alone is given up.

use crate::killed_consumers::{Effects, Process};
use crate::order_handler::OrderHandler;
use crate::queue_under_test::QueueUnderTest;
use crate::rabbitmq_queue::Queue;
use crate::redis_stream::Stream;
use tests::eventually;

async fn kills_itself_alone<P: QueueUnderTest>(kind: &str) {
    let (queue, effects) = (P::new().await, Effects::new().await);
    // Declares the queue.
    let orders = OrderHandler::new();
    let declares = orders.consumes_as_is(&queue);
    queue.publish("no JSON").await;
    declares.settles(&queue).await;
    assert_eq!(queue.dead().await.len(), 1);
    for id in ["kills", "1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        queue.publish(id).await;
    }
    let start = || Process::start(kind, &queue, effects.file(), Some("slowly"));
    let mut process = start();
    let mut died = 0;
    let mut dead = Vec::new();
    eventually("all are done, and one is dead", async || {
        if process.ended().is_some() {
            died += 1;
            process = start();
        }
        dead.extend(queue.dead().await.into_iter().filter(|letter| letter.0 != "no JSON"));
        (effects.count().await == 9 && !dead.is_empty()).then_some(())
    })
    .await;
    dead.dedup();
    assert_eq!(
        dead,
        [("kills".to_owned(), "attempts: the consumer that had it went away".to_owned())]
    );
    assert_eq!(died, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_stream_a_message_that_kills_its_process_is_dead_alone() {
    kills_itself_alone::<Stream>("stream").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_queue_a_message_that_kills_its_process_is_dead_alone() {
    kills_itself_alone::<Queue>("queue").await;
}
