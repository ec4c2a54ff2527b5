//! The function that answers when the handler's insert violates a unique index.

use crate::diagnostics::Mistake;
use crate::model::Existing;
use crate::parse::Value;
use crate::strategy::GuardPlace;
use crate::validate::reader::Reader;
use crate::validate::{signature, values};
use syn::Signature;

/// The handler's error must carry the violation of a unique index.
pub(super) fn check_returns(reader: &mut Reader<'_>, signature: &Signature) {
    if reader.strategy.guard != GuardPlace::Insert {
        return;
    }
    if let Some(span) = signature::no_result_at(signature) {
        let name = reader.strategy.name;
        let what =
            format!("`strategy = \"{name}\"` needs a `Result`, whose error has the violation");
        reader.mistakes.add(
            Mistake::new(span, what)
                .help("return `Result<HttpResponse, E>`, and pass the insert's error on by `?`"),
        );
    }
}

/// The function, if the strategy has one.
pub(super) fn read(reader: &mut Reader<'_>) -> Existing {
    let written = reader.find("existing").filter(|_| reader.strategy.guard == GuardPlace::Insert);
    let Some(argument) = written else { return Existing::None };
    let Value::Path(path) = &argument.value else {
        reader.mistakes.add(
            Mistake::new(argument.span(), "`existing` is not the path of a function")
                .help("write `existing = find_by_code`, without quotes")
                .note("it is an `async fn` with the parameters of the handler"),
        );
        return Existing::None;
    };
    let constraint = reader.setting("constraint", values::identifier_or_columns);
    Existing::Function { path: path.clone(), constraint }
}
