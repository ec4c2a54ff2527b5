//! The parameter that is the business transaction, recognised by its type's name.

use crate::diagnostics::{Mistake, Mistakes};
use crate::model::{Parameter, TxParameter};
use syn::{Ident, Type};

/// The word `Tx` in the type of the first parameter that is one.
pub(super) fn taken(parameters: &[Parameter]) -> Option<&Ident> {
    parameters.iter().find_map(|parameter| word(&parameter.ty))
}

/// The parameter that the runtime fills in: one, and by value.
pub(super) fn find_parameter(parameters: &[Parameter], mistakes: &mut Mistakes) -> TxParameter {
    let mut found = TxParameter::None;
    for (place, parameter) in parameters.iter().enumerate() {
        if let Some(tx) = word(&parameter.ty) {
            if found == TxParameter::None {
                found = TxParameter::At(place);
            } else {
                let what = "a second `Tx`: one call has one transaction";
                mistakes.add(Mistake::new(tx.span(), what).help("leave it out"));
            }
        } else if let Some(tx) = referenced(&parameter.ty) {
            mistakes.add(
                Mistake::new(tx.span(), "a `Tx` is taken by value")
                    .help("write `mut tx: Tx<Sqlite>`; callers leave it out")
                    .note("the record of the call commits in it"),
            );
        }
    }
    found
}

/// The word `Tx` at the end of a type's path.
fn word(ty: &Type) -> Option<&Ident> {
    let Type::Path(path) = ty else { return None };
    path.path.segments.last().map(|last| &last.ident).filter(|last| *last == "Tx")
}

/// The word `Tx` behind a reference.
fn referenced(ty: &Type) -> Option<&Ident> {
    let Type::Reference(to) = ty else { return None };
    word(&to.elem)
}
