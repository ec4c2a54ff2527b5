//! Connections to `RabbitMQ` that an app makes by itself.

use idempotent_runtime::consume::{AmqpQueue, Consumer, Failure, Incoming};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tests::{RabbitMqServer, eventually};
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_is_consumed_by_the_connections_of_the_app_on_a_thread_of_ours() {
    let server = RabbitMqServer::shared().await;
    let (url, threads) = (server.url(), Arc::<Mutex<Vec<String>>>::default());
    let seen = Arc::clone(&threads);
    let connect = move || {
        let name = thread::current().name().unwrap_or_default().to_owned();
        seen.lock().expect("no panic").push(name);
        let url = url.clone();
        async move { Connection::connect(&url, ConnectionProperties::default()).await }
    };
    let queue = AmqpQueue::connect_with("ours", connect, "own").expect("a name");
    let publisher = server.publisher().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = move |incoming: Incoming| {
        let told = tell.send(incoming.payload().to_vec());
        async move { told.map_err(|_| Failure::never("nobody listens")) }
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let consumer = Consumer::of(queue).run(async move { drop(stopped.await) }, handler);
    let consumer = tokio::spawn(consumer);
    eventually("the queue is declared", async || publisher.ready("own").await).await;
    publisher.publish("own", b"one", BasicProperties::default()).await;
    assert_eq!(told.recv().await.as_deref(), Some(&b"one"[..]));
    drop(stop);
    consumer.await.expect("no panic").expect("a stop is no error");
    let threads = threads.lock().expect("no panic");
    assert!(!threads.is_empty(), "the app's function was called");
    assert!(threads.iter().all(|name| name == "idempotency-amqp"), "{threads:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_cannot_connect_says_why() {
    let connect = || async { Err(std::io::Error::other("the vault is sealed").into()) };
    let queue = AmqpQueue::connect_with("ours", connect, "own").expect("a name");
    let error = queue.ping(Duration::from_secs(30)).await.expect_err("nothing is there");
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(format!("{error}: {cause}").contains("the vault is sealed"), "{error}: {cause}");
}
