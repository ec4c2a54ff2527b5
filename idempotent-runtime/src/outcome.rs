//! The outcome of a finished run, for its duplicates.

use crate::seal::Sealed;
use bytes::Bytes;

/// The outcome of a finished run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A response, to be replayed.
    Response(StoredResponse),
    /// The return value of a function, serialised.
    Value(Bytes),
    /// Only the fact that the handler ran: its result cannot be sent again.
    Tombstone,
    /// A sealed response or value, as it is in the store.
    Sealed(Box<Sealed>),
}

/// A response as it is stored: bytes that are never interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// The status, 100 to 999 (RFC 9110, section 15).
    pub status: u16,
    /// The name and value of every kept header line, in order. A name may occur several times.
    pub headers: Vec<(Bytes, Bytes)>,
    /// The body, with the `Content-Encoding` of the handler but without the coding of the connection.
    pub body: Bytes,
    /// Whether the body is missing, because it was too long to keep or broke.
    pub is_cut: bool,
}
