//! The engine's promises about owners, leases and attempts, where the test controls the time.

mod claims;
mod contention;
mod drained;
mod endings;
mod external_locks;
mod fences;
mod forgotten;
mod insisted;
mod leases;
mod left_exchanges;
mod resolved;
mod takeovers;
mod threads;
mod unheard;
mod waiting;

use bytes::Bytes;
use idempotent_runtime::MemoryStore;
use idempotent_runtime::clock::{Clock, ManualClock};
use idempotent_runtime::engine::{Admission, ClaimRequest, Engine, Execution, ReclaimWindow};
use idempotent_runtime::engine::{Claim, Claimable, Claimed, Claimer, IfForgotten, claim};
use idempotent_runtime::engine::{DuplicateRules, Refusal};
use idempotent_runtime::key::{Fingerprint, Guard, StorageKey};
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::policy::{DefinitionId, OnAbandoned, OnDuplicate, OnInFlight};
use idempotent_runtime::store::record::{Owner, Record, State};
use idempotent_runtime::store::{Entry, Label, Store};
use std::sync::Arc;
use std::time::Duration;

/// A lease that is longer than any of these tests, so that nothing is renewed without the test.
const LEASE: Duration = Duration::from_mins(10);
const KEEP: Duration = Duration::from_hours(1);
const TTL: Duration = Duration::from_hours(2);
const PATIENCE: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(1);
const KEY: StorageKey = StorageKey::from_bytes([1; 32]);

/// A store in memory, its clock, and an engine on it.
struct EngineFixture {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    engine: Engine,
}

impl EngineFixture {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new());
        let store = MemoryStore::with_clock(clock.clone());
        let engine = engine(store.clone(), clock.clone());
        Self { store, clock, engine }
    }

    /// The current record under the key.
    async fn entry(&self) -> Option<Entry> {
        self.store.read(&KEY).await.expect("memory answers")
    }

    /// The state of the record.
    async fn state(&self) -> State {
        let entry = self.entry().await.expect("a record");
        Record::decode(&KEY, &entry.value).expect("a record").state
    }

    async fn begin(&self, on_abandoned: OnAbandoned) -> Admission {
        self.engine.begin(&ask(on_abandoned)).await.expect("memory answers")
    }

    /// Begins a run, which must be granted its key.
    async fn run(&self) -> Execution {
        match self.begin(OnAbandoned::Retry).await {
            Admission::Run(run) => run,
            other => panic!("no run: {other:?}"),
        }
    }

    async fn claim(&self, claimable: Claimable, by: &Claimer) -> Claimed {
        let wanted = Claim { claimable, ..wanted() };
        claim(&self.store, &wanted, by).await.expect("memory answers")
    }
}

fn engine(store: impl Store, clock: Arc<dyn Clock>) -> Engine {
    Engine::new(Arc::new(store), clock, PATIENCE)
}

fn label() -> Label {
    Label::new(Guard::Handler, "op", "key")
}

fn wanted() -> Claim {
    Claim {
        key: KEY,
        label: label(),
        definition: DefinitionId::NONE,
        fingerprint: Fingerprint::from_bytes([1; 16]),
        claimable: Claimable::Any,
        lease: LEASE,
        retention: KEEP,
        if_forgotten: IfForgotten::PutAgain,
    }
}

fn ask(on_abandoned: OnAbandoned) -> ClaimRequest {
    let (on_duplicate, on_in_flight) = (OnDuplicate::Replay, OnInFlight::Reject);
    ClaimRequest {
        claim: wanted(),
        rules: DuplicateRules { on_duplicate, on_in_flight, on_abandoned },
        wait: Duration::ZERO,
        reclaim: ReclaimWindow::For(TTL),
    }
}

/// A request that waits for another run for as long as it takes.
fn patient() -> ClaimRequest {
    let asked = ask(OnAbandoned::Retry);
    let rules = DuplicateRules { on_in_flight: OnInFlight::Wait, ..asked.rules };
    ClaimRequest { rules, wait: LEASE, ..asked }
}

fn somebody() -> Claimer {
    Claimer { owner: Owner::random(), now: Duration::ZERO, first: 1, take_over: None }
}

fn answer(body: &'static str) -> Outcome {
    let body = Bytes::from_static(body.as_bytes());
    Outcome::Response(StoredResponse { status: 201, headers: Vec::new(), body, is_cut: false })
}

/// The attempt of a claim that must be granted.
#[track_caller]
fn granted(claimed: &Claimed) -> u64 {
    match claimed {
        Claimed::Acquired(lease) => lease.attempt(),
        other => panic!("not granted: {other:?}"),
    }
}

#[track_caller]
fn refused(begun: &Admission) -> Refusal {
    match begun {
        Admission::Refused(refusal) => *refusal,
        other => panic!("not refused: {other:?}"),
    }
}
