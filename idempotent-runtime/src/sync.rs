//! Locks and counters, which tests of interleavings replace by such as they can schedule.

#[cfg(not(shuttle))]
pub(crate) use {
    std::sync::{Mutex, MutexGuard, PoisonError, atomic},
    tokio::time::timeout,
};

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
#[cfg(shuttle)]
pub(crate) use std::sync::PoisonError;

/// Where every order of events is tried there is no time: it never runs out.
#[cfg(shuttle)]
pub(crate) async fn timeout<F: Future>(
    _: std::time::Duration,
    work: F,
) -> Result<F::Output, tokio::time::error::Elapsed> {
    Ok(work.await)
}
