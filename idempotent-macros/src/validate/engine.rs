//! The engine that guards a function: the app's, or the one that `engine` names.

use crate::diagnostics::{Mistake, listed};
use crate::model::Engine;
use crate::strategy::Subject;
use crate::validate::reader::Reader;
use crate::validate::template::{parameter_names, root_variable, with_parameters};
use crate::validate::tx;
use proc_macro2::Span;
use syn::{Expr, LitStr};

pub(super) fn read(reader: &mut Reader<'_>) -> Engine {
    if reader.strategy.subject == Subject::Handler {
        return Engine::App;
    }
    let Some(text) = reader.text("engine") else { return Engine::App };
    let engine = engine_expression(reader, &text);
    let tx = tx::find_parameter(reader.parameters, &mut reader.mistakes);
    match reader.mistakes.keep(engine) {
        Some(engine) => {
            let maybe_tx = tx::renamed(reader.parameters).cloned().collect();
            Engine::Named { engine: Box::new(engine), written: text, tx, maybe_tx }
        }
        None => Engine::App,
    }
}

fn engine_expression(reader: &Reader<'_>, text: &LitStr) -> Result<Expr, Mistake> {
    let written = LitStr::new(&text.value(), Span::call_site().located_at(text.span()));
    let parsed = written
        .parse()
        .and_then(|tokens| syn::parse2::<Expr>(with_parameters(tokens, reader.parameters)))
        .map_err(|_| {
            Mistake::new(text.span(), format!("`{}` is not an expression", text.value()))
                .help("name a parameter, a field or a static: `\"messages\"`, `\"self.messages\"`")
        })?;
    let own = || parameter_names(reader.parameters);
    let Some(root) = root_variable(&parsed) else { return Ok(parsed) };
    let root = root.to_string();
    // A word in capitals is a static: the compiler says if there is none.
    let is_static = !root.chars().any(char::is_lowercase);
    if is_static || own().any(|name| *name == root) {
        return Ok(parsed);
    }
    let own: Vec<String> = own().map(ToString::to_string).collect();
    let own = || own.iter().map(String::as_str);
    let mistake = Mistake::new(text.span(), format!("`engine` names `{root}`, and there is none"))
        .suggest(&root, own());
    Err(match own().next() {
        Some(_) => mistake.note(format!("the function's parameters are {}", listed(own()))),
        None => mistake.help("give the function a parameter for it: `messages: &Messages`"),
    })
}
