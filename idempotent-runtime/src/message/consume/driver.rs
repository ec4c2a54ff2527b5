//! Consumes on one connection after the other, until the consumer stops.

use crate::message::consume::backoff::Backoff;
use crate::message::consume::source::{
    BrokenConnection, ConsumeError, Delivery, QueueSession, Source, within_patience,
};
use crate::message::consume::worker_pool::{ConnectionEpoch, WorkerPool};
use futures_util::future::Fuse;
use std::mem;
use std::pin::Pin;
use std::time::Instant;

/// Connects, works on messages, and connects again when the connection breaks.
pub(super) async fn consume<S: Source>(
    source: &S,
    prefetch: u16,
    pool: &mut WorkerPool,
    mut stop: Pin<&mut Fuse<impl Future<Output = ()>>>,
) -> Result<(), ConsumeError> {
    let (mut backoff, mut is_first, mut is_away) = (Backoff::default(), true, false);
    loop {
        let began = Instant::now();
        let opened = tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            opened = within_patience("connect", source.open(prefetch)) => opened,
        };
        let ended = match opened {
            Ok(session) => {
                is_first = false;
                if mem::take(&mut is_away) {
                    tracing::warn!(queue = source.describe(), "a queue is consumed again");
                }
                pool.meters().is_connected(true);
                let ended = consume_session(session, pool, stop.as_mut()).await;
                pool.meters().is_connected(false);
                ended
            }
            Err(broken) => Err(broken),
        };
        let queue = source.describe();
        if let Some(why) = pool.misconfigured() {
            return Err(ConsumeError::Misconfigured { queue, why });
        }
        let Err(BrokenConnection { cause, refused }) = ended else { return Ok(()) };
        if refused && is_first {
            return Err(ConsumeError::Refused { queue, source: cause });
        }
        let pause = backoff.next_pause(began.elapsed());
        if mem::replace(&mut is_away, true) {
            tracing::debug!(queue, error = &*cause, ?pause, "still no connection to a queue");
        } else {
            let error = &*cause;
            tracing::warn!(
                queue,
                error,
                "no connection to a queue; it is tried again until there is"
            );
        }
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The number of messages that are worked on at the same time.
enum WorkMode {
    /// As many as there are free places.
    Together,
    /// No message is begun until the others are done, because this one may have killed its process.
    Waits(Box<Delivery>),
    /// Only that message is worked on.
    Alone,
}

/// Takes messages and works on them until the connection breaks or the consumer stops. When it stops,
/// finishes the messages that were delivered.
async fn consume_session<S: QueueSession>(
    mut session: S,
    pool: &mut WorkerPool,
    stop: Pin<&mut Fuse<impl Future<Output = ()>>>,
) -> Result<(), BrokenConnection> {
    let (epoch, mut turn) = (pool.begin_epoch(), WorkMode::Together);
    let ended = take_turns(&mut session, pool, &epoch, &mut turn, stop).await;
    if let WorkMode::Waits(delivery) = turn {
        pool.give_back(&epoch, *delivery);
    }
    ended?;
    for delivery in session.stop_delivery().await {
        pool.start_or_give_back(&epoch, delivery);
    }
    drop(epoch);
    pool.finish_all().await;
    session.close().await;
    Ok(())
}

/// Works on messages until the consumer stops.
async fn take_turns<S: QueueSession>(
    session: &mut S,
    pool: &mut WorkerPool,
    epoch: &ConnectionEpoch,
    turn: &mut WorkMode,
    mut stop: Pin<&mut Fuse<impl Future<Output = ()>>>,
) -> Result<(), BrokenConnection> {
    while pool.misconfigured().is_none() {
        if pool.is_idle() {
            *turn = match mem::replace(turn, WorkMode::Together) {
                WorkMode::Waits(delivery) => {
                    pool.start_alone(epoch, *delivery);
                    WorkMode::Alone
                }
                WorkMode::Alone => {
                    session.resume_delivery().await?;
                    WorkMode::Together
                }
                WorkMode::Together => WorkMode::Together,
            };
        }
        let free = if matches!(turn, WorkMode::Together) { pool.free_places() } else { 0 };
        let pause = pool.pause();
        let deliveries = tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            settled = pool.next_settled(epoch) => {
                settled?;
                continue;
            }
            deliveries = session.next(free), if free > 0 => deliveries?,
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => continue,
        };
        let mut alone = None;
        for delivery in deliveries {
            if delivery.runs_alone() && alone.is_none() {
                alone = Some(delivery);
            } else {
                pool.start_or_give_back(epoch, delivery);
            }
        }
        if let Some(delivery) = alone {
            *turn = WorkMode::Waits(Box::new(delivery));
            for delivery in session.stop_delivery().await {
                pool.start_or_give_back(epoch, delivery);
            }
        }
    }
    Ok(())
}
