//! A stored task on its way to its handler, carried by the request of a runner.

use crate::engine::task::Input;
use crate::key::StorageKey;
use crate::store::record::Record;
use actix_web::{HttpMessage, HttpRequest};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A task on its way through the app's routes. It is in the extensions of its request, where no client can
/// put it.
pub(crate) struct CarriedTask {
    pub(crate) key: StorageKey,
    pub(crate) record: Record,
    pub(crate) input: Input,
    /// Whether the task is not stored yet. Then only the way to its handler is tried, and the handler does
    /// not run.
    pub(crate) is_trial: bool,
    /// Whether the handler was reached, and accepts the task.
    reached: Cell<bool>,
    /// The life that its record had left when it was found.
    pub(crate) left: Duration,
    /// The whole life of its record after the claim, unless it is renewed.
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
