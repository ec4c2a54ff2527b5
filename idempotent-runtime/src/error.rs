//! Failures of a store, as values that a caller can tell apart.

use std::error::Error as StdError;
use std::fmt;

/// Why a store did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The backend could not be reached, closed the connection, or refused for a reason that may pass: no
    /// memory, a full disk, a replica that is to be a master.
    Unavailable,
    /// The backend did not answer in time; whether it acted is unknown.
    Timeout,
    /// Others were writing the same, and one had to give way.
    Busy,
    /// The backend answered with something that is no record of ours.
    Corrupt,
    /// The backend understood, and will refuse it the next time, too: a missing table, a constraint, wrong
    /// credentials.
    Rejected,
    /// The value is larger than what the backend takes.
    TooLarge,
}

impl StoreErrorKind {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Unavailable => "the store cannot be reached",
            Self::Timeout => "the store did not answer in time",
            Self::Busy => "the store is busy with others that write the same",
            Self::Corrupt => "the store holds something under this key that is no valid record",
            Self::Rejected => "the store refused the operation",
            Self::TooLarge => "the value is too large for the store",
        }
    }
}

/// A backend did not answer, or answered nonsense.
///
/// A busy key or a lost lease is never an error: those are values of the answer.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    operation: &'static str,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// An error of this kind, in this operation of the store.
    #[must_use]
    pub fn new(kind: StoreErrorKind, operation: &'static str) -> Self {
        Self { kind, operation, source: None }
    }

    /// The same, with what the backend's client said.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The store holds something that cannot be read.
    pub(crate) fn corrupt(
        operation: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::new(StoreErrorKind::Corrupt, operation).because(source)
    }

    /// The kind of failure.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The operation that failed, by its name: of a store (`create`, `swap`, `read`, `watch`, `purge`,
    /// `connect`), of a lock elsewhere (`acquire`, `release`), or a step of a business transaction.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the store holds something that cannot be read, as it will next time.
    pub(crate) const fn is_corrupt(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Corrupt)
    }

    /// Whether the same call may succeed a moment later: always, but where the reason is known to stay.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        !matches!(
            self.kind,
            StoreErrorKind::Corrupt | StoreErrorKind::Rejected | StoreErrorKind::TooLarge
        )
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (operation `{}`)", self.kind.sentence(), self.operation)
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
