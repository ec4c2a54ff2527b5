//! Headers and properties that the broker obeys, on their way through retries and dead letters.

use crate::order_handler::{OrderHandler, order};
use crate::queue_under_test::QueueUnderTest;
use crate::rabbitmq_queue::{Queue, text};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldArray, FieldTable};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tests::eventually;

/// Properties with which a message is also sent to this queue.
fn copied_to(queue: &str) -> BasicProperties {
    let mut headers = FieldTable::default();
    let queues: FieldArray = vec![AMQPValue::LongString(queue.into())].into();
    headers.insert("CC".into(), AMQPValue::FieldArray(queues));
    BasicProperties::default().with_headers(headers)
}

/// Properties of a message that was sent this long ago, and expires after a minute.
fn of_a_minute(ago: Duration) -> BasicProperties {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    let sent = now.saturating_sub(ago).as_secs();
    BasicProperties::default().with_timestamp(sent).with_expiration("60000".into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_with_its_own_queue_for_a_copy_is_dead_once() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&queue);
    queue.publish_with("no JSON", copied_to(&queue.name)).await;
    let (_, dead) = eventually("it is dead", async || queue.take_dead().await.pop()).await;
    let kept = dead.headers().as_ref().and_then(|headers| headers.inner().get("idempotency-cc"));
    assert!(matches!(kept, Some(AMQPValue::FieldArray(_))), "{dead:?}");
    // A copy would arrive before this message.
    queue.publish("no JSON either").await;
    let dead = eventually("the next one is dead", async || queue.take_dead().await.pop()).await;
    assert_eq!(dead.0, "no JSON either");
    consumer.settles(&queue).await;
    assert_eq!(orders.saw(), [1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_sends_no_further_copies() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let audit = format!("{}.audit", queue.name);
    queue.publisher.declare(&audit, FieldTable::default()).await;
    let consumer = orders.consumes(&queue, |consumer| consumer.attempts(3));
    queue.publish_with(&order("a", "fails"), copied_to(&audit)).await;
    eventually("it is dead", async || queue.take_dead().await.pop()).await;
    consumer.settles(&queue).await;
    assert_eq!((orders.saw(), queue.publisher.ready(&audit).await), (vec![1, 2, 3], Some(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_message_is_dead_and_not_tried() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let consumer = orders.consumes_as_is(&queue);
    queue.publish_with(&order("a", "returns"), of_a_minute(Duration::from_hours(1))).await;
    let (_, dead) = eventually("it is dead", async || queue.take_dead().await.pop()).await;
    consumer.settles(&queue).await;
    assert!(text(&dead, "idempotency-reason").starts_with("expired: "), "{dead:?}");
    assert_eq!((orders.saw(), dead.expiration()), (vec![], &None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expiration_goes_on_through_retries() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let consumer = orders.consumes(&queue, |consumer| consumer.attempts(u32::MAX));
    queue.publish_with(&order("a", "fails"), of_a_minute(Duration::from_secs(57))).await;
    let (_, dead) = eventually("it is dead", async || queue.take_dead().await.pop()).await;
    consumer.settles(&queue).await;
    assert!(text(&dead, "idempotency-reason").starts_with("expired: "), "{dead:?}");
    assert!(orders.saw().len() > 1, "{:?}", orders.saw());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_timestamp_an_expiration_begins_with_the_first_delivery() {
    let (queue, orders) = (Queue::new().await, OrderHandler::new());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    let before = now();
    let consumer = orders.consumes(&queue, |consumer| consumer.attempts(2));
    let minute = BasicProperties::default().with_expiration("60000".into());
    queue.publish_with(&order("a", "fails"), minute).await;
    let (_, dead) = eventually("it is dead", async || queue.take_dead().await.pop()).await;
    consumer.settles(&queue).await;
    let headers = dead.headers().as_ref().expect("there are headers");
    let deadline = match headers.inner().get("idempotency-deadline") {
        Some(AMQPValue::LongLongInt(millis)) => Duration::from_millis(millis.unsigned_abs()),
        other => panic!("{other:?}"),
    };
    let minute = Duration::from_mins(1) - Duration::from_millis(1);
    assert!((before + minute..now() + minute).contains(&deadline), "{deadline:?}");
}
