//! Errors of a store, of kinds that a caller can tell apart.

use std::error::Error as StdError;
use std::fmt;

/// The reason why a store did not do a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The backend could not be reached, closed the connection, or refused for a reason that may pass: no
    /// memory, a full disk, a replica that is about to become a master.
    Unavailable,
    /// The backend did not answer in time. Whether it acted is unknown.
    Timeout,
    /// Others wrote the same value at the same time, and this call had to give way.
    Busy,
    /// The backend answered with a value that is not a record.
    Corrupt,
    /// The backend answered with a value that the sealing keys of this process do not open, or that is not
    /// sealed although it must be.
    Unopened,
    /// The backend understood the call, and will refuse it again: a missing table, a constraint, wrong
    /// credentials.
    Rejected,
    /// The value is larger than the backend accepts.
    TooLarge,
    /// The database ended a transaction by itself and rolled it back. The next one may succeed.
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

/// A backend did not answer, or its answer cannot be used.
///
/// A busy key or a lost lease is never an error: those are values of the answer. The text of this error ends
/// with its cause. Of a database's error it has only the message, since the details quote values. `source()`
/// is the error below that cause.
pub struct StoreError {
    kind: StoreErrorKind,
    operation: &'static str,
    /// The cause in words.
    why: Option<Box<str>>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
    /// Whether the cause tells more than people should read, so that `source()` does not show it.
    is_private: bool,
}

impl StoreError {
    /// An error of this kind, in this call of the store.
    #[must_use]
    pub fn new(kind: StoreErrorKind, operation: &'static str) -> Self {
        Self { kind, operation, why: None, cause: None, is_private: false }
    }

    /// The same, with the error of the backend's client.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let cause = cause.into();
        self.why = Some(cause.to_string().into());
        self.cause = Some(cause);
        self
    }

    /// The same with only these words, if the client's own words tell too much.
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    pub(crate) fn in_words(mut self, why: impl Into<Box<str>>) -> Self {
        self.why = Some(why.into());
        self.is_private = true;
        self
    }

    /// The same, with the place where it happened, or the way to correct it, around its cause.
    pub(crate) fn explained(mut self, explain: impl FnOnce(&str) -> String) -> Self {
        self.why = Some(explain(self.why.as_deref().unwrap_or_default()).into());
        self
    }

    /// The same in words, for another request that waited for the same answer.
    pub(crate) fn repeated(&self) -> Self {
        let Self { kind, operation, why, .. } = self;
        Self { kind: *kind, operation, why: why.clone(), cause: None, is_private: true }
    }

    /// The same with another kind.
    pub(crate) fn of_kind(mut self, kind: StoreErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The error for a value that cannot be read.
    pub(crate) fn corrupt(
        operation: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::new(StoreErrorKind::Corrupt, operation).because(source)
    }

    /// The cause, as the backend's client returned it.
    #[cfg(feature = "actix")]
    pub(crate) fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }

    /// The kind of failure.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The name of the call that failed: of a store (`create`, `swap`, `read`, `watch`, `browse`, `purge`,
    /// `connect`), of an external lock (`acquire`, `release`), or a step of a business transaction.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the store holds a value that cannot be read, and could not be read the next time.
    pub(crate) const fn is_corrupt(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Corrupt | StoreErrorKind::Unopened)
    }

    /// Whether the same call may succeed a moment later. It may, unless the reason is known to stay.
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

/// Without the cause, which may tell more than people should read.
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
    /// The error below the cause that ends the text: the first one that the text does not quote.
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
