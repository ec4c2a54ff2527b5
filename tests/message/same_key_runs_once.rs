//! Calls with the same key run once; calls with another key, scope or operation are others.

use crate::RunCounter;
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::{MemoryStore, idempotent};
use tests::Backend;

/// A message as it comes from a queue.
struct Incoming {
    id: String,
    tenant: String,
    cents: u64,
}

fn incoming(id: &str, tenant: &str, cents: u64) -> Incoming {
    Incoming { id: id.to_owned(), tenant: tenant.to_owned(), cents }
}

#[idempotent(
    strategy = "message",
    key = "{message.id}",
    scope = "{message.tenant}",
    fingerprint = "{message.cents}",
    engine = "counter.messages"
)]
async fn book(counter: &RunCounter, message: &Incoming) -> Result<usize, MessageError> {
    Ok(counter.run())
}

#[idempotent(strategy = "message", key = "{id}", engine = "counter.messages")]
async fn other(counter: &RunCounter, id: u32) -> Result<usize, MessageError> {
    Ok(counter.run())
}

async fn once_on(backend: Backend) {
    let counter = RunCounter::on(backend.store.clone());
    for (id, run) in [("a", 1), ("a", 1), ("b", 2), ("a", 1), ("b", 2)] {
        assert_eq!(counter.at_once(id).await.unwrap(), run, "{id}");
    }
    let counts = counter.messages.counts();
    assert_eq!((counts.ran, counts.replayed), (2, 3));
}

#[tokio::test]
async fn a_message_delivered_again_runs_once_on_every_store() {
    once_on(Backend::memory().await).await;
    once_on(Backend::sqlite().await).await;
    once_on(Backend::redis().await).await;
    once_on(Backend::postgres().await).await;
    once_on(Backend::mariadb().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_runs_and_the_others_are_told_to_come_back() {
    let counter = RunCounter::new();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let counter = counter.clone();
            tokio::spawn(async move { counter.held("a").await })
        })
        .collect();
    counter.started.notified().await;
    // Only the call that runs is still waited for: the others have their answers.
    tests::eventually("49 are refused", async || {
        (counter.messages.counts().refused == 49).then_some(())
    })
    .await;
    counter.go.notify_one();
    let (mut ran, mut refused) = (0, 0);
    for call in calls {
        match call.await.expect("no panic") {
            Ok(1) => ran += 1,
            Err(MessageError::InProgress { retry_after, .. }) if !retry_after.is_zero() => {
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((ran, refused, counter.ran()), (1, 49, 1));
    assert_eq!(counter.held("a").await.unwrap(), 1, "it is done by now");
}

#[idempotent(
    strategy = "message",
    key = "{id}",
    engine = "counter.messages",
    on_in_flight = "wait",
    operation = "held",
    shared_operation = true
)]
async fn waiting(counter: &RunCounter, id: &str) -> Result<usize, MessageError> {
    Ok(counter.run())
}

#[tokio::test]
async fn one_that_waits_gets_the_value_of_the_one_that_runs() {
    let counter = RunCounter::new();
    let first = tokio::spawn({
        let counter = counter.clone();
        async move { counter.held("a").await }
    });
    counter.started.notified().await;
    let (second, ()) = tokio::join!(waiting(&counter, "a"), async { counter.go.notify_one() });
    assert_eq!((second.unwrap(), first.await.unwrap().unwrap()), (1, 1));
}

#[tokio::test]
async fn scopes_and_operations_never_meet() {
    let counter = RunCounter::new();
    assert_eq!(book(&counter, &incoming("1", "a", 5)).await.unwrap(), 1);
    assert_eq!(book(&counter, &incoming("1", "b", 5)).await.unwrap(), 2);
    assert_eq!(other(&counter, 1).await.unwrap(), 3);
    assert_eq!(book(&counter, &incoming("1", "a", 5)).await.unwrap(), 1);
}

#[tokio::test]
async fn engines_of_different_names_never_meet() {
    let store = std::sync::Arc::new(MemoryStore::new());
    let named = |name: &str| {
        RunCounter::of(Messages::builder(store.clone()).scope(name).build().expect("it fits"))
    };
    let shared = Messages::builder(store.clone()).scope_shared().build().expect("it fits");
    for counter in [named("a"), named("b"), RunCounter::of(shared)] {
        counter.at_once("1").await.unwrap();
        counter.at_once("1").await.unwrap();
        assert_eq!(counter.ran(), 1);
    }
}

#[tokio::test]
async fn a_key_of_another_message_never_runs_and_shows_nothing() {
    let counter = RunCounter::new();
    book(&counter, &incoming("1", "a", 5)).await.unwrap();
    let reused = book(&counter, &incoming("1", "a", 6)).await;
    assert!(matches!(reused, Err(MessageError::KeyReused)), "{reused:?}");
    assert_eq!(counter.ran(), 1);
}

#[tokio::test]
async fn a_key_or_scope_that_is_empty_or_too_long_is_none() {
    let counter = RunCounter::new();
    for (id, tenant) in [("", "a"), ("1", "")] {
        let refused = book(&counter, &incoming(id, tenant, 5)).await;
        assert!(matches!(refused, Err(MessageError::KeyMissing(_))), "{refused:?}");
    }
    let refused = book(&counter, &incoming(&"x".repeat(1025), "a", 5)).await;
    assert!(matches!(refused, Err(MessageError::KeyInvalid(_))), "{refused:?}");
    assert_eq!(book(&counter, &incoming(&"x".repeat(1024), "a", 5)).await.unwrap(), 1);
}

#[tokio::test]
async fn without_a_scope_of_anybody_nothing_runs() {
    let messages = Messages::builder(MemoryStore::new()).scope_of_functions().build().unwrap();
    let counter = RunCounter::of(messages);
    let refused = counter.at_once("1").await;
    assert!(matches!(refused, Err(MessageError::Misconfigured(_))), "{refused:?}");
    assert_eq!(book(&counter, &incoming("1", "a", 5)).await.unwrap(), 1);
}

#[tokio::test]
async fn while_the_store_is_down_nothing_runs() {
    let backend = Backend::memory().await;
    let counter = RunCounter::on(backend.store.clone());
    backend.store.set_down(true);
    let refused = counter.at_once("1").await.unwrap_err();
    assert!(matches!(refused, MessageError::Store(_)) && refused.is_transient(), "{refused:?}");
    assert_eq!(counter.ran(), 0);
    backend.store.set_down(false);
    assert_eq!(counter.at_once("1").await.unwrap(), 1);
}
