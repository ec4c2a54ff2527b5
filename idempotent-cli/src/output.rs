//! Answers: a table for people, or one JSON document for programs.

use crate::failure::Failure;
use crate::secrets::Secrets;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write};

/// An answer that people and programs can read.
pub(crate) trait Answer: Serialize {
    /// The answer for people, in lines that are escaped already.
    fn for_people(&self) -> String;
}

/// Where answers and errors go, and in which form.
#[derive(Clone)]
pub(crate) struct Output {
    is_json: bool,
    secrets: Secrets,
}

impl Output {
    pub(crate) fn new(is_json: bool, secrets: Secrets) -> Self {
        Self { is_json, secrets }
    }

    /// Prints the one answer of a command.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn answer(&self, answer: &impl Answer) -> Result<(), Failure> {
        if self.is_json {
            print(&format!("{}\n", document(answer)))
        } else {
            print(&answer.for_people())
        }
    }

    /// Tells on stderr why there is no answer.
    pub(crate) fn failed(&self, failure: &Failure) {
        let message = self.without_secrets(failure.message());
        if self.is_json {
            let (kind, code) = (failure.kind(), failure.code());
            let error = json!({ "error": { "kind": kind, "code": code, "message": message } });
            eprintln!("{}", document(&error));
        } else {
            eprintln!("error: {}", printable_lines(&message));
        }
    }

    /// The text without credentials.
    pub(crate) fn without_secrets(&self, text: &str) -> String {
        self.secrets.hide(text)
    }
}

/// Prints a text as it is.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // The reader closed the pipe: it has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Refused(format!("the answer cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// A JSON document that a terminal can show: characters that steer a terminal are escaped.
fn document(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("\"{error}\""));
    let mut safe = String::with_capacity(text.len());
    for one in text.chars() {
        if one != '\n' && steers(one) {
            let mut units = [0; 2];
            for unit in one.encode_utf16(&mut units) {
                let _infallible = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(one);
        }
    }
    safe
}

/// A text of others for one cell of a table: characters that steer a terminal are escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for one in text.chars() {
        if steers(one) {
            shown.extend(one.escape_default());
        } else {
            shown.push(one);
        }
    }
    shown
}

/// The same for a text of several lines.
pub(crate) fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Whether a terminal does more with a character than show it: controls, line breaks, and characters that
/// change the direction of writing or are invisible.
fn steers(one: char) -> bool {
    one.is_control()
        || matches!(one, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(one, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A table with these columns, as wide as the terminal. Without a terminal, it is as wide as its text.
pub(crate) fn table<const N: usize>(columns: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns);
    table
}

/// The lines of a table, without spaces at their ends.
pub(crate) fn lines(table: &Table) -> String {
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_steer_a_terminal_are_escaped_for_people() {
        let bad = "a\u{1b}[2J\u{9b}1m\r\nb\u{202e}c\u{7f}\u{200b}é漢";
        let shown = printable(bad);
        assert_eq!(shown, "a\\u{1b}[2J\\u{9b}1m\\r\\nb\\u{202e}c\\u{7f}\\u{200b}é漢");
    }

    #[test]
    fn characters_that_steer_a_terminal_are_escaped_in_json_and_come_back() {
        let bad = "a\u{1b}\u{9b}\u{202e}\u{7f}\u{e0041}\nb";
        let text = document(&json!({ "label": bad }));
        assert!(!text.chars().any(|one| one != '\n' && steers(one)), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(read["label"], bad);
    }
}
