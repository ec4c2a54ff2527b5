//! One guarded handler, as generated code describes it.
//!
//! The types of its arguments and of its result are erased as early as possible: the driver is
//! compiled once for all handlers, extraction once for each list of parameters, and answering once
//! for each type of response. What is left for each handler to compile is little.

use crate::http::call::arguments::{Arguments, Extract};
use crate::http::call::call::Call;
use crate::http::task::arguments::TaskSteps;
use crate::http::unique::met_unique_index;
use crate::policy::Policy;
use actix_web::{HttpRequest, HttpResponse, Responder};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::any::Any;
use std::error::Error as StdError;

/// Fills in the templates of a handler from its request and its arguments.
pub type Fill = fn(&mut Call, &dyn Any);

/// Calls the user's function.
pub type CallHandler = fn(Arguments, &Call) -> LocalBoxFuture<'static, Returned>;

/// The result of calling the user's function.
pub enum Returned {
    /// It answered, with success or not.
    Response(HttpResponse),
    /// It failed, as this response says, because what it inserted is there already.
    Exists(HttpResponse),
}

impl Returned {
    pub(crate) fn response(self) -> HttpResponse {
        match self {
            Self::Response(response) | Self::Exists(response) => response,
        }
    }
}

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
    /// A handler of these steps.
    #[must_use]
    pub const fn new(policy: Policy, extract: Extract, fill: Fill, run: CallHandler) -> Self {
        Self { policy, extract, fill, run, existing: None, task: None }
    }

    /// The function that answers where the thing exists.
    #[must_use]
    pub const fn existing(self, run: CallHandler) -> Self {
        Self { existing: Some(run), ..self }
    }

    /// How its arguments are kept for its run as a task.
    #[must_use]
    pub const fn task(self, steps: TaskSteps) -> Self {
        Self { task: Some(steps), ..self }
    }
}

/// Makes a response of a function's return value.
pub fn respond<R: Responder + 'static>(
    returns: LocalBoxFuture<'static, R>,
    call: &Call,
) -> LocalBoxFuture<'static, Returned> {
    let request = call.request.clone();
    Box::pin(async move { Returned::Response(responded(returns.await, &request)) })
}

/// Likewise, for a function that inserts what may be there already.
pub fn respond_unless_there<T: 'static, E: StdError + 'static>(
    returns: LocalBoxFuture<'static, Result<T, E>>,
    call: &Call,
) -> LocalBoxFuture<'static, Returned>
where
    Result<T, E>: Responder,
{
    let (request, constraint) = (call.request.clone(), call.policy.constraint);
    Box::pin(returns.map(move |returned| match &returned {
        Err(error) if met_unique_index(error, constraint) => {
            Returned::Exists(responded(returned, &request))
        }
        _ => Returned::Response(responded(returned, &request)),
    }))
}

fn responded<R: Responder>(returned: R, request: &HttpRequest) -> HttpResponse {
    returned.respond_to(request).map_into_boxed_body()
}
