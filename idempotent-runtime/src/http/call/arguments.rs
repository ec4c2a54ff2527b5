//! The arguments of a handler: read from the request, whatever their types.

use crate::http::answer::problem::ProblemKind;
use crate::http::call::call::{Call, Exit};
use crate::http::request::body::{Unread, buffer};
use crate::policy::{FingerprintOf, GuardPlace};
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::any::Any;

/// The extracted parameters of a handler, whatever their types.
pub type Arguments = Box<dyn Any>;

/// Extracts the parameters of a handler.
pub type Extract =
    fn(&HttpRequest, &mut Payload) -> LocalBoxFuture<'static, Result<Arguments, Error>>;

/// Reads the body if it is compared or read by a template, then extracts the arguments.
pub(crate) async fn read_arguments(call: &mut Call, extract: Extract) -> Result<Arguments, Exit> {
    read_body(call).await?;
    extract(&call.request, &mut call.payload).await.map_err(Exit::Refused)
}

/// Reads the body, if anything but the extractors needs it.
pub(crate) async fn read_body(call: &mut Call) -> Result<(), Exit> {
    let policy = call.policy;
    // An insert that is there already extracts its arguments a second time.
    let twice = policy.strategy.traits().guard == GuardPlace::Insert;
    if policy.fingerprint != FingerprintOf::Request && !policy.reads_form && !twice {
        return Ok(());
    }
    let longest = call.app.max_body(policy);
    match buffer(&call.request, &mut call.payload, longest).await {
        Ok(body) => {
            call.body = body;
            Ok(())
        }
        Err(Unread::Broken(error)) => Err(Exit::Refused(error.into())),
        Err(Unread::TooLong) => {
            let detail = format!("the body is longer than {longest} bytes");
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
