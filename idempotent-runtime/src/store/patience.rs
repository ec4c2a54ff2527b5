//! The deadlines of a store's client. They follow the patience of the engine.

use crate::clock::millis;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The patience on which the clients' own deadlines are based.
const USUAL: Duration = Duration::from_secs(2);

/// The additional time that a client may take, for a patience that is longer than usual. Clones share it.
///
/// A shorter patience needs no change: the engine stops waiting by itself.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct MorePatience(Arc<AtomicU64>);

impl MorePatience {
    /// Takes an engine's patience, unless another engine's is longer. Returns whether that changed it.
    pub(in crate::store) fn adopt(&self, patience: Duration) -> bool {
        let more = millis(patience.saturating_sub(USUAL));
        self.0.fetch_max(more, Ordering::Relaxed) < more
    }

    /// The time that is added to every deadline.
    pub(in crate::store) fn more(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}
