//! The error of a guarded function that did not run, or whose record could not be stored.

use crate::engine::Refusal;
use crate::error::{StoreError, StoreErrorKind};
use crate::template_value::Unfilled;
use std::error::Error as StdError;
use std::time::Duration;

/// The time after which to call again, while the store does not answer or a process drains.
const SOON: Duration = Duration::from_secs(1);

/// The error of a guarded function that did not run, or whose record could not be stored.
///
/// The function's own error type is made from it: `E: From<idempotent_runtime::message::MessageError>`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The same call is still running, here or in another process.
    #[error("the same call is still running; it is worth asking again in {retry_after:?}")]
    #[non_exhaustive]
    InProgress {
        /// The time after which to call again. The run may end earlier.
        retry_after: Duration,
    },
    /// A part of the key or of the scope is empty.
    #[error("no key can be made of this call: {0}")]
    KeyMissing(String),
    /// A part of the key, the scope or the fingerprint is too long.
    #[error("no key can be made of this call: {0}")]
    KeyInvalid(String),
    /// The key was used for a call with another fingerprint.
    #[error("this key was already used for another call; it is not run")]
    KeyReused,
    /// The same call ran before, and its function rejects duplicates.
    #[error("this call was already processed and is not run again")]
    Duplicate,
    /// The call ran before; its value was too large to keep, or could not be serialised.
    #[error("this call ran, and its value was not kept; it is not run again")]
    NotReplayable,
    /// The returned value could not be read back unchanged. Its transaction was rolled back.
    ///
    /// Without a transaction the function has run: its caller gets the value, and later calls get
    /// `NotReplayable`.
    #[error(
        "the function's value would not be read back as it was: {0}; its transaction was rolled back"
    )]
    Unrepeatable(String),
    /// The call ran before; its value cannot be read as the type that the function returns now.
    #[error("this call ran, and its value cannot be read any more; it is not run again")]
    Unreadable(#[source] serde_json::Error),
    /// The process that ran the call died. A person has to decide whether the call took effect.
    #[error(
        "the process that ran this call died, so it may have taken effect: look, and resolve it"
    )]
    OutcomeUnknown,
    /// The function ran, but its record could not be stored, or its commit was not confirmed.
    ///
    /// In a transaction everything is kept or nothing, and calling again finds out which. Without one, the
    /// store did not take the record within the engine's patience, and the engine goes on asking it. The next
    /// call gets the value once it is stored, and does not run while the lease holds.
    #[error(
        "the function ran, but its record could not be stored; a call after the lease may run it \
         again"
    )]
    NotStored(#[source] Option<StoreError>),
    /// A consumer is about to give up its message, and only asks whether the call has run. It has not.
    #[error("the message of this call was given up before the call ran; it is not run")]
    GivenUp,
    /// The process drains, and takes no new work.
    #[error("the process is about to end; the call is not run")]
    Draining,
    /// The store did not answer, or its value under the key is not a record. Nothing ran.
    #[error("the store of idempotency records failed; the call is not run")]
    Store(#[source] StoreError),
    /// The engine lacks something that the function needs.
    #[error("{0}")]
    Misconfigured(&'static str),
}

impl MessageError {
    /// The error of a call while its first one still runs, for tests of functions that handle it.
    #[must_use]
    pub const fn in_progress(retry_after: Duration) -> Self {
        Self::InProgress { retry_after }
    }

    /// Its name for machines.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::InProgress { .. } => "in-progress",
            Self::KeyMissing(_) => "key-missing",
            Self::KeyInvalid(_) => "key-invalid",
            Self::KeyReused => "key-reused",
            Self::Duplicate => "duplicate",
            Self::NotReplayable => "not-replayable",
            Self::Unrepeatable(_) => "unrepeatable",
            Self::Unreadable(_) => "unreadable",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::NotStored(_) => "not-stored",
            Self::GivenUp => "given-up",
            Self::Draining => "shutting-down",
            Self::Store(_) => "store-unavailable",
            Self::Misconfigured(_) => "misconfigured",
        }
    }

    /// Whether the same call has run before, so that nothing is left to do for it.
    #[must_use]
    pub const fn has_run(&self) -> bool {
        matches!(self, Self::Duplicate | Self::NotReplayable | Self::Unreadable(_))
    }

    /// Whether the same call may run, or be answered, later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            // A record that cannot be read shows an earlier call, so this call must not run. (It is transient
            // if a sealing key is missing, since operators notice that soon.)
            Self::Store(error) => error.kind() != StoreErrorKind::Corrupt,
            // Also a mistake in the setup, since operators notice that soon.
            Self::InProgress { .. }
            | Self::NotStored(_)
            | Self::Draining
            | Self::Misconfigured(_) => true,
            _ => false,
        }
    }

    /// The time after which to call again; `None` if calling again cannot help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::InProgress { retry_after } => Some(*retry_after),
            error if error.is_transient() => Some(SOON),
            _ => None,
        }
    }

    pub(super) fn store_failed(operation: &str, error: StoreError) -> Self {
        tracing::error!(
            operation,
            error = &error as &dyn StdError,
            "the store failed, so a function was not run",
        );
        Self::Store(error)
    }
}

impl From<Refusal> for MessageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::KeyReused => Self::KeyReused,
            Refusal::InProgress { retry_after } => Self::InProgress { retry_after },
            Refusal::Duplicate => Self::Duplicate,
            // Functions have no tokens, so a function did not write this record.
            Refusal::TokenInvalid | Refusal::NotReplayable => Self::NotReplayable,
            Refusal::OutcomeUnknown => Self::OutcomeUnknown,
            Refusal::OtherDefinition => Self::Misconfigured(
                "another function stored the record of this key; give each of the two its own \
                 `operation`",
            ),
            Refusal::Draining => Self::Draining,
        }
    }
}

impl From<Unfilled> for MessageError {
    fn from(unfilled: Unfilled) -> Self {
        match unfilled {
            Unfilled::Absent(why) | Unfilled::Missing(why) => Self::KeyMissing(why),
            Unfilled::Invalid(why) | Unfilled::Unmatched(why) => Self::KeyInvalid(why),
        }
    }
}
