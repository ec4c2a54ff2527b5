//! The value of one argument, checked on its own.

use crate::diagnostics::{Mistake, listed};
use crate::limits::{LONGEST, NEVER_REPLAYED};
use crate::model::Statuses;
use crate::parse::{Argument, Piece, Value, pieces};
use std::time::Duration;
use syn::{Lit, LitStr, Path};

/// Request headers that are credentials.
const CREDENTIALS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

pub(super) fn text(argument: &Argument) -> Result<LitStr, Mistake> {
    let name = &argument.name;
    match &argument.value {
        Value::Literal(Lit::Str(text)) if text.value().trim().is_empty() => {
            Err(Mistake::new(text.span(), format!("`{name}` is empty"))
                .help(format!("give it a value, or leave `{name}` out")))
        }
        Value::Literal(Lit::Str(text)) => Ok(text.clone()),
        _ => Err(Mistake::new(argument.span(), format!("the value of `{name}` is not a string"))
            .help(format!("put it in quotes: `{name} = \"…\"`"))),
    }
}

pub(super) fn boolean(argument: &Argument) -> Result<bool, Mistake> {
    if let Value::Literal(Lit::Bool(value)) = &argument.value {
        return Ok(value.value);
    }
    let name = &argument.name;
    Err(Mistake::new(argument.span(), format!("`{name}` is either `true` or `false`"))
        .help(format!("write `{name} = false`, without quotes")))
}

pub(super) fn choice<T: Copy>(
    name: &str,
    text: &LitStr,
    choices: &[(&'static str, T)],
) -> Result<T, Mistake> {
    let written = text.value();
    let words = || choices.iter().map(|(word, _)| *word);
    choices.iter().find(|(word, _)| *word == written).map(|(_, choice)| *choice).ok_or_else(|| {
        Mistake::new(text.span(), format!("unknown `{name}`: `{written}`"))
            .suggest(&written, words())
            .note(format!("`{name}` is {}", listed(words())))
    })
}

/// A number and a unit; never zero, never past what a clock can add.
pub(super) fn duration(text: &LitStr) -> Result<Duration, Mistake> {
    let written = text.value();
    let unit_at = written.find(|c: char| !c.is_ascii_digit()).unwrap_or(written.len());
    let (number, unit) = written.split_at(unit_at);
    let per_unit = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60 * 1000),
        "h" => Some(3600 * 1000),
        "d" => Some(24 * 3600 * 1000),
        _ => None,
    };
    let wrong = |what: String| {
        Mistake::new(text.span(), what)
            .help("write a whole number and its unit, such as `\"90s\"`")
            .note("the units are `ms`, `s`, `m`, `h` and `d`")
    };
    let (Ok(number), Some(per_unit)) = (number.parse::<u64>(), per_unit) else {
        return Err(wrong(format!("`{written}` is not a duration")));
    };
    match number.checked_mul(per_unit).map(Duration::from_millis) {
        Some(Duration::ZERO) => Err(wrong("a duration of zero".to_owned())),
        Some(duration) if duration <= LONGEST => Ok(duration),
        _ => Err(wrong(format!("`{written}` is longer than ten years"))),
    }
}

/// The name of a table or column: it stands in SQL as it is.
pub(super) fn identifier(text: &LitStr) -> Result<String, Mistake> {
    let written = text.value();
    if is_identifier(&written) {
        return Ok(written);
    }
    Err(Mistake::new(text.span(), format!("`{written}` is not a plain name of a table or column"))
        .help("use letters, digits and `_`, at most 63, not beginning with a digit"))
}

/// The name of a table, with or without its schema or database: `orders`, `shop.orders`.
pub(super) fn table(text: &LitStr) -> Result<String, Mistake> {
    let written = text.value();
    match written.split_once('.') {
        Some((schema, table)) if is_identifier(schema) && is_identifier(table) => Ok(written),
        _ => identifier(text),
    }
}

fn is_identifier(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && name.len() <= 63 && name.chars().all(fits)
}

/// The name of a constraint, or all of its columns as `SQLite` reports them.
pub(super) fn identifier_or_columns(text: &LitStr) -> Result<String, Mistake> {
    let written = text.value();
    let columns: Vec<&str> = written.split(',').map(str::trim).collect();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    if columns.iter().all(|column| !column.is_empty() && column.chars().all(fits)) {
        return Ok(columns.join(", "));
    }
    Err(Mistake::new(text.span(), format!("`{written}` is not the name of a constraint"))
        .help("write the name of the index, or for SQLite its columns: `table.a, table.b`"))
}

/// A state, as `Enum::Variant`.
pub(super) fn variant(argument: &Argument) -> Result<Path, Mistake> {
    match &argument.value {
        Value::Path(path) if path.segments.len() >= 2 => Ok(path.clone()),
        _ => {
            let name = &argument.name;
            Err(Mistake::new(argument.span(), format!("`{name}` is not a state of an enum"))
                .help(format!("write `{name} = OrderStatus::Created`, without quotes"))
                .note("the enum has `#[derive(States)]`"))
        }
    }
}

/// The text in backticks, if there is any.
fn shown(written: &str) -> String {
    if written.is_empty() { "this".to_owned() } else { format!("`{written}`") }
}

/// Bytes, as a number or with a unit.
pub(super) fn size(argument: &Argument) -> Result<usize, Mistake> {
    let written = match &argument.value {
        Value::Literal(Lit::Str(text)) => text.value(),
        Value::Literal(Lit::Int(number)) => number.base10_digits().to_owned(),
        _ => String::new(),
    };
    let unit_at = written.find(|c: char| !c.is_ascii_digit()).unwrap_or(written.len());
    let (number, unit) = written.split_at(unit_at);
    let shift = match unit.trim() {
        "" | "B" => Some(0),
        "KiB" => Some(10),
        "MiB" => Some(20),
        _ => None,
    };
    let bytes = number
        .parse::<usize>()
        .ok()
        .zip(shift)
        .and_then(|(number, shift)| number.checked_mul(1 << shift));
    match bytes {
        Some(1..=0x4000_0000) => Ok(bytes.unwrap_or_default()),
        Some(_) => Err(Mistake::new(argument.span(), "a size of zero, or of over 1024 MiB")
            .help("it bounds what one request may keep in memory: write `\"64KiB\"` or so")),
        None => Err(Mistake::new(argument.span(), format!("{} is not a size", shown(&written)))
            .help("write a whole number of bytes, or with a unit: `\"64KiB\"`, `\"2MiB\"`")),
    }
}

/// Text that is used as it is.
pub(super) fn message(text: &LitStr) -> Result<String, Mistake> {
    without_placeholders(text, "message")
}

fn without_placeholders(text: &LitStr, name: &str) -> Result<String, Mistake> {
    let written = text.value();
    let is_placeholder = |piece: &Piece| matches!(piece, Piece::Placeholder(_));
    if pieces(&written).is_ok_and(|pieces| pieces.iter().any(is_placeholder)) {
        return Err(Mistake::new(text.span(), format!("`{name}` is not a template"))
            .help("write a text without placeholders: it is the same for all requests")
            .note("the text is used as it is, with the braces"));
    }
    Ok(written)
}

pub(super) fn operation(text: &LitStr) -> Result<String, Mistake> {
    let written = without_placeholders(text, "operation")?;
    if written.len() > 100 || written.chars().any(char::is_control) {
        return Err(Mistake::new(text.span(), "an operation's name is at most 100 bytes of text")
            .help("name what the handler does, such as `\"createOrder\"`"));
    }
    Ok(written)
}

/// Statuses and classes of them, as inclusive ranges.
pub(super) fn statuses(text: &LitStr) -> Result<Statuses, Mistake> {
    let written = text.value();
    written
        .split(',')
        .map(|item| {
            range(item.trim()).ok_or_else(|| {
                Mistake::new(text.span(), format!("{} is not a status", shown(item.trim())))
                    .help("list statuses and classes: `\"2xx, 404\"`")
                    .note("from `200` to `599`, and `2xx`, `3xx`, `4xx` or `5xx`")
            })
        })
        .collect::<Result<_, _>>()
        .map(Statuses::Ranges)
}

fn range(item: &str) -> Option<(u16, u16)> {
    if let [class @ b'2'..=b'5', b'x', b'x'] = item.as_bytes() {
        let first = u16::from(class - b'0') * 100;
        return Some((first, first + 99));
    }
    let status = item.parse().ok().filter(|status| (200..=599).contains(status))?;
    Some((status, status))
}

/// Header names that may be replayed, in lower case.
pub(super) fn headers(text: &LitStr) -> Result<Vec<String>, Mistake> {
    let written = text.value();
    written.split(',').map(|name| replayable(text, name.trim())).collect()
}

/// Header names, in lower case.
pub(super) fn dropped_headers(text: &LitStr) -> Result<Vec<String>, Mistake> {
    let written = text.value();
    let names = written.split(',').map(str::trim);
    names.map(|name| header_name(text, name).map(|()| name.to_ascii_lowercase())).collect()
}

/// Names of request headers that are stored with a task, in lower case.
pub(super) fn task_headers(text: &LitStr) -> Result<Vec<String>, Mistake> {
    let written = text.value();
    written.split(',').map(|name| storable(text, name.trim())).collect()
}

fn storable(text: &LitStr, name: &str) -> Result<String, Mistake> {
    header_name(text, name)?;
    let lower = name.to_ascii_lowercase();
    if CREDENTIALS.contains(&lower.as_str()) {
        return Err(Mistake::new(text.span(), format!("`{name}` is never stored with a task"))
            .help(format!("leave `{name}` out"))
            .note("it is a credential, which may have expired when the task runs")
            .note("take the caller by a parameter of the handler: parameters are kept"));
    }
    Ok(lower)
}

fn replayable(text: &LitStr, name: &str) -> Result<String, Mistake> {
    header_name(text, name)?;
    let lower = name.to_ascii_lowercase();
    if NEVER_REPLAYED.contains(&lower.as_str()) {
        return Err(Mistake::new(text.span(), format!("`{name}` is never replayed"))
            .help(format!("leave `{name}` out"))
            .note("it belongs to one client or its connection, or the guard sets it"));
    }
    Ok(lower)
}

/// Whether a byte may stand in the name of a header or a cookie (a token of RFC 9110, section 5.6.2).
pub(super) const fn is_token_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#'
            | b'$'
            | b'%'
            | b'&'
            | b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'.'
            | b'^'
            | b'_'
            | b'`'
            | b'|'
            | b'~'
    ) || byte.is_ascii_alphanumeric()
}

/// The name of a header must be a token (RFC 9110, section 5.6.2).
pub(super) fn header_name(text: &LitStr, name: &str) -> Result<(), Mistake> {
    if !name.is_empty() && name.bytes().all(is_token_byte) {
        return Ok(());
    }
    Err(Mistake::new(text.span(), format!("{} is not a header name", shown(name)))
        .help("header names hold letters, digits and `-`, such as `X-Request-Id`"))
}
