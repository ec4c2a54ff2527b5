//! Delivery that is special to `RabbitMQ`: headers, kinds of queues, actions of the broker.

use crate::order_handler::{OrderHandler, order};
use crate::queue_under_test::QueueUnderTest;
use crate::rabbitmq_queue::{Queue, text};
use idempotent_runtime::consume::{AmqpQueue, Consumer, Failure, Incoming, QueueKind};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use std::sync::{Arc, Mutex};
use tests::eventually;

fn header(name: &str, value: AMQPValue) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(name.into(), value);
    BasicProperties::default().with_headers(headers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_sees_what_stands_beside_a_payload_also_when_it_comes_again() {
    let (queue, seen) = (Queue::new().await, Arc::<Mutex<Vec<_>>>::default());
    let log = Arc::clone(&seen);
    let handler = move |incoming: Incoming| {
        let mut seen = log.lock().expect("no panic");
        let header = incoming.header("tenant").map(str::to_owned);
        seen.push((incoming.id().map(str::to_owned).ok(), header, incoming.attempt()));
        let again = if seen.len() == 1 { Err(Failure::later("again")) } else { Ok(()) };
        async move { again }
    };
    let soon = std::time::Duration::from_millis(20);
    let consumer = Consumer::of(queue.source()).delays(soon, soon);
    let consumer = tokio::spawn(consumer.run(std::future::pending(), handler));
    let tenant = header("tenant", AMQPValue::LongString("acme".into()));
    queue.publish_with("{}", tenant.with_message_id("m-1".into())).await;
    let seen = eventually("it came twice", async || {
        let seen = seen.lock().expect("no panic").clone();
        (seen.len() > 1).then_some(seen)
    });
    let beside = |attempt| (Some("m-1".to_owned()), Some("acme".to_owned()), attempt);
    assert_eq!(seen.await, [beside(1), beside(2)]);
    consumer.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_keeps_what_stood_beside_it_and_its_attempts() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&queue);
    let tenant = header("tenant", AMQPValue::LongString("acme".into()));
    queue.publish_with("no JSON", tenant.with_message_id("m-1".into())).await;
    let dead = eventually("it is dead", async || queue.take_dead().await.pop()).await;
    consumer.settles(&queue).await;
    let (payload, properties) = dead;
    assert_eq!((payload.as_str(), text(&properties, "tenant")), ("no JSON", "acme".to_owned()));
    assert_eq!(properties.message_id().as_ref().map(ToString::to_string), Some("m-1".to_owned()));
    let headers = properties.headers().as_ref().expect("there are headers");
    let attempts = headers.inner().get("idempotency-attempts");
    assert_eq!(attempts, Some(&AMQPValue::LongLongInt(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_stops_stays_connected_until_what_it_has_is_acknowledged() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&queue);
    queue.publish(&order("a", "holds")).await;
    orders.started.notified().await;
    let stopping = consumer.stop();
    eventually("it takes no more", async || {
        (queue.publisher.consumers(&queue.name).await? == 0).then_some(())
    })
    .await;
    // The next step cannot be seen from outside: this pause gives a wrong order time to show.
    queue.publish(&order("b", "returns")).await;
    orders.go.notify_one();
    stopping.await.unwrap().unwrap();
    let left = queue.publisher.ready(&queue.name).await;
    assert_eq!((orders.ran(), left), (vec!["a".to_owned()], Some(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_nobody_can_take_over_is_not_acknowledged() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&queue);
    queue.is_declared().await;
    // The consumer believes that the queue of dead letters exists, and learns that the message went nowhere.
    queue.publisher.delete(&format!("{}.dead", queue.name)).await;
    queue.publish("no JSON").await;
    let dead = eventually("it is dead", async || queue.take_dead().await.pop()).await;
    assert_eq!(dead.0, "no JSON");
    consumer.settles(&queue).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_deleted_is_declared_and_consumed_again() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&queue);
    queue.publish(&order("a", "returns")).await;
    eventually("it runs", async || (!orders.ran().is_empty()).then_some(())).await;
    queue.publisher.delete(&queue.name).await;
    queue.publish(&order("b", "returns")).await;
    eventually("the next one runs", async || (orders.ran().len() == 2).then_some(())).await;
    consumer.settles(&queue).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_killed_its_consumers_is_not_tried_for_ever() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&queue);
    let mut ten = FieldTable::default();
    for count in ["idempotency-attempts", "idempotency-deaths"] {
        ten.insert(count.into(), AMQPValue::LongLongInt(10));
    }
    queue.publish_with(&order("a", "returns"), BasicProperties::default().with_headers(ten)).await;
    let dead = eventually("it is dead", async || queue.take_dead().await.pop()).await;
    consumer.settles(&queue).await;
    assert!(text(&dead.1, "idempotency-reason").starts_with("attempts: "), "{dead:?}");
    assert_eq!((orders.ran(), orders.saw()), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_goes_away_has_tried_what_it_had() {
    let (queue, dying, orders) = (Queue::new().await, OrderHandler::new(), OrderHandler::new());
    let consumer = dying.consumes_as_is(&queue);
    queue.publish(&order("a", "holds")).await;
    dying.started.notified().await;
    consumer.dies().await;
    orders.go.notify_one();
    let next = orders.consumes_as_is(&queue);
    eventually("the next one has it", async || (!orders.saw().is_empty()).then_some(())).await;
    next.settles(&queue).await;
    assert_eq!((dying.saw(), orders.saw()), (vec![1], vec![2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_consumer_died_counts_as_tried() {
    let (queue, dying, orders) = (Queue::new().await, OrderHandler::new(), OrderHandler::new());
    let consumer = dying.consumes_as_is(&queue);
    queue.publish(&order("a", "holds")).await;
    dying.started.notified().await;
    consumer.dies().await;
    let next = orders.consumes(&queue, |consumer| consumer.attempts(1));
    let (_, dead) = eventually("it is dead", async || queue.take_dead().await.pop()).await;
    next.settles(&queue).await;
    let why = "attempts: the consumer that had it went away";
    assert_eq!((text(&dead, "idempotency-reason").as_str(), orders.saw()), (why, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quorum_queues_and_those_that_are_there_do_as_well() {
    for kind in [QueueKind::Quorum, QueueKind::Declared] {
        let (queue, orders) = (Queue::new().await, OrderHandler::new());
        if kind == QueueKind::Declared {
            queue.publisher.declare(&queue.name, FieldTable::default()).await;
        }
        let source = AmqpQueue::new(&queue.arguments()[0], queue.name.as_str()).unwrap();
        let handler = {
            let orders = orders.clone();
            move |incoming: Incoming| {
                let orders = orders.clone();
                async move { orders.book(incoming.json()?).await }
            }
        };
        let soon = std::time::Duration::from_millis(20);
        let consumer = Consumer::of(source.kind(kind)).delays(soon, soon);
        let consumer = tokio::spawn(consumer.run(std::future::pending(), handler));
        queue.publish(&order("a", "panics once")).await;
        eventually("it came again", async || (orders.ran().len() == 2).then_some(())).await;
        queue.publish("no JSON").await;
        eventually("it is dead", async || queue.take_dead().await.pop()).await;
        consumer.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_of_another_kind_and_wrong_credentials_are_refused() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    queue.publisher.declare(&queue.name, FieldTable::default()).await;
    let Err(refused) = orders.consumes_as_is(&queue).ends().await else { panic!("it consumes") };
    assert!(refused.to_string().contains(&queue.name), "{refused}");
    let url = queue.arguments()[0].replace("amqp://", "amqp://nobody:secret@");
    let source = AmqpQueue::new(&url, queue.name.as_str()).unwrap();
    let handler = |_: Incoming| async { Ok::<_, Failure>(()) };
    let refused = Consumer::of(source).run(std::future::pending(), handler).await.unwrap_err();
    assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
}

#[test]
fn a_name_that_leaves_no_place_for_what_is_put_behind_it_is_refused() {
    for name in [String::new(), "x".repeat(201)] {
        assert!(AmqpQueue::new("amqp://localhost", name).is_err());
    }
    assert!(AmqpQueue::new("http://localhost", "orders").is_err());
}
