//! One guarded handler, as generated code describes it.
//!
//! What is typed, its arguments and what it returns, is erased as early as possible: the driver is
//! compiled once for all handlers, extraction once for each list of parameters, and answering once
//! for each type of response. What is left for each handler to compile is little.

use crate::http::call::Call;
use crate::http::task::TaskSteps;
use crate::http::unique::met_unique_index;
use crate::policy::Policy;
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Responder};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::any::Any;
use std::error::Error as StdError;

/// The extracted parameters of a handler, whatever their types.
pub type Arguments = Box<dyn Any>;

/// Extracts the parameters of a handler.
pub type Extract =
    fn(&HttpRequest, &mut Payload) -> LocalBoxFuture<'static, Result<Arguments, Error>>;

/// Fills in the templates of a handler from its request and its arguments.
pub type Fill = fn(&mut Call, &dyn Any);

/// Calls the user's function.
pub type Run = fn(Arguments, &Call) -> LocalBoxFuture<'static, Returned>;

/// What became of a call of the user's function.
pub enum Returned {
    /// It answered, with success or not.
    Response(HttpResponse),
    /// It failed, as this response says, because what it inserted is there already.
    Exists(HttpResponse),
}

impl Returned {
    pub(super) fn response(self) -> HttpResponse {
        match self {
            Self::Response(response) | Self::Exists(response) => response,
        }
    }
}

/// One guarded handler: a `static` of generated code.
pub struct Handler {
    pub(super) policy: Policy,
    pub(super) extract: Extract,
    pub(super) fill: Fill,
    pub(super) run: Run,
    pub(super) existing: Option<Run>,
    pub(super) task: Option<TaskSteps>,
}

impl Handler {
    /// A handler of these steps.
    #[must_use]
    pub const fn new(policy: Policy, extract: Extract, fill: Fill, run: Run) -> Self {
        Self { policy, extract, fill, run, existing: None, task: None }
    }

    /// What answers where the thing exists.
    #[must_use]
    pub const fn existing(self, run: Run) -> Self {
        Self { existing: Some(run), ..self }
    }

    /// How its arguments are kept for its run as a task.
    #[must_use]
    pub const fn task(self, steps: TaskSteps) -> Self {
        Self { task: Some(steps), ..self }
    }
}

/// Extracts all parameters at once, as actix does.
pub fn extract<T: FromRequest + 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
) -> LocalBoxFuture<'static, Result<Arguments, Error>> {
    let erased = |extracted: Result<T, T::Error>| match extracted {
        Ok(arguments) => Ok(Box::new(arguments) as Arguments),
        Err(error) => Err(error.into()),
    };
    Box::pin(T::from_request(request, payload).map(erased))
}

/// The arguments, to look at.
///
/// # Panics
/// When they are not of these types: the steps of one handler have one list of parameters.
pub fn borrowed<T: 'static>(arguments: &dyn Any) -> &T {
    #[expect(clippy::expect_used, reason = "one list of parameters makes all steps of a handler")]
    arguments.downcast_ref().expect("the arguments of this handler")
}

/// The arguments, to pass on.
///
/// # Panics
/// When they are not of these types: the steps of one handler have one list of parameters.
pub fn taken<T: 'static>(arguments: Arguments) -> T {
    #[expect(clippy::expect_used, reason = "one list of parameters makes all steps of a handler")]
    *arguments.downcast().expect("the arguments of this handler")
}

/// Makes a response of what a function returns.
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
