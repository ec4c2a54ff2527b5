//! The steps that depend on a handler's types: reading its arguments, and making its response.
//!
//! The types are erased as early as possible. The driver is compiled once for all handlers, extraction once
//! for each list of parameters, and the response once for each type of response. So little is left to compile
//! for each handler.

use crate::http::answer::problem::ProblemKind;
use crate::http::call::call::{Call, Exit};
use crate::http::request::body::{RequestBody, Unread, buffer};
use crate::policy::{FingerprintOf, GuardPlace};
use crate::transaction::met_unique_index;
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, Handler, HttpRequest, HttpResponse, Responder};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::any::Any;
use std::convert::Infallible;
use std::error::Error as StdError;

/// The extracted parameters of a handler, whatever their types.
pub type Arguments = Box<dyn Any>;

/// Extracts the parameters of a handler.
pub type Extract =
    fn(&HttpRequest, &mut Payload) -> LocalBoxFuture<'static, Result<Arguments, Error>>;

/// Reads the body if the fingerprint or a template needs it, then extracts the arguments.
pub(crate) async fn read_arguments(call: &mut Call, extract: Extract) -> Result<Arguments, Exit> {
    read_body(call).await?;
    extract(&call.request, &mut call.payload).await.map_err(Exit::Refused)
}

/// Reads the body, if more than the extractors needs it.
pub(crate) async fn read_body(call: &mut Call) -> Result<(), Exit> {
    let policy = call.policy;
    // If the row of an insert exists already, the arguments are extracted a second time.
    let twice = policy.strategy.traits().guard == GuardPlace::Insert;
    if policy.fingerprint != FingerprintOf::Request && !policy.reads_form && !twice {
        return Ok(());
    }
    let longest = call.app.max_body(policy);
    let read = match buffer(&call.request, &mut call.payload, longest).await {
        Ok(sent) => RequestBody::of(&call.request, sent, longest).await,
        Err(unread) => Err(unread),
    };
    match read {
        Ok(body) => {
            call.body = body;
            Ok(())
        }
        Err(Unread::Broken(error)) => Err(Exit::Refused(error.into())),
        Err(Unread::TooLong) => {
            let detail =
                format!("the body is longer than {longest} bytes, so the request did not run");
            Err(call.problem(ProblemKind::BodyTooLarge, detail))
        }
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

/// The arguments, by reference.
///
/// # Panics
/// When they have other types, which cannot be: all steps of a handler have one list of parameters.
pub fn borrowed<T: 'static>(arguments: &dyn Any) -> &T {
    #[expect(clippy::expect_used, reason = "one list of parameters makes all steps of a handler")]
    arguments.downcast_ref().expect("the arguments of this handler")
}

/// The arguments, by value.
///
/// # Panics
/// When they have other types, which cannot be: all steps of a handler have one list of parameters.
pub fn taken<T: 'static>(arguments: Arguments) -> T {
    #[expect(clippy::expect_used, reason = "one list of parameters makes all steps of a handler")]
    *arguments.downcast().expect("the arguments of this handler")
}

/// The result of calling the user's function.
pub enum Returned {
    /// It returned this response, of success or of failure.
    Response(HttpResponse),
    /// It returned this response because the row that it inserts exists already.
    Exists(HttpResponse),
}

impl Returned {
    /// Whether the row that it inserts exists already.
    pub(crate) const fn exists(&self) -> bool {
        matches!(self, Self::Exists(_))
    }

    pub(crate) fn response(self) -> HttpResponse {
        match self {
            Self::Response(response) | Self::Exists(response) => response,
        }
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

/// The same, for a function that inserts a row which may exist already.
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

/// A function that answers in a handler's place.
#[diagnostic::on_unimplemented(
    message = "`existing` names a function that cannot answer in the handler's place",
    label = "it is guarded itself, is not `async`, or takes other parameters",
    note = "write an `async fn` that takes the parameters of the handler, in their order, and returns an answer",
    note = "it has no `#[idempotent]` of its own"
)]
pub trait AnswersInPlace<A, By> {
    /// Calls the function.
    fn answer(&self, arguments: A, call: &Call) -> LocalBoxFuture<'static, Returned>;
}

/// The way to answer as an actix handler.
#[derive(Debug)]
pub struct AsHandler;

#[diagnostic::do_not_recommend]
impl<A, F> AnswersInPlace<A, AsHandler> for F
where
    F: Handler<A, Output: Responder + 'static, Future: 'static>,
{
    fn answer(&self, arguments: A, call: &Call) -> LocalBoxFuture<'static, Returned> {
        respond(Box::pin(self.call(arguments)), call)
    }
}

/// A trait that no type implements: it makes the second way to answer below.
pub trait NeverAnswers {
    /// Never called.
    fn never(&self) -> LocalBoxFuture<'static, Returned>;
}

/// A second way to answer, which no type takes. Without it the compiler's errors would name the bounds of the
/// first way instead of this trait.
#[diagnostic::do_not_recommend]
impl<A, F: NeverAnswers> AnswersInPlace<A, Infallible> for F {
    fn answer(&self, _: A, _: &Call) -> LocalBoxFuture<'static, Returned> {
        self.never()
    }
}

/// Makes a response of the return value of another function that takes the handler's arguments.
#[expect(clippy::needless_pass_by_value, reason = "a function, which has no size")]
pub fn respond_in_its_place<A: 'static, By>(
    function: impl AnswersInPlace<A, By>,
    arguments: Arguments,
    call: &Call,
) -> LocalBoxFuture<'static, Returned> {
    function.answer(taken(arguments), call)
}

fn responded<R: Responder>(returned: R, request: &HttpRequest) -> HttpResponse {
    returned.respond_to(request).map_into_boxed_body()
}
