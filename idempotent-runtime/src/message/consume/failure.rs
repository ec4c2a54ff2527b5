//! What a handler says of a message that it is not done with.

use crate::message::error::MessageError;
use std::error::Error as StdError;
use std::fmt;

type Cause = Box<dyn StdError + Send + Sync>;

/// Why a message is not done with, and whether trying again can help.
///
/// A guarded function may return it, or its error may be made into it: `E: Into<Failure>`. What the guard
/// itself says ([`MessageError`]) is sorted by what it means: a call that runs elsewhere is asked for later,
/// one that ran before is done, a store that is down is waited for, and a key that can never be one goes
/// to the dead letters.
#[derive(Debug)]
pub struct Failure(pub(super) Why);

/// What kind of failure it is.
#[derive(Debug)]
pub(super) enum Why {
    /// Of the guard.
    Guard(MessageError),
    /// Of the handler: may be another thing at another time.
    Later(Cause),
    /// Of the handler: for ever.
    Never(Cause),
    /// There is no message in it.
    Undecodable(Cause),
    /// The handler panicked.
    Panicked,
}

impl Failure {
    /// The next attempt may succeed: the message is delivered again after a while, until its attempts
    /// are used up.
    pub fn later(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Why::Later(cause.into()))
    }

    /// No attempt can succeed: the message goes to the dead letters, with this as its reason.
    pub fn never(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Why::Never(cause.into()))
    }

    /// The message cannot be read: it goes to the dead letters, with this as its reason.
    pub fn undecodable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Why::Undecodable(cause.into()))
    }
}

impl From<MessageError> for Failure {
    fn from(error: MessageError) -> Self {
        Self(Why::Guard(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Guard(error) => error.fmt(f),
            Why::Later(cause) | Why::Never(cause) | Why::Undecodable(cause) => cause.fmt(f),
            Why::Panicked => f.write_str("the handler panicked"),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Why::Guard(error) => error.source(),
            Why::Later(cause) | Why::Never(cause) | Why::Undecodable(cause) => cause.source(),
            Why::Panicked => None,
        }
    }
}
