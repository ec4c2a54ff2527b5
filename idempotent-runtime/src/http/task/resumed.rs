//! A task that is taken up: the request that carries it, and what the handler's step makes of it.

use crate::engine::task::Input;
use crate::http::call::{Call, Exit};
use crate::http::handler::{Arguments, Extract, Handler};
use crate::http::task::arguments::{Kept, TaskSteps};
use crate::key::StorageKey;
use crate::store::record::Record;
use crate::strategy::task;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A task on its way through the app's routes, in the extensions of its request. Nothing that comes
/// over a connection can put it there.
pub(super) struct Resumed {
    pub(super) key: StorageKey,
    pub(super) record: Record,
    pub(super) input: Input,
    /// Whether its handler was reached, and can take it.
    reached: Cell<bool>,
    /// How long the record lives without being renewed, as of the claim.
    pub(super) life: Cell<Duration>,
}

/// Whether a request is a task that is taken up, on its way to its handler.
pub(in crate::http) fn is_run(request: &HttpRequest) -> bool {
    request.extensions().contains::<Rc<Resumed>>()
}

impl Resumed {
    pub(super) fn new(key: StorageKey, record: Record, input: Input) -> Self {
        Self { key, record, input, reached: Cell::default(), life: Cell::default() }
    }

    pub(super) fn was_reached(&self) -> bool {
        self.reached.get()
    }
}

impl Call {
    /// The handler's arguments: of the request; or of a task that is taken up.
    pub(in crate::http) async fn arguments(
        &mut self,
        handler: &Handler,
    ) -> Result<Arguments, Exit> {
        match &handler.task {
            None => self.extract(handler.extract).await,
            Some(steps) => Box::pin(self.task_arguments(handler.extract, steps)).await,
        }
    }

    async fn task_arguments(
        &mut self,
        extract: Extract,
        steps: &TaskSteps,
    ) -> Result<Arguments, Exit> {
        let resumed = self.request.extensions().get::<Rc<Resumed>>().cloned();
        let Some(task) = resumed else {
            let extracted = self.extract(extract).await?;
            let kept = (steps.keep)(&*extracted).map_err(Exit::Refused)?;
            self.kept = Some(Box::new(Kept(kept)));
            return Ok(extracted);
        };
        if task.record.label.operation() != self.policy.operation {
            // Another handler has its address by now.
            return Err(Exit::Answered(HttpResponse::NotFound().finish()));
        }
        // Before the claim: what this app, or this version of it, cannot take, another one can.
        let restored = (steps.restore)(&task.input.arguments, &self.request).map_err(|error| {
            tracing::error!(key = %task.key, %error, "the arguments of a task cannot be restored");
            Exit::Refused(error)
        })?;
        self.take_up(&task).await?;
        Ok(restored)
    }

    /// Claims the task.
    async fn take_up(&self, task: &Resumed) -> Result<(), Exit> {
        task.reached.set(true);
        let ask = task::resume(self.policy, self.app.settings(), task.key, &task.record);
        task.life.set(ask.claim.lease + ask.claim.retention);
        self.shared.record.set(Some(task.key));
        self.shared.committed.set(true);
        let begun = self.app.engine().begin(&ask).await;
        self.begun(begun)
    }
}
