//! The numbers of a consumer.

use crate::observe::facade::{Level, Total, TotalsByWord};
#[cfg(feature = "inspector")]
use crate::observe::recent::TotalSeen;
use std::sync::Arc;
#[cfg(feature = "inspector")]
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

/// The reasons of dead letters.
const REASONS: [&str; 5] = ["attempts", "expired", "guard", "permanent", "undecodable"];

/// The consumers of this process.
#[cfg(feature = "inspector")]
static CONSUMERS: Mutex<Vec<Weak<ConsumerMeters>>> = Mutex::new(Vec::new());

/// The numbers of the consumer of one queue.
#[derive(Debug)]
pub(crate) struct ConsumerMeters {
    #[cfg(feature = "inspector")]
    queue: String,
    delivered: Total,
    settled: TotalsByWord,
    dead: TotalsByWord,
    pausing: Level,
    connected: Level,
}

impl ConsumerMeters {
    /// The numbers of the queue with this name, which must hold no credentials.
    pub(crate) fn new(queue: &str) -> Arc<Self> {
        let labels = [("queue", queue)];
        let (name, first) = ("idempotency_consumer_settled_total", ["done", "retried", "dead"]);
        let new = Arc::new(Self {
            #[cfg(feature = "inspector")]
            queue: queue.to_owned(),
            delivered: Total::new("idempotency_consumer_delivered_total", &labels),
            settled: TotalsByWord::new(name, &labels, "settlement", &first),
            dead: TotalsByWord::new("idempotency_consumer_dead_total", &labels, "reason", &REASONS),
            pausing: Level::new("idempotency_consumer_pausing", &labels),
            connected: Level::new("idempotency_consumer_connected", &labels),
        });
        #[cfg(feature = "inspector")]
        {
            let mut consumers = consumers();
            consumers.retain(|consumer| consumer.strong_count() > 0);
            consumers.push(Arc::downgrade(&new));
        }
        new
    }

    /// Counts a message that was delivered.
    pub(crate) fn delivered(&self) {
        self.delivered.add(1);
    }

    /// Counts a message that is settled in this way.
    pub(crate) fn settled(&self, settlement: &'static str) {
        self.settled.count(settlement);
    }

    /// Counts a dead letter. A reason that is not ours is counted as `other`, since others wrote it.
    pub(crate) fn dead(&self, reason: &str) {
        let known = REASONS.into_iter().find(|word| *word == reason);
        self.dead.count(known.unwrap_or("other"));
    }

    /// Shows whether the consumer is connected to its queue.
    pub(crate) fn is_connected(&self, is_connected: bool) {
        self.connected.set(u32::from(is_connected));
    }

    /// Shows whether the consumer takes no messages, or only one at a time, because everything fails.
    pub(crate) fn pauses(&self, pauses: bool) {
        self.pausing.set(u32::from(pauses));
    }
}

/// A consumer of this process.
#[cfg(feature = "inspector")]
#[derive(Debug)]
pub(crate) struct ConsumerSeen {
    pub(crate) queue: String,
    pub(crate) is_connected: bool,
    pub(crate) pauses: bool,
    /// Its messages, by their settlement.
    pub(crate) settled: Vec<(&'static str, TotalSeen)>,
}

/// The consumers that run in this process.
#[cfg(feature = "inspector")]
pub(crate) fn consumers_seen() -> Vec<ConsumerSeen> {
    let running: Vec<_> = consumers().iter().filter_map(Weak::upgrade).collect();
    let seen = |consumer: Arc<ConsumerMeters>| ConsumerSeen {
        queue: consumer.queue.clone(),
        is_connected: consumer.connected.seen() > 0,
        pauses: consumer.pausing.seen() > 0,
        settled: consumer.settled.seen(),
    };
    running.into_iter().map(seen).collect()
}

#[cfg(feature = "inspector")]
fn consumers() -> MutexGuard<'static, Vec<Weak<ConsumerMeters>>> {
    CONSUMERS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, feature = "inspector"))]
mod seen_tests {
    use super::*;

    #[test]
    fn a_consumer_is_seen_as_long_as_it_runs() {
        let consumer = ConsumerMeters::new("a queue that nobody else has");
        let seen = || {
            let mut all = consumers_seen().into_iter();
            all.find(|one| one.queue == "a queue that nobody else has")
        };
        consumer.is_connected(true);
        consumer.settled("done");
        let it = seen().unwrap();
        assert!(it.is_connected && !it.pauses);
        assert_eq!(it.settled[0], ("done", TotalSeen { all: 1, ..it.settled[0].1 }));
        drop(consumer);
        assert!(seen().is_none());
    }
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use super::*;
    use crate::observe::recorded::Recorded;

    #[test]
    fn a_reason_that_others_wrote_does_not_become_a_label() {
        let recorded = Recorded::default();
        let _listening = recorded.listen();
        let consumer = ConsumerMeters::new("q");
        for reason in ["attempts", "attempts", "of-somebody-else", "and-another"] {
            consumer.dead(reason);
        }
        let dead = [("q attempts".to_owned(), 2), ("q other".to_owned(), 2)];
        assert_eq!(recorded.counted("idempotency_consumer_dead_total"), dead);
    }
}
