//! The names by which generated code calls the runtime.

use crate::renamed;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

/// The path of the runtime by the name that it has in the crate; or the one that is given.
pub(super) fn runtime_path(given: Option<&Path>) -> TokenStream {
    let path = given.map_or_else(renamed::runtime, ToTokens::to_token_stream);
    quote!(#path::private)
}

/// The alias of the runtime inside of a guarded function.
pub(super) fn runtime() -> TokenStream {
    quote!(__private)
}
