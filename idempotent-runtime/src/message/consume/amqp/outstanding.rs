//! The deliveries that this process has not settled, on all of its connections.

use crate::message::delivered::DeliveredCalls;
use lapin::BasicProperties;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The number of deliveries above which those of broken connections are forgotten.
const AT_MOST: usize = 10_000;

/// The number of settled deliveries that are remembered.
const TOLD: usize = 1000;

/// The deliveries that this process has not settled.
///
/// A broker tells that a message was delivered before, but not to whom. A delivery that is listed here with
/// an earlier connection went to this process, which is still alive.
#[derive(Debug, Default)]
pub(super) struct Outstanding(Mutex<Deliveries>);

#[derive(Debug, Default)]
struct Deliveries {
    connections: u64,
    by_message: HashMap<u64, Vec<(u64, Arc<DeliveredCalls>)>>,
    /// The deliveries that were settled last. The broker does not confirm that, and may not have received it.
    told: VecDeque<(u64, u64)>,
}

/// One name for all deliveries of a message, made from its ID and its payload.
pub(super) fn name_of(properties: &BasicProperties, payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let id = properties.message_id().as_ref();
    id.map(lapin::types::ShortString::as_str).hash(&mut hasher);
    payload.hash(&mut hasher);
    hasher.finish()
}

impl Outstanding {
    /// The number of a new connection.
    pub(super) fn connected(&self) -> u64 {
        let mut all = self.lock();
        if all.by_message.len() > AT_MOST {
            all.by_message.clear();
            all.told.clear();
        }
        all.connections += 1;
        all.connections
    }

    pub(super) fn add(&self, message: u64, connection: u64, calls: Arc<DeliveredCalls>) {
        self.lock().by_message.entry(message).or_default().push((connection, calls));
    }

    /// The calls of a delivery of this message on an earlier connection. That delivery is then forgotten.
    pub(super) fn take_earlier(&self, message: u64, than: u64) -> Option<Arc<DeliveredCalls>> {
        self.remove(message, |connection| connection < than)
    }

    pub(super) fn settled(&self, message: u64, connection: u64) {
        let mut all = self.lock();
        all.told.push_back((message, connection));
        if all.told.len() > TOLD
            && let Some((message, connection)) = all.told.pop_front()
        {
            drop(all);
            self.remove(message, |of| of == connection);
        }
    }

    fn remove(&self, message: u64, is: impl Fn(u64) -> bool) -> Option<Arc<DeliveredCalls>> {
        let mut all = self.lock();
        let deliveries = all.by_message.get_mut(&message)?;
        let at = deliveries.iter().position(|(connection, _)| is(*connection))?;
        let (_, calls) = deliveries.swap_remove(at);
        if deliveries.is_empty() {
            all.by_message.remove(&message);
        }
        Some(calls)
    }

    fn lock(&self) -> MutexGuard<'_, Deliveries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
