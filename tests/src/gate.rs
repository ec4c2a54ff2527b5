//! A place in a store where a test stops operations and lets them go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Holds the first operation after it was closed. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    closed: Arc<AtomicBool>,
    reached: Arc<Notify>,
    open: Arc<Notify>,
}

impl Gate {
    /// Closes the gate: the next operation waits there.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Waits until an operation is held there.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets the operation go on.
    pub fn open(&self) {
        self.open.notify_one();
    }

    pub(crate) async fn pass(&self) {
        if self.closed.swap(false, Ordering::SeqCst) {
            self.reached.notify_one();
            self.open.notified().await;
        }
    }
}
