//! Templates: each placeholder is resolved to a part of the request or to an expression.

use crate::diagnostics::{Mistake, Mistakes, is_misspelt, listed};
use crate::model::{Parameter, Segment, Source, Template};
use crate::parse::{Piece, pieces};
use crate::strategy::Subject;
use crate::validate::values::{header_name, is_token_byte};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use syn::{Expr, Ident, LitStr};

/// The template of one header.
pub(super) fn header(name: &str) -> Template {
    Template(vec![Segment::Request(Source::Header, name.to_owned())])
}

/// Whether a text is a placeholder that lacks its braces, such as `path.id`.
pub(super) fn is_bare(text: &str, parameters: &[Parameter]) -> bool {
    text.split_once('.').is_some_and(|(root, name)| {
        let is_source = Source::ALL.iter().any(|(source, _)| *source == root);
        let fits = |c: char| c.is_alphanumeric() || "_-.()".contains(c);
        !name.is_empty()
            && name.chars().all(fits)
            && (is_source || parameter_names(parameters).any(|name| *name == root))
    })
}

/// The placeholder that a text without braces was meant to be: itself in braces, or a header of its name.
pub(super) fn in_braces(text: &str, parameters: &[Parameter]) -> String {
    let is_parameter = parameter_names(parameters).any(|name| *name == text);
    if is_parameter || is_bare(text, parameters) {
        format!("{{{text}}}")
    } else {
        format!("{{header.{text}}}")
    }
}

/// Resolves every placeholder; `None` if one of them names nothing.
pub(super) fn resolve(
    text: &LitStr,
    parameters: &[Parameter],
    subject: Subject,
    mistakes: &mut Mistakes,
) -> Option<Template> {
    let pieces = pieces(&text.value()).map_err(|why| {
        Mistake::new(text.span(), format!("the template's braces do not match: {why}"))
            .help("close every `{` by `}`; a brace itself is written twice: `{{`")
            .note("an expression in a template cannot have braces: move it into a method")
    });
    let pieces = mistakes.keep(pieces)?;
    let segments: Vec<_> = pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => Some(Segment::Text(text)),
            Piece::Placeholder(inside) => {
                mistakes.keep(placeholder(text, &inside, parameters, subject))
            }
        })
        .collect();
    segments.into_iter().collect::<Option<_>>().map(Template)
}

fn placeholder(
    text: &LitStr,
    inside: &str,
    parameters: &[Parameter],
    subject: Subject,
) -> Result<Segment, Mistake> {
    if inside.is_empty() {
        let mistake = Mistake::new(text.span(), "a placeholder with nothing in it");
        return Err(mistake.help(match subject {
            Subject::Handler => "name what it holds: `{header.Idempotency-Key}`",
            Subject::Function => "name what it holds: `{message.id}`",
        }));
    }
    let root = inside.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let is_parameter = parameter_names(parameters).any(|name| *name == root);
    let source = Source::ALL.iter().find(|(name, _)| *name == root).map(|(_, source)| *source);
    match (source, inside.split_once('.')) {
        (Some(_), _) if !is_parameter && subject == Subject::Function => Err(Mistake::new(
            text.span(),
            format!("`{{{inside}}}` reads a request, and there is none"),
        )
        .help("make it from the function's parameters: `{message.id}`")
        .note("`strategy = \"message\"` guards functions, which actix-web does not call")),
        (Some(source), Some((_, name))) if !is_parameter => {
            request_value(text, source, name.trim())
        }
        (Some(source), None) if !is_parameter => {
            let name = source.name();
            Err(Mistake::new(text.span(), format!("`{{{inside}}}` does not say which {name}"))
                .help(format!("write `{{{name}.…}}` with its name")))
        }
        _ => parameter_value(text, inside, root, parameters, subject),
    }
}

fn request_value(text: &LitStr, source: Source, name: &str) -> Result<Segment, Mistake> {
    let kind = source.name();
    if name.is_empty() {
        return Err(Mistake::new(text.span(), format!("`{{{kind}.}}` names nothing"))
            .help(format!("write a name behind the dot: `{{{kind}.…}}`")));
    }
    match source {
        Source::Header => header_name(text, name)?,
        _ if is_name(source, name) => {}
        _ => {
            let what = format!("`{name}` is not a name that `{kind}` can have");
            return Err(Mistake::new(text.span(), what)
                .help(format!("write the name alone: `{{{kind}.id}}`"))
                .note("its value is text; an expression starts with a parameter of the handler"));
        }
    }
    Ok(Segment::Request(source, name.to_owned()))
}

/// Whether a part of a request may have this name. Forms name fields as in `order[sku]` and `tags[]`.
fn is_name(source: Source, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    match source {
        Source::Path => name.chars().all(is_word),
        Source::Header | Source::Cookie => name.bytes().all(is_token_byte),
        Source::Query | Source::Form => {
            let is_index = |part: &str| part.split_once(']').is_some_and(|(n, _)| is_number(n));
            let fits = |c: char| is_word(c) || "-.$:~[]".contains(c);
            name.chars().all(fits) && !name.split('[').skip(1).any(is_index)
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parameter_value(
    text: &LitStr,
    inside: &str,
    root: &str,
    parameters: &[Parameter],
    subject: Subject,
) -> Result<Segment, Mistake> {
    // The text is parsed from a new literal, so that errors in it point at the attribute, and as
    // code of the macro, so that the compiler does not suggest to replace the literal by a name.
    let written = LitStr::new(inside, Span::call_site().located_at(text.span()));
    let parsed =
        written.parse().and_then(|tokens| syn::parse2::<Expr>(with_parameters(tokens, parameters)));
    let parsed = parsed.map_err(|_| {
        let what = format!("`{{{inside}}}` is not an expression");
        hidden_source(Mistake::new(text.span(), what).help(EXPRESSION), root, parameters)
    })?;
    let rooted = root_variable(&parsed);
    let sources = Source::ALL.map(|(name, _)| name);
    if rooted.is_none() && !is_misspelt(root, sources) {
        let what = format!("`{{{inside}}}` does not start with a parameter");
        let mistake = Mistake::new(text.span(), what).help(EXPRESSION).note(
            "for anything else, such as a call or an operator, write a method or an extractor",
        );
        return Err(hidden_source(mistake, root, parameters));
    }
    if rooted.is_some_and(|rooted| parameter_names(parameters).any(|name| name == rooted)) {
        return Ok(Segment::Value(Box::new(parsed), written));
    }
    let own: Vec<String> = parameter_names(parameters).map(Ident::to_string).collect();
    let own = || own.iter().map(String::as_str);
    let known = own().chain(sources.into_iter().filter(|_| subject == Subject::Handler));
    let mistake =
        Mistake::new(text.span(), format!("`{{{inside}}}` names nothing")).suggest(root, known);
    let (mistake, starts) = match subject {
        Subject::Handler => {
            let sources = format!("a placeholder starts with {} of the request", listed(sources));
            (mistake.note(sources), "or")
        }
        Subject::Function => (mistake, "a placeholder starts"),
    };
    let subject = subject.name();
    Err(match own().next() {
        None => mistake
            .note(format!("{starts} with a parameter of the {subject}, and this one has none")),
        Some(_) => {
            mistake.note(format!("{starts} with a parameter of the {subject}: {}", listed(own())))
        }
    })
}

const EXPRESSION: &str =
    "write a parameter, and fields, indexes or method calls on it: `{order.sku}`, `{user.id()}`";

/// A parameter that has the name of a source hides it.
fn hidden_source(mistake: Mistake, root: &str, parameters: &[Parameter]) -> Mistake {
    let is_source = Source::ALL.iter().any(|(source, _)| *source == root);
    if is_source && parameter_names(parameters).any(|name| *name == root) {
        return mistake.note(format!(
            "the parameter `{root}` hides `{{{root}.…}}` of the request: give it another name"
        ));
    }
    mistake
}

/// The same tokens, in which each name of a parameter refers to that parameter. A name that a user's
/// macro wrote is another name than ours, although it is spelt alike.
pub(super) fn with_parameters(tokens: TokenStream, parameters: &[Parameter]) -> TokenStream {
    let one = |token| match token {
        TokenTree::Ident(mut word) => {
            if let Some(name) = parameter_names(parameters).find(|name| **name == word) {
                word.set_span(name.span().located_at(word.span()));
            }
            TokenTree::Ident(word)
        }
        TokenTree::Group(group) => {
            let mut inner =
                Group::new(group.delimiter(), with_parameters(group.stream(), parameters));
            inner.set_span(group.span());
            TokenTree::Group(inner)
        }
        other => other,
    };
    tokens.into_iter().map(one).collect()
}

/// The variable that an expression starts from.
pub(super) fn root_variable(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::Path(path) => path.path.get_ident(),
        Expr::Field(field) => root_variable(&field.base),
        Expr::MethodCall(call) => root_variable(&call.receiver),
        Expr::Index(index) => root_variable(&index.expr),
        Expr::Paren(paren) => root_variable(&paren.expr),
        Expr::Reference(reference) => root_variable(&reference.expr),
        Expr::Unary(unary) => root_variable(&unary.expr),
        _ => None,
    }
}

/// The names that the patterns of all parameters bind.
pub(super) fn parameter_names(parameters: &[Parameter]) -> impl Iterator<Item = &Ident> {
    parameters.iter().flat_map(|parameter| &parameter.names)
}
