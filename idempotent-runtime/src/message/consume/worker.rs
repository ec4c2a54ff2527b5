//! Works on one message until its settlement is known.

use crate::clock::{Clock, SystemClock, jittered};
use crate::message::consume::breaker::{Breaker, Sign};
use crate::message::consume::decide::{
    Case, NextStep, RetryLimits, Settlement, is_of_the_function,
};
use crate::message::consume::failure::{Failure, FailureKind};
use crate::message::consume::history::History;
use crate::message::consume::incoming::Incoming;
use crate::message::consume::longest::LongestHandler;
use crate::message::consume::source::Arrival;
use crate::message::delivered::DeliveredCalls;
use crate::message::messages::Messages;
use crate::observe::ConsumerMeters;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::Instrument;
use tracing::field::Empty;

/// A handler whose type is erased.
pub(super) type MessageHandler =
    Arc<dyn Fn(Incoming) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// The parts that every worker needs.
pub(super) struct Workshop {
    pub(super) handler: MessageHandler,
    pub(super) limits: RetryLimits,
    /// The engine that guards the handler's functions.
    pub(super) messages: Option<Messages>,
    /// The reason why no message can be worked on, once one was found.
    pub(super) misconfigured: OnceLock<&'static str>,
    /// Opens while everything fails.
    breaker: Mutex<Breaker>,
    longest: LongestHandler,
    pub(super) meters: Arc<ConsumerMeters>,
    /// The number of messages that wait for the store.
    waiting: AtomicUsize,
}

/// A delivered message, without its payload.
pub(super) struct WorkItem {
    pub(super) history: History,
    pub(super) arrival: Arrival,
    pub(super) calls: Arc<DeliveredCalls>,
    /// The time until the work begins.
    pub(super) pause: Duration,
}

impl Workshop {
    pub(super) fn new(
        handler: MessageHandler,
        limits: RetryLimits,
        messages: Option<Messages>,
        longest: LongestHandler,
        meters: Arc<ConsumerMeters>,
    ) -> Self {
        let breaker = Mutex::new(Breaker::out_of_step());
        let (misconfigured, waiting) = (OnceLock::new(), 0.into());
        Self { handler, limits, messages, misconfigured, breaker, longest, meters, waiting }
    }

    pub(super) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on a message until its settlement is known.
    pub(super) async fn settlement_of(
        &self,
        work: &WorkItem,
        incoming: Result<Incoming, Failure>,
        epoch_end: watch::Receiver<()>,
    ) -> Settlement {
        let span = tracing::info_span!(
            "consumed message",
            idempotency.attempt = work.history.attempt(),
            idempotency.outcome = Empty,
        );
        let settlement = self.worked_on(work, incoming, epoch_end).instrument(span.clone()).await;
        span.record("idempotency.outcome", settlement.name());
        settlement
    }

    async fn worked_on(
        &self,
        work: &WorkItem,
        incoming: Result<Incoming, Failure>,
        epoch_end: watch::Receiver<()>,
    ) -> Settlement {
        self.meters.delivered();
        let id = incoming.as_ref().ok().and_then(|incoming| incoming.id.clone());
        let settlement = match (self.without_an_attempt(work), incoming) {
            (Some(settlement), _) => settlement,
            (None, Ok(incoming)) => self.attempted(work, &incoming, epoch_end).await,
            (None, Err(failure)) => match self.step_after(work, Err(failure)) {
                NextStep::Settle(settlement) => settlement,
                NextStep::TryAgain(_) | NextStep::Stop(_) => Settlement::Leave,
            },
        };
        log(&settlement, id.as_deref(), work.history.attempt());
        self.count(&settlement);
        settlement
    }

    /// The settlement of a message that is not tried; `None` if it is tried.
    fn without_an_attempt(&self, work: &WorkItem) -> Option<Settlement> {
        match work.arrival {
            Arrival::PutBack => Some(Settlement::BeginAnew),
            Arrival::Orphaned => Some(self.case(work).after_death()),
            // Without an engine, the handler would really run.
            Arrival::Delivered if work.history.given_up.is_some() && self.messages.is_none() => {
                Some(self.case(work).after_death())
            }
            Arrival::Delivered => None,
        }
    }

    async fn attempted(
        &self,
        work: &WorkItem,
        incoming: &Incoming,
        mut epoch_end: watch::Receiver<()>,
    ) -> Settlement {
        let (mut pause, mut waiting) = (work.pause, None);
        loop {
            if !pause.is_zero() {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = epoch_end.changed() => return Settlement::Leave,
                }
            }
            pause = match self.attempt(work, incoming).await {
                NextStep::Settle(settlement) => return settlement,
                NextStep::TryAgain(pause) => {
                    waiting.get_or_insert_with(|| WaitsForStore::begin(&self.waiting));
                    // Jittered, since all messages of all consumers wait for the same store.
                    jittered(pause)
                }
                NextStep::Stop(why) => {
                    self.misconfigured.get_or_init(|| why);
                    return Settlement::Leave;
                }
            };
        }
    }

    async fn attempt(&self, work: &WorkItem, incoming: &Incoming) -> NextStep {
        if let Some(why) = self.misconfigured.get() {
            return NextStep::Stop(why);
        }
        if work.history.given_up.is_none()
            && let Some(refused) = self.case(work).refused()
        {
            return NextStep::Settle(refused);
        }
        work.calls.begin();
        let calls = || Some(Arc::clone(&work.calls));
        let messages = self.messages.as_ref().map(|engine| Messages::delivered(engine, calls()));
        let incoming = incoming.clone().with_attempt(work.history.attempt()).guarded_by(messages);
        let (name, began) = (name_of(&incoming), Instant::now());
        let ended = call_handler(&self.handler, incoming).await;
        self.longest.took(began.elapsed());
        let pauses = {
            let mut breaker = self.breaker();
            breaker.saw(sign_of(&ended), name, Instant::now());
            breaker.is_open()
        };
        self.meters.pauses(pauses);
        self.step_after(work, ended)
    }

    fn step_after(&self, work: &WorkItem, ended: Result<(), Failure>) -> NextStep {
        match &work.history.given_up {
            Some(reason) => self.case(work).after_last_look(&ended, reason),
            None => self.case(work).after(ended),
        }
    }

    fn count(&self, settlement: &Settlement) {
        self.meters.settled(settlement.name());
        if let Settlement::DeadLetter { reason, .. } = settlement {
            self.meters.dead(reason.word());
        }
    }

    fn case<'a>(&'a self, work: &'a WorkItem) -> Case<'a> {
        Case {
            history: &work.history,
            calls: &work.calls,
            is_guarded: self.messages.is_some(),
            limits: &self.limits,
            now: SystemClock::new().wall(),
        }
    }
}

/// A message that waits for the store. This is logged when the first one begins, and when the last one ends.
struct WaitsForStore<'a>(&'a AtomicUsize);

impl<'a> WaitsForStore<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(
                "the store does not answer: messages wait in their consumer, and no other is taken"
            );
        }
        Self(count)
    }
}

impl Drop for WaitsForStore<'_> {
    fn drop(&mut self) {
        if self.0.fetch_sub(1, Ordering::Relaxed) == 1 {
            tracing::warn!("the store answers again: messages go on");
        }
    }
}

/// One name for all attempts of a message.
fn name_of(incoming: &Incoming) -> u64 {
    let mut hasher = DefaultHasher::new();
    (incoming.id.as_deref(), incoming.payload()).hash(&mut hasher);
    hasher.finish()
}

fn sign_of(ended: &Result<(), Failure>) -> Sign {
    match ended.as_ref().map_err(|failure| &failure.0) {
        Ok(()) => Sign::Works,
        Err(FailureKind::Later(_) | FailureKind::Panicked) => Sign::Fails,
        Err(FailureKind::Guard(error)) if is_of_the_function(error) => Sign::Fails,
        Err(FailureKind::Pause(time, _)) => Sign::Pause(*time),
        Err(_) => Sign::Nothing,
    }
}

async fn call_handler(handler: &MessageHandler, incoming: Incoming) -> Result<(), Failure> {
    let call = async { handler(incoming).await };
    AssertUnwindSafe(call).catch_unwind().await.unwrap_or(Err(Failure(FailureKind::Panicked)))
}

fn log(settlement: &Settlement, id: Option<&str>, attempt: u32) {
    match settlement {
        Settlement::DeadLetter { reason, .. } => {
            let why = reason.word();
            tracing::error!(id, attempt, why, "a message goes to the dead letters");
        }
        Settlement::Later { history: History { given_up: Some(_), .. }, .. } => {
            tracing::info!(id, attempt, "a message is looked at once more before it is given up");
        }
        Settlement::Later { after, .. } => {
            tracing::info!(id, attempt, ?after, "a message will be redelivered");
        }
        Settlement::BeginAnew => tracing::info!(id, "a dead letter was put back and begins anew"),
        Settlement::Acknowledge | Settlement::Leave => {}
    }
}
