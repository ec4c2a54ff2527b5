//! What answers in place of a handler whose insert met a unique index.

use crate::diagnostics::Mistake;
use crate::model::{Existing, Parameter, Strategy};
use crate::parse::Value;
use crate::validate::{Reader, row, values};
use syn::{Ident, Type};

pub(super) fn read(reader: &mut Reader<'_>, strategy: Strategy) -> Existing {
    if strategy != Strategy::Unique {
        return Existing::None;
    }
    row::missing(reader, "existing", "unique", "existing = find_by_code");
    let Some(argument) = reader.find("existing") else { return Existing::None };
    let Value::Path(path) = &argument.value else {
        reader.mistakes.add(
            Mistake::new(argument.span(), "`existing` is no function")
                .help("write `existing = find_by_code`, without quotes")
                .note("it is an `async fn` with the parameters of the handler"),
        );
        return Existing::None;
    };
    let constraint = reader.own("constraint", values::identifier_or_column);
    Existing::Function { path: path.clone(), constraint }
}

/// The word `Tx` in a parameter's type.
pub(super) fn tx(parameter: &Parameter) -> Option<&Ident> {
    named_tx(&parameter.ty)
}

/// The word `Tx` at the end of a type's path.
pub(super) fn named_tx(kind: &Type) -> Option<&Ident> {
    let Type::Path(path) = kind else { return None };
    path.path.segments.last().map(|last| &last.ident).filter(|last| *last == "Tx")
}
