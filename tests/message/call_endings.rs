//! The ends of calls, and the state of the key for the next call, even if the first call was dropped.

use crate::{Ending, RunCounter};
use idempotent_runtime::MemoryStore;
use idempotent_runtime::message::{MessageError, Messages};
use std::time::Duration;
use tests::{Backend, Probe, eventually};

/// Calls until the function has run, or until the call's outcome is known.
async fn settled(counter: &RunCounter, id: &str) -> Result<usize, MessageError> {
    eventually("the dropped call gives its key back", async || match counter.at_once(id).await {
        Err(MessageError::InProgress { .. }) => None,
        settled => Some(settled),
    })
    .await
}

#[tokio::test]
async fn an_error_gives_the_key_back_and_a_redelivery_runs() {
    let counter = RunCounter::new();
    assert!(matches!(
        counter.ends("a", Ending::Error).await,
        Err(MessageError::Misconfigured("of the test's own"))
    ));
    assert_eq!(counter.at_once("a").await.unwrap(), 2);
    assert_eq!(counter.ends("a", Ending::Error).await.unwrap(), 2, "what succeeded is what it is");
}

#[tokio::test]
async fn a_panic_goes_on_to_the_caller_and_the_next_call_runs() {
    let counter = RunCounter::new();
    let panicking = counter.clone();
    let panicked = tokio::spawn(async move { panicking.ends("a", Ending::Panic).await }).await;
    assert!(panicked.unwrap_err().is_panic());
    assert_eq!(counter.at_once("a").await.unwrap(), 2, "at once, without waiting for a lease");
}

#[tokio::test]
async fn a_panic_waits_for_a_person_where_its_function_says_so() {
    let counter = RunCounter::new();
    let panicking = counter.clone();
    let panicked =
        tokio::spawn(async move { panicking.ends_or_holds("a", Ending::Panic).await }).await;
    assert!(panicked.unwrap_err().is_panic());
    let next = counter.ends_or_holds("a", Ending::WhenTold).await;
    assert!(matches!(next, Err(MessageError::OutcomeUnknown)), "{next:?}");
    assert_eq!(counter.ran(), 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_in_the_middle_gives_its_key_back() {
    let counter = RunCounter::new();
    let dropped = counter.clone();
    let dropped = tokio::spawn(async move { dropped.held("a").await });
    counter.started.notified().await;
    dropped.abort();
    assert_eq!(settled(&counter, "a").await.unwrap(), 2);
}

#[tokio::test]
async fn a_call_that_is_dropped_in_the_middle_waits_for_a_person_where_its_function_says_so() {
    let counter = RunCounter::new();
    let dropped = counter.clone();
    let dropped = tokio::spawn(async move { dropped.ends_or_holds("a", Ending::WhenTold).await });
    counter.started.notified().await;
    dropped.abort();
    let next = eventually("it is known to be unknown", async || {
        match counter.ends_or_holds("a", Ending::WhenTold).await {
            Err(MessageError::InProgress { .. }) => None,
            next => Some(next),
        }
    });
    assert!(matches!(next.await, Err(MessageError::OutcomeUnknown)));
    assert_eq!(counter.ran(), 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_before_its_claim_is_answered_has_done_nothing() {
    let store = Probe::new(MemoryStore::new());
    let counter = RunCounter::on(store.clone());
    store.answers_to_claims().close();
    let dropped = counter.clone();
    let dropped = tokio::spawn(async move { dropped.ends_or_holds("a", Ending::WhenTold).await });
    store.answers_to_claims().reached().await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    store.answers_to_claims().open();
    // The key is free, although its function has `"hold"`: the call did not even start.
    assert_eq!(settled(&counter, "a").await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_while_its_value_is_stored_is_stored() {
    let store = Probe::new(MemoryStore::new());
    let counter = RunCounter::on(store.clone());
    store.exchanges().close();
    let dropped = counter.clone();
    let dropped = tokio::spawn(async move { dropped.at_once("a").await });
    store.exchanges().reached().await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    store.exchanges().open();
    assert_eq!(settled(&counter, "a").await.unwrap(), 1);
    assert_eq!(counter.ran(), 1);
}

/// Invariant S14 begins here: a value that is not stored must not look stored. It is stored as soon as possible.
#[tokio::test]
async fn a_value_that_is_not_stored_in_time_is_an_error_and_its_next_call_gets_it() {
    let backend = Backend::memory_in_real_time().await;
    let messages = Messages::builder(backend.store.clone()).scope("tests");
    let messages = messages.store_patience(Duration::from_millis(300));
    let counter = RunCounter::of(messages.build().expect("it fits together"));
    let running = counter.clone();
    let running = tokio::spawn(async move { running.held("a").await });
    counter.started.notified().await;
    backend.store.set_down(true);
    counter.go.notify_one();
    let ended = running.await.unwrap().unwrap_err();
    assert!(matches!(ended, MessageError::NotStored(_)) && ended.is_transient(), "{ended:?}");
    assert_eq!((counter.ran(), counter.messages.counts().not_stored), (1, 1));
    backend.store.set_down(false);
    let next = eventually("the value is there", async || match counter.held("a").await {
        Err(MessageError::InProgress { .. }) => None,
        next => Some(next),
    });
    assert_eq!((next.await.unwrap(), counter.ran()), (1, 1));
}

#[tokio::test]
async fn a_process_that_is_about_to_end_takes_no_new_calls_and_finishes_those_under_way() {
    let counter = RunCounter::new();
    let running = counter.clone();
    let running = tokio::spawn(async move { running.held("a").await });
    counter.started.notified().await;
    let drained = counter.messages.drain(Duration::from_mins(1));
    let ended = async {
        let refused = counter.at_once("b").await;
        assert!(matches!(refused, Err(MessageError::Draining)), "{refused:?}");
        counter.go.notify_one();
        running.await.unwrap().unwrap()
    };
    assert_eq!(tokio::join!(drained, ended), (0, 1));
}
