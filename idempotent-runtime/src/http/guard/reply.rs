//! Answers of all guards to a request that does not run.

use crate::engine::Refusal;
use crate::http::answer::refusal;
use crate::http::answer::stored_response::replay;
use crate::http::call::call::{Call, Exit};
use crate::http::call::course::RequestOutcome;
use crate::outcome::Outcome;

/// A replay of the stored response.
pub(super) fn replayed(call: &Call, stored: Outcome) -> Exit {
    let counters = call.app.engine().counters();
    // The value of a function is not a response.
    let response = match stored {
        Outcome::Response(response) => {
            call.app.rendering().on_replay().added(&call.request, response, replay)
        }
        Outcome::Value(_) | Outcome::Tombstone | Outcome::Sealed(_) => None,
    };
    if let Some(response) = response {
        counters.replayed.count();
        call.state.course.note(RequestOutcome::Replayed);
        tracing::debug!("a stored response is sent again");
        return Exit::Answered(response);
    }
    counters.undecodable.count();
    call.exit(&refusal::unreadable(&call.request))
}

/// Whether the most runs that are allowed go on without their clients. Nothing begins then that could become
/// another one.
pub(super) fn has_too_many_runs(call: &Call) -> bool {
    call.app.clientless().are_too_many(&call.state.scope.borrow())
}

/// The problem for a refusal of the engine.
pub(super) fn refused(call: &Call, why: Refusal) -> Exit {
    call.exit(&refusal::problem(&call.request, call.policy, why))
}
