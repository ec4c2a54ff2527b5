//! Delivery that is special to Redis streams: holds on entries are renewed, and entries are taken over.

use crate::order_handler::{OrderHandler, order};
use crate::queue_under_test::QueueUnderTest;
use crate::redis_stream::{IDLE, Stream};
use idempotent_runtime::consume::{Consumer, Failure, Incoming, RedisStream};
use std::time::{Duration, Instant};
use tests::{RedisCluster, RedisServer, eventually};

type Pending = Vec<(String, String, u64, u32)>;

/// A time that is longer than the delay of a consumer on a busy host.
const LONG: Duration = Duration::from_secs(2);

fn pending(stream: &Stream) -> Pending {
    stream.ask(&["XPENDING"], &["-", "+", "10"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_in_progress_for_long_is_not_taken_over() {
    let stream = Stream { idle: LONG, ..Stream::new().await };
    let (orders, other) = (OrderHandler::new(), OrderHandler::new());
    let consumer = orders.consumes_as_is(&stream);
    stream.publish(&order("a", "holds")).await;
    orders.started.notified().await;
    let others = other.consumes_as_is(&stream);
    let [(_, name, _, attempt)] = &pending(&stream)[..] else { panic!("one is pending") };
    let began = Instant::now();
    eventually("others had time enough to take it over", async || {
        (began.elapsed() > LONG * 2).then_some(())
    })
    .await;
    let [(_, still, idle, attempts)] = &pending(&stream)[..] else { panic!("one is pending") };
    assert_eq!((still, attempts), (name, attempt));
    assert!(Duration::from_millis(*idle) < LONG, "{idle}");
    orders.go.notify_one();
    consumer.settles(&stream).await;
    others.settles(&stream).await;
    assert_eq!((orders.saw(), other.saw()), (vec![1], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_taken_over_too_early_still_runs_once() {
    let (stream, orders) = (Stream::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&stream);
    stream.publish(&order("a", "holds")).await;
    orders.started.notified().await;
    let [(id, ..)] = &pending(&stream)[..] else { panic!("one is pending") };
    // The entry looks as if its consumer was suspended for long, and another consumer died.
    let long_ago = ["nobody", "0", id, "IDLE", "100000"];
    let _: redis::Value = stream.ask(&["XCLAIM"], &long_ago);
    // The second consumer has the same store, as another process would have.
    let others = orders.consumes_as_is(&stream);
    eventually("another one tries it", async || (orders.saw().len() > 1).then_some(())).await;
    orders.go.notify_one();
    consumer.settles(&stream).await;
    others.settles(&stream).await;
    assert_eq!((orders.ran(), stream.dead().await), (vec!["a".to_owned()], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_taken_over_is_not_taken_back() {
    let (stream, orders) = (Stream { idle: LONG, ..Stream::new().await }, OrderHandler::new());
    let consumer = orders.consumes_as_is(&stream);
    stream.publish(&order("a", "holds")).await;
    orders.started.notified().await;
    let [(id, ..)] = &pending(&stream)[..] else { panic!("one is pending") };
    let kept = ["nobody", "0", id, "JUSTID"];
    let _: redis::Value = stream.ask(&["XCLAIM"], &kept);
    let began = Instant::now();
    eventually("its consumer had time to touch it", async || {
        let [(_, name, ..)] = &pending(&stream)[..] else { panic!("one is pending") };
        assert_eq!(name, "nobody");
        let _: redis::Value = stream.ask(&["XCLAIM"], &kept);
        (began.elapsed() > LONG / 2).then_some(())
    })
    .await;
    orders.go.notify_one();
    consumer.settles(&stream).await;
    assert_eq!(orders.saw(), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delay_is_written_down_in_the_group() {
    let minute = Duration::from_mins(1);
    let (stream, orders) = (Stream { idle: minute, ..Stream::new().await }, OrderHandler::new());
    let consumer = orders.consumes(&stream, |consumer| {
        consumer.delays(Duration::from_secs(20), Duration::from_secs(20))
    });
    stream.publish(&order("a", "fails")).await;
    eventually("it was tried", async || (!orders.saw().is_empty()).then_some(())).await;
    // The entry looks as if its hold was renewed forty seconds ago: the minute is over in twenty.
    let idle = eventually("it is given back", async || match pending(&stream)[..] {
        [(_, _, idle, 1)] if idle > 20_000 => Some(idle),
        _ => None,
    });
    let idle = idle.await;
    assert!((40_000..60_000).contains(&idle), "{idle}");
    consumer.stop().await.unwrap().unwrap();
    assert_eq!(orders.saw(), [1]);
}

/// Consumes one stream, and returns the number of its handler's runs.
async fn consumed(url: &str, publish: impl FnOnce()) -> usize {
    let source = RedisStream::new(url, "orders", "shop").expect("it is a URL");
    let (sender, mut ran) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |incoming: Incoming| {
        sender.send(incoming.attempt()).expect("the test listens");
        // The first run fails, so that the message is delivered again and a script runs, too.
        let again = incoming.attempt() == 1;
        async move { if again { Err(Failure::later("again")) } else { Ok(()) } }
    };
    let soon = Duration::from_millis(20);
    let consumer = Consumer::of(source.take_over_after(IDLE)).delays(soon, soon);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let consumer = tokio::spawn(consumer.run(async move { drop(stopped.await) }, handler));
    publish();
    assert_eq!((ran.recv().await, ran.recv().await), (Some(1), Some(2)));
    drop(stop);
    consumer.await.expect("no panic").expect("it was not refused");
    ran.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_and_the_newer_protocol_are_consumed_alike() {
    let server = RedisServer::start();
    let add = ["XADD", "orders", "*", "payload", "{}"];
    let url = format!("{}?protocol=resp3", server.url());
    let publish = || drop(server.command::<String>(&add));
    assert_eq!(consumed(&url, publish).await, 0);
    let cluster = RedisCluster::start().await;
    let publish = || drop(cluster.command::<String>(&add));
    assert_eq!(consumed(&cluster.url(), publish).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_without_a_payload_is_dead() {
    let (stream, orders) = (Stream::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&stream);
    stream.server.command::<String>(&["XADD", "orders", "*", "body", "{}"]);
    consumer.settles(&stream).await;
    let dead = stream.dead().await;
    let reason = "undecodable: the entry has no field `payload`".to_owned();
    assert_eq!(dead, [(String::new(), reason)]);
    assert!(orders.saw().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_killed_its_consumers_is_not_tried_for_ever() {
    let (stream, orders) = (Stream::new().await, OrderHandler::new());
    stream.publish(&order("a", "returns")).await;
    let _: redis::Value = stream.server.command(&["XGROUP", "CREATE", "orders", "shop", "0"]);
    let read = ["XREADGROUP", "GROUP", "shop", "nobody", "STREAMS", "orders", ">"];
    let _: redis::Value = stream.server.command(&read);
    let [(id, ..)] = &pending(&stream)[..] else { panic!("one is pending") };
    let deliveries = ["nobody", "0", id, "IDLE", "100000", "RETRYCOUNT", "10"];
    let _: redis::Value = stream.ask(&["XCLAIM"], &deliveries);
    orders.consumes_as_is(&stream).settles(&stream).await;
    let dead = stream.dead().await;
    assert!(dead.len() == 1 && dead[0].1.starts_with("attempts: "), "{dead:?}");
    assert_eq!((orders.ran(), orders.saw()), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_stopped_leaves_its_group() {
    let (stream, orders) = (Stream::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&stream);
    stream.publish(&order("a", "returns")).await;
    consumer.settles(&stream).await;
    let consumers: Vec<redis::Value> = stream.ask(&["XINFO", "CONSUMERS"], &[]);
    assert!(consumers.is_empty(), "{consumers:?}");
}

/// The names of the group's consumers.
fn consumers(stream: &Stream) -> Vec<String> {
    type Consumers = Vec<std::collections::HashMap<String, redis::Value>>;
    let consumers: Consumers = stream.ask(&["XINFO", "CONSUMERS"], &[]);
    let name = |one: &std::collections::HashMap<String, redis::Value>| {
        redis::from_redis_value(one["name"].clone()).expect("text")
    };
    consumers.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_idle_consumers_go_but_for_those_with_entries() {
    let (stream, orders) =
        (Stream { idle: Duration::from_mins(9), ..Stream::new().await }, OrderHandler::new());
    stream.publish(&order("a", "returns")).await;
    let _: redis::Value = stream.server.command(&["XGROUP", "CREATE", "orders", "shop", "0"]);
    let _: redis::Value = stream.ask(&["XGROUP", "CREATECONSUMER"], &["gone"]);
    let read = ["XREADGROUP", "GROUP", "shop", "has one", "STREAMS", "orders", ">"];
    let _: redis::Value = stream.server.command(&read);
    let consumer = orders.consumes_as_is(&stream);
    stream.publish(&order("b", "returns")).await;
    eventually("it consumes", async || (orders.ran() == ["b"]).then_some(())).await;
    consumer.stop().await.unwrap().unwrap();
    assert_eq!(consumers(&stream), ["gone", "has one"], "neither is idle for a day");
    let source = stream.source().forget_after(Duration::from_millis(1));
    let handler = |_: Incoming| async { Ok::<_, Failure>(()) };
    let next = tokio::spawn(Consumer::of(source).run(std::future::pending(), handler));
    eventually("a name is gone", async || {
        (!consumers(&stream).contains(&"gone".to_owned())).then_some(())
    })
    .await;
    assert!(consumers(&stream).contains(&"has one".to_owned()), "{:?}", consumers(&stream));
    next.abort();
}

#[tokio::test]
async fn a_name_that_holds_something_else_is_refused() {
    let (stream, orders) = (Stream::new().await, OrderHandler::new());
    stream.server.command::<String>(&["SET", "orders", "no stream"]);
    let Err(refused) = orders.consumes_as_is(&stream).ends().await else { panic!("it consumes") };
    assert!(refused.to_string().contains("the stream `orders` of Redis"), "{refused}");
}
