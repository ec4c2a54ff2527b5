//! Errors as a person reads them: the mistake, a text to type, and the choices there are.

use proc_macro2::{Span, TokenStream};
use syn::Error;

/// One mistake, on the token that is wrong.
pub(crate) struct Mistake {
    span: Span,
    message: String,
}

impl Mistake {
    /// A mistake: its message is in lower case, with names in backticks.
    pub(crate) fn new(span: Span, what: impl Into<String>) -> Self {
        Self { span, message: what.into() }
    }

    /// Adds a text to type.
    pub(crate) fn help(self, help: impl AsRef<str>) -> Self {
        self.line("help", help.as_ref())
    }

    /// Adds a fact to know, or the choices there are.
    pub(crate) fn note(self, note: impl AsRef<str>) -> Self {
        self.line("note", note.as_ref())
    }

    /// Suggests the known name that was probably meant, if one is near.
    pub(crate) fn suggest<'a>(self, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<_> = known.into_iter().collect();
        let meant = nearest(wrong, known.iter().copied()).or_else(|| begun(wrong, &known));
        match meant {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    fn line(mut self, kind: &str, text: &str) -> Self {
        for part in ["\n  ", kind, ": ", text] {
            self.message.push_str(part);
        }
        self
    }
}

impl From<Mistake> for Error {
    fn from(mistake: Mistake) -> Self {
        Self::new(mistake.span, mistake.message)
    }
}

/// The mistakes found so far: each part adds its own and goes on.
#[derive(Default)]
pub(crate) struct Mistakes(Option<Error>);

impl Mistakes {
    pub(crate) fn add(&mut self, error: impl Into<Error>) {
        let error = error.into();
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value of a result; an error is added to the mistakes.
    pub(crate) fn keep<T>(&mut self, result: Result<T, impl Into<Error>>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// All mistakes as one error, if there are any.
    pub(crate) fn finish(self) -> Result<(), Error> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The item as it was, so that its callers still resolve, with the errors beside it.
pub(crate) fn with_item(errors: &Error, item: TokenStream) -> TokenStream {
    let mut tokens = errors.to_compile_error();
    tokens.extend(item);
    tokens
}

/// Whether a word is near to a known name, and not that name.
pub(crate) fn is_misspelt<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> bool {
    nearest(word, known).is_some_and(|name| name != word)
}

/// The nearest known name, if it differs by at most two letters, and by at most half of its own.
fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 2 && distance * 2 <= name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The known name that begins with this word, if there is only one: `dedup_table` for `dedup`.
fn begun<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let goes_on = |name: &&&str| name.split_once('_').is_some_and(|(first, _)| first == wrong);
    let mut found = known.iter().filter(goes_on);
    found.next().filter(|_| found.next().is_none()).copied()
}

/// Names as a person lists them: `a`, `b` or `c`.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(wrong: &str, known: &[&str]) -> Option<String> {
        let mistake = Mistake::new(Span::call_site(), "").suggest(wrong, known.iter().copied());
        mistake.message.split('`').nth(1).map(str::to_owned)
    }

    #[test]
    fn a_name_of_which_only_the_first_word_is_written_is_suggested() {
        let known = ["dedup_table", "row_lock", "on_error", "on_drain"];
        assert_eq!(told("dedup", &known).as_deref(), Some("dedup_table"));
        assert_eq!(told("Row", &known).as_deref(), Some("row_lock"));
        assert_eq!(told("on", &known), None, "it begins two names");
        assert_eq!(told("table", &known), None);
    }
}
