//! Settings of a backend that break or weaken the contract of its store.

use std::fmt;

/// The weight of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// It weakens a promise: a fault can do more harm than it should.
    Warning,
    /// It breaks a promise: duplicates may run in normal operation.
    Error,
}

/// A setting of the backend that its operators should know, found when the store connected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Its weight.
    pub severity: Severity,
    /// The setting, and the fault that it can cause.
    pub message: String,
    /// The way to correct it.
    pub help: String,
}

impl Finding {
    /// A setting that weakens a promise.
    pub fn warning(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, message: message.into(), help: help.into() }
    }

    /// A setting that breaks a promise.
    pub fn error(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), help: help.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.help)
    }
}
