//! A message as its handler gets it.

use crate::message::consume::failure::Failure;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A message that was delivered.
///
/// Clones share everything.
#[derive(Clone)]
pub struct Incoming {
    pub(super) id: Option<Arc<str>>,
    pub(super) payload: Bytes,
    pub(super) headers: Arc<BTreeMap<String, String>>,
    pub(super) attempt: u32,
}

impl Incoming {
    /// The payload, read as JSON.
    ///
    /// # Errors
    /// When it is none or of another shape: passed on, it takes the message to the dead letters.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.payload).map_err(Failure::undecodable)
    }

    /// The payload as it was published.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// What names the message: on `RabbitMQ` the property `message_id`, on a Redis stream the entry's ID.
    ///
    /// Who publishes a message twice gives it one `message_id` and two entry IDs: a key is best made of
    /// the payload.
    ///
    /// # Errors
    /// When its publisher gave it no name: passed on, it takes the message to the dead letters.
    pub fn id(&self) -> Result<&str, Failure> {
        let missing = || Failure::undecodable("the message has no `message_id`");
        self.id.as_deref().ok_or_else(missing)
    }

    /// What stands beside the payload under this name, if it is text or a number.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Which attempt this is, from 1; one that its process did not survive counts as well.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }
}

/// Without the payload and the headers, which are somebody's.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("id", &self.id)
            .field("bytes", &self.payload.len())
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
