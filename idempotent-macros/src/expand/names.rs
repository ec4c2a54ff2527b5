//! The names by which generated code calls the runtime and the user's types.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

/// The path of the runtime, which resolves in every crate that depends on it.
pub(super) fn runtime_path() -> TokenStream {
    quote!(::idempotent_runtime::private)
}

/// The alias of the runtime inside of a guarded function.
pub(super) fn runtime() -> TokenStream {
    quote!(__private)
}

/// The enum of a variant.
pub(super) fn enum_of(variant: &Path) -> TokenStream {
    let mut owner = variant.clone();
    owner.segments.pop();
    owner.segments.pop_punct();
    owner.to_token_stream()
}
