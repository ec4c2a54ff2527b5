//! `#[derive(States)]`: the states of an enum, their values in a column, and the transitions.

use crate::column_values::{ColumnValue, column_values, runtime, shown};
use crate::diagnostics::{Mistake, Mistakes, listed};
use crate::renamed;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Ident, Path, Token, Variant};

/// The table of an enum's states, and the place of each in it.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    let mut mistakes = Mistakes::default();
    let Data::Enum(data) = &input.data else {
        mistakes.add(
            Mistake::new(input.ident.span(), "only an enum has states")
                .help("write `enum OrderStatus { #[to(Paid)] Created, Paid }`"),
        );
        mistakes.finish()?;
        return Ok(TokenStream::new());
    };
    let variants: Vec<&Variant> = data.variants.iter().collect();
    let initial = initial(&variants, &mut mistakes);
    let values = column_values(input, &variants, &mut mistakes);
    let rows: Vec<_> = (0..)
        .zip(variants.iter().zip(values))
        .map(|(place, (variant, value))| {
            let is_initial = initial.contains(&place);
            row(variant, (value, is_initial), (&input.ident, &variants), &mut mistakes)
        })
        .collect();
    mistakes.finish()?;
    let name = &input.ident;
    let runtime = runtime(&input.attrs).map_or_else(renamed::runtime, |path| quote!(#path));
    let names = variants.iter().map(|variant| variant.ident.to_string());
    Ok(quote! {
        const _: () = {
            use #runtime::private as __private;

            #[automatically_derived]
            impl __private::StateTable for #name {
                const STATES: &'static [__private::StateRow] = &[#(#rows),*];
                const VARIANTS: &'static [&'static ::core::primitive::str] = &[#(#names),*];
            }
        };
    })
}

fn row(
    variant: &Variant,
    (value, is_initial): (ColumnValue, bool),
    all: (&Ident, &[&Variant]),
    mistakes: &mut Mistakes,
) -> TokenStream {
    if !matches!(variant.fields, Fields::Unit) {
        mistakes.add(
            Mistake::new(variant.fields.span(), "a state has a name and no fields")
                .help(format!("write `{}` alone", variant.ident)),
        );
    }
    let next = following(variant, all, mistakes);
    let ident = &variant.ident;
    let (name, stored) = match value {
        ColumnValue::Name(name) => (name.clone(), quote!(Text(#name))),
        // Of any integer type, and numbered on by the compiler where it has no number.
        ColumnValue::Number => (
            shown(ident),
            quote!(Integer(__private::state_number(Self::#ident as ::core::primitive::i128))),
        ),
    };
    quote! {
        __private::StateRow {
            name: #name,
            stored: __private::ColumnValue::#stored,
            next: &[#(#next),*],
            is_initial: #is_initial,
        }
    }
}

/// The places of the states in which a thing begins: those with `#[initial]`, or the first one.
fn initial(all: &[&Variant], mistakes: &mut Mistakes) -> Vec<usize> {
    let mut places = Vec::new();
    for (place, variant) in all.iter().enumerate() {
        for attribute in
            variant.attrs.iter().filter(|attribute| attribute.path().is_ident("initial"))
        {
            places.push(place);
            if attribute.meta.require_path_only().is_err() {
                let mistake =
                    Mistake::new(attribute.path().span(), "`#[initial]` takes no arguments");
                mistakes.add(
                    mistake.help("write `#[initial]` above each state that a thing begins in"),
                );
            }
        }
    }
    if places.is_empty() { vec![0] } else { places }
}

/// The places of the states that `#[to(…)]` names.
fn following(
    variant: &Variant,
    (own, all): (&Ident, &[&Variant]),
    mistakes: &mut Mistakes,
) -> Vec<usize> {
    let mut places = Vec::new();
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("to")) {
        let named = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
        let named = named.map_err(|_| not_a_list(attribute.span()));
        for path in mistakes.keep(named).into_iter().flatten() {
            let place = variant_of(&path, own).and_then(|name| {
                let place = all.iter().position(|variant| variant.ident == *name);
                place.ok_or_else(|| unknown(name, all))
            });
            places.extend(mistakes.keep(place));
        }
    }
    places
}

/// The variant in `Paid`, `Self::Paid` or `Status::Paid`.
fn variant_of<'a>(path: &'a Path, own: &Ident) -> Result<&'a Ident, Mistake> {
    let words: Vec<&Ident> = path.segments.iter().map(|segment| &segment.ident).collect();
    match words[..] {
        [variant] => Ok(variant),
        [owner, variant] if owner == "Self" || owner == own => Ok(variant),
        _ => Err(not_a_list(path.span())),
    }
}

fn not_a_list(span: Span) -> Mistake {
    Mistake::new(span, "`#[to(…)]` lists the states that may follow")
        .help("write `#[to(Paid, Cancelled)]`")
}

fn unknown(name: &Ident, all: &[&Variant]) -> Mistake {
    let known: Vec<_> = all.iter().map(|variant| variant.ident.to_string()).collect();
    let known = || known.iter().map(String::as_str);
    Mistake::new(name.span(), format!("there is no state `{name}`"))
        .suggest(&name.to_string(), known())
        .note(format!("the states are {}", listed(known())))
}
