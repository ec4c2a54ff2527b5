//! The outcome of a finished run, for its duplicates.

use crate::seal::Sealed;
use bytes::Bytes;

/// The outcome of a finished run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A response, to be sent again.
    Response(StoredResponse),
    /// The return value of a function, serialised.
    Value(Bytes),
    /// It ran, and its result cannot be given a second time.
    Tombstone,
    /// A response or a value that was sealed, as it is in the store.
    Sealed(Box<Sealed>),
}

/// A response as it is kept: bytes, never interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// The status, 100 to 999 (RFC 9110, section 15).
    pub status: u16,
    /// Name and value of every kept header line, in order, repeats included.
    pub headers: Vec<(Bytes, Bytes)>,
    /// The body before any content or transfer coding of the connection.
    pub body: Bytes,
    /// Whether the body is missing, because it was too long to keep or broke.
    pub is_cut: bool,
}
