//! The decision of a person about a run whose process died and whose key is held.

use crate::engine::core::EngineCore;
use crate::engine::deadline::within;
use crate::engine::lease::{decode, left_of_lease};
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::outcome::Outcome;
use crate::store::Swap;
use crate::store::record::{Origin, Record, State};
use std::pin::pin;

/// The finding of a person about a run whose process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// The effect did not happen: the next request with its key runs.
    NotDone,
    /// The effect happened: nothing runs, and duplicates get `not-replayable`.
    Done,
}

/// Whether there was an abandoned run to resolve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the record of a key is left as it is if its run was not abandoned"]
pub enum Resolved {
    /// The decision is stored.
    Yes,
    /// The key has no abandoned run: the key is unknown, its run goes on, or it has ended meanwhile.
    NotAbandoned,
}

/// Ends a run whose owner died, in the way that a person decided.
pub(super) async fn resolve(
    core: &EngineCore,
    key: &StorageKey,
    resolution: Resolution,
) -> Result<Resolved, StoreError> {
    let _forgetting = core.remembered.forgetting(key);
    let work = async {
        let Some(entry) = core.store().read(key).await? else {
            return Ok(Resolved::NotAbandoned);
        };
        let record = decode(key, &entry.value, "read")?;
        match record.state {
            State::InProgress { retention, .. } if left_of_lease(&entry, retention).is_none() => {}
            _ => return Ok(Resolved::NotAbandoned),
        }
        let state = match resolution {
            Resolution::NotDone => State::Issued,
            Resolution::Done => State::Completed(Outcome::Tombstone),
        };
        // The dead owner may still wake, for as long as the store knows the key.
        let origin = Origin { taken_over: true, ..record.origin };
        let next = Record { origin, state, ..record }.encode(key);
        // Only if the record has not changed since it was read: whoever changed it first decided.
        Ok(match core.store().swap(key, &entry.value, &next, entry.left).await? {
            Swap::Done => Resolved::Yes,
            Swap::Differs(_) => Resolved::NotAbandoned,
        })
    };
    within(core.tools.patience, "swap", pin!(work)).await
}

/// Counts a key that is held, and logs it so that a person can resolve it.
pub(super) fn tell_held(core: &EngineCore, key: &StorageKey) {
    core.counters().held.count();
    tracing::warn!(
        %key,
        "the process of a request died and nobody knows what it did; `resolve` with this key decides \
         what becomes of it",
    );
}
