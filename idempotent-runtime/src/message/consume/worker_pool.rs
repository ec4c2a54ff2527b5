//! Workers that bring messages to their settlement, as many at the same time as the consumer allows.

use crate::message::consume::decide::Settlement;
use crate::message::consume::source::{BrokenConnection, Delivery};
use crate::message::consume::worker::{WorkItem, Workshop};
use crate::observe::ConsumerMeters;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Works on messages, each in its own task.
pub(super) struct WorkerPool {
    workshop: Arc<Workshop>,
    at_once: usize,
    workers: JoinSet<Settled>,
    epochs: u64,
}

/// The number of a message's epoch, and whether the message could be settled.
type Settled = (u64, Result<(), BrokenConnection>);

/// The time of one connection. Every worker belongs to the epoch of its message.
///
/// A worker may outlive its epoch. Whether its message can be settled then tells nothing about the next
/// connection. A worker that only waits to try again stops then.
pub(super) struct ConnectionEpoch {
    number: u64,
    end: watch::Sender<()>,
}

impl WorkerPool {
    pub(super) fn new(workshop: Workshop, at_once: u16) -> Self {
        let workshop = Arc::new(workshop);
        Self { workshop, at_once: at_once.into(), workers: JoinSet::new(), epochs: 0 }
    }

    /// The number of further messages that may be worked on.
    pub(super) fn free_places(&self) -> usize {
        let at_work = self.workers.len();
        let free = self.at_once.saturating_sub(at_work);
        self.workshop.breaker().places(free, at_work, Instant::now())
    }

    /// The time for which no message is taken.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.workshop.breaker().pause(Instant::now())
    }

    /// The numbers of this consumer.
    pub(super) fn meters(&self) -> &ConsumerMeters {
        &self.workshop.meters
    }

    /// Whether no message is worked on.
    pub(super) fn is_idle(&self) -> bool {
        self.workers.is_empty()
    }

    /// The reason why no message can be worked on.
    pub(super) fn misconfigured(&self) -> Option<&'static str> {
        self.workshop.misconfigured.get().copied()
    }

    pub(super) fn begin_epoch(&mut self) -> ConnectionEpoch {
        self.epochs += 1;
        ConnectionEpoch { number: self.epochs, end: watch::Sender::new(()) }
    }

    /// Starts a worker for a message. A message that should run alone is given back instead, for any consumer.
    pub(super) fn start_or_give_back(&mut self, epoch: &ConnectionEpoch, delivery: Delivery) {
        if delivery.runs_alone() {
            self.give_back(epoch, delivery);
        } else {
            self.start_after(Duration::ZERO, epoch, delivery);
        }
    }

    /// Starts a worker for a message that may have killed its process, after a random time, so that consumers
    /// do not start together.
    pub(super) fn start_alone(&mut self, epoch: &ConnectionEpoch, delivery: Delivery) {
        let pause = self.workshop.limits.first.mul_f64(rand::random::<f64>());
        self.start_after(pause, epoch, delivery);
    }

    fn start_after(&mut self, pause: Duration, epoch: &ConnectionEpoch, delivery: Delivery) {
        let workshop = Arc::clone(&self.workshop);
        let (number, epoch_end) = (epoch.number, epoch.end.subscribe());
        self.workers.spawn(async move {
            let Delivery { ack_token, history, arrival, calls, incoming } = delivery;
            let work = WorkItem { history, arrival, calls, pause };
            let settlement = workshop.settlement_of(&work, incoming, epoch_end).await;
            (number, ack_token.settle(settlement).await)
        });
    }

    /// Gives back a message that nobody worked on, for any consumer.
    pub(super) fn give_back(&mut self, epoch: &ConnectionEpoch, delivery: Delivery) {
        let (number, after) = (epoch.number, self.workshop.limits.first);
        let Delivery { ack_token, history, .. } = delivery;
        let settled = ack_token.settle(Settlement::Later { after, history });
        self.workers.spawn(async move { (number, settled.await) });
    }

    /// Waits until a message is settled; for ever if none is being worked on.
    pub(super) async fn next_settled(
        &mut self,
        epoch: &ConnectionEpoch,
    ) -> Result<(), BrokenConnection> {
        match self.join_next().await {
            Some((number, settled)) if number == epoch.number => settled,
            // The connection of this message is gone. The message is delivered again, and its record shows
            // that it is done.
            Some(_) => Ok(()),
            None => std::future::pending().await,
        }
    }

    /// Waits until all workers have ended.
    pub(super) async fn finish_all(&mut self) {
        while let Some((_, settled)) = self.join_next().await {
            if let Err(BrokenConnection { cause, .. }) = settled {
                tracing::warn!(
                    error = &*cause,
                    "a message could not be settled and will be redelivered"
                );
            }
        }
    }

    async fn join_next(&mut self) -> Option<Settled> {
        match self.workers.join_next().await? {
            Ok(settled) => Some(settled),
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime ends, and with it the consumer.
                Err(_) => None,
            },
        }
    }
}
