//! Deadlines of conversations with the store.

use crate::engine::pause::pause_for;
use crate::error::{StoreError, StoreErrorKind};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

/// Gives a conversation with the store this much time. An answer that is there at once, as from memory,
/// needs no timer.
pub(super) fn within<T>(
    patience: Duration,
    operation: &'static str,
    work: Pin<&mut impl Future<Output = Result<T, StoreError>>>,
) -> impl Future<Output = Result<T, StoreError>> {
    timed(patience, None, operation, work)
}

/// The same, for a conversation whose first call wakes us by itself after the store's longest silence, if it
/// has one. If that is in time, no timer is needed before that, and nearly always the store has answered by then.
pub(super) fn within_by<T>(
    longest_silence: Option<Duration>,
    patience: Duration,
    operation: &'static str,
    work: Pin<&mut impl Future<Output = Result<T, StoreError>>>,
) -> impl Future<Output = Result<T, StoreError>> {
    let wakes_us = longest_silence.is_some_and(|longest| longest <= patience);
    timed(patience, wakes_us.then(Instant::now), operation, work)
}

/// Starts the timer at the first wait, or at the second one if the first is known to end in time.
fn timed<T>(
    patience: Duration,
    began: Option<Instant>,
    operation: &'static str,
    mut work: Pin<&mut impl Future<Output = Result<T, StoreError>>>,
) -> impl Future<Output = Result<T, StoreError>> {
    let mut timer = None;
    let mut is_first = began.is_some();
    poll_fn(move |context| {
        if let Poll::Ready(answer) = work.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        if std::mem::take(&mut is_first) {
            return Poll::Pending;
        }
        let left =
            || patience.saturating_sub(began.map_or(Duration::ZERO, |began| began.elapsed()));
        let timer = timer.get_or_insert_with(|| pause_for(left()));
        let over = |()| Err(StoreError::new(StoreErrorKind::Timeout, operation));
        timer.as_mut().poll(context).map(over)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{Either, select};
    use std::pin::pin;

    const PATIENCE: Duration = Duration::from_secs(2);

    /// The time after which a conversation that never ends is given up, if the store wakes us once
    /// after `wakes`.
    async fn given(silence: Option<Duration>, wakes: Option<Duration>) -> Duration {
        let began = Instant::now();
        let work = async {
            match wakes {
                Some(wakes) => tokio::time::sleep(wakes).await,
                None => std::future::pending().await,
            }
            std::future::pending::<Result<(), StoreError>>().await
        };
        let told = within_by(silence, PATIENCE, "create", pin!(work)).await;
        assert_eq!(told.expect_err("it never ends").kind(), StoreErrorKind::Timeout);
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_the_store_wakes_waits_no_longer_than_with_a_timer() {
        let second = Duration::from_secs(1);
        for (silence, wakes) in [
            (None, None),
            (None, Some(second)),
            (Some(second), Some(second)),
            (Some(PATIENCE), Some(PATIENCE)),
            // The store may be silent for longer than the patience.
            (Some(PATIENCE + second), None),
        ] {
            let given = given(silence, wakes).await;
            // A timer counts whole milliseconds, from the next one on.
            let most = PATIENCE + Duration::from_millis(2);
            assert!((PATIENCE..=most).contains(&given), "{silence:?}, {wakes:?}: {given:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_wakes_its_callers_in_time_needs_no_timer_for_the_first_answer() {
        let (long, never) = (tokio::time::sleep(PATIENCE * 100), given(Some(PATIENCE), None));
        let is_first = matches!(select(pin!(long), pin!(never)).await, Either::Left(_));
        assert!(is_first, "no timer ran");
    }
}
