//! Parameters under a condition: `#[cfg(…)]`.

use crate::parse::args::Arguments;
use crate::parse::item::Function;
use crate::renamed;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg};

/// The function and its attribute twice: with the parameters of a condition, and without them. Nothing
/// if no parameter has a condition.
///
/// A further condition is split in the same way when one of the two is expanded.
pub(crate) fn by_condition(arguments: &TokenStream, item: &TokenStream) -> Option<TokenStream> {
    let function: Function = syn::parse2(item.clone()).ok()?;
    let inputs = &function.signature.inputs;
    let condition = inputs.iter().flat_map(attributes).find_map(condition)?;
    let written = condition.to_string();
    let is_it = |attribute: &Attribute| {
        self::condition(attribute).is_some_and(|other| other.to_string() == written)
    };
    let has_it = |input: &FnArg| attributes(input).iter().any(is_it);
    let without = inputs.iter().filter(|input| !has_it(input)).cloned();
    let with = inputs.iter().cloned().map(|mut input| {
        if let FnArg::Typed(typed) = &mut input {
            typed.attrs.retain(|attribute| !is_it(attribute));
        }
        input
    });
    let (with, without) = (function.taking(with), function.taking(without));
    let read: Arguments = syn::parse2(arguments.clone()).ok()?;
    let runtime = read.runtime().map_or_else(renamed::runtime, ToTokens::to_token_stream);
    Some(quote! {
        #[cfg(#condition)]
        #[#runtime::idempotent(#arguments)]
        #with

        #[cfg(not(#condition))]
        #[#runtime::idempotent(#arguments)]
        #without
    })
}

fn attributes(input: &FnArg) -> &[Attribute] {
    match input {
        FnArg::Typed(typed) => &typed.attrs,
        FnArg::Receiver(receiver) => &receiver.attrs,
    }
}

/// The condition in `#[cfg(…)]`.
fn condition(attribute: &Attribute) -> Option<TokenStream> {
    let is_cfg = attribute.path().is_ident("cfg");
    let list = attribute.meta.require_list().ok().filter(|_| is_cfg)?;
    Some(list.tokens.to_token_stream())
}

impl Function {
    /// The same function with these parameters.
    fn taking(&self, inputs: impl Iterator<Item = FnArg>) -> TokenStream {
        let Self { attributes, visibility, mut signature, body } = self.clone();
        signature.inputs = inputs.collect();
        quote!(#(#attributes)* #visibility #signature #body)
    }
}
