//! The names by which generated code calls the runtime.

use proc_macro2::TokenStream;
use quote::quote;

/// The path of the runtime, which resolves in every crate that depends on it.
pub(super) fn runtime_path() -> TokenStream {
    quote!(::idempotent_runtime::private)
}

/// The alias of the runtime inside of a guarded function.
pub(super) fn runtime() -> TokenStream {
    quote!(__private)
}
