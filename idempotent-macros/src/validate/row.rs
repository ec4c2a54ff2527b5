//! The row that guards a handler: which it is, and what it must be like.

use crate::diagnostics::Mistake;
use crate::model::{Row, RowName, Strategy, Template};
use crate::parse::Argument;
use crate::validate::{Reader, template, values};
use proc_macro2::Span;
use syn::Path;

pub(super) fn read(reader: &mut Reader<'_>, strategy: Strategy) -> Row {
    match strategy {
        Strategy::RowLock => Row::Locked(name(reader, "row_lock")),
        Strategy::Version => Row::Versioned {
            row: name(reader, "version"),
            column: column(reader, "version"),
            version: version(reader),
        },
        Strategy::State => {
            let row = name(reader, "state");
            let column = column(reader, "status");
            match (state(reader, "from"), state(reader, "to")) {
                (Some(from), Some(to)) => Row::InState { row, column, from, to },
                _ => Row::Locked(row),
            }
        }
        Strategy::RequestId
        | Strategy::Token
        | Strategy::Lock
        | Strategy::Cache
        | Strategy::DedupTable
        | Strategy::Unique
        | Strategy::Async
        | Strategy::Message => Row::None,
    }
}

fn name(reader: &mut Reader<'_>, strategy: &str) -> RowName {
    missing(reader, "table", strategy, "table = \"accounts\"");
    missing(reader, "id", strategy, "id = \"{path.id}\"");
    let table = reader.own("table", values::identifier).or(String::new());
    let id = reader.text("id").map(|text| reader.template(&text)).unwrap_or_default();
    RowName { table, column: reader.own("id_column", values::identifier).or("id".to_owned()), id }
}

fn column(reader: &mut Reader<'_>, default: &str) -> String {
    reader.own("column", values::identifier).or(default.to_owned())
}

fn version(reader: &mut Reader<'_>) -> Template {
    let written = reader.text("version").map(|text| reader.template(&text));
    written.unwrap_or_else(|| template::header("If-Match"))
}

fn state(reader: &mut Reader<'_>, name: &str) -> Option<Path> {
    missing(reader, name, "state", &format!("{name} = OrderStatus::Created"));
    let written = values::state(reader.find(name)?);
    reader.mistakes.keep(written)
}

/// Says that a strategy needs an argument, once, where the strategy is chosen.
pub(super) fn missing(reader: &mut Reader<'_>, name: &str, strategy: &str, example: &str) {
    if reader.find(name).is_some() {
        return;
    }
    let span = reader.find("strategy").map_or_else(Span::call_site, Argument::span);
    reader.mistakes.add(
        Mistake::new(span, format!("`strategy = \"{strategy}\"` needs `{name}`"))
            .help(format!("add `{example}`")),
    );
}
