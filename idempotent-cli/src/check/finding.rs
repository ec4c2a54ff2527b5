//! The result of a check.

use serde::Serialize;

/// Whether what a check tests holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Holds,
    DoesNotHold,
    /// A client cannot see whether it holds. That is not a failure.
    CannotTell,
    /// It needs an option that was not given, or was left out.
    Skipped,
}

/// A verdict, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) verdict: Verdict,
    pub(crate) seen: String,
}

impl Verdict {
    /// The verdict in words, for people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "DOES NOT HOLD",
            Self::CannotTell => "cannot tell",
            Self::Skipped => "skipped",
        }
    }
}

impl Seen {
    pub(crate) fn holds(seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Holds, seen: seen.into() }
    }

    pub(crate) fn does_not_hold(seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::DoesNotHold, seen: seen.into() }
    }

    pub(crate) fn cannot_tell(seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::CannotTell, seen: seen.into() }
    }

    pub(crate) fn skipped(seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, seen: seen.into() }
    }

    pub(crate) fn is_failure(&self) -> bool {
        self.verdict == Verdict::DoesNotHold
    }

    /// Whether the check neither holds nor fails.
    pub(crate) fn is_open(&self) -> bool {
        self.verdict == Verdict::CannotTell
    }
}
