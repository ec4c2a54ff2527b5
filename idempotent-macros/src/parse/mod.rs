//! From tokens to syntax, without any meaning.

mod args;
mod condition;
mod item;
mod readers;
mod template;

pub(crate) use args::{Argument, Arguments, Value};
pub(crate) use condition::by_condition;
pub(crate) use item::{Function, Seen, bare, beside_mistakes, is_tx_mark, unmarked_signature};
pub(crate) use readers::read_by_others;
pub(crate) use template::{Piece, pieces};

use proc_macro2::TokenStream;
use syn::Error;

/// An attribute and the function under it, as they were written.
pub(crate) struct Written {
    pub(crate) arguments: Arguments,
    pub(crate) function: Function,
}

/// The syntax, with the mistakes in the arguments; or, if it cannot be read, every error in it.
pub(crate) fn parse(arguments: TokenStream, item: &TokenStream) -> Result<Written, Error> {
    let arguments = syn::parse2::<Arguments>(arguments);
    let function = item::function(item);
    match (arguments, function) {
        (Ok(arguments), Ok(function)) => Ok(Written { arguments, function }),
        (Ok(Arguments { mut mistakes, .. }), Err(error)) => {
            mistakes.add(error.clone());
            Err(mistakes.finish().err().unwrap_or(error))
        }
        (Err(mut error), Err(other)) => {
            error.combine(other);
            Err(error)
        }
        (Err(error), Ok(_)) => Err(error),
    }
}
