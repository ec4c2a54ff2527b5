//! What guards a function, which no app gives it.

use crate::diagnostics::{Mistake, listed};
use crate::model::{Engine, TxParameter};
use crate::validate::template::{meant, names, root_of};
use crate::validate::{Reader, Subject, row, unique};
use proc_macro2::Span;
use syn::{Expr, LitStr, Type};

pub(super) fn read(reader: &mut Reader<'_>) -> Engine {
    if reader.subject == Subject::Handler {
        return Engine::App;
    }
    row::missing(
        reader,
        "engine",
        "message",
        "engine = \"messages\"`, a parameter, or `engine = \"self.messages\"",
    );
    let Some(text) = reader.text("engine") else { return Engine::App };
    let (engine, tx) = (expression(reader, &text), tx_parameter(reader));
    match reader.mistakes.keep(engine) {
        Some(engine) => Engine::Named { engine: Box::new(engine), written: text, tx },
        None => Engine::App,
    }
}

/// The parameter that is a transaction: one, and by value.
fn tx_parameter(reader: &mut Reader<'_>) -> TxParameter {
    let mut found = TxParameter::None;
    for (place, parameter) in reader.parameters.iter().enumerate() {
        let Some(tx) = unique::tx(parameter) else {
            if let Type::Reference(to) = &parameter.ty
                && let Some(tx) = unique::named_tx(&to.elem)
            {
                reader.mistakes.add(
                    Mistake::new(tx.span(), "a `Tx` is taken by value")
                        .help("write `mut tx: Tx<Sqlite>`; callers leave it out")
                        .note("the record of the call commits in it"),
                );
            }
            continue;
        };
        if found == TxParameter::None {
            found = TxParameter::At(place);
        } else {
            let what = "a second `Tx`: one call has one transaction";
            reader.mistakes.add(Mistake::new(tx.span(), what).help("leave it out"));
        }
    }
    found
}

fn expression(reader: &Reader<'_>, text: &LitStr) -> Result<Expr, Mistake> {
    let written = LitStr::new(&text.value(), Span::call_site().located_at(text.span()));
    let parsed = written
        .parse()
        .and_then(|tokens| syn::parse2::<Expr>(meant(tokens, reader.parameters)))
        .map_err(|_| {
            Mistake::new(text.span(), format!("`{}` is no expression", text.value()))
                .help("name a parameter, a field or a static: `\"messages\"`, `\"self.messages\"`")
        })?;
    let own = || names(reader.parameters);
    let Some(root) = root_of(&parsed) else { return Ok(parsed) };
    let root = root.to_string();
    // A static is in capitals, and resolves or not as any name does.
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
