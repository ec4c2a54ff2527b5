//! Consuming on one connection after the other, until it is time to stop.

use crate::message::consume::backoff::Backoff;
use crate::message::consume::source::{
    BrokenConnection, ConsumeError, QueueSession, Source, within_patience,
};
use crate::message::consume::worker_pool::WorkerPool;
use futures_util::future::Fuse;
use std::pin::Pin;
use std::time::Instant;

/// Connects, works on messages, and connects again when the connection breaks.
pub(super) async fn consume<S: Source>(
    source: &S,
    prefetch: u16,
    pool: &mut WorkerPool,
    mut stop: Pin<&mut Fuse<impl Future<Output = ()>>>,
) -> Result<(), ConsumeError> {
    let (mut backoff, mut is_first) = (Backoff::default(), true);
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
                consume_session(session, pool, stop.as_mut()).await
            }
            Err(broken) => Err(broken),
        };
        let Err(BrokenConnection { cause, refused }) = ended else { return Ok(()) };
        let queue = source.describe();
        if refused && is_first {
            return Err(ConsumeError::Refused { queue, source: cause });
        }
        let pause = backoff.next_pause(began.elapsed());
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

/// Takes messages and works on them until the connection breaks; or until it is time to stop, and then
/// finishes those that were delivered.
async fn consume_session<S: QueueSession>(
    mut session: S,
    pool: &mut WorkerPool,
    mut stop: Pin<&mut Fuse<impl Future<Output = ()>>>,
) -> Result<(), BrokenConnection> {
    let epoch = pool.begin_epoch();
    loop {
        let free = pool.free_places();
        tokio::select! {
            biased;
            () = &mut stop => break,
            settled = pool.next_settled(&epoch) => settled?,
            deliveries = session.next(free), if free > 0 => {
                for delivery in deliveries? {
                    pool.start(&epoch, delivery);
                }
            }
        }
    }
    for delivery in session.stop_delivery().await {
        pool.start(&epoch, delivery);
    }
    drop(epoch);
    pool.finish_all().await;
    session.close().await;
    Ok(())
}
