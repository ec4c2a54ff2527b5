//! Those who work on messages: as many at once as may be, each to its end.

use crate::message::consume::decide::{Decision, Limits, Settlement, decide, refuse};
use crate::message::consume::failure::{Failure, Why};
use crate::message::consume::incoming::Incoming;
use crate::message::consume::source::{Acknowledger, Broken, Taken};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A handler, its type forgotten.
pub(super) type Handler =
    Arc<dyn Fn(Incoming) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// Works on messages, each in a task of its own.
pub(super) struct Crew {
    handler: Handler,
    limits: Limits,
    at_once: usize,
    tasks: JoinSet<Ended>,
    shift: u64,
}

/// A message is settled, or could not be.
type Ended = (u64, Result<(), Broken>);

/// A time in which one connection lasts; those who only wait stop when it is dropped.
pub(super) struct Epoch<H> {
    number: u64,
    hands: H,
    over: watch::Sender<()>,
}

impl Crew {
    pub(super) fn new(handler: Handler, limits: Limits, at_once: u16) -> Self {
        Self { handler, limits, at_once: at_once.into(), tasks: JoinSet::new(), shift: 0 }
    }

    /// How many more messages may be worked on.
    pub(super) fn room(&self) -> usize {
        self.at_once.saturating_sub(self.tasks.len())
    }

    pub(super) fn begin<H>(&mut self, hands: H) -> Epoch<H> {
        self.shift += 1;
        Epoch { number: self.shift, hands, over: watch::Sender::new(()) }
    }

    /// Starts on a message.
    pub(super) fn start<H: Acknowledger>(&mut self, shift: &Epoch<H>, taken: Taken<H::AckToken>) {
        let (handler, limits) = (Arc::clone(&self.handler), self.limits);
        let (number, hands, over) = (shift.number, shift.hands.clone(), shift.over.subscribe());
        self.tasks.spawn(async move {
            let Taken { ticket, attempt, incoming } = taken;
            let settlement = work(&handler, incoming, attempt, &limits, over).await;
            (number, hands.settle(ticket, settlement).await)
        });
    }

    /// Waits until a message of these times is settled; never, if none is worked on.
    pub(super) async fn settled<H>(&mut self, shift: &Epoch<H>) -> Result<(), Broken> {
        while let Some((number, settled)) = self.ended().await {
            if number == shift.number {
                return settled;
            }
            // Its connection is gone: it is delivered again, and found to be done.
        }
        std::future::pending().await
    }

    /// Waits for all that are at work.
    pub(super) async fn finish(&mut self) {
        while let Some((_, settled)) = self.ended().await {
            if let Err(Broken { cause, .. }) = settled {
                tracing::warn!(error = &*cause, "a message could not be settled, and comes again");
            }
        }
    }

    async fn ended(&mut self) -> Option<Ended> {
        match self.tasks.join_next().await? {
            Ok(ended) => Some(ended),
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime ends, and this with it.
                Err(_) => None,
            },
        }
    }
}

/// Works on a message until it is known what becomes of it.
async fn work(
    handler: &Handler,
    incoming: Result<Incoming, Failure>,
    attempt: u32,
    limits: &Limits,
    mut over: watch::Receiver<()>,
) -> Settlement {
    if let Some(refused) = refuse(attempt, limits) {
        return logged(refused, None, attempt);
    }
    let incoming = match incoming {
        Ok(incoming) => incoming,
        Err(failure) => match decide(Err(failure), attempt, limits) {
            Decision::Settle(settlement) => return logged(settlement, None, attempt),
            Decision::Wait(_) => return Settlement::Leave,
        },
    };
    loop {
        let ended = handled(handler, incoming.clone()).await;
        let wait = match decide(ended, attempt, limits) {
            Decision::Settle(settlement) => {
                return logged(settlement, incoming.id.as_deref(), attempt);
            }
            Decision::Wait(wait) => wait,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = over.changed() => return Settlement::Leave,
        }
    }
}

async fn handled(handler: &Handler, incoming: Incoming) -> Result<(), Failure> {
    let run = async { handler(incoming).await };
    AssertUnwindSafe(run).catch_unwind().await.unwrap_or(Err(Failure(Why::Panicked)))
}

fn logged(settlement: Settlement, id: Option<&str>, attempt: u32) -> Settlement {
    match &settlement {
        Settlement::DeadLetter(why) => {
            tracing::error!(id, attempt, why = why.word, "a message goes to the dead letters");
        }
        Settlement::Later { after, .. } => {
            tracing::info!(id, attempt, ?after, "a message comes again later");
        }
        Settlement::Acknowledge | Settlement::Leave => {}
    }
    settlement
}
