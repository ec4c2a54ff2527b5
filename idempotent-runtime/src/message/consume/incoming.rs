//! A message as its handler gets it.

use crate::message::consume::failure::Failure;
use crate::message::error::MessageError;
use crate::message::messages::{MessageEngine, Messages};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A message that was delivered.
///
/// Clones share everything. A test of a handler makes one itself:
///
/// ```
/// use idempotent_runtime::consume::{Failure, Incoming};
///
/// fn amount(incoming: &Incoming) -> Result<u64, Failure> {
///     incoming.json()
/// }
///
/// let incoming = Incoming::new("500").with_id("m-1").with_header("tenant", "acme").with_attempt(2);
/// assert_eq!(amount(&incoming).ok(), Some(500));
/// assert_eq!(incoming.id().ok(), Some("m-1"));
/// assert_eq!((incoming.header("tenant"), incoming.attempt()), (Some("acme"), 2));
/// ```
#[derive(Clone)]
pub struct Incoming {
    pub(super) id: Option<Arc<str>>,
    payload: Bytes,
    headers: Arc<BTreeMap<String, String>>,
    attempt: u32,
    messages: Option<Messages>,
}

impl Incoming {
    /// Creates a message with this payload: its first attempt, without an ID or headers.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        let payload = payload.into();
        Self { id: None, payload, headers: Arc::default(), attempt: 1, messages: None }
    }

    /// Sets the ID. Defaults to none.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds a header. Defaults to none.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.headers).insert(name.into(), value.into());
        self
    }

    pub(super) fn with_headers(mut self, headers: BTreeMap<String, String>) -> Self {
        self.headers = Arc::new(headers);
        self
    }

    /// Sets the number of the attempt. Defaults to 1.
    #[must_use]
    pub const fn with_attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Sets the engine of guarded functions. Defaults to none.
    #[must_use]
    pub fn with_messages(mut self, engine: &impl MessageEngine) -> Self {
        self.messages = Some(Messages::delivered(engine, None));
        self
    }

    pub(super) fn guarded_by(mut self, messages: Option<Messages>) -> Self {
        self.messages = messages;
        self
    }

    /// The engine that guards the handler's functions for this message, if its consumer has one
    /// ([`Consumer::guarded_by`](super::Consumer::guarded_by)).
    ///
    /// Through it the consumer learns about the guarded calls of the handler.
    ///
    /// # Errors
    /// When its consumer has no engine. If the handler returns this error, the consumer ends.
    pub fn messages(&self) -> Result<&Messages, MessageError> {
        let why = "the handler asks its message for an engine, but its consumer has no \
                   `.guarded_by(&messages)`";
        self.messages.as_ref().ok_or(MessageError::Misconfigured(why))
    }

    /// The payload, read as JSON.
    ///
    /// # Errors
    /// When it is not JSON, or has another shape. If the handler returns this error, the message goes to the
    /// dead letters.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.payload).map_err(Failure::undecodable)
    }

    /// The payload as it was published.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The ID of the message: on `RabbitMQ` the property `message_id`, on a Redis stream the entry's ID.
    ///
    /// If a publisher sends a message twice, both have the same `message_id`, but two entry IDs. So it is
    /// best to make the key from the payload.
    ///
    /// # Errors
    /// When its publisher set none. If the handler returns this error, the message goes to the dead letters.
    pub fn id(&self) -> Result<&str, Failure> {
        let missing = || Failure::undecodable("the message has no `message_id`");
        self.id.as_deref().ok_or_else(missing)
    }

    /// The header of this name, if it is text or a number.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The number of this attempt, from 1. An attempt during which its process died counts, too.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }
}

/// Shows neither the payload nor the headers, which are private.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("id", &self.id)
            .field("bytes", &self.payload.len())
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
