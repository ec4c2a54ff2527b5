//! One guarded handler, as generated code describes it.

use crate::http::call::call::Call;
use crate::http::call::steps::{Arguments, Extract, Returned};
use crate::http::task::arguments::TaskSteps;
use crate::policy::Policy;
use futures_util::future::LocalBoxFuture;
use std::any::Any;

/// Fills in the templates of a handler from its request and its arguments.
pub type Fill = fn(&mut Call, &dyn Any);

/// Calls the user's function.
pub type CallHandler = fn(Arguments, &Call) -> LocalBoxFuture<'static, Returned>;

/// One guarded handler: a `static` of generated code.
pub struct Handler {
    pub(crate) policy: Policy,
    pub(crate) extract: Extract,
    pub(crate) fill: Fill,
    pub(crate) run: CallHandler,
    pub(crate) existing: Option<CallHandler>,
    pub(crate) task: Option<TaskSteps>,
}

impl Handler {
    /// A handler with these steps.
    #[must_use]
    pub const fn new(policy: Policy, extract: Extract, fill: Fill, run: CallHandler) -> Self {
        Self { policy, extract, fill, run, existing: None, task: None }
    }

    /// Sets the function that answers if the row exists already.
    #[must_use]
    pub const fn existing(self, run: CallHandler) -> Self {
        Self { existing: Some(run), ..self }
    }

    /// Sets the steps that store the arguments, for a run as a task.
    #[must_use]
    pub const fn task(self, steps: TaskSteps) -> Self {
        Self { task: Some(steps), ..self }
    }
}
