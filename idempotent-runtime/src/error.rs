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
    /// The backend answered with something that is not a record.
    Corrupt,
    /// The backend answered with something that the keys of this process do not open, or that is not sealed where
    /// it has to be.
    Unopened,
    /// The backend understood, and will refuse it the next time, too: a missing table, a constraint, wrong
    /// credentials.
    Rejected,
    /// The value is larger than what the backend takes.
    TooLarge,
    /// The database ended a transaction by itself, and nothing of it stays; the next one may come to its end.
    Aborted,
}

impl StoreErrorKind {
    /// Its name for machines, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Corrupt => "corrupt",
            Self::Unopened => "unopened",
            Self::Rejected => "rejected",
            Self::TooLarge => "too_large",
            Self::Aborted => "aborted",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Unavailable => "the store cannot be reached",
            Self::Timeout => "the store did not answer in time",
            Self::Busy => "the store is busy with others that write the same",
            Self::Corrupt => "the store holds something under this key that is not a valid record",
            Self::Unopened => "the store holds something under this key that does not open",
            Self::Rejected => "the store refused the operation",
            Self::TooLarge => "the value is too large for the store",
            Self::Aborted => "the database ended the transaction by itself",
        }
    }
}

/// A backend did not answer, or answered nonsense.
///
/// A busy key or a lost lease is never an error: those are values of the answer. Its text ends with its
/// cause: of a database the message alone, since the detail beside it quotes values. `source()` is what lies
/// below that cause.
pub struct StoreError {
    kind: StoreErrorKind,
    operation: &'static str,
    /// The cause, in words.
    why: Option<Box<str>>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
    /// Whether the cause says more than people should read, so that it is nobody's `source()`.
    is_private: bool,
}

impl StoreError {
    /// An error of this kind, in this operation of the store.
    #[must_use]
    pub fn new(kind: StoreErrorKind, operation: &'static str) -> Self {
        Self { kind, operation, why: None, cause: None, is_private: false }
    }

    /// The same, with what the backend's client said.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let cause = cause.into();
        self.why = Some(cause.to_string().into());
        self.cause = Some(cause);
        self
    }

    /// The same in these words alone, where the client's own say too much.
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    pub(crate) fn in_words(mut self, why: impl Into<Box<str>>) -> Self {
        self.why = Some(why.into());
        self.is_private = true;
        self
    }

    /// The same, with the place where it happened, or the way to mend it, around its cause.
    pub(crate) fn explained(mut self, explain: impl FnOnce(&str) -> String) -> Self {
        self.why = Some(explain(self.why.as_deref().unwrap_or_default()).into());
        self
    }

    /// The same in words alone, for another who was told by the same answer.
    pub(crate) fn repeated(&self) -> Self {
        let Self { kind, operation, why, .. } = self;
        Self { kind: *kind, operation, why: why.clone(), cause: None, is_private: true }
    }

    /// The same of another kind.
    pub(crate) fn of_kind(mut self, kind: StoreErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The store holds something that cannot be read.
    pub(crate) fn corrupt(
        operation: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::new(StoreErrorKind::Corrupt, operation).because(source)
    }

    /// The cause, as the backend's client gave it.
    #[cfg(feature = "actix")]
    pub(crate) fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }

    /// The kind of failure.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The operation that failed, by its name: of a store (`create`, `swap`, `read`, `watch`, `browse`,
    /// `purge`, `connect`), of a lock elsewhere (`acquire`, `release`), or a step of a business transaction.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the store holds something that cannot be read, as it will next time.
    pub(crate) const fn is_corrupt(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Corrupt | StoreErrorKind::Unopened)
    }

    /// Whether the same call may succeed a moment later: always, but where the reason is known to stay.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        !matches!(
            self.kind,
            StoreErrorKind::Corrupt
                | StoreErrorKind::Unopened
                | StoreErrorKind::Rejected
                | StoreErrorKind::TooLarge
        )
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (operation `{}`)", self.kind.sentence(), self.operation)?;
        self.why.as_ref().map_or(Ok(()), |why| write!(f, ": {why}"))
    }
}

/// Without the cause itself, which may have more to tell than people should read.
impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, operation, why, .. } = self;
        f.debug_struct("StoreError")
            .field("kind", kind)
            .field("operation", operation)
            .field("why", why)
            .finish_non_exhaustive()
    }
}

impl StdError for StoreError {
    /// The causes below the one that the text ends with, from the first that it does not quote.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        if self.is_private {
            return None;
        }
        let said = self.why.as_deref().unwrap_or_default();
        let mut below = self.cause.as_deref()?.source();
        while let Some(cause) = below
            && said.contains(&cause.to_string())
        {
            below = cause.source();
        }
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error as IoError;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot connect: {0}")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("the handshake failed")]
    struct Inner(#[source] IoError);

    #[test]
    fn the_text_ends_with_the_cause_and_the_sources_begin_below_what_it_quotes() {
        let cause = Outer(Inner(IoError::other("no route to the host")));
        let error = StoreError::new(StoreErrorKind::Unavailable, "connect").because(cause);
        let text = "the store cannot be reached (operation `connect`): cannot connect: the handshake failed";
        assert_eq!(error.to_string(), text);
        let source = error.source().expect("what is not quoted");
        assert_eq!(
            (source.to_string().as_str(), source.source().is_none()),
            ("no route to the host", true)
        );

        let bare = StoreError::new(StoreErrorKind::Timeout, "read");
        assert_eq!(bare.to_string(), "the store did not answer in time (operation `read`)");
        assert!(bare.source().is_none());
    }
}
