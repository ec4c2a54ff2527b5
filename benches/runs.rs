//! Runs and replays on an engine, without HTTP, which the benches of stores share.

use bytes::Bytes;
use idempotent_runtime::clock::SystemClock;
use idempotent_runtime::engine::{
    Admission, Claim, ClaimRequest, Claimable, Completion, DuplicateRules, Engine, IfForgotten,
    ReclaimWindow,
};
use idempotent_runtime::key::{Fingerprint, Guard, StorageKey};
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::policy::{DefinitionId, OnAbandoned, OnDuplicate, OnInFlight};
use idempotent_runtime::store::{Label, Store};
use std::sync::Arc;
use std::time::Duration;

/// How long a claim lasts.
pub const LEASE: Duration = Duration::from_mins(1);

/// How long its outcome is kept.
pub const TTL: Duration = Duration::from_hours(24);

/// The bytes of a response's body: a small JSON answer.
pub const BODY: usize = 512;

/// The value that is stored by hand, which has as many bytes.
pub const ANSWER: &[u8] = &[b'x'; BODY + 30];

/// An engine that remembers no answers: it asks its store each time.
#[must_use]
pub fn engine(store: Arc<dyn Store>) -> Engine {
    Engine::new(store, Arc::new(SystemClock::new()), Duration::from_secs(2))
}

/// A request with this key. All requests are otherwise the same.
#[must_use]
pub fn request(key: StorageKey) -> ClaimRequest {
    ClaimRequest {
        claim: Claim {
            key,
            label: Label::new(Guard::Handler, "create_order", "7f9c2ba4-e88f-4d4c-a7a5"),
            definition: DefinitionId::NONE,
            fingerprint: Fingerprint::of_request("POST", "/orders", "", b"a book"),
            claimable: Claimable::Any,
            lease: LEASE,
            retention: TTL,
            if_forgotten: IfForgotten::PutAgain,
        },
        rules: DuplicateRules {
            on_duplicate: OnDuplicate::Replay,
            on_in_flight: OnInFlight::Reject,
            on_abandoned: OnAbandoned::Retry,
        },
        wait: Duration::ZERO,
        reclaim: ReclaimWindow::For(TTL),
    }
}

/// Claims a new key, and completes its run.
pub async fn run(engine: &Engine, key: StorageKey) {
    let run = match engine.begin(&request(key)).await {
        Ok(Admission::Run(run)) => run,
        other => panic!("{key} is new: {other:?}"),
    };
    assert_eq!(run.complete(outcome(), TTL).await, Completion::Yes, "{key} is ours");
}

/// Claims a key whose run is complete, and gets its replay.
pub async fn replay(engine: &Engine, key: StorageKey) {
    match engine.begin(&request(key)).await {
        Ok(Admission::Replay(replayed)) => assert_eq!(*replayed, outcome()),
        other => panic!("{key} is done: {other:?}"),
    }
}

/// The outcome of each run.
#[must_use]
pub fn outcome() -> Outcome {
    Outcome::Response(StoredResponse {
        status: 201,
        headers: vec![(
            Bytes::from_static(b"content-type"),
            Bytes::from_static(b"application/json"),
        )],
        body: Bytes::from_static(&[b'x'; BODY]),
        is_cut: false,
    })
}

/// A key, spread over all values as hashes are.
#[must_use]
pub fn key(number: u64) -> StorageKey {
    StorageKey::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
}
