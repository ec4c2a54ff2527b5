//! A thousand requests at once with one key, and floods of many keys.

use crate::{EngineFixture, LEASE, TTL, answer, ask, engine, refused};
use futures_util::future::join_all;
use idempotent_runtime::engine::Refusal;
use idempotent_runtime::engine::{Admission, Completion};
use idempotent_runtime::key::{Address, Guard, KeyParts, Namespace, StorageKey};

use idempotent_runtime::policy::OnAbandoned;
use std::time::Duration;
use tests::Backend;

/// Invariant S1.
async fn of_a_thousand_at_once_one_runs(backend: Backend) {
    let engine = engine(backend.store.clone(), backend.clock.clone());
    let begun = join_all((0..1000).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move { engine.begin(&ask(OnAbandoned::Retry)).await.unwrap() })
    }))
    .await;
    let (mut runs, others): (Vec<_>, Vec<_>) =
        begun.into_iter().map(Result::unwrap).partition(|begun| matches!(begun, Admission::Run(_)));
    assert_eq!((runs.len(), others.len()), (1, 999));
    assert!(others.iter().all(|begun| matches!(refused(begun), Refusal::InProgress { .. })));
    let Some(Admission::Run(run)) = runs.pop() else { unreachable!("it is one") };
    assert_eq!((run.attempt(), run.complete(answer("once"), TTL).await), (1, Completion::Yes));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_at_once_one_runs_on_memory() {
    of_a_thousand_at_once_one_runs(Backend::memory().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_at_once_one_runs_on_sqlite() {
    of_a_thousand_at_once_one_runs(Backend::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_at_once_one_runs_on_redis() {
    of_a_thousand_at_once_one_runs(Backend::redis().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_at_once_one_runs_on_postgres() {
    of_a_thousand_at_once_one_runs(Backend::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_at_once_one_runs_on_mariadb() {
    of_a_thousand_at_once_one_runs(Backend::mariadb().await).await;
}

#[tokio::test]
async fn a_flood_of_keys_leaves_memory_bounded_and_every_living_lease_alone() {
    let fixture = EngineFixture::new();
    let living = fixture.run().await;
    let short = Duration::from_secs(1);
    let mut most = 0;
    for n in 0..20_000_u32 {
        let mut ask = ask(OnAbandoned::Retry);
        let key = KeyParts::new().value(&n.to_string());
        ask.claim.key = StorageKey::of(&Address {
            namespace: &Namespace::default(),
            scope: &KeyParts::new(),
            guard: Guard::Handler,
            operation: Some("flood"),
            route: None,
            key: &key,
        });
        let Admission::Run(run) = fixture.engine.begin(&ask).await.unwrap() else {
            panic!("no run")
        };
        run.complete(answer("flood"), short).await;
        most = most.max(fixture.store.held());
        if n % 500 == 0 {
            fixture.clock.advance(short);
        }
    }
    // 500 leases live at any time.
    assert!(most < 4_000, "{most} were held");
    let begun = fixture.begin(OnAbandoned::Retry).await;
    assert!(matches!(refused(&begun), Refusal::InProgress { retry_after } if retry_after < LEASE));
    assert_eq!(living.complete(answer("living"), TTL).await, Completion::Yes);
}
