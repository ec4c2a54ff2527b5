//! Arguments of a handler that runs later, perhaps in another process.

use actix_web::dev::Payload;
use actix_web::error::ErrorInternalServerError;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::FutureExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// An argument of a handler that runs as a task: it is stored with the task, and restored for the run.
///
/// When the task runs, perhaps in another process, the request and its credentials are gone. So each argument
/// decides which part of it is stored. `web::Json`, `Path`, `Query` and `Form` store their content,
/// `web::Data` comes from the app of the process that runs the task, and an extractor of your own needs a few lines:
///
/// ```
/// use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, error::ErrorUnauthorized};
/// use idempotent_runtime::task::TaskArgument;
/// use serde::Serialize;
/// use std::future::{Ready, ready};
///
/// struct Account(String); // checked when the request came
/// # impl FromRequest for Account {
/// #     type Error = Error;
/// #     type Future = Ready<Result<Self, Error>>;
/// #     fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
/// #         ready(Err(ErrorUnauthorized("who are you?")))
/// #     }
/// # }
///
/// impl TaskArgument for Account {
///     type Kept = String;
///
///     fn keep(&self) -> impl Serialize {
///         &self.0
///     }
///
///     fn restore(kept: String, _: &HttpRequest) -> Result<Self, Error> {
///         Ok(Self(kept))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a task",
    label = "is not kept while the task waits",
    note = "for an extractor of your own, write `impl TaskArgument for {Self}`: what of it is kept, \
            and how it is made of that",
    note = "the content of `web::Json`, `Path`, `Query` and `Form` must be `Serialize` and \
            `DeserializeOwned`"
)]
pub trait TaskArgument: FromRequest {
    /// The part that is stored.
    type Kept: DeserializeOwned;

    /// The value to store, which deserialises as [`Kept`](Self::Kept). It must hold no secrets.
    fn keep(&self) -> impl Serialize;

    /// Makes the argument from the stored part. The request is the one of the run: it has the app's data, but
    /// not the headers and the body that the client sent.
    fn restore(kept: Self::Kept, request: &HttpRequest) -> Result<Self, Error>;
}

macro_rules! wrappers {
    ($($wrapper:ident)*) => {$(
        impl<T: Serialize + DeserializeOwned + 'static> TaskArgument for web::$wrapper<T> {
            type Kept = T;

            fn keep(&self) -> impl Serialize {
                &**self
            }

            fn restore(kept: T, _: &HttpRequest) -> Result<Self, Error> {
                Ok(wrappers!(@ $wrapper kept))
            }
        }
    )*};
    (@ Path $kept:ident) => { web::Path::from($kept) };
    (@ $wrapper:ident $kept:ident) => { web::$wrapper($kept) };
}

wrappers!(Json Path Query Form);

impl<T: ?Sized + 'static> TaskArgument for web::Data<T> {
    type Kept = ();

    fn keep(&self) -> impl Serialize {}

    fn restore((): (), request: &HttpRequest) -> Result<Self, Error> {
        at_once(request)
    }
}

/// The value that a middleware found about the caller is stored, and is there again for the run.
impl<T: Clone + Serialize + DeserializeOwned + 'static> TaskArgument for web::ReqData<T> {
    type Kept = T;

    fn keep(&self) -> impl Serialize {
        &**self
    }

    fn restore(kept: T, request: &HttpRequest) -> Result<Self, Error> {
        request.extensions_mut().insert(kept);
        at_once(request)
    }
}

impl TaskArgument for String {
    type Kept = Self;

    fn keep(&self) -> impl Serialize {
        self
    }

    fn restore(kept: Self, _: &HttpRequest) -> Result<Self, Error> {
        Ok(kept)
    }
}

/// Bytes in base64, since the stored form is text.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct Base64(Bytes);

impl TryFrom<String> for Base64 {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, base64::DecodeError> {
        BASE64_STANDARD.decode(text).map(|bytes| Self(bytes.into()))
    }
}

impl TaskArgument for Bytes {
    type Kept = Base64;

    fn keep(&self) -> impl Serialize {
        BASE64_STANDARD.encode(self)
    }

    fn restore(kept: Base64, _: &HttpRequest) -> Result<Self, Error> {
        Ok(kept.0)
    }
}

impl<T: TaskArgument> TaskArgument for Option<T>
where
    Self: FromRequest,
{
    type Kept = Option<T::Kept>;

    fn keep(&self) -> impl Serialize {
        self.as_ref().map(T::keep)
    }

    fn restore(kept: Self::Kept, request: &HttpRequest) -> Result<Self, Error> {
        kept.map(|kept| T::restore(kept, request)).transpose()
    }
}

macro_rules! of_the_run {
    ($($extractor:path)*) => {$(
        impl TaskArgument for $extractor {
            type Kept = ();

            fn keep(&self) -> impl Serialize {}

            fn restore((): (), request: &HttpRequest) -> Result<Self, Error> {
                at_once(request)
            }
        }
    )*};
}

of_the_run!(crate::http::Attempt crate::http::DownstreamKey crate::http::Progress);

/// Extracts a value that needs no waiting.
fn at_once<T: FromRequest>(request: &HttpRequest) -> Result<T, Error> {
    let extracted = T::from_request(request, &mut Payload::None).now_or_never();
    let late = || Err(ErrorInternalServerError("the app's data is not there at once"));
    extracted.map_or_else(late, |extracted| extracted.map_err(Into::into))
}
