//! The parameter that is the business transaction: the marked one, or else one whose type is named `Tx`.

use crate::diagnostics::{Mistake, Mistakes};
use crate::model::{Parameter, TxMark, TxParameter};
use crate::parse::{bare, is_tx_mark};
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Attribute, GenericArgument, Ident, Meta, PathArguments, PathSegment, Type};

/// Extractors of actix-web and of this project that hold no transaction.
const WITHOUT_TX: [&str; 19] = [
    "Attempt",
    "Bytes",
    "ConnectionInfo",
    "Data",
    "DownstreamKey",
    "Form",
    "FormToken",
    "Header",
    "HttpRequest",
    "Json",
    "Method",
    "Path",
    "Payload",
    "PeerAddr",
    "Query",
    "ReqData",
    "String",
    "ThinData",
    "Uri",
];

/// The databases of sqlx. A `Tx` by another name has one as its argument.
const DATABASES: [&str; 3] = ["Sqlite", "Postgres", "MySql"];

/// The mark of a parameter with these attributes.
pub(super) fn mark(attributes: &[Attribute]) -> Result<TxMark, Mistake> {
    let Some(attribute) = attributes.iter().find(|attribute| is_tx_mark(attribute)) else {
        return Ok(TxMark::None);
    };
    match &attribute.meta {
        Meta::Path(_) => Ok(TxMark::Tx),
        Meta::List(list) if list.tokens.to_string() == "false" => Ok(TxMark::NoTx),
        _ => Err(Mistake::new(attribute.span(), "`#[tx]` marks the business transaction")
            .help("write `#[tx]`, or `#[tx(false)]` if the parameter is not one")),
    }
}

/// The type of the first parameter that is a `Tx`.
pub(super) fn taken(parameters: &[Parameter]) -> Option<Span> {
    parameters.iter().find_map(|parameter| tx(parameter, parameters))
}

/// Whether no parameter can be a `Tx`, nor an extractor that holds one.
pub(super) fn is_impossible(parameters: &[Parameter]) -> bool {
    let holds_none = |parameter: &Parameter| match parameter.tx_mark {
        TxMark::Tx => false,
        TxMark::NoTx => true,
        TxMark::None => holds_no_tx(&parameter.ty),
    };
    parameters.iter().all(holds_none)
}

fn holds_no_tx(extractor: &Type) -> bool {
    match bare(extractor) {
        Type::Tuple(all) => all.elems.iter().all(holds_no_tx),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let is_of = |name: &str| last.ident == name;
            match argument(last) {
                Some(inner) if is_of("Option") => holds_no_tx(inner),
                _ => WITHOUT_TX.into_iter().any(is_of),
            }
        }),
        _ => false,
    }
}

/// The parameter that the runtime fills in. There may be only one, taken by value.
pub(super) fn find_parameter(parameters: &[Parameter], mistakes: &mut Mistakes) -> TxParameter {
    let mut found = TxParameter::None;
    for (place, parameter) in parameters.iter().enumerate() {
        if let Some(span) = tx(parameter, parameters) {
            if found == TxParameter::None {
                found = TxParameter::At(place);
            } else {
                let what = "a second `Tx`: one call has one transaction";
                mistakes
                    .add(Mistake::new(span, what).help(
                        "leave it out; if it is a type of your own, mark it: `#[tx(false)]`",
                    ));
            }
        } else if let Some(span) = referenced(parameter) {
            mistakes.add(
                Mistake::new(span, "a `Tx` is taken by value")
                    .help("write `mut tx: Tx<Sqlite>`; callers leave it out")
                    .note("the record of the call commits in it"),
            );
        }
    }
    found
}

/// The types that may be a `Tx` by another name, as by `use … Tx as Transaction`.
pub(super) fn renamed(parameters: &[Parameter]) -> impl Iterator<Item = &Type> {
    let others = parameters.iter().filter(|parameter| tx(parameter, parameters).is_none());
    let unmarked = others.filter(|parameter| parameter.tx_mark == TxMark::None);
    unmarked.map(|parameter| &parameter.ty).filter(|ty| is_of_database(ty))
}

fn is_of_database(ty: &Type) -> bool {
    let Type::Path(path) = bare(ty) else { return false };
    let Some(Type::Path(database)) = path.path.segments.last().and_then(argument) else {
        return false;
    };
    let last = database.path.segments.last();
    last.is_some_and(|last| DATABASES.iter().any(|name| last.ident == name))
}

/// The place that makes a parameter a `Tx`: its mark, or its type if no parameter is marked.
fn tx(parameter: &Parameter, all: &[Parameter]) -> Option<Span> {
    match parameter.tx_mark {
        TxMark::Tx => Some(parameter.ty.span()),
        TxMark::NoTx => None,
        TxMark::None if all.iter().any(|other| other.tx_mark == TxMark::Tx) => None,
        TxMark::None => word(&parameter.ty).map(Ident::span),
    }
}

/// The word `Tx` at the end of a type's path, if it has one type as its argument.
fn word(ty: &Type) -> Option<&Ident> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Tx")?;
    argument(last).map(|_| &last.ident)
}

/// The argument of a type that has one, and only that.
fn argument(last: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match (arguments.args.first(), arguments.args.len()) {
        (Some(GenericArgument::Type(argument)), 1) => Some(bare(argument)),
        _ => None,
    }
}

/// The word `Tx` behind a reference.
fn referenced(parameter: &Parameter) -> Option<Span> {
    let Type::Reference(to) = bare(&parameter.ty) else { return None };
    word(&to.elem).filter(|_| parameter.tx_mark == TxMark::None).map(Ident::span)
}
