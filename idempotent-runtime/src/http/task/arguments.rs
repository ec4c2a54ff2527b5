//! All arguments of a handler together, and their stored form.

use crate::http::call::steps::{Arguments, borrowed};
use crate::http::task::argument::TaskArgument;
use actix_web::error::ErrorInternalServerError;
use actix_web::{Error, FromRequest, HttpRequest};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;

/// A tuple of arguments.
pub trait TaskArguments: FromRequest {
    /// The stored form of each argument, in order.
    fn keep(&self) -> Result<Vec<Bytes>, Error>;

    /// Makes the arguments from their stored forms.
    fn restore(kept: &[Bytes], request: &HttpRequest) -> Result<Self, Error>;
}

/// The steps that store and restore the arguments of one handler. Their types are erased.
pub struct TaskSteps {
    /// The names of the parameters.
    pub(crate) parameters: &'static str,
    pub(crate) keep: fn(&dyn Any) -> Result<Vec<Bytes>, Error>,
    pub(crate) restore: fn(&[Bytes], &HttpRequest) -> Result<Arguments, Error>,
}

impl TaskSteps {
    /// The steps for these types, with the names of the parameters.
    #[must_use]
    pub const fn of<T: TaskArguments + 'static>(parameters: &'static str) -> Self {
        Self {
            parameters,
            keep: |arguments| borrowed::<T>(arguments).keep(),
            restore: |kept, request| Ok(Box::new(T::restore(kept, request)?)),
        }
    }
}

macro_rules! tuples {
    () => {
        impl TaskArguments for () {
            fn keep(&self) -> Result<Vec<Bytes>, Error> {
                Ok(Vec::new())
            }

            fn restore(_: &[Bytes], _: &HttpRequest) -> Result<Self, Error> {
                Ok(())
            }
        }
    };
    ($first:ident $($rest:ident)*) => {
        impl<$first: TaskArgument + 'static, $($rest: TaskArgument + 'static),*> TaskArguments
            for ($first, $($rest,)*)
        {
            #[expect(non_snake_case, reason = "a value of each type, called by its name")]
            fn keep(&self) -> Result<Vec<Bytes>, Error> {
                let ($first, $($rest,)*) = self;
                Ok(vec![written(&$first.keep())?, $(written(&$rest.keep())?),*])
            }

            fn restore(kept: &[Bytes], request: &HttpRequest) -> Result<Self, Error> {
                let mut kept = kept.iter();
                Ok(($first::restore(read(kept.next())?, request)?,
                    $($rest::restore(read(kept.next())?, request)?,)*))
            }
        }
        tuples!($($rest)*);
    };
}

tuples!(A B C D E F G H I J K L M N O P);

fn written(kept: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(kept).map(Bytes::from).map_err(|error| {
        ErrorInternalServerError(format!("an argument of the handler cannot be kept: {error}"))
    })
}

fn read<T: DeserializeOwned>(kept: Option<&Bytes>) -> Result<T, Error> {
    let read = kept.map(|kept| serde_json::from_slice(kept));
    let why = match read {
        Some(Ok(read)) => return Ok(read),
        Some(Err(error)) => error.to_string(),
        None => "it is not among them".to_owned(),
    };
    let what = "the handler's arguments were kept by another version of it";
    Err(ErrorInternalServerError(format!("{what}: {why}")))
}
