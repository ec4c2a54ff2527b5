//! The value of a template of a key, scope or fingerprint, while it is filled in.

use crate::credential::names_credential;
use crate::key::KeyParts;
use std::fmt::{self, Display, Write as _};

/// The most bytes of one value in a key, and in a scope or fingerprint.
pub(crate) const VALUE_MAX: usize = 1024;
pub(crate) const LONG_VALUE_MAX: usize = 8192;

/// A template that is being filled in. The first placeholder that fails decides the error.
#[derive(Debug, Default)]
pub(crate) struct TemplateValue {
    segments: KeyParts,
    failed: Option<Unfilled>,
    found: Found,
    /// The expression that is being evaluated now.
    evaluated: Option<&'static str>,
}

/// Whether the request has any of the placeholders, even if it could not be filled in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Found {
    #[default]
    Nothing,
    Something,
}

/// Fills in one template with a function's parameters. Every method adds a segment.
///
/// Generated code chains its methods. Templates of requests have a type of their own, which reads the request.
pub struct TemplateFiller<'a> {
    pub(crate) value: &'a mut TemplateValue,
    /// The longest value, in bytes.
    pub(crate) longest: usize,
}

/// The reason why a template cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfilled {
    /// The request has none of the placeholders.
    Absent(String),
    /// A placeholder is empty, or it is missing while another is there.
    Missing(String),
    /// A placeholder has a value that is not allowed in a key.
    Invalid(String),
    /// A placeholder names a part that no request to this route has.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "functions have no route"))]
    Unmatched(String),
}

/// Whether a record may show a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Showing {
    Plain,
    Secret,
}

impl Showing {
    /// Whether a record may show the value with this name, as far as the name tells.
    pub(crate) fn of(name: &str) -> Self {
        if names_credential(name) { Self::Secret } else { Self::Plain }
    }
}

impl TemplateValue {
    /// The parts that were filled in.
    pub(crate) fn segments(&self) -> Result<&KeyParts, Unfilled> {
        match (self.failed.clone(), self.found) {
            (None, _) => Ok(&self.segments),
            (Some(Unfilled::Absent(why)), Found::Something) => Err(Unfilled::Missing(why)),
            (Some(why), _) => Err(why),
        }
    }

    /// The value of the only placeholder.
    #[cfg(feature = "actix")]
    pub(crate) fn value(&self) -> &str {
        self.segments.last_value()
    }

    /// Adds literal text.
    pub(crate) fn text(&mut self, text: &str) {
        self.segments = std::mem::take(&mut self.segments).text(text);
    }

    /// Notes that an expression is being evaluated, since it may panic.
    pub(crate) const fn evaluate(&mut self, expression: &'static str) {
        self.evaluated = Some(expression);
    }

    /// The expression whose evaluation has not ended.
    #[cfg(feature = "actix")]
    pub(crate) const fn evaluated(&self) -> Option<&'static str> {
        self.evaluated
    }

    /// Adds the value of the expression, as `Display` writes it.
    pub(crate) fn show(&mut self, value: &dyn Display, longest: usize) {
        let expression = self.evaluated.unwrap_or_default();
        let mut text = Bounded { text: String::new(), longest };
        let what = || format!("`{expression}`");
        match write!(text, "{value}") {
            Ok(()) => self.put(what, Some(&text.text), longest, Showing::of(expression)),
            Err(_) => self.fail(Unfilled::Invalid(too_long(&what(), longest))),
        }
        self.evaluated = None;
    }

    /// Adds a value; fails if there is none or it is too long.
    pub(crate) fn put(
        &mut self,
        what: impl Fn() -> String,
        value: Option<&str>,
        longest: usize,
        showing: Showing,
    ) {
        let value = match value {
            None => {
                let absent = || Unfilled::Absent(format!("{} is missing", what()));
                self.failed.get_or_insert_with(absent);
                return;
            }
            Some("") => {
                return self.fail(Unfilled::Missing(format!("{} is empty", what())));
            }
            Some(value) if value.len() > longest => {
                return self.fail(Unfilled::Invalid(too_long(&what(), longest)));
            }
            Some(value) => value,
        };
        self.found = Found::Something;
        let segments = std::mem::take(&mut self.segments);
        self.segments = match showing {
            Showing::Plain => segments.value(value),
            Showing::Secret => segments.secret(value),
        };
    }

    /// Adds the mark of a header that the request does not have. No header's value equals it, since an empty
    /// value is refused.
    #[cfg(feature = "actix")]
    pub(crate) fn put_absent(&mut self) {
        self.found = Found::Something;
        self.segments = std::mem::take(&mut self.segments).value("");
    }

    /// Fails because no request can fill in this placeholder. This error replaces any earlier one.
    #[cfg(feature = "actix")]
    pub(crate) fn put_unmatched(&mut self, why: String) {
        self.failed = Some(Unfilled::Unmatched(why));
    }

    pub(crate) fn fail(&mut self, why: Unfilled) {
        self.found = Found::Something;
        self.failed.get_or_insert(why);
    }
}

#[expect(
    clippy::return_self_not_must_use,
    reason = "each call fills in the template; the value only chains"
)]
impl TemplateFiller<'_> {
    /// Adds literal text.
    pub fn text(self, text: &str) -> Self {
        self.value.text(text);
        self
    }

    /// Notes the expression whose value comes next, since its evaluation may panic.
    pub const fn expression(self, written: &'static str) -> Self {
        self.value.evaluate(written);
        self
    }

    /// Adds the value of the expression, as `Display` writes it.
    pub fn value(self, value: &dyn Display) -> Self {
        self.value.show(value, self.longest);
        self
    }
}

fn too_long(what: &str, longest: usize) -> String {
    format!("{what} is longer than {longest} bytes")
}

/// Takes text up to a length, and then fails.
struct Bounded {
    text: String,
    longest: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.text.len() + more.len() > self.longest {
            return Err(fmt::Error);
        }
        self.text.push_str(more);
        Ok(())
    }
}
