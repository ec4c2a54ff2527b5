//! Events of claims, for whoever traces: of a key its hash alone.

use crate::engine::admission::Admission;
use crate::engine::core::EngineCore;
use crate::engine::decide::Refusal;
use crate::engine::resolve::tell_held;
use crate::error::StoreError;
use crate::key::StorageKey;

/// Tells what became of a claim; of a store that failed whoever asked tells.
pub(super) fn tell_admission(
    core: &EngineCore,
    key: &StorageKey,
    admission: &Result<Admission, StoreError>,
) {
    match admission {
        Ok(Admission::Run(run)) => {
            tracing::debug!(%key, attempt = run.attempt(), "a key is claimed");
        }
        Ok(Admission::Replay(_)) => tracing::debug!(%key, "a key has an outcome"),
        Ok(Admission::Refused(Refusal::OutcomeUnknown)) => tell_held(core, key),
        Ok(Admission::Refused(refusal)) => tracing::debug!(%key, ?refusal, "a claim is refused"),
        Err(_) => {}
    }
}

/// Tells that a claim waits for another run.
pub(super) fn tell_wait(key: &StorageKey) {
    tracing::debug!(%key, "a claim waits for another run of its key");
}

/// Tells that a key was taken over.
pub(super) fn tell_take_over(key: &StorageKey, attempt: u64) {
    tracing::info!(%key, attempt, "a key is taken over from an owner that died");
}
