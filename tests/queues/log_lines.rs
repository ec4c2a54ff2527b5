//! The log lines of consumers that cannot go on.

use crate::order_handler::{OrderHandler, order};
use crate::queue_under_test::QueueUnderTest;
use crate::rabbitmq_queue::Queue;
use crate::redis_stream::{IDLE, Stream};
use idempotent_runtime::consume::{ConsumeError, Consumer, Failure, Incoming, RedisStream};
use idempotent_runtime::message::Messages;
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{MemoryStore, idempotent};
use sqlx::Sqlite;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tests::{Backend, Log, eventually};

#[idempotent(strategy = "message", operation = "no database", key = "{id}", engine = "messages")]
async fn without_database(messages: &Messages, id: &str, tx: Tx<Sqlite>) -> Result<(), Failure> {
    drop(tx);
    Ok(())
}

async fn a_wrong_setup_ends_its_consumer_at_the_first_message<P: QueueUnderTest>() {
    let (queue, calls) = (P::new().await, Arc::<AtomicU32>::default());
    let messages = Messages::builder(MemoryStore::new()).scope("tests").build().expect("it fits");
    let called = Arc::clone(&calls);
    let handler = move |incoming: Incoming| {
        called.fetch_add(1, Ordering::Relaxed);
        let messages = messages.clone();
        async move { without_database(&messages, incoming.id().unwrap_or("a")).await }
    };
    let consumer = Consumer::of(queue.source()).prefetch(1);
    let consumer = tokio::spawn(consumer.run(std::future::pending(), handler));
    queue.publish(&order("a", "returns")).await;
    let ended = consumer.await.expect("no panic").expect_err("it cannot work");
    assert!(matches!(ended, ConsumeError::Misconfigured { .. }), "{ended:?}");
    assert!(ended.to_string().contains(".database(pool)"), "{ended}");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let orders = OrderHandler::new();
    let next = orders.consumes(&queue, |consumer| consumer.attempts(1));
    eventually("the message is there", async || (!orders.ran().is_empty()).then_some(())).await;
    next.settles(&queue).await;
    assert_eq!((orders.saw(), queue.dead().await), (vec![1], vec![]));
}

#[idempotent(strategy = "message", operation = "told once", key = "{id}", engine = "messages")]
async fn told_once(messages: &Messages, id: &str) -> Result<(), Failure> {
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_down_is_told_once_and_that_it_is_back() {
    let (log, backend) = (Log::listen(), Backend::memory().await);
    let (stream, calls) = (Stream::new().await, Arc::<AtomicU32>::default());
    let messages =
        Messages::builder(backend.store.clone()).scope("tests").build().expect("it fits");
    let called = Arc::clone(&calls);
    let handler = move |incoming: Incoming| {
        called.fetch_add(1, Ordering::Relaxed);
        let messages = messages.clone();
        async move { told_once(&messages, incoming.id()?).await }
    };
    let soon = std::time::Duration::from_millis(20);
    let consumer = Consumer::of(stream.source()).prefetch(1).delays(soon, soon);
    let consumer = tokio::spawn(consumer.run(std::future::pending(), handler));
    let lines = |text| {
        let lines = log.lines(text);
        lines.iter().filter(|line| line.contains("told once")).count()
    };
    for outage in 1..=2 {
        backend.store.set_down(true);
        let before = calls.load(Ordering::Relaxed);
        stream.publish("a").await;
        eventually("it is tried again and again", async || {
            (calls.load(Ordering::Relaxed) > before + 3).then_some(())
        })
        .await;
        assert_eq!(lines("the store failed, so a function was not run"), outage);
        assert_eq!(lines("the store answers guarded functions again"), outage - 1);
        backend.store.set_down(false);
        eventually("it is done", async || stream.is_settled().await.then_some(())).await;
        assert_eq!(lines("the store answers guarded functions again"), outage);
    }
    consumer.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taking_over_is_told_once_and_that_it_is_over() {
    let (log, stream) = (Log::listen(), Stream::new().await);
    let ask = |words: &[&str]| stream.server.command::<redis::Value>(words);
    ask(&["XGROUP", "CREATE", "left behind", "told", "0", "MKSTREAM"]);
    for n in ["1", "2", "3", "4", "5"] {
        ask(&["XADD", "left behind", "*", "payload", n]);
    }
    ask(&["XREADGROUP", "GROUP", "told", "nobody", "STREAMS", "left behind", ">"]);
    let source = RedisStream::new(stream.server.url(), "left behind", "told").expect("a URL");
    let done = Arc::<AtomicU32>::default();
    let count = Arc::clone(&done);
    let handler = move |_: Incoming| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, Failure>(()) }
    };
    let consumer = Consumer::of(source.take_over_after(IDLE)).prefetch(2);
    let soon = std::time::Duration::from_millis(20);
    let consumer = consumer.delays(soon, soon);
    let consumer = tokio::spawn(consumer.run(std::future::pending(), handler));
    let lines = |text| {
        let lines = log.lines(text).into_iter();
        lines.filter(|line| line.contains("left behind")).collect::<Vec<_>>()
    };
    eventually("all are done", async || (done.load(Ordering::Relaxed) == 5).then_some(())).await;
    let over = "no more entries are taken over";
    eventually("it is over", async || (!lines(over).is_empty()).then_some(())).await;
    assert_eq!(lines("their consumer does not touch any more").len(), 1);
    assert!(lines(over).len() == 1 && lines(over)[0].contains("entries=5"), "{:?}", lines(over));
    consumer.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_setup_ends_its_consumer_of_a_stream() {
    a_wrong_setup_ends_its_consumer_at_the_first_message::<Stream>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_setup_ends_its_consumer_of_a_queue() {
    a_wrong_setup_ends_its_consumer_at_the_first_message::<Queue>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_that_are_trimmed_away_while_they_are_worked_on_are_told() {
    let log = Log::listen();
    let (stream, orders) = (Stream::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&stream);
    for id in 0..5 {
        stream.publish(&order(id, "holds")).await;
    }
    eventually("all run", async || (orders.ran().len() == 5).then_some(())).await;
    stream.server.command::<u32>(&["XTRIM", "orders", "MAXLEN", "0"]);
    eventually("they are told", async || {
        let lines = log.lines("entries were trimmed away before they were done");
        lines.iter().any(|line| line.contains("entries=5")).then_some(())
    })
    .await;
    for _ in 0..5 {
        orders.go.notify_one();
    }
    drop(consumer.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_told_once_and_that_it_is_back() {
    let log = Log::listen();
    let (mut stream, orders) = (Stream::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&stream);
    stream.publish(&order("a", "returns")).await;
    eventually("it is consumed", async || (!orders.ran().is_empty()).then_some(())).await;
    let at = stream.server.url();
    let at = at.trim_start_matches("redis+unix://").to_owned();
    let lines = |text| log.lines(text).iter().filter(|line| line.contains(&at)).count();
    stream.server.kill();
    eventually("it is told", async || (lines("no connection to a queue") > 0).then_some(())).await;
    stream.server.restart();
    stream.publish(&order("b", "returns")).await;
    eventually("it is consumed again", async || (orders.ran().len() == 2).then_some(())).await;
    assert_eq!(lines("no connection to a queue"), lines("a queue is consumed again"));
    consumer.settles(&stream).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_that_may_take_longer_than_the_broker_waits_are_told() {
    let log = Log::listen();
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let consumer = orders.consumes(&queue, |consumer| {
        consumer.prefetch(7).consumer_timeout(std::time::Duration::from_nanos(1))
    });
    queue.publish(&order("a", "returns")).await;
    queue.publish(&order("b", "returns")).await;
    eventually("both are done", async || (orders.ran().len() == 2).then_some(())).await;
    consumer.settles(&queue).await;
    let lines = log.lines("handlers may take longer than the broker waits");
    assert_eq!(lines.iter().filter(|line| line.contains("at_once=7")).count(), 1, "{lines:?}");
}
