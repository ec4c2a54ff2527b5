//! The attribute's arguments: `name = value`, each value with its span.

use crate::diagnostics::{Mistake, Mistakes};
use proc_macro2::{Span, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, Ident, Lit, LitStr, Macro, Path, Token};

/// One `name = value`.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

/// The value behind the `=`.
pub(crate) enum Value {
    Literal(Lit),
    /// A path, for arguments that name something of the program.
    Path(Path),
    /// A constant expression, for durations: the compiler knows its value, and checks it.
    Constant(Box<Expr>),
}

/// The arguments that may be text or constants of the program.
const CONSTANTS: [&str; 4] = ["ttl", "stale", "lease", "wait"];

/// The arguments that are paths and not literals.
const PATHS: [&str; 4] = ["from", "to", "existing", "crate"];

/// The arguments in the order they were written.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) list: Vec<Argument>,
    /// The names of the arguments that are written wrongly, if they have a name.
    pub(crate) broken: Vec<String>,
    pub(crate) mistakes: Mistakes,
}

impl Argument {
    pub(crate) fn span(&self) -> Span {
        match &self.value {
            Value::Literal(literal) => literal.span(),
            Value::Path(path) => path.span(),
            Value::Constant(expression) => expression.span(),
        }
    }
}

impl Arguments {
    /// The path of the runtime, where it is not `::idempotent_runtime`.
    pub(crate) fn runtime(&self) -> Option<&Path> {
        let argument = self.list.iter().find(|argument| argument.name == "crate")?;
        match &argument.value {
            Value::Path(path) => Some(path),
            Value::Literal(_) | Value::Constant(_) => None,
        }
    }
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let name = Ident::parse_any(&input.fork()).map(|name| name.to_string());
            match one(input) {
                Ok(argument) => arguments.list.push(argument),
                Err(error) => {
                    arguments.mistakes.add(error);
                    arguments.broken.extend(name);
                    skip(input)?;
                }
            }
        }
        Ok(arguments)
    }
}

/// An argument and the comma behind it.
fn one(input: ParseStream<'_>) -> syn::Result<Argument> {
    let argument = input.parse()?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(argument)
}

/// Skips everything up to the next comma, and the comma.
fn skip(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() {
        let is_comma = input.peek(Token![,]);
        input.parse::<TokenTree>()?;
        if is_comma {
            break;
        }
    }
    Ok(())
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Lit) {
            let value: Lit = input.parse()?;
            return Err(Mistake::new(value.span(), "a value without a name")
                .help("write `key = \"{header.Idempotency-Key}\"`")
                .into());
        }
        let name = Ident::parse_any(input)?;
        let shown = name.to_string();
        if !input.peek(Token![=]) {
            return Err(Mistake::new(name.span(), format!("`{shown}` has no value"))
                .help(format!("write `{shown} = …`"))
                .into());
        }
        input.parse::<Token![=]>()?;
        if PATHS.contains(&shown.as_str()) && !input.peek(Lit) {
            return Ok(Self { name, value: Value::Path(input.parse()?) });
        }
        if let Some(whole) = concatenated(input)? {
            return Ok(Self { name, value: Value::Literal(Lit::Str(whole)) });
        }
        if CONSTANTS.contains(&shown.as_str()) && !input.peek(Lit) {
            return Ok(Self { name, value: Value::Constant(input.parse()?) });
        }
        let value = input.parse::<Lit>().map_err(|error| {
            Mistake::new(error.span(), format!("the value of `{shown}` is not a literal"))
                .help(format!("put it in quotes: `{shown} = \"…\"`"))
                .note(NO_CONSTANTS)
        })?;
        Ok(Self { name, value: Value::Literal(value) })
    }
}

const NO_CONSTANTS: &str = "constants and macros have no value yet when the attribute is read; only `ttl`, \
     `stale`, `lease` and `wait` may be constants, and `concat!(…)` of literals is a text";

/// The text that the compiler would make of a `concat!(…)` of literals; none if this is not one.
fn concatenated(input: ParseStream<'_>) -> syn::Result<Option<LitStr>> {
    if !(input.peek(Ident) && input.peek2(Token![!])) {
        return Ok(None);
    }
    let call: Macro = input.fork().parse()?;
    if call.path.segments.last().is_none_or(|last| last.ident != "concat") {
        return Ok(None);
    }
    input.parse::<Macro>()?;
    let parts = call.parse_body_with(Punctuated::<Lit, Token![,]>::parse_terminated);
    let parts = parts.map_err(|error| {
        Mistake::new(error.span(), "`concat!(…)` holds more than literals")
            .help("write literals alone: `concat!(\"a\", \"b\")`")
            .note(NO_CONSTANTS)
    })?;
    let whole: Option<String> = parts.iter().map(shown).collect();
    let whole = whole.ok_or_else(|| {
        Mistake::new(call.path.span(), "`concat!(…)` makes bytes, not text")
            .help("write text: `\"…\"`")
    })?;
    Ok(Some(LitStr::new(&whole, call.path.span())))
}

/// A literal as `concat!` writes it.
fn shown(literal: &Lit) -> Option<String> {
    match literal {
        Lit::Str(text) => Some(text.value()),
        Lit::Char(letter) => Some(letter.value().to_string()),
        Lit::Bool(value) => Some(value.value.to_string()),
        Lit::Int(number) => Some(number.base10_digits().to_owned()),
        Lit::Float(number) => Some(number.base10_digits().to_owned()),
        _ => None,
    }
}
