//! Macros of other crates that read a handler's parameters.

use crate::parse::args::Arguments;
use crate::parse::item::Function;
use crate::renamed;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Meta};

/// A function with such macros below its attribute.
///
/// They have to stand above it: below, they would read the parameters of the function that actix sees, which has
/// none of the handler's.
pub(crate) struct Read {
    readers: Vec<Attribute>,
    attribute: TokenStream,
    /// The function without them.
    pub(crate) function: TokenStream,
}

/// The function, if such macros stand below its attribute.
pub(crate) fn read_by_others(arguments: &TokenStream, item: &TokenStream) -> Option<Read> {
    let Function { attributes, visibility, signature, body } = syn::parse2(item.clone()).ok()?;
    let (readers, others): (Vec<_>, Vec<_>) = attributes.into_iter().partition(is_reader);
    if readers.is_empty() {
        return None;
    }
    let read: Arguments = syn::parse2(arguments.clone()).ok()?;
    let runtime = read.runtime().map_or_else(renamed::runtime, ToTokens::to_token_stream);
    let attribute = quote!(#[#runtime::idempotent(#arguments)]);
    let function = quote!(#(#others)* #visibility #signature #body);
    Some(Read { readers, attribute, function })
}

impl Read {
    /// The function with those macros above its attribute. `guard` is the description that utoipa's gets.
    pub(crate) fn readers_first(self, guard: Option<&TokenStream>) -> TokenStream {
        let Self { readers, attribute, function } = self;
        let readers = readers.into_iter().map(|reader| match guard {
            Some(guard) if is_of_utoipa(&reader) => told_of(reader, guard),
            _ => quote!(#reader),
        });
        quote!(#(#readers)* #attribute #function)
    }
}

/// Whether an attribute is `#[utoipa::path]`. `#[path]` alone is the compiler's.
fn is_reader(attribute: &Attribute) -> bool {
    let segments = &attribute.path().segments;
    segments.len() > 1 && segments.last().is_some_and(|last| last.ident == "path")
}

/// Whether an attribute names utoipa by its own name. The expansion of that attribute needs it, too.
fn is_of_utoipa(attribute: &Attribute) -> bool {
    attribute.path().segments.first().is_some_and(|first| first.ident == "utoipa")
}

/// The attribute with one more extension. Of several `extensions`, utoipa takes the last.
fn told_of(attribute: Attribute, guard: &TokenStream) -> TokenStream {
    let path = attribute.path().clone();
    let written = match attribute.meta {
        Meta::List(list) => list.tokens,
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    };
    let extension = quote!(("x-idempotency" = json!(#guard)),);
    let mut others = TokenStream::new();
    let mut written = written.into_iter().peekable();
    while let Some(token) = written.next() {
        let is_extensions = matches!(&token, TokenTree::Ident(name) if name == "extensions");
        if let (true, Some(TokenTree::Group(group))) = (is_extensions, written.peek()) {
            let own = group.stream();
            let all = Group::new(Delimiter::Parenthesis, quote!(#extension #own));
            written.next();
            let rest: TokenStream = written.collect();
            return quote!(#[#path(#others extensions #all #rest)]);
        }
        others.extend([token]);
    }
    quote!(#[#path(extensions(#extension), #others)])
}
