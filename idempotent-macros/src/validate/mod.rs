//! From syntax to meaning: every rule is one function, and all mistakes are reported at once.
//!
//! Files import downwards: `rules`, `policy`; `uses`, `strategy`, `identity`, `answer_paths`, `methods`, `window`, `row`,
//! `unique`, `engine`; `reader`; `template`, `signature`; `attributes`, `tx`, `values`.

mod answer_paths;
mod attributes;
mod engine;
mod identity;
mod methods;
mod policy;
mod reader;
mod row;
mod rules;
mod signature;
mod strategy;
mod template;
mod tx;
mod unique;
mod uses;
mod values;
mod window;

use crate::diagnostics::Mistakes;
use crate::model::{GuardedFunction, TxParameter};
use crate::parse::{Arguments, Seen, Written, unmarked_signature};
use crate::strategy::Subject;
use reader::Reader;
use std::mem;
use syn::Error;

/// The form in which callers and routes shall see a function that has mistakes.
pub(crate) fn seen(written: &Written) -> Seen {
    let subject = strategy::chosen(&written.arguments.list).subject;
    if subject == Subject::Handler {
        return Seen { asyncness: signature::lacking_async(&written.function), left_out: None };
    }
    // `validate` reports these mistakes.
    let mut mistakes = Mistakes::default();
    let parameters = signature::parameters(&written.function, subject, &mut mistakes);
    let left_out = match tx::find_parameter(&parameters, &mut mistakes) {
        TxParameter::At(place) => Some(place),
        TxParameter::None => None,
    };
    Seen { left_out, asyncness: None }
}

/// A valid annotation, or every mistake in it.
pub(crate) fn validate(written: Written) -> Result<GuardedFunction, Error> {
    let Written { arguments, function } = written;
    let runtime = arguments.runtime().cloned();
    let Arguments { list: arguments, broken, mut mistakes } = arguments;
    if broken.iter().any(|name| name == "strategy") {
        // Without the strategy it is not known which other arguments it takes.
        mistakes.finish()?;
        mistakes = Mistakes::default();
    }
    let strategy = strategy::chosen(&arguments);
    signature::check_is_written(&function, strategy.subject)?;
    let parameters = signature::parameters(&function, strategy.subject, &mut mistakes);

    let mut reader = Reader {
        arguments: &arguments,
        broken: &broken,
        parameters: &parameters,
        strategy,
        mistakes,
    };
    uses::check_names(&mut reader);
    strategy::check(&mut reader);
    if !strategy::is_known(&arguments) {
        // The default's rules would find mistakes that are none.
        mem::take(&mut reader.mistakes).finish()?;
    }
    let policy = policy::read(&mut reader, &function.signature.ident);
    let row = row::read(&mut reader);
    let existing = unique::read(&mut reader);
    unique::check_returns(&mut reader, &function.signature);
    let engine = engine::read(&mut reader);
    let key = identity::key(&mut reader);
    let scope = identity::scope(&mut reader);
    let window = window::read(&mut reader);
    let first_sent = reader.varying("first_sent");
    identity::check_operation(&mut reader, &function.signature);
    let answer_paths = answer_paths::read(&reader, &policy, &key);
    answer_paths::check(&mut reader, &function.attributes, answer_paths.as_deref());
    methods::check(&mut reader, &function.attributes);
    attributes::check(&function.attributes, &mut reader.mistakes);
    uses::check(&mut reader);
    rules::check(&mut reader, &policy, &key);
    reader.mistakes.finish()?;

    let (outer, inner) = match strategy.subject {
        Subject::Handler => attributes::split(function.attributes),
        Subject::Function => (function.attributes, Vec::new()),
    };
    Ok(GuardedFunction {
        runtime,
        outer,
        inner,
        visibility: function.visibility,
        signature: unmarked_signature(function.signature),
        body: function.body,
        parameters,
        policy,
        key,
        answer_paths,
        scope,
        window,
        first_sent,
        row,
        existing,
        engine,
    })
}
