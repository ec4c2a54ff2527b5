//! Consumers of messages that do the acknowledging right, whatever the queue.
//!
//! One driver decides what becomes of each message and keeps so many at work at once; two thin ends
//! tell a server. A message is settled after its handler returned, and so after its record was stored:
//! what is lost between the two is delivered again, and found to be done.

#[cfg(feature = "amqp")]
mod amqp;
mod decide;
mod failure;
mod incoming;
mod pause;
mod source;
#[cfg(feature = "redis")]
mod stream;
mod worker_pool;

#[cfg(feature = "amqp")]
pub use amqp::{AmqpQueue, QueueKind};
pub use failure::Failure;
pub use incoming::Incoming;
pub use source::{ConsumeError, Source};
#[cfg(feature = "redis")]
pub use stream::RedisStream;

use decide::Limits;
use futures_util::FutureExt;
use futures_util::future::Fuse;
use pause::Pause;
use source::{Broken, Session, within};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};
use worker_pool::{Crew, Handler};

/// Consumes a queue: every message to its end, acknowledged after its record was stored.
///
/// ```no_run
/// # #[cfg(all(feature = "macros", feature = "redis"))]
/// # mod payments {
/// use idempotent_runtime::{Consumer, Failure, Messages, RedisStream, idempotent};
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
/// let handler = move |incoming: idempotent_runtime::Incoming| {
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
/// | is told that it runs elsewhere | comes again after a step of the delay |
/// | fails with [`Failure::later`], or panics | comes again, after steps that double, until its attempts are used up |
/// | fails with [`Failure::never`] or [`Failure::undecodable`], or for good in its guard | goes to the dead letters, with the reason |
/// | is told that the store is down, or its record could not be stored | is tried again in its place, and nothing is taken meanwhile |
///
/// Each attempt is a task of its own, so that the handler's future must be `Send`.
#[derive(Debug)]
pub struct Consumer<S> {
    source: S,
    prefetch: u16,
    limits: Limits,
}

impl<S: Source> Consumer<S> {
    /// A consumer of this queue.
    pub fn of(source: S) -> Self {
        let (first, longest) = (Duration::from_secs(1), Duration::from_mins(1));
        Self { source, prefetch: 16, limits: Limits { attempts: 10, first, longest } }
    }

    /// How many messages are taken and worked on at once. Defaults to 16.
    #[must_use]
    pub fn prefetch(mut self, at_once: u16) -> Self {
        self.prefetch = at_once.max(1);
        self
    }

    /// How often a message is tried before it goes to the dead letters. Defaults to 10.
    ///
    /// An attempt that its process did not survive counts, and one that found the message to be
    /// running elsewhere does not.
    #[must_use]
    pub fn attempts(mut self, at_most: u32) -> Self {
        self.limits.attempts = at_most.max(1);
        self
    }

    /// How long a message waits before it comes again: first this, then twice as long each time, and
    /// never longer than the second. Defaults to a second and a minute.
    #[must_use]
    pub fn delays(mut self, first: Duration, longest: Duration) -> Self {
        self.limits.first = first.max(Duration::from_millis(1));
        self.limits.longest = longest.max(self.limits.first);
        self
    }

    /// Consumes until `stop` is done: then nothing more is asked for, and what was delivered is finished.
    ///
    /// A connection that breaks is made again, after pauses that grow to ten seconds. Dropped in the
    /// middle, it drops its handlers with it, and their messages are delivered again.
    ///
    /// # Errors
    /// When the server refuses the first connection: the credentials, or a queue that is another than
    /// it is declared to be.
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
        let handler: Handler = Arc::new(move |incoming| {
            let run = handler(incoming);
            async move { run.await.map(drop).map_err(Into::into) }.boxed()
        });
        let Self { source, prefetch, limits } = self;
        let mut crew = Crew::new(handler, limits, prefetch);
        let ended = consume(&source, prefetch, &mut crew, pin!(stop.fuse())).await;
        crew.finish().await;
        ended
    }
}

/// Consumes on one connection after the other.
async fn consume<S: Source>(
    source: &S,
    prefetch: u16,
    crew: &mut Crew,
    mut stop: Pin<&mut Fuse<impl Future<Output = ()>>>,
) -> Result<(), ConsumeError> {
    let (mut pause, mut is_first) = (Pause::default(), true);
    loop {
        let began = Instant::now();
        let opened = tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            opened = within("connect", source.open(prefetch)) => opened,
        };
        let ended = match opened {
            Ok(session) => {
                is_first = false;
                work(session, crew, stop.as_mut()).await
            }
            Err(broken) => Err(broken),
        };
        let Err(Broken { cause, refused }) = ended else { return Ok(()) };
        let queue = source.describe();
        if refused && is_first {
            return Err(ConsumeError::Refused { queue, source: cause });
        }
        let pause = pause.after(began.elapsed());
        tracing::warn!(
            queue,
            error = &*cause,
            ?pause,
            "no connection to a queue; it is tried again"
        );
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Takes and works on messages until the connection breaks; or until it is to stop, and then to the end
/// of what is worked on.
async fn work<S: Session>(
    mut session: S,
    crew: &mut Crew,
    mut stop: Pin<&mut Fuse<impl Future<Output = ()>>>,
) -> Result<(), Broken> {
    let shift = crew.begin(session.hands());
    loop {
        let room = crew.room();
        tokio::select! {
            biased;
            () = &mut stop => break,
            settled = crew.settled(&shift) => settled?,
            taken = session.next(room), if room > 0 => {
                for message in taken? {
                    crew.start(&shift, message);
                }
            }
        }
    }
    for message in session.stop_delivery().await {
        crew.start(&shift, message);
    }
    drop(shift);
    crew.finish().await;
    session.close().await;
    Ok(())
}
