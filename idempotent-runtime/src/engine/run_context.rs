//! The part of its engine that a run holds, to its end.

use crate::engine::claim_request::ReclaimWindow;
use crate::engine::core::SharedCore;
use crate::engine::fair_queue::Front;
use crate::engine::in_flight::InFlightGuard;
use crate::engine::remembered::Remembering;
use crate::engine::seat::RunnerSeat;
use std::sync::Arc;

/// The part of its engine that a run holds.
#[derive(Debug)]
pub(super) struct RunContext {
    pub(super) core: Arc<SharedCore>,
    pub(super) in_flight: InFlightGuard,
    /// The front of the queue for the key, if it has one. The next request of this process moves up when the
    /// run has ended.
    pub(super) _front: Option<Box<Front>>,
    /// Those who wait for it in this process are told when this is dropped.
    pub(super) _seat: Option<Box<RunnerSeat>>,
    pub(super) reclaim: ReclaimWindow,
    /// Whether its outcome is remembered.
    pub(super) remembering: Remembering,
}

impl RunContext {
    /// The same for work that goes on without its caller. The requests in the queue need not wait for it.
    pub(super) fn behind(&self) -> Self {
        let Self { reclaim, remembering, .. } = *self;
        let (core, in_flight) = (Arc::clone(&self.core), self.in_flight.behind());
        Self { core, in_flight, _front: None, _seat: None, reclaim, remembering }
    }
}
