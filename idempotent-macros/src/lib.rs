//! The `#[idempotent]` attribute. Depend on `idempotent-runtime`, which re-exports it.

mod column_values;
mod diagnostics;
mod expand;
mod limits;
mod model;
mod parse;
mod renamed;
mod states;
mod strategy;
mod validate;

#[cfg(test)]
mod arbitrary_tests;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

/// Makes a function safe to retry. `idempotent-runtime` documents it, where it is re-exported.
#[proc_macro_attribute]
pub fn idempotent(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let describes = if cfg!(feature = "openapi") { Describes::Yes } else { Describes::No };
    guard(arguments.into(), item.into(), describes).into()
}

/// Declares the states of a thing. `idempotent-runtime` documents it, where it is re-exported.
#[proc_macro_derive(States, attributes(to, initial, state, states))]
pub fn states(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let derived = syn::parse(item).and_then(|input| states::derive(&input));
    derived.unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Whether a handler's guard is described to `#[utoipa::path]` (feature `openapi`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Describes {
    Yes,
    No,
}

/// Parses, validates and expands; on errors gives them, and the item as it was.
fn guard(arguments: TokenStream, item: TokenStream, describes: Describes) -> TokenStream {
    if let Some(read) = parse::read_by_others(&arguments, &item) {
        let guard = match describes {
            Describes::Yes => description(arguments, &read.function),
            Describes::No => None,
        };
        return read.readers_first(guard.as_ref());
    }
    if let Some(each) = parse::by_condition(&arguments, &item) {
        return each;
    }
    let (guarded, seen) = match parse::parse(arguments, &item) {
        Ok(written) => {
            let seen = validate::seen(&written);
            (validate::validate(written), seen)
        }
        Err(errors) => (Err(errors), parse::Seen::default()),
    };
    match guarded {
        Ok(guarded) => expand::expand(&guarded),
        Err(errors) => diagnostics::with_item(&errors, parse::beside_mistakes(item, &seen)),
    }
}

/// The description of a handler's guard; none if there are mistakes, which its expansion reports.
fn description(arguments: TokenStream, function: &TokenStream) -> Option<TokenStream> {
    let written = parse::parse(arguments, function).ok()?;
    expand::described(&validate::validate(written).ok()?)
}
