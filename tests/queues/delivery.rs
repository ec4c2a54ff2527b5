//! Delivery, on every queue.

macro_rules! delivery {
    ($($name:ident: $queue:ty;)*) => {
        $(
            mod $name {
                use crate::order_handler::{OrderHandler, order};
                use crate::queue_under_test::QueueUnderTest;
                use tests::{Backend, eventually};

                type Queue = $queue;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_message_that_is_delivered_twice_runs_once() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let consumer = orders.consumes_as_is(&queue);
                    for id in (10..30).chain(15..25).chain(10..30) {
                        queue.publish(&order(id, "returns")).await;
                    }
                    consumer.settles(&queue).await;
                    let once: Vec<_> = (10..30).map(|id| id.to_string()).collect();
                    assert_eq!((orders.ran(), queue.dead().await), (once, vec![]));
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_message_in_progress_elsewhere_comes_again_and_counts_no_try() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let elsewhere = orders.clone();
                    let elsewhere =
                        tokio::spawn(async move { elsewhere.book_here("a", "holds").await });
                    orders.started.notified().await;
                    let consumer = orders.consumes(&queue, |consumer| consumer.attempts(2));
                    queue.publish(&order("a", "returns")).await;
                    eventually("it came several times", async || {
                        (orders.saw().len() > 3).then_some(())
                    })
                    .await;
                    orders.go.notify_one();
                    assert!(elsewhere.await.unwrap().is_ok());
                    consumer.settles(&queue).await;
                    assert_eq!((orders.ran(), queue.dead().await), (vec!["a".to_owned()], vec![]));
                    assert!(orders.saw().iter().all(|attempt| *attempt == 1), "{:?}", orders.saw());
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_message_that_can_never_succeed_is_dead_with_its_reason() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let consumer = orders.consumes_as_is(&queue);
                    queue.publish("no JSON").await;
                    queue.publish(&order("a", "cannot")).await;
                    queue.publish(&order("", "returns")).await;
                    consumer.settles(&queue).await;
                    let mut dead = queue.dead().await;
                    dead.sort_by(|one, other| one.1.cmp(&other.1));
                    let [missing, cannot, no_json] = &dead[..] else { panic!("{dead:?}") };
                    assert!(missing.1.starts_with("guard: "), "{missing:?}");
                    assert_eq!(cannot.0, order("a", "cannot"));
                    assert_eq!(cannot.1, "permanent: no such account");
                    assert_eq!(no_json.0, "no JSON");
                    assert!(no_json.1.starts_with("undecodable: "), "{no_json:?}");
                    assert_eq!((orders.ran(), orders.saw()), (vec!["a".to_owned()], vec![1; 3]));
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_message_that_fails_too_often_is_dead() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let consumer = orders.consumes(&queue, |consumer| consumer.attempts(3));
                    queue.publish(&order("a", "fails")).await;
                    eventually("it is dead", async || (!queue.dead().await.is_empty()).then_some(()))
                        .await;
                    consumer.settles(&queue).await;
                    assert_eq!(orders.saw(), [1, 2, 3]);
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_panic_counts_as_a_try() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let consumer = orders.consumes_as_is(&queue);
                    queue.publish(&order("a", "panics once")).await;
                    eventually("it came again", async || (orders.saw() == [1, 2]).then_some(())).await;
                    consumer.settles(&queue).await;
                    assert_eq!(queue.dead().await, []);
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_stop_finishes_what_runs_and_takes_no_more() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let consumer = orders.consumes(&queue, |consumer| consumer.prefetch(1));
                    for id in 0..10 {
                        queue.publish(&order(id, if id == 0 { "holds" } else { "returns" })).await;
                    }
                    orders.started.notified().await;
                    let stopping = consumer.stop();
                    tokio::task::yield_now().await;
                    assert!(!stopping.is_finished());
                    orders.go.notify_one();
                    stopping.await.unwrap().unwrap();
                    // The next one may have been on its way, and no other.
                    let ran = orders.ran().len();
                    assert!((1..=2).contains(&ran), "{:?}", orders.ran());
                    orders.consumes_as_is(&queue).settles(&queue).await;
                    let once: Vec<_> = (0..10).map(|id| id.to_string()).collect();
                    assert_eq!((orders.ran(), orders.saw()), (once, vec![1; 10]));
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_message_that_was_delivered_at_a_stop_is_finished_and_tried_once() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    // Declares it.
                    let consumer = orders.consumes_as_is(&queue);
                    queue.publish(&order(100, "returns")).await;
                    consumer.settles(&queue).await;
                    for id in 101..400 {
                        queue.publish(&order(id, "returns")).await;
                    }
                    // Each is stopped in the middle of what comes.
                    while orders.ran().len() < 300 {
                        let before = orders.ran().len();
                        let consumer = orders.consumes_as_is(&queue);
                        eventually("some are done", async || {
                            (orders.ran().len() > before).then_some(())
                        })
                        .await;
                        consumer.stop().await.unwrap().unwrap();
                    }
                    let once: Vec<_> = (100..400).map(|id| id.to_string()).collect();
                    assert_eq!((orders.ran(), orders.saw()), (once, vec![1; 300]));
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn no_more_run_at_once_than_are_wanted() {
                    let (queue, orders) = (Queue::new().await, OrderHandler::new());
                    let consumer = orders.consumes(&queue, |consumer| consumer.prefetch(2));
                    for id in 0..6 {
                        queue.publish(&order(id, "holds")).await;
                    }
                    for ended in 0..6 {
                        eventually("as many run as may", async || {
                            (orders.ran().len() == (ended + 2).min(6)).then_some(())
                        })
                        .await;
                        tokio::task::yield_now().await;
                        assert_eq!(orders.ran().len(), (ended + 2).min(6));
                        orders.go.notify_one();
                    }
                    consumer.settles(&queue).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn while_the_store_is_down_messages_wait_and_are_not_used_up() {
                    let (queue, backend) = (Queue::new().await, Backend::memory().await);
                    let orders = OrderHandler::on(backend.store.clone());
                    backend.store.set_down(true);
                    let consumer =
                        orders.consumes(&queue, |consumer| consumer.prefetch(1).attempts(1));
                    queue.publish(&order("a", "returns")).await;
                    queue.publish(&order("b", "returns")).await;
                    eventually("it was tried twice", async || (orders.saw().len() > 1).then_some(()))
                        .await;
                    assert!(orders.ran().is_empty());
                    backend.store.set_down(false);
                    consumer.settles(&queue).await;
                    assert_eq!((orders.ran().len(), queue.dead().await), (2, vec![]));
                    assert!(orders.saw().iter().all(|attempt| *attempt == 1), "{:?}", orders.saw());
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_message_that_waits_for_the_store_goes_to_the_next_consumer_after_a_stop() {
                    let (queue, backend) = (Queue::new().await, Backend::memory().await);
                    let orders = OrderHandler::on(backend.store.clone());
                    backend.store.set_down(true);
                    let consumer = orders.consumes_as_is(&queue);
                    queue.publish(&order("a", "returns")).await;
                    eventually("it was tried", async || (!orders.saw().is_empty()).then_some(()))
                        .await;
                    consumer.stop().await.unwrap().unwrap();
                    assert!(orders.ran().is_empty());
                    let next = OrderHandler::new();
                    let consumer = next.consumes_as_is(&queue);
                    eventually("the next one has it", async || (!next.ran().is_empty()).then_some(()))
                        .await;
                    consumer.settles(&queue).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_server_that_was_killed_is_consumed_again() {
                    let (mut queue, orders) = (Queue::of_its_own().await, OrderHandler::new());
                    let consumer = orders.consumes_as_is(&queue);
                    queue.publish(&order("a", "returns")).await;
                    queue.publish(&order("b", "holds")).await;
                    orders.started.notified().await;
                    queue.kill_and_restart().await;
                    queue.publish(&order("c", "returns")).await;
                    eventually("what is new is consumed", async || {
                        orders.ran().contains(&"c".to_owned()).then_some(())
                    })
                    .await;
                    orders.go.notify_one();
                    consumer.settles(&queue).await;
                    assert_eq!((orders.ran(), queue.dead().await), (["a", "b", "c"].map(str::to_owned).to_vec(), vec![]));
                }
            }
        )*
    };
}

pub(crate) use delivery;
