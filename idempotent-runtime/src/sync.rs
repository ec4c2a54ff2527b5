//! Locks and counters. Tests that try every order of events replace them by others, which they can schedule.

#[cfg(not(shuttle))]
pub(crate) use {
    std::sync::{Mutex, MutexGuard, PoisonError, atomic},
    tokio::time::timeout,
};

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
#[cfg(shuttle)]
pub(crate) use std::sync::PoisonError;

/// In such tests there is no time, so a timeout never ends.
#[cfg(shuttle)]
pub(crate) async fn timeout<F: Future>(
    _: std::time::Duration,
    work: F,
) -> Result<F::Output, tokio::time::error::Elapsed> {
    Ok(work.await)
}
