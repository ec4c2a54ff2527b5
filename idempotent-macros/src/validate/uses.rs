//! The arguments of an attribute, compared with the table of strategies.

use crate::diagnostics::{Mistake, Mistakes, listed};
use crate::parse::{Argument, Value};
use crate::strategy::{ARGUMENTS, DefaultKey, GuardPlace, OF_A_KEY, OF_A_LEASE};
use crate::validate::reader::Reader;
use crate::validate::tx;
use proc_macro2::Span;

/// Every argument must be known and given once.
pub(super) fn check_names(reader: &mut Reader<'_>) {
    for (place, argument) in reader.arguments.iter().enumerate() {
        let (name, span) = (argument.name.to_string(), argument.name.span());
        if name == "crate" {
            check_path(argument, &mut reader.mistakes);
        } else if !ARGUMENTS.contains(&name.as_str()) {
            reader.mistakes.add(
                Mistake::new(span, format!("unknown argument `{name}`"))
                    .suggest(&name, ARGUMENTS)
                    .note(format!("the arguments are {}", listed(ARGUMENTS))),
            );
        } else if reader.arguments[..place].iter().any(|earlier| earlier.name == argument.name)
            || reader.broken.contains(&name)
        {
            reader.mistakes.add(
                Mistake::new(span, format!("`{name}` is given twice")).help("keep one of them"),
            );
        }
    }
}

/// The runtime must be named by a path.
fn check_path(argument: &Argument, mistakes: &mut Mistakes) {
    if matches!(argument.value, Value::Literal(_)) {
        mistakes.add(
            Mistake::new(argument.span(), "`crate` is not a path")
                .help("write `crate = facade::idempotent_runtime`, without quotes"),
        );
    }
}

/// The strategy must get every argument that it needs, and every argument must have an effect.
pub(super) fn check(reader: &mut Reader<'_>) {
    for mistake in missing(reader).into_iter().chain(without_effect(reader)) {
        reader.mistakes.add(mistake);
    }
}

/// A mistake for each argument that the strategy needs and lacks, at the place that names the strategy.
fn missing(reader: &Reader<'_>) -> Vec<Mistake> {
    let name = reader.strategy.name;
    let span = reader.find("strategy").map_or_else(Span::call_site, Argument::span);
    let needs = reader.strategy.needs.iter().filter(|need| !reader.is_written(need.argument));
    let mistake = |what| Mistake::new(span, format!("`strategy = \"{name}\"` needs {what}"));
    needs.map(|need| mistake(need.what).help(need.help)).collect()
}

/// A mistake for each argument that has no effect with the strategy, or without a key.
fn without_effect(reader: &Reader<'_>) -> Vec<Mistake> {
    let is_unkeyed =
        reader.strategy.default_key == DefaultKey::Unkeyed && !reader.is_written("key");
    let mistake = |argument: &Argument| {
        let name = argument.name.to_string();
        if !takes(reader, &name) {
            Some(not_taken(reader, argument))
        } else if is_unkeyed && OF_A_KEY.contains(&name.as_str()) {
            Some(not_without_key(argument))
        } else {
            None
        }
    };
    reader.arguments.iter().filter_map(mistake).collect()
}

/// Whether an argument has an effect with the strategy at the place of its guard.
pub(super) fn takes(reader: &Reader<'_>, argument: &str) -> bool {
    let in_transaction = match reader.strategy.guard {
        GuardPlace::Lease => false,
        GuardPlace::Transaction | GuardPlace::Insert => true,
        GuardPlace::TransactionIfTaken => tx::taken(reader.parameters).is_some(),
    };
    reader.strategy.takes(argument) && !(in_transaction && OF_A_LEASE.contains(&argument))
}

fn not_taken(reader: &Reader<'_>, argument: &Argument) -> Mistake {
    let (name, strategy) = (&argument.name, reader.strategy.name);
    let taken = ARGUMENTS.into_iter().filter(|name| takes(reader, name));
    let what = format!("`{name}` has no effect with `strategy = \"{strategy}\"`");
    Mistake::new(name.span(), what)
        .help(format!("leave `{name}` out"))
        .note(format!("this strategy takes {}", listed(taken)))
}

pub(super) fn not_without_key(argument: &Argument) -> Mistake {
    let name = &argument.name;
    Mistake::new(name.span(), format!("`{name}` has no effect without a key"))
        .help(format!("add `key = \"{{header.Idempotency-Key}}\"`, or leave `{name}` out"))
}

#[cfg(test)]
mod tests {
    use crate::strategy::{ARGUMENTS, OF_A_KEY, OF_A_LEASE, STRATEGIES};

    #[test]
    fn the_table_names_arguments_that_exist() {
        let rows = STRATEGIES.iter().flat_map(|strategy| {
            let needs = strategy.needs.iter().map(|need| &need.argument);
            strategy.adds.iter().chain(strategy.refuses).chain(needs)
        });
        for name in rows.chain(&OF_A_KEY).chain(&OF_A_LEASE) {
            assert!(ARGUMENTS.contains(name), "there is no argument `{name}`");
        }
    }

    #[test]
    fn a_strategy_takes_what_it_needs() {
        for strategy in &STRATEGIES {
            for need in strategy.needs {
                let (name, argument) = (strategy.name, need.argument);
                assert!(strategy.takes(argument), "`{name}` needs `{argument}` and refuses it");
            }
        }
    }
}
