//! The strategy that an attribute chooses.

use crate::parse::{Argument, Value};
use crate::strategy::{STRATEGIES, Strategy, named};
use crate::validate::reader::Reader;
use syn::Lit;

/// The chosen strategy, or the default where none is chosen or its name is unknown.
pub(super) fn chosen(arguments: &[Argument]) -> &'static Strategy {
    let name = |argument: &Argument| match &argument.value {
        Value::Literal(Lit::Str(text)) if argument.name == "strategy" => Some(text.value()),
        _ => None,
    };
    let chosen = arguments.iter().find_map(name);
    chosen.and_then(|name| named(&name)).unwrap_or_else(Strategy::default)
}

/// The name of the strategy is a known one.
pub(super) fn check(reader: &mut Reader<'_>) {
    let names = STRATEGIES.each_ref().map(|strategy| (strategy.name, ()));
    reader.choice("strategy", &names, ());
}
