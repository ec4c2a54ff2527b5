//! The strategy that an attribute chooses.

use crate::parse::{Argument, Value};
use crate::strategy::{STRATEGIES, Strategy, named};
use crate::validate::reader::Reader;
use syn::Lit;

/// The chosen strategy, or the default where none is chosen or its name is unknown.
pub(super) fn chosen(arguments: &[Argument]) -> &'static Strategy {
    name(arguments).and_then(|name| named(&name)).unwrap_or_else(Strategy::default)
}

/// Whether there is a strategy of the chosen name, or none is chosen.
pub(super) fn is_known(arguments: &[Argument]) -> bool {
    name(arguments).is_none_or(|name| named(&name).is_some())
}

fn name(arguments: &[Argument]) -> Option<String> {
    arguments.iter().find_map(|argument| match &argument.value {
        Value::Literal(Lit::Str(text)) if argument.name == "strategy" => Some(text.value()),
        _ => None,
    })
}

/// The name of the strategy is a known one.
pub(super) fn check(reader: &mut Reader<'_>) {
    let names = STRATEGIES.each_ref().map(|strategy| (strategy.name, ()));
    reader.choice("strategy", &names, ());
}
