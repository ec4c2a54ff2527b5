//! An entry of a stream, read for its handler.

use crate::message::consume::failure::Failure;
use crate::message::consume::incoming::Incoming;
use bytes::Bytes;
use std::collections::BTreeMap;

/// An entry that was delivered to this consumer.
pub(super) struct StreamEntry {
    pub(super) id: String,
    pub(super) attempt: u32,
    /// Names and values in turn.
    pub(super) fields: Vec<Bytes>,
}

impl StreamEntry {
    pub(super) fn new(id: String, attempt: u32, fields: Vec<Vec<u8>>) -> Self {
        Self { id, attempt, fields: fields.into_iter().map(Bytes::from).collect() }
    }

    /// The message in it, whose payload is this field.
    pub(super) fn incoming(&self, payload_field: &str) -> Result<Incoming, Failure> {
        let (mut payload, mut headers) = (None, BTreeMap::new());
        for pair in self.fields.chunks_exact(2) {
            if pair[0] == payload_field.as_bytes() {
                payload = Some(pair[1].clone());
            } else if let [Ok(name), Ok(value)] = [&pair[0], &pair[1]].map(|it| str::from_utf8(it))
            {
                headers.insert(name.to_owned(), value.to_owned());
            }
        }
        let missing = || format!("the entry has no field `{payload_field}`");
        let payload = payload.ok_or_else(|| Failure::undecodable(missing()))?;
        let incoming = Incoming::new(payload).with_id(&*self.id).with_headers(headers);
        Ok(incoming.with_attempt(self.attempt))
    }
}
