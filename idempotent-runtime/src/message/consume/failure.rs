//! The failure of a handler. It tells whether another attempt can help.

use crate::message::error::MessageError;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// An error of any type.
pub(super) type Cause = Box<dyn StdError + Send + Sync>;

/// The failure of a handler. It tells whether another attempt can help.
///
/// A guarded function may return it, or an error that can be made into it: `E: Into<Failure>`. An error of
/// the guard ([`MessageError`]) becomes one, too. A message that is in progress elsewhere is redelivered; a
/// message that ran before is acknowledged; a message whose store is down waits for the store; and a message
/// without a usable key goes to the dead letters.
#[derive(Debug)]
pub struct Failure(pub(super) FailureKind);

/// The kind of a failure.
#[derive(Debug)]
pub(super) enum FailureKind {
    /// An error of the guard.
    Guard(MessageError),
    /// An error of the handler that may not occur the next time.
    Later(Cause),
    /// An error of the handler that will occur with every message for this time.
    Pause(Duration, Cause),
    /// An error of the handler that will always occur.
    Never(Cause),
    /// The message cannot be read.
    Undecodable(Cause),
    /// The handler panicked.
    Panicked,
}

impl Failure {
    /// The next attempt may succeed. The message is redelivered with backoff, until its attempts or its time
    /// are used up. After failures of ten different messages in a row, the consumer pauses.
    pub fn later(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(FailureKind::Later(cause.into()))
    }

    /// No message can be worked on for this time, for instance because a system behind the handler is down.
    /// The consumer takes no messages in this time, and then one at a time until one is done. This does not
    /// count as an attempt.
    pub fn pause(time: Duration, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(FailureKind::Pause(time, cause.into()))
    }

    /// No attempt can succeed: the message goes to the dead letters, with `cause` as the reason.
    pub fn never(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(FailureKind::Never(cause.into()))
    }

    /// The message cannot be read: it goes to the dead letters, with `cause` as the reason.
    pub fn undecodable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(FailureKind::Undecodable(cause.into()))
    }
}

impl From<MessageError> for Failure {
    fn from(error: MessageError) -> Self {
        Self(FailureKind::Guard(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            FailureKind::Guard(error) => error.fmt(f),
            FailureKind::Later(cause)
            | FailureKind::Pause(_, cause)
            | FailureKind::Never(cause)
            | FailureKind::Undecodable(cause) => cause.fmt(f),
            FailureKind::Panicked => f.write_str("the handler panicked"),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            FailureKind::Guard(error) => error.source(),
            FailureKind::Later(cause)
            | FailureKind::Pause(_, cause)
            | FailureKind::Never(cause)
            | FailureKind::Undecodable(cause) => cause.source(),
            FailureKind::Panicked => None,
        }
    }
}
