//! A consumer of a queue, as an application sets it up and runs it.

use crate::message::consume::decide::RetryLimits;
use crate::message::consume::driver::consume;
use crate::message::consume::failure::Failure;
use crate::message::consume::incoming::Incoming;
use crate::message::consume::longest::LongestHandler;
use crate::message::consume::source::{ConsumeError, Source};
use crate::message::consume::worker::{MessageHandler, Workshop};
use crate::message::consume::worker_pool::WorkerPool;
use crate::message::messages::{MessageEngine, Messages};
use crate::observe::ConsumerMeters;
use futures_util::FutureExt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Consumes a queue, and acknowledges each message after its record was stored.
///
/// ```no_run
/// # #[cfg(all(feature = "macros", feature = "redis"))]
/// # mod payments {
/// use idempotent_runtime::consume::{Consumer, Failure, RedisStream};
/// use idempotent_runtime::message::Messages;
/// use idempotent_runtime::idempotent;
///
/// # #[derive(serde::Deserialize)]
/// # struct Payment { id: String, cents: u64 }
/// #[idempotent(strategy = "message", key = "{payment.id}", engine = "messages")]
/// async fn book(messages: &Messages, payment: Payment) -> Result<u64, Failure> {
///     // … runs once for each id, however often it is delivered.
///     Ok(payment.cents)
/// }
///
/// # async fn main(stop: impl Future<Output = ()>) -> Result<(), Box<dyn std::error::Error>> {
/// let messages = Messages::connect("redis://127.0.0.1/").await?.scope("billing").build()?;
/// let payments = RedisStream::new("redis://127.0.0.1/", "payments", "billing")?;
/// let handler = move |incoming: idempotent_runtime::consume::Incoming| {
///     let messages = messages.clone();
///     async move { book(&messages, incoming.json()?).await }
/// };
/// Consumer::of(payments).prefetch(32).run(stop, handler).await?;
/// # Ok(())
/// # }
/// # }
/// ```
///
/// | the handler | the message |
/// | --- | --- |
/// | returns, or finds that it ran before | is acknowledged |
/// | finds that it is in progress elsewhere | is redelivered after a step of the delay |
/// | fails with [`Failure::later`], or panics | is redelivered with backoff, in steps that double, until its time or its attempts are used up |
/// | fails with [`Failure::pause`] | is redelivered, and no message is taken for this time |
/// | fails with [`Failure::never`] or [`Failure::undecodable`], or with a permanent error of its guard | goes to the dead letters, with the reason |
/// | finds that its engine lacks something | stays, and the consumer ends |
/// | finds that the store is down, or its record could not be stored | is tried again in its place, and no other is taken meanwhile |
///
/// Each attempt is a task of its own, so the handler's future must be `Send`.
#[derive(Debug)]
pub struct Consumer<S> {
    source: S,
    prefetch: u16,
    limits: RetryLimits,
    messages: Option<Messages>,
    broker_patience: Option<Duration>,
}

impl<S: Source> Consumer<S> {
    /// Creates a consumer of this queue.
    pub fn of(source: S) -> Self {
        let (first, longest) = (Duration::from_secs(1), Duration::from_mins(1));
        let failing_for = Duration::from_hours(4);
        let limits = RetryLimits { attempts: None, failing_for, first, longest };
        Self { source, prefetch: 16, limits, messages: None, broker_patience: None }
    }

    /// Sets how many messages are taken and worked on at the same time. Defaults to 16.
    #[must_use]
    pub fn prefetch(mut self, at_once: u16) -> Self {
        self.prefetch = at_once.max(1);
        self
    }

    /// Sets the number of attempts before a message goes to the dead letters. Defaults to no number: a
    /// message may fail for a time ([`failing_for`](Self::failing_for)), and kill ten processes.
    ///
    /// An attempt during which its process died counts. An attempt that found the message in progress
    /// elsewhere does not count, nor one whose connection broke while its process lived. With a number,
    /// neither the time nor the killed processes bound the attempts; the life that a publisher gives a
    /// message still does.
    #[must_use]
    pub fn attempts(mut self, at_most: u32) -> Self {
        self.limits.attempts = Some(at_most.max(1));
        self
    }

    /// Sets how long a message may fail, counted from its first delivery. Defaults to four hours.
    #[must_use]
    pub fn failing_for(mut self, time: Duration) -> Self {
        self.limits.failing_for = time;
        self
    }

    /// Sets the engine that guards the handler's functions. The handler gets it from its message:
    /// [`Incoming::messages`]. Defaults to none.
    ///
    /// With it, a message that these functions have done never becomes a dead letter. Before a message is
    /// given up whose key a guard had claimed, or whose process died, its handler is called once more: a
    /// guarded function that ran before returns its value, and one that did not run is refused. So all
    /// effects of the handler should be in functions of this engine.
    #[must_use]
    pub fn guarded_by(mut self, engine: &impl MessageEngine) -> Self {
        self.messages = Some(Messages::delivered(engine, None));
        self
    }

    /// Sets the delays before a message is redelivered: `first`, then twice as long each time, never longer
    /// than `longest`. Defaults to a second and a minute.
    #[must_use]
    pub fn delays(mut self, first: Duration, longest: Duration) -> Self {
        self.limits.first = first.max(Duration::from_millis(1));
        self.limits.longest = longest.max(self.limits.first);
        self
    }

    /// Sets the time after which the broker gives up a delivery that was not acknowledged: `consumer_timeout`
    /// of `RabbitMQ`, whose default there is 30 minutes. Defaults to none.
    ///
    /// The log says once when handlers that block their thread, and so run one after the other, may take
    /// longer in all. A delivery that the broker gave up comes again, which does not count as an attempt.
    #[must_use]
    pub fn consumer_timeout(mut self, time: Duration) -> Self {
        self.broker_patience = Some(time);
        self
    }

    /// Consumes until `stop` is done. Then it takes no more messages, and finishes those that were delivered.
    ///
    /// It connects again when a connection breaks, after pauses that grow to ten seconds. If the future is
    /// dropped, its handlers are dropped with it, and their messages are redelivered.
    ///
    /// # Errors
    /// When the server refuses the first connection, because of its credentials or of a queue that exists
    /// with other settings; or when the engine lacks something that a function of a message needs.
    pub async fn run<H, F, T, E>(
        self,
        stop: impl Future<Output = ()>,
        handler: H,
    ) -> Result<(), ConsumeError>
    where
        H: Fn(Incoming) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<Failure>,
    {
        let handler: MessageHandler = Arc::new(move |incoming| {
            let run = handler(incoming);
            async move { run.await.map(drop).map_err(Into::into) }.boxed()
        });
        let Self { source, prefetch, limits, messages, broker_patience } = self;
        let longest = LongestHandler::new(broker_patience, prefetch);
        let meters = ConsumerMeters::new(&source.describe());
        let workshop = Workshop::new(handler, limits, messages, longest, meters);
        let mut pool = WorkerPool::new(workshop, prefetch);
        let ended = consume(&source, prefetch, &mut pool, pin!(stop.fuse())).await;
        pool.finish_all().await;
        ended
    }
}
