//! The place of a run in the room of those who wait for it: who comes meanwhile need not ask whether one is at work.

use crate::engine::core::SharedCore;
use crate::engine::room::Room;
use crate::engine::wait::WaiterSlot;
use crate::key::StorageKey;
use std::sync::Arc;

/// Held by a run to its end. Those who wait are told when it is dropped, however the run ended.
#[derive(Debug)]
pub(super) struct RunnerSeat {
    core: Arc<SharedCore>,
    key: StorageKey,
    room: Arc<Room>,
}

impl RunnerSeat {
    /// Beside the place of one who waited, and runs now.
    pub(super) fn beside(slot: &WaiterSlot<'_>, core: &Arc<SharedCore>) -> Self {
        let (key, room) = slot.seated();
        Self { core: Arc::clone(core), key, room }
    }
}

impl Drop for RunnerSeat {
    fn drop(&mut self) {
        self.room.runner_left();
        self.core.rooms.unseat(&self.key, &self.room);
    }
}
