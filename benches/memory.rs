//! What a record costs in memory, and whether its cost grows with how many there are.
//!
//! `cargo bench -p benches --bench memory`

use bytes::Bytes;
use idempotent_runtime::MemoryStore;
use idempotent_runtime::clock::SystemClock;
use idempotent_runtime::engine::DuplicateRules;
use idempotent_runtime::engine::{Admission, ClaimRequest, Engine, ReclaimWindow};
use idempotent_runtime::engine::{Claim, Claimable, IfForgotten};
use idempotent_runtime::key::{Address, Fingerprint, Guard, KeyParts, Namespace, StorageKey};
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::policy::{DefinitionId, OnAbandoned, OnDuplicate, OnInFlight};
use idempotent_runtime::store::Label;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is stored of a response: as much as a small JSON answer.
const BODY: usize = 512;
const TYPE: (&[u8], &[u8]) = (b"content-type", b"application/json");

/// After how many records the cost is told.
const STEPS: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (patience, ttl) = (Duration::from_secs(2), Duration::from_hours(24));
    let engine = Engine::new(Arc::new(MemoryStore::new()), Arc::new(SystemClock::new()), patience);
    // The first pays for what is there once: a thread, and the code that runs.
    let (mut done, mut before) = (0, 0);
    println!("| records | ns per claim and completion | bytes per record beside the response |");
    println!("| ---: | ---: | ---: |");
    for records in STEPS {
        let (start, first) = (Instant::now(), done);
        while done < records {
            let Ok(Admission::Run(run)) = engine.begin(&ask(done, ttl)).await else {
                panic!("key {done} is new");
            };
            run.complete(outcome(), ttl).await;
            done += 1;
            if done == 1 {
                before = resident();
            }
        }
        let each = start.elapsed() / (records - first);
        let stored = BODY + TYPE.0.len() + TYPE.1.len();
        let bytes = (resident() - before) / (records as usize - 1);
        println!("| {records} | {} | {} |", each.as_nanos(), bytes.saturating_sub(stored));
    }
}

/// What a client's key becomes, as the attribute would have it.
fn ask(number: u32, ttl: Duration) -> ClaimRequest {
    let key = KeyParts::new().value(&format!("7f9c2ba4-e88f-4d4c-a7a5-{number:012x}"));
    let address = Address {
        namespace: &Namespace::default(),
        scope: &KeyParts::new().value("Bearer alice"),
        guard: Guard::Handler,
        operation: None,
        route: Some(("POST", "/orders")),
        key: &key,
    };
    ClaimRequest {
        claim: Claim {
            key: StorageKey::of(&address),
            label: Label::new(Guard::Handler, "create_order", &key.label()),
            definition: DefinitionId::NONE,
            fingerprint: Fingerprint::of_request("POST", "/orders", "", &number.to_le_bytes()),
            claimable: Claimable::Any,
            lease: Duration::from_mins(1),
            retention: ttl,
            if_forgotten: IfForgotten::PutAgain,
        },
        rules: DuplicateRules {
            on_duplicate: OnDuplicate::Replay,
            on_in_flight: OnInFlight::Reject,
            on_abandoned: OnAbandoned::Retry,
        },
        wait: Duration::ZERO,
        reclaim: ReclaimWindow::For(ttl),
    }
}

fn outcome() -> Outcome {
    Outcome::Response(StoredResponse {
        status: 201,
        headers: vec![(Bytes::from_static(TYPE.0), Bytes::from_static(TYPE.1))],
        body: Bytes::from(vec![b'x'; BODY]),
        is_cut: false,
    })
}

/// The memory of this process that is really there, in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number") * 4096
}
