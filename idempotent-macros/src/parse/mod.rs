//! From tokens to syntax, without any meaning.

mod args;
mod item;
mod template;

pub(crate) use args::{Argument, Arguments, Value};
pub(crate) use item::{Function, is_tx_mark, unmarked, unmarked_signature};
pub(crate) use template::{Piece, pieces};

use proc_macro2::TokenStream;
use syn::Error;

/// An attribute and the function under it, as they were written.
pub(crate) struct Written {
    pub(crate) arguments: Arguments,
    pub(crate) function: Function,
}

/// The syntax, or every error in it.
pub(crate) fn parse(arguments: TokenStream, item: &TokenStream) -> Result<Written, Error> {
    let arguments = syn::parse2(arguments);
    let function = item::function(item);
    match (arguments, function) {
        (Ok(arguments), Ok(function)) => Ok(Written { arguments, function }),
        (Err(mut error), Err(other)) => {
            error.combine(other);
            Err(error)
        }
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}
