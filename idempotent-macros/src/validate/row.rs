//! The row that guards a handler, and the condition that it has to meet.

use crate::model::{Row, RowName, RowOwner, SetColumn, TagRule, Template};
use crate::strategy::RowCondition;
use crate::validate::reader::Reader;
use crate::validate::values;
use syn::Path;

const IF_MATCH: [(&str, TagRule); 4] = [
    ("one", TagRule { takes_several: false, takes_weak: false }),
    ("any", TagRule { takes_several: true, takes_weak: false }),
    ("weak", TagRule { takes_several: false, takes_weak: true }),
    ("any, weak", TagRule { takes_several: true, takes_weak: true }),
];

const SET: [(&str, SetColumn); 2] = [("first", SetColumn::First), ("last", SetColumn::Last)];

/// The row, if the strategy has one.
pub(super) fn read(reader: &mut Reader<'_>) -> Row {
    match reader.strategy.row {
        RowCondition::NoRow => Row::None,
        RowCondition::Exists => Row::Locked(row_name(reader)),
        RowCondition::HasVersion => Row::Versioned {
            row: row_name(reader),
            column: column(reader, "version"),
            version: version(reader),
            tags: reader.choice("if_match", &IF_MATCH, TagRule::default()),
        },
        RowCondition::InState => {
            let row = row_name(reader);
            let column = column(reader, "status");
            let set = reader.choice("set", &SET, SetColumn::First);
            match (state(reader, "from"), state(reader, "to")) {
                (Some(from), Some(to)) => Row::InState { row, column, from, to, set },
                _ => Row::Locked(row),
            }
        }
    }
}

fn row_name(reader: &mut Reader<'_>) -> RowName {
    RowName {
        table: reader.setting("table", values::table).or(String::new()),
        id: reader.in_braces("id").unwrap_or_default(),
        column: reader.setting("id_column", values::identifier).or("id".to_owned()),
        owner: owner(reader),
    }
}

fn owner(reader: &mut Reader<'_>) -> Option<RowOwner> {
    let column = reader.setting("owner_column", values::identifier).or("owner".to_owned());
    let value = reader.template("owner")?;
    Some(RowOwner { column, value })
}

fn column(reader: &mut Reader<'_>, default: &str) -> String {
    reader.setting("column", values::identifier).or(default.to_owned())
}

/// The handler's own template of the version. `{header.If-Match}` is none: the runtime parses that header.
fn version(reader: &mut Reader<'_>) -> Option<Template> {
    reader.varying("version").filter(|version| !version.is_header("If-Match"))
}

fn state(reader: &mut Reader<'_>, name: &str) -> Option<Path> {
    let written = values::variant(reader.find(name)?);
    reader.mistakes.keep(written)
}
