//! A question to the store that one asks for all who wait for a key.

use crate::engine::claimed::Claimed;
use crate::engine::room::Room;
use crate::error::StoreError;
use std::sync::Arc;
use std::time::Duration;

/// A question to the store, for all in a room. Dropped without an answer, another one asks.
#[derive(Debug)]
pub(super) struct Question<'a> {
    room: &'a Arc<Room>,
    number: u64,
    is_answered: bool,
}

impl<'a> Question<'a> {
    pub(super) fn of(room: &'a Arc<Room>, number: u64) -> Self {
        Self { room, number, is_answered: false }
    }

    /// The first is at work.
    pub(super) fn found_at_work(mut self, left: Duration) {
        self.is_answered = true;
        self.room.found_at_work(self.number, left);
    }

    /// The one who asked is at work from now on.
    pub(super) fn runs_here(mut self, lease: Duration) {
        self.is_answered = true;
        self.room.runs_here(self.number, lease);
    }

    /// Tells the others.
    pub(super) fn tell(mut self, answer: Result<Claimed, StoreError>) {
        self.is_answered = true;
        self.room.tell(self.number, answer);
    }

    /// Whether others may be waiting for the answer.
    pub(super) fn has_others(&self) -> bool {
        // Beside the map and the one who asks.
        Arc::strong_count(self.room) > 2
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.room.left_unasked();
        }
    }
}
