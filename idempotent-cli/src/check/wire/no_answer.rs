//! Requests that got no answer.

use std::io;

/// The reason why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("the limit of requests is reached")]
    Spent,
    #[error("the time for all checks is over")]
    Over,
    #[error("no answer came in time")]
    TimedOut,
    #[error("no connection: {0}")]
    Unreachable(io::Error),
    #[error("the connection ended without an answer")]
    Closed,
    #[error("the answer is not HTTP/1.1")]
    Garbled,
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("it is answered {0}, which says only that the server has too much to do")]
    TooMuch(u16),
}

impl NoAnswer {
    /// Whether the reason is a limit of this run, which says nothing about the endpoint.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::Spent | Self::Over)
    }
}
