//! A system behind the handler is down: the consumer pauses, and no message uses up its tries.

use crate::queue_under_test::QueueUnderTest;
use crate::rabbitmq_queue::Queue;
use crate::redis_stream::Stream;
use idempotent_runtime::consume::{Consumer, Failure, Incoming};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tests::eventually;
use tokio::sync::oneshot;

/// A system that handlers call, and the times of their calls.
#[derive(Default)]
struct Downstream {
    is_up: AtomicBool,
    calls: Mutex<Vec<Instant>>,
}

impl Downstream {
    fn calls(&self) -> Vec<Instant> {
        self.calls.lock().expect("no panic").clone()
    }

    fn called(&self, failure: impl FnOnce() -> Failure) -> Result<(), Failure> {
        self.calls.lock().expect("no panic").push(Instant::now());
        if self.is_up.load(Ordering::Relaxed) { Ok(()) } else { Err(failure()) }
    }
}

/// Publishes messages to a consumer whose handler fails like this, until there was such a pause between two
/// calls. Then the system works again, and every message is processed.
async fn recovers<P: QueueUnderTest>(
    messages: usize,
    failure: fn() -> Failure,
    pause: Duration,
) -> Vec<Duration> {
    let (queue, system) = (P::new().await, Arc::<Downstream>::default());
    let called = Arc::clone(&system);
    let handler = move |_: Incoming| {
        let ended = called.called(failure);
        async move { ended }
    };
    let soon = Duration::from_millis(20);
    let consumer = Consumer::of(queue.source()).prefetch(1).delays(soon, soon);
    let (stop, stopped) = oneshot::channel::<()>();
    let consumer = tokio::spawn(consumer.run(async move { drop(stopped.await) }, handler));
    for message in 0..messages {
        queue.publish(&message.to_string()).await;
    }
    eventually("it pauses", async || {
        pauses(&system.calls()).iter().any(|between| *between >= pause).then_some(())
    })
    .await;
    let while_down = system.calls();
    system.is_up.store(true, Ordering::Relaxed);
    eventually("everything is done", async || {
        (queue.is_settled().await && system.calls().len() >= while_down.len() + messages)
            .then_some(())
    })
    .await;
    drop(stop);
    consumer.await.expect("no panic").expect("it was not refused");
    assert_eq!(queue.dead().await, []);
    pauses(&while_down)
}

/// The times between calls.
fn pauses(calls: &[Instant]) -> Vec<Duration> {
    calls.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

async fn after_failures_of_ten_messages_one_is_let_through_now_and_then<P: QueueUnderTest>() {
    // The pause begins with the tenth failure; one call follows after a second, and one after two more.
    let second = Duration::from_millis(1990);
    let pauses = recovers::<P>(12, || Failure::later("it is down"), second).await;
    let opened = pauses.iter().position(|pause| *pause >= second).expect("it pauses");
    assert!(opened >= 10, "ten messages failed before: {pauses:?}");
    assert!(pauses[opened - 1] >= Duration::from_millis(990), "{pauses:?}");
}

async fn a_handler_may_ask_for_a_pause<P: QueueUnderTest>() {
    let pause = || Failure::pause(Duration::from_millis(500), "it is down");
    let half = Duration::from_millis(490);
    let pauses = recovers::<P>(3, pause, half).await;
    assert!(pauses.iter().all(|pause| *pause >= half), "{pauses:?}");
}

macro_rules! pausing {
    ($($name:ident: $queue:ty;)*) => {
        $(
            mod $name {
                use super::*;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn after_failures_of_ten_messages_one_is_let_through_now_and_then() {
                    super::after_failures_of_ten_messages_one_is_let_through_now_and_then::<$queue>()
                        .await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_handler_may_ask_for_a_pause() {
                    super::a_handler_may_ask_for_a_pause::<$queue>().await;
                }
            }
        )*
    };
}

pausing! {
    on_a_stream: Stream;
    on_a_queue: Queue;
}
