//! Requests that run without a record, because the app turned records off.

use crate::http::call::call::Call;
use crate::policy::RecordNeed;
use crate::switch::Recording;

/// Whether the record of a request is off.
pub(super) fn is_unrecorded(call: &Call) -> bool {
    call.app.recording() == Recording::Off
        && call.policy.strategy.traits().record == RecordNeed::Dispensable
}

/// Counts a request that runs without a record, once, even if several guards let it through.
pub(super) fn let_through(call: &Call) {
    let is_known = call.state.outwards().any(|state| state.is_unrecorded.get());
    if !is_known {
        call.app.engine().counters().unguarded.count();
    }
    call.state.is_unrecorded.set(true);
}
