//! Servers that accept a connection and do not answer: the consumer gives the connection up, and connects again.

use idempotent_runtime::consume::{AmqpQueue, Consumer, Failure, Incoming, RedisStream, Source};
use std::time::Duration;
use tests::{RabbitMqServer, RedisServer};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

async fn is_tried_again<S: Source>(source: impl FnOnce(String) -> S) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let handler = |_: Incoming| async { Ok::<_, Failure>(()) };
    let consumer = Consumer::of(source(address));
    let consumer = tokio::spawn(consumer.run(async move { drop(stopped.await) }, handler));
    // No connection is closed, as if the host stood still.
    let _silent = listener.accept().await.expect("it connects");
    let _still = listener.accept().await.expect("it connects again");
    drop(stop);
    consumer.await.expect("no panic").expect("a stop is no error");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_says_nothing_is_left_and_tried_again() {
    is_tried_again(|at| AmqpQueue::new(&format!("amqp://{at}"), "orders").expect("a URL")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_says_nothing_is_left_and_tried_again() {
    is_tried_again(|at| RedisStream::new(format!("redis://{at}"), "a", "b").expect("a URL")).await;
}

/// A readiness probe hears of a queue, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_says_whether_the_server_answers() {
    let (long, short) = (Duration::from_secs(30), Duration::from_millis(300));
    let broker = RabbitMqServer::shared().await;
    let queue = AmqpQueue::new(&broker.url(), "pinged").expect("a URL");
    queue.ping(long).await.expect("it answers");
    let redis = RedisServer::start();
    let stream = RedisStream::new(redis.url(), "a", "b").expect("a URL");
    stream.ping(long).await.expect("it answers");
    let _suspended = redis.suspend();
    let error = stream.ping(short).await.expect_err("silence").to_string();
    assert!(error.contains("the stream `a` of Redis") && error.contains("no answer"), "{error}");

    let silent = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = silent.local_addr().expect("it is bound");
    let queue = AmqpQueue::new(&format!("amqp://{address}"), "pinged").expect("a URL");
    let error = queue.ping(short).await.expect_err("silence").to_string();
    assert!(error.contains("the queue `pinged`") && error.contains("no answer"), "{error}");
}
