//! `#[derive(States)]`: the states of an enum, their values in a column, and the transitions.

use crate::diagnostics::{Mistake, Mistakes, listed};
use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Ident, Token, Variant};

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
    let rows: Vec<_> = (0..)
        .zip(&variants)
        .map(|(place, variant)| row(variant, initial.contains(&place), &variants, &mut mistakes))
        .collect();
    mistakes.finish()?;
    let (name, visibility) = (&input.ident, &input.vis);
    let places = variants.iter().enumerate().map(|(place, variant)| {
        let variant = &variant.ident;
        quote!(Self::#variant => #place)
    });
    Ok(quote! {
        impl #name {
            /// Every state, how its column holds it, and what may follow.
            #visibility const STATES: &'static [::idempotent_runtime::policy::StateRow] = &[#(#rows),*];

            /// The place of this state in the table.
            #[allow(dead_code, reason = "no handler may name a state yet")]
            #visibility const fn place(&self) -> usize {
                match self { #(#places),* }
            }
        }
    })
}

fn row(
    variant: &Variant,
    is_initial: bool,
    all: &[&Variant],
    mistakes: &mut Mistakes,
) -> TokenStream {
    if !matches!(variant.fields, Fields::Unit) {
        mistakes.add(
            Mistake::new(variant.fields.span(), "a state holds nothing beside its name")
                .help(format!("write `{}` alone", variant.ident)),
        );
    }
    let next = following(variant, all, mistakes);
    let name = snake(&variant.ident.to_string());
    let number = variant.discriminant.as_ref().map(|(_, number)| quote!(Integer(#number)));
    let stored = number.unwrap_or_else(|| quote!(Text(#name)));
    quote! {
        ::idempotent_runtime::policy::StateRow {
            name: #name,
            stored: ::idempotent_runtime::policy::ColumnValue::#stored,
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
                let mistake = Mistake::new(attribute.span(), "`#[initial]` takes no arguments");
                mistakes.add(
                    mistake.help("write `#[initial]` above each state that a thing begins in"),
                );
            }
        }
    }
    if places.is_empty() { vec![0] } else { places }
}

/// The places of the states that `#[to(…)]` names.
fn following(variant: &Variant, all: &[&Variant], mistakes: &mut Mistakes) -> Vec<usize> {
    let mut places = Vec::new();
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("to")) {
        let named = attribute.parse_args_with(Punctuated::<Ident, Token![,]>::parse_terminated);
        let named = named.map_err(|_| {
            Mistake::new(attribute.span(), "`#[to(…)]` lists the states that may follow")
                .help("write `#[to(Paid, Cancelled)]`")
        });
        for name in mistakes.keep(named).into_iter().flatten() {
            let place = all.iter().position(|variant| variant.ident == name);
            places.extend(mistakes.keep(place.ok_or_else(|| unknown(&name, all))));
        }
    }
    places
}

fn unknown(name: &Ident, all: &[&Variant]) -> Mistake {
    let known: Vec<_> = all.iter().map(|variant| variant.ident.to_string()).collect();
    let known = || known.iter().map(String::as_str);
    Mistake::new(name.span(), format!("there is no state `{name}`"))
        .suggest(&name.to_string(), known())
        .note(format!("the states are {}", listed(known())))
}

/// `InTransit` as `in_transit`, the way databases write it.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (place, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && place > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
