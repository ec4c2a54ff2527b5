//! The rate of messages of a guarded consumer, against a consumer by hand that guards nothing.
//!
//! `cargo bench -p benches --bench messages`

use benches::row;
use futures_util::stream;
use futures_util::{FutureExt, StreamExt};
use idempotent_runtime::consume::{
    AmqpQueue, Consumer, Failure, Incoming, QueueKind, RedisStream, Source,
};
use idempotent_runtime::message::Messages;
use idempotent_runtime::{MemoryStore, idempotent};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use redis::{Value, cmd};
use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tests::{RabbitMqServer, RedisServer};
use tokio::sync::Notify;

/// The number of turns on each side, and of messages in each turn.
const TURNS: usize = 11;
const MESSAGES: usize = 2000;
const AT_ONCE: u16 = 16;

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn work(messages: &Messages, id: &str) -> Result<(), Failure> {
    Ok(())
}

/// The number of messages for each second, until all of them were processed.
async fn guarded(source: impl Source) -> f64 {
    let built = Messages::builder(MemoryStore::new()).scope("bench").build();
    let messages = built.expect("defaults fit");
    let (worked, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (done, stopped) = (Arc::clone(&all), OnceCell::new());
    let handler = move |incoming: Incoming| {
        let (messages, worked, done) = (messages.clone(), Arc::clone(&worked), Arc::clone(&done));
        async move {
            let id = str::from_utf8(incoming.payload()).map_err(Failure::undecodable)?;
            work(&messages, id).await?;
            if worked.fetch_add(1, Ordering::Relaxed) + 1 == MESSAGES {
                done.notify_one();
            }
            Ok::<_, Failure>(())
        }
    };
    let began = Instant::now();
    let consumer = Consumer::of(source).prefetch(AT_ONCE);
    // Stopping waits for messages that were asked for already; that time does not count.
    let stop = async { stopped.set(rate(began)).expect("it stops once") };
    consumer.run(all.notified().then(|()| stop), handler).await.expect("it consumes");
    stopped.into_inner().expect("it stopped")
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn rate(began: Instant) -> f64 {
    MESSAGES as f64 / began.elapsed().as_secs_f64()
}

fn fill(server: &RedisServer, name: &str) {
    for id in 0..MESSAGES {
        server.command::<String>(&["XADD", name, "*", "payload", &id.to_string()]);
    }
    server.command::<String>(&["XGROUP", "CREATE", name, "bench", "0"]);
}

async fn stream_by_hand(url: &str, name: &str) -> f64 {
    let client = redis::Client::open(url).expect("a URL");
    let mut link = client.get_multiplexed_async_connection().await.expect("it connects");
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg("bench").arg("hand").arg("COUNT").arg(AT_ONCE);
    read.arg("STREAMS").arg(name).arg(">");
    let began = Instant::now();
    let mut left = MESSAGES;
    while left > 0 {
        type Entries = Vec<(String, Vec<(String, Vec<Value>)>)>;
        let streams: Entries = read.query_async(&mut link).await.expect("it answers");
        let ids: Vec<_> = streams.into_iter().flat_map(|(_, entries)| entries).collect();
        left -= ids.len();
        let acks = stream::iter(ids).map(|(id, _)| {
            let mut link = link.clone();
            async move {
                let mut ack = cmd("XACK");
                ack.arg(name).arg("bench").arg(id);
                ack.exec_async(&mut link).await.expect("it answers");
            }
        });
        acks.buffer_unordered(AT_ONCE.into()).collect::<()>().await;
    }
    rate(began)
}

/// Declares the queue and fills it.
async fn queue(server: &RabbitMqServer, name: &str) -> Connection {
    let publisher = server.publisher().await;
    publisher.declare(name, FieldTable::default()).await;
    let sent = stream::iter(0..MESSAGES).map(|id| {
        let (publisher, id) = (&publisher, id.to_string());
        async move { publisher.publish(name, id.as_bytes(), BasicProperties::default()).await }
    });
    sent.buffer_unordered(64).collect::<()>().await;
    let properties = ConnectionProperties::default();
    Connection::connect(&server.url(), properties).await.expect("it connects")
}

async fn queue_by_hand(connection: &Connection, name: &str) -> f64 {
    let began = Instant::now();
    let channel = connection.create_channel().await.expect("it opens");
    channel.basic_qos(AT_ONCE, BasicQosOptions::default()).await.expect("it is set");
    let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
    let consumed = channel.basic_consume(name.into(), "".into(), options, none).await;
    let mut deliveries = consumed.expect("it consumes").take(MESSAGES);
    while let Some(delivery) = deliveries.next().await {
        let acked = delivery.expect("it delivers").ack(BasicAckOptions::default()).await;
        acked.expect("it is told");
    }
    rate(began)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("| queue | by hand, messages/s | guarded | ratio | range |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let server = RedisServer::start();
    let (mut by_hand, mut ours) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let names = [format!("hand{turn}"), format!("ours{turn}")];
        for name in &names {
            fill(&server, name);
        }
        by_hand.push(stream_by_hand(&server.url(), &names[0]).await);
        let source = RedisStream::new(server.url(), names[1].as_str(), "bench");
        ours.push(guarded(source.expect("a URL")).await);
    }
    row("Redis stream", by_hand, ours);
    let server = RabbitMqServer::start().await;
    let (mut by_hand, mut ours) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let names = [format!("hand{turn}"), format!("ours{turn}")];
        let connection = queue(&server, &names[0]).await;
        by_hand.push(queue_by_hand(&connection, &names[0]).await);
        drop(queue(&server, &names[1]).await);
        let source = AmqpQueue::new(&server.url(), names[1].as_str());
        ours.push(guarded(source.expect("a URL").kind(QueueKind::Declared)).await);
    }
    row("RabbitMQ queue", by_hand, ours);
}
