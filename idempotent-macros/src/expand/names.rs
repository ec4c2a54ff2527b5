//! The names by which generated code calls the runtime.

use crate::model::Constant;
use crate::renamed;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;

/// The given path of the runtime, or else the name that it has in the crate.
pub(super) fn runtime_path(given: Option<&Path>) -> TokenStream {
    let path = given.map_or_else(renamed::runtime, ToTokens::to_token_stream);
    quote!(#path::private)
}

/// The name of a constant with the value of an argument.
pub(super) fn constant(constant: &Constant) -> Ident {
    Ident::new(&format!("__{}", constant.name.to_string().to_uppercase()), Span::call_site())
}

/// The alias of the runtime inside of a guarded function.
pub(super) fn runtime() -> TokenStream {
    quote!(__private)
}
