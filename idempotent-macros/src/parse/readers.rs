//! Macros of others that read a handler's parameters.

use crate::parse::args::Arguments;
use crate::parse::item::Function;
use proc_macro2::TokenStream;
use quote::quote;
use syn::Attribute;

/// The function with such macros above its attribute; nothing, where none stands below it.
///
/// Below, they would read the parameters of the function that actix sees, which has none of the handler's.
pub(crate) fn readers_first(arguments: &TokenStream, item: &TokenStream) -> Option<TokenStream> {
    let Function { attributes, visibility, signature, body } = syn::parse2(item.clone()).ok()?;
    let (readers, others): (Vec<_>, Vec<_>) = attributes.into_iter().partition(is_reader);
    if readers.is_empty() {
        return None;
    }
    let read: Arguments = syn::parse2(arguments.clone()).ok()?;
    let runtime = read.runtime().map_or_else(|| quote!(::idempotent_runtime), |path| quote!(#path));
    Some(quote! {
        #(#readers)*
        #[#runtime::idempotent(#arguments)]
        #(#others)*
        #visibility #signature #body
    })
}

/// Whether an attribute is `#[utoipa::path]`. `#[path]` alone is the compiler's.
fn is_reader(attribute: &Attribute) -> bool {
    let segments = &attribute.path().segments;
    segments.len() > 1 && segments.last().is_some_and(|last| last.ident == "path")
}
