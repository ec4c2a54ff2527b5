//! Deadlines of conversations with the store.

use crate::engine::pause::pause_for;
use crate::error::{StoreError, StoreErrorKind};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// Gives a conversation with the store as much time as this. An answer that is there at once, as in memory,
/// needs no timer.
pub(super) fn within<T>(
    patience: Duration,
    operation: &'static str,
    mut work: Pin<&mut impl Future<Output = Result<T, StoreError>>>,
) -> impl Future<Output = Result<T, StoreError>> {
    let mut timer = None;
    poll_fn(move |context| {
        if let Poll::Ready(answer) = work.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        let timer = timer.get_or_insert_with(|| pause_for(patience));
        let over = |()| Err(StoreError::new(StoreErrorKind::Timeout, operation));
        timer.as_mut().poll(context).map(over)
    })
}
