//! Messages that are delivered again after a broken connection, a dead process, or from the dead letters; on every
//! queue.

macro_rules! recovery {
    ($($name:ident: $queue:ty;)*) => {
        $(
            mod $name {
                use crate::order_handler::{OrderHandler, order};
                use crate::queue_under_test::QueueUnderTest;
                use tests::{Backend, eventually};

                type Queue = $queue;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_broken_connection_counts_no_try_while_the_process_lives() {
                    let (mut queue, orders) = (Queue::of_its_own().await, OrderHandler::new());
                    let consumer = orders.consumes(&queue, |consumer| consumer.attempts(1));
                    queue.publish(&order("a", "holds")).await;
                    orders.started.notified().await;
                    queue.kill_and_restart().await;
                    queue.publish(&order("b", "returns")).await;
                    eventually("what is new is consumed", async || {
                        orders.ran().contains(&"b".to_owned()).then_some(())
                    })
                    .await;
                    orders.go.notify_one();
                    consumer.settles(&queue).await;
                    let once = ["a", "b"].map(str::to_owned).to_vec();
                    assert_eq!((orders.ran(), queue.dead().await), (once, vec![]));
                    assert!(orders.saw().iter().all(|attempt| *attempt == 1), "{:?}", orders.saw());
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_message_that_is_known_to_be_done_is_not_dead() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let once = |consumer: idempotent_runtime::consume::Consumer<_>| consumer.attempts(1);
                    let dying = orders.consumes_guarded(&queue, once);
                    queue.publish(&order("a", "lingers")).await;
                    orders.started.notified().await;
                    dying.dies().await;
                    let next = orders.consumes_guarded(&queue, once);
                    eventually("it is looked at", async || (orders.saw().len() == 2).then_some(())).await;
                    next.settles(&queue).await;
                    assert_eq!((orders.ran(), queue.dead().await), (vec!["a".to_owned()], vec![]));
                    assert_eq!(orders.saw().len(), 2, "{:?}", orders.saw());
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_message_that_is_given_up_and_was_not_done_does_not_run() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let once = |consumer: idempotent_runtime::consume::Consumer<_>| consumer.attempts(1);
                    let dying = orders.consumes_guarded(&queue, once);
                    queue.publish(&order("a", "holds")).await;
                    orders.started.notified().await;
                    dying.dies().await;
                    let next = orders.consumes_guarded(&queue, once);
                    let dead = eventually("it is dead", async || queue.dead().await.pop()).await;
                    next.settles(&queue).await;
                    assert_eq!(dead.1, "attempts: the consumer that had it went away");
                    assert_eq!((orders.ran().len(), orders.saw().len()), (1, 2));
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_message_that_was_not_processed_before_a_stop_counts_no_try() {
                    let (queue, backend) = (Queue::new().await, Backend::memory().await);
                    let orders = OrderHandler::on(backend.store.clone());
                    backend.store.set_down(true);
                    let consumer = orders.consumes_as_is(&queue);
                    queue.publish(&order("a", "returns")).await;
                    eventually("it was tried", async || (!orders.saw().is_empty()).then_some(()))
                        .await;
                    consumer.stop().await.unwrap().unwrap();
                    let next = OrderHandler::new();
                    let consumer = next.consumes(&queue, |consumer| consumer.attempts(1));
                    eventually("the next one has it", async || (!next.ran().is_empty()).then_some(()))
                        .await;
                    consumer.settles(&queue).await;
                    assert_eq!((next.saw(), queue.dead().await), (vec![1], vec![]));
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn the_tries_of_a_dead_letter_that_is_put_back_begin_again() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let consumer = orders.consumes(&queue, |consumer| consumer.attempts(2));
                    queue.publish(&order("a", "fails")).await;
                    eventually("it was tried twice", async || (orders.saw() == [1, 2]).then_some(()))
                        .await;
                    eventually("it is put back", async || (queue.put_back().await == 1).then_some(()))
                        .await;
                    eventually("it was tried again", async || {
                        (orders.saw() == [1, 2, 1, 2]).then_some(())
                    })
                    .await;
                    eventually("it is put back", async || (queue.redrive(7).await == 1).then_some(()))
                        .await;
                    let dead = eventually("it is dead", async || queue.dead().await.pop()).await;
                    consumer.settles(&queue).await;
                    assert_eq!(dead.1, "attempts: not now");
                    assert_eq!(orders.saw(), [1, 2, 1, 2, 1, 2]);
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn no_more_dead_letters_are_put_back_than_are_wanted() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let consumer = orders.consumes_as_is(&queue);
                    for id in ["a", "b", "c"] {
                        queue.publish(&order(id, "cannot")).await;
                    }
                    eventually("all were tried", async || (orders.saw().len() == 3).then_some(())).await;
                    consumer.settles(&queue).await;
                    let moved = [queue.redrive(2).await, queue.redrive(2).await];
                    assert_eq!((moved, queue.dead().await), ([2, 1], vec![]));
                    let next = orders.consumes_as_is(&queue);
                    eventually("all were tried", async || (orders.saw().len() == 6).then_some(())).await;
                    next.settles(&queue).await;
                    assert_eq!((orders.saw(), queue.dead().await.len()), (vec![1; 6], 3));
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn without_a_number_of_attempts_a_message_may_fail_for_hours() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let consumer = orders.consumes_as_is(&queue);
                    queue.publish(&order("a", "fails a while")).await;
                    eventually("it was done", async || {
                        (orders.saw().len() > crate::order_handler::A_WHILE).then_some(())
                    })
                    .await;
                    consumer.settles(&queue).await;
                    assert_eq!(queue.dead().await, []);
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_message_that_fails_for_too_long_is_dead() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let consumer = orders.consumes(&queue, |consumer| {
                        consumer.failing_for(std::time::Duration::from_millis(300))
                    });
                    queue.publish(&order("a", "fails")).await;
                    let dead = eventually("it is dead", async || queue.dead().await.pop()).await;
                    consumer.settles(&queue).await;
                    assert_eq!(dead.1, "attempts: not now");
                    assert!(orders.saw().len() > 1, "{:?}", orders.saw());
                }
            }
        )*
    };
}

pub(crate) use recovery;
