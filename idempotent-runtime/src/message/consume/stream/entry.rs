//! An entry of a stream, read for its handler.

use crate::message::consume::failure::Failure;
use crate::message::consume::history::History;
use crate::message::consume::incoming::Incoming;
use crate::message::consume::source::Arrival;
use crate::message::delivered::DeliveredCalls;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The reason why an entry is a dead letter, its attempts, and its first ID.
const REASON: &str = "idempotency-reason";
const ATTEMPTS: &str = "idempotency-attempts";
const ID: &str = "idempotency-id";

/// The reason why it was a dead letter before it was put back, and the number of times that it was put back.
const LAST_REASON: &str = "idempotency-last-reason";
const ROUND: &str = "idempotency-round";

/// An entry that was delivered to this consumer.
pub(super) struct StreamEntry {
    pub(super) id: String,
    pub(super) history: History,
    pub(super) arrival: Arrival,
    pub(super) calls: Arc<DeliveredCalls>,
    /// Whether its history is stored beside the stream.
    pub(super) has_past: bool,
    /// Names and values, in turn.
    fields: Vec<Bytes>,
}

impl StreamEntry {
    /// An entry that arrives in this way.
    pub(super) fn new(
        id: String,
        history: History,
        arrival: Arrival,
        fields: Vec<Vec<u8>>,
    ) -> Self {
        let fields: Vec<_> = fields.into_iter().map(Bytes::from).collect();
        let calls = Arc::new(DeliveredCalls::new(history.given_up.is_some()));
        let mut entry = Self { id, history, arrival, calls, has_past: false, fields };
        if entry.field(REASON).is_some() {
            entry.arrival = Arrival::PutBack;
        }
        entry
    }

    /// The message in the entry. Its payload is this field.
    pub(super) fn incoming(&self, payload_field: &str) -> Result<Incoming, Failure> {
        let (mut payload, mut headers) = (None, BTreeMap::new());
        for (name, value) in self.pairs() {
            if name == payload_field.as_bytes() {
                payload = Some(value.clone());
            } else if let [Ok(name), Ok(value)] = [name, value].map(|it| str::from_utf8(it)) {
                headers.insert(name.to_owned(), value.to_owned());
            }
        }
        let missing = || format!("the entry has no field `{payload_field}`");
        let payload = payload.ok_or_else(|| Failure::undecodable(missing()))?;
        Ok(Incoming::new(payload).with_id(self.first_id()).with_headers(headers))
    }

    /// The fields of its dead letter.
    pub(super) fn dead_letter(&self, reason: &str, attempts: u32) -> Vec<Bytes> {
        let mut fields = self.fields_without(&[REASON, ATTEMPTS, ID]);
        push(&mut fields, REASON, reason.to_owned());
        push(&mut fields, ATTEMPTS, attempts.to_string());
        push(&mut fields, ID, self.first_id());
        fields
    }

    /// The fields with which a dead letter begins anew, without its reason and its attempts. It keeps its
    /// first ID, since its key may be made from that.
    pub(super) fn begun_anew(&self) -> Vec<Bytes> {
        let text = |name| self.field(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let mut fields = self.fields_without(&[REASON, ATTEMPTS, ROUND, LAST_REASON]);
        if let Some(reason) = text(REASON) {
            push(&mut fields, LAST_REASON, reason);
        }
        let round = text(ROUND).and_then(|round| round.parse().ok()).unwrap_or(0_u32);
        push(&mut fields, ROUND, round.saturating_add(1).to_string());
        fields
    }

    /// The ID of the entry when it was published.
    fn first_id(&self) -> String {
        let written = self.field(ID).and_then(|id| str::from_utf8(id).ok());
        written.unwrap_or(&self.id).to_owned()
    }

    fn field(&self, name: &str) -> Option<&Bytes> {
        self.pairs().find_map(|(of, value)| (of == name.as_bytes()).then_some(value))
    }

    fn fields_without(&self, names: &[&str]) -> Vec<Bytes> {
        let is_kept = |name: &Bytes| !names.iter().any(|dropped| name == dropped.as_bytes());
        let kept = self.pairs().filter(|(name, _)| is_kept(name));
        kept.flat_map(|(name, value)| [name.clone(), value.clone()]).collect()
    }

    fn pairs(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.fields.chunks_exact(2).map(|pair| (&pair[0], &pair[1]))
    }
}

fn push(fields: &mut Vec<Bytes>, name: &'static str, value: String) {
    fields.extend([Bytes::from_static(name.as_bytes()), Bytes::from(value)]);
}
