//! The deadlines of a store's client, which follow the patience of the engine.

use crate::clock::millis;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The patience for which the clients' own deadlines are made.
const USUAL: Duration = Duration::from_secs(2);

/// How much longer than usual a client may take; clones share it.
///
/// A shorter patience needs nothing: the engine stops waiting by itself.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct MorePatience(Arc<AtomicU64>);

impl MorePatience {
    /// Takes an engine's patience over, unless another's is longer; says whether that changed it.
    pub(in crate::store) fn adopt(&self, patience: Duration) -> bool {
        let more = millis(patience.saturating_sub(USUAL));
        self.0.fetch_max(more, Ordering::Relaxed) < more
    }

    /// The time by which every deadline is longer.
    pub(in crate::store) fn more(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}
