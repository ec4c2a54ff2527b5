//! The numbers of a consumer.

use crate::observe::facade::{Level, Total, TotalsByWord};

/// The reasons of dead letters.
const REASONS: [&str; 5] = ["attempts", "expired", "guard", "permanent", "undecodable"];

/// The numbers of the consumer of one queue.
#[derive(Debug)]
pub(crate) struct ConsumerMeters {
    delivered: Total,
    settled: TotalsByWord,
    dead: TotalsByWord,
    pausing: Level,
    connected: Level,
}

impl ConsumerMeters {
    /// Those of the queue with this name, which holds no credentials.
    pub(crate) fn new(queue: &str) -> Self {
        let labels = [("queue", queue)];
        let (name, first) = ("idempotency_consumer_settled_total", ["done", "retried", "dead"]);
        Self {
            delivered: Total::new("idempotency_consumer_delivered_total", &labels),
            settled: TotalsByWord::new(name, &labels, "settlement", &first),
            dead: TotalsByWord::new("idempotency_consumer_dead_total", &labels, "reason", &REASONS),
            pausing: Level::new("idempotency_consumer_pausing", &labels),
            connected: Level::new("idempotency_consumer_connected", &labels),
        }
    }

    /// Counts a message that was delivered.
    pub(crate) fn delivered(&self) {
        self.delivered.add(1);
    }

    /// Counts a message that is settled like this.
    pub(crate) fn settled(&self, settlement: &'static str) {
        self.settled.count(settlement);
    }

    /// Counts a dead letter. Its reason may have been written by others, and is none of ours then.
    pub(crate) fn dead(&self, reason: &str) {
        let known = REASONS.into_iter().find(|word| *word == reason);
        self.dead.count(known.unwrap_or("other"));
    }

    /// Tells whether the consumer is connected to its queue.
    pub(crate) fn is_connected(&self, is_connected: bool) {
        self.connected.set(u8::from(is_connected));
    }

    /// Tells whether the consumer takes no messages, or one at a time, because everything fails.
    pub(crate) fn pauses(&self, pauses: bool) {
        self.pausing.set(u8::from(pauses));
    }
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use super::*;
    use crate::observe::recorded::Recorded;

    #[test]
    fn a_reason_that_others_wrote_is_no_label() {
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
