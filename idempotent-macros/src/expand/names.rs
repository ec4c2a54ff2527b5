//! The names by which generated code calls the runtime.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

/// The path of the runtime, which resolves in every crate that depends on it; or the one that is given.
pub(super) fn runtime_path(given: Option<&Path>) -> TokenStream {
    given.map_or_else(|| quote!(::idempotent_runtime::private), |path| quote!(#path::private))
}

/// The alias of the runtime inside of a guarded function.
pub(super) fn runtime() -> TokenStream {
    quote!(__private)
}
