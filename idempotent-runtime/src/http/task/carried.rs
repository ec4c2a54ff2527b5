//! A stored task on its way to its handler: the request of a runner carries it.

use crate::engine::task::Input;
use crate::key::StorageKey;
use crate::store::record::Record;
use actix_web::{HttpMessage, HttpRequest};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A task on its way through the app's routes, in the extensions of its request. Nothing that comes
/// over a connection can put it there.
pub(crate) struct CarriedTask {
    pub(crate) key: StorageKey,
    pub(crate) record: Record,
    pub(crate) input: Input,
    /// Whether it is not stored yet: its way is tried, and its handler does not run.
    pub(crate) is_trial: bool,
    /// Whether its handler was reached, and can take it.
    reached: Cell<bool>,
    /// How long its record would have lived on when it was found.
    pub(crate) left: Duration,
    /// How long the record lives without being renewed, as of the claim.
    pub(crate) life: Cell<Duration>,
}

/// Whether a request carries a task to its handler.
pub(crate) fn carries_task(request: &HttpRequest) -> bool {
    request.extensions().contains::<Rc<CarriedTask>>()
}

impl CarriedTask {
    pub(super) fn new(key: StorageKey, record: Record, input: Input, left: Duration) -> Self {
        let (reached, life) = (Cell::default(), Cell::default());
        Self { key, record, input, is_trial: false, reached, left, life }
    }

    pub(super) fn trial(key: StorageKey, record: Record, input: Input) -> Self {
        Self { is_trial: true, ..Self::new(key, record, input, Duration::ZERO) }
    }

    pub(crate) fn mark_reached(&self) {
        self.reached.set(true);
    }

    pub(super) fn was_reached(&self) -> bool {
        self.reached.get()
    }
}
