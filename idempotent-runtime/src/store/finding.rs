//! What a store's own settings do to the promises made on top of it.

use std::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It weakens a promise: some fault costs more than it must.
    Warning,
    /// It breaks a promise: duplicates can slip through in normal operation.
    Error,
}

/// Something about a store that its users should know, found when it was connected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What is so, and what it leads to.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

impl Finding {
    /// Something that weakens a promise.
    pub fn warning(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, what: what.into(), help: help.into() }
    }

    /// Something that breaks a promise.
    pub fn error(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Error, what: what.into(), help: help.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.help)
    }
}
