//! The place of a transaction while neither its guard nor its handler holds it.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// A place that a run and the `Tx` of its handler share.
#[derive(Clone, Default)]
pub struct TxSlot(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    expect(dead_code, reason = "there is no transaction without a database")
)]
impl TxSlot {
    pub(super) fn put(&self, transaction: Box<dyn Any + Send>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(transaction);
    }

    pub(super) fn take(&self) -> Option<Box<dyn Any + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
