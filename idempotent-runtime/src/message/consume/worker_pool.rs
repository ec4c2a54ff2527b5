//! Workers that take messages to their settlement: as many at once as are wanted.

use crate::clock::{Clock, SystemClock};
use crate::message::consume::decide::{NextStep, RetryLimits, Settlement, decide, expire, refuse};
use crate::message::consume::failure::{Failure, FailureKind};
use crate::message::consume::incoming::Incoming;
use crate::message::consume::source::{BrokenConnection, Delivery};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A handler whose type is erased.
pub(super) type MessageHandler =
    Arc<dyn Fn(Incoming) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// Works on messages, each in a task of its own.
pub(super) struct WorkerPool {
    handler: MessageHandler,
    limits: RetryLimits,
    at_once: usize,
    workers: JoinSet<Settled>,
    epochs: u64,
}

/// The number of a message's epoch, and whether the message could be settled.
type Settled = (u64, Result<(), BrokenConnection>);

/// The time for which one connection lasts: every worker belongs to the epoch of its message.
///
/// A worker may outlive it. Whether its message could be settled then says nothing of the next connection;
/// and one that only waits to try again stops.
pub(super) struct ConnectionEpoch {
    number: u64,
    end: watch::Sender<()>,
}

impl WorkerPool {
    pub(super) fn new(handler: MessageHandler, limits: RetryLimits, at_once: u16) -> Self {
        Self { handler, limits, at_once: at_once.into(), workers: JoinSet::new(), epochs: 0 }
    }

    /// How many more messages may be worked on.
    pub(super) fn free_places(&self) -> usize {
        self.at_once.saturating_sub(self.workers.len())
    }

    pub(super) fn begin_epoch(&mut self) -> ConnectionEpoch {
        self.epochs += 1;
        ConnectionEpoch { number: self.epochs, end: watch::Sender::new(()) }
    }

    /// Starts a worker for a message.
    pub(super) fn start(&mut self, epoch: &ConnectionEpoch, delivery: Delivery) {
        let (handler, limits) = (Arc::clone(&self.handler), self.limits);
        let (number, epoch_end) = (epoch.number, epoch.end.subscribe());
        self.workers.spawn(async move {
            let Delivery { ack_token, attempt, deadline, incoming } = delivery;
            let work = Work { attempt, deadline, limits };
            let settlement = process(&handler, incoming, work, epoch_end).await;
            (number, ack_token.settle(settlement).await)
        });
    }

    /// Waits until a message of this epoch is settled; for ever, if none is worked on.
    pub(super) async fn next_settled(
        &mut self,
        epoch: &ConnectionEpoch,
    ) -> Result<(), BrokenConnection> {
        while let Some((number, settled)) = self.join_next().await {
            if number == epoch.number {
                return settled;
            }
            // Its connection is gone: it is delivered again, and found to be done.
        }
        std::future::pending().await
    }

    /// Waits for all workers.
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
                // The runtime ends, and the consumer with it.
                Err(_) => None,
            },
        }
    }
}

/// A message's own numbers, and the limits of all.
struct Work {
    attempt: u32,
    deadline: Option<Duration>,
    limits: RetryLimits,
}

/// Works on a message until its settlement is known.
async fn process(
    handler: &MessageHandler,
    incoming: Result<Incoming, Failure>,
    Work { attempt, deadline, limits }: Work,
    mut epoch_end: watch::Receiver<()>,
) -> Settlement {
    let limits = &limits;
    if let Some(refused) = refuse(attempt, limits) {
        return logged(refused, None, attempt);
    }
    let incoming = match incoming {
        Ok(incoming) => incoming,
        Err(failure) => match decide(Err(failure), attempt, limits) {
            NextStep::Settle(settlement) => return logged(settlement, None, attempt),
            NextStep::TryAgain(_) => return Settlement::Leave,
        },
    };
    loop {
        if let Some(over) = expire(deadline, SystemClock::new().wall()) {
            return logged(over, incoming.id.as_deref(), attempt);
        }
        let ended = call_handler(handler, incoming.clone()).await;
        let pause = match decide(ended, attempt, limits) {
            NextStep::Settle(settlement) => {
                return logged(settlement, incoming.id.as_deref(), attempt);
            }
            NextStep::TryAgain(pause) => pause,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = epoch_end.changed() => return Settlement::Leave,
        }
    }
}

async fn call_handler(handler: &MessageHandler, incoming: Incoming) -> Result<(), Failure> {
    let call = async { handler(incoming).await };
    AssertUnwindSafe(call).catch_unwind().await.unwrap_or(Err(Failure(FailureKind::Panicked)))
}

fn logged(settlement: Settlement, id: Option<&str>, attempt: u32) -> Settlement {
    match &settlement {
        Settlement::DeadLetter(reason) => {
            tracing::error!(id, attempt, why = reason.word, "a message goes to the dead letters");
        }
        Settlement::Later { after, .. } => {
            tracing::info!(id, attempt, ?after, "a message will be redelivered");
        }
        Settlement::Acknowledge | Settlement::Leave => {}
    }
    settlement
}
