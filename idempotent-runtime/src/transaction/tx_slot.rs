//! Where a transaction is while neither its guard nor its handler has it.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// A place that a run and the `Tx` of its handler share.
#[derive(Clone, Default)]
pub(crate) struct TxSlot(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl TxSlot {
    pub(crate) fn put(&self, transaction: Option<Box<dyn Any + Send>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = transaction;
    }

    pub(crate) fn take(&self) -> Option<Box<dyn Any + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
