//! The contract of [`Store`] as tests. Every store must pass them.
//!
//! ```ignore
//! idempotent_runtime::store_conformance!(async {
//!     let store = Arc::new(MyStore::connect().await);
//!     StoreUnderTest::in_real_time(store)
//! });
//! ```
//! makes a `#[tokio::test]` of each function below, so a failing test names the promise that is broken.
//! The macro needs `tokio` with the features `macros` and `rt` in the calling crate. Each function runs on any
//! runtime of `tokio`.

#![expect(clippy::missing_panics_doc, reason = "a test that panics has failed, as it should")]

mod pages;
mod store_under_test;

pub use pages::{
    a_filter_takes_away_nothing_that_fits, a_foreign_cursor_is_refused,
    pages_give_everything_that_lives, pages_leave_out_what_is_over,
    pages_lose_nothing_while_others_come_and_go,
};
pub use store_under_test::StoreUnderTest;

use crate::key::StorageKey;
use crate::store::contract::{Entry, Store, Swap};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use store_under_test::{LONG, SHORT, fresh};

/// Makes a test from every function of the conformance suite.
#[macro_export]
macro_rules! store_conformance {
    ($store:expr) => {
        $crate::store_conformance!(@ $store;
            create_puts_where_nothing_is,
            create_tells_what_is_there_and_changes_nothing,
            swap_replaces_what_was_expected,
            swap_tells_what_is_there_instead,
            swap_tells_that_nothing_is_there,
            of_many_creates_at_once_one_puts,
            of_many_swaps_at_once_one_replaces,
            what_is_over_does_not_exist,
            a_swap_gives_a_new_life,
            read_tells_how_long_is_left,
            values_come_back_exactly,
            keys_do_not_touch_each_other,
            the_longest_life_is_accepted,
            every_operation_can_be_sent_again,
            a_purge_drops_nothing_that_lives,
            a_dropped_call_leaves_the_store_usable,
            a_watch_tells_of_a_change,
            pages_give_everything_that_lives,
            pages_leave_out_what_is_over,
            a_filter_takes_away_nothing_that_fits,
            pages_lose_nothing_while_others_come_and_go,
            a_foreign_cursor_is_refused,
        );
    };
    (@ $store:expr; $($case:ident,)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::store::conformance::$case(&$store.await).await;
            }
        )*
    };
}

/// `create` on an unused key puts the value.
pub async fn create_puts_where_nothing_is(tested: &StoreUnderTest) {
    let key = fresh();
    assert_eq!(tested.value(&key).await, None);
    tested.create(&key, "first", LONG).await;
    assert_eq!(tested.value(&key).await.unwrap(), "first");
}

/// `create` on a used key returns the value that is there.
pub async fn create_tells_what_is_there_and_changes_nothing(tested: &StoreUnderTest) {
    let key = fresh();
    tested.create(&key, "first", LONG).await;
    let there = tested.store.create(&key, &"second".into(), SHORT).await.unwrap();
    assert_eq!(there.unwrap(), "first");
    (tested.pass)(SHORT * 2).await;
    assert_eq!(tested.value(&key).await.unwrap(), "first", "neither value nor life changed");
}

/// `swap` with the expected value replaces it.
pub async fn swap_replaces_what_was_expected(tested: &StoreUnderTest) {
    let key = fresh();
    tested.create(&key, "first", LONG).await;
    let swapped = tested.store.swap(&key, &"first".into(), &"second".into(), LONG).await;
    assert_eq!(swapped.unwrap(), Swap::Done);
    assert_eq!(tested.value(&key).await.unwrap(), "second");
}

/// `swap` that expects another value changes nothing and returns the value that is there.
pub async fn swap_tells_what_is_there_instead(tested: &StoreUnderTest) {
    let key = fresh();
    tested.create(&key, "first", LONG).await;
    for expected in ["", "firs", "first ", "First", "second"] {
        let swapped = tested.store.swap(&key, &expected.into(), &"second".into(), LONG).await;
        assert_eq!(swapped.unwrap(), Swap::Differs(Some("first".into())), "{expected:?}");
    }
    assert_eq!(tested.value(&key).await.unwrap(), "first");
}

/// `swap` on an unused key puts nothing.
pub async fn swap_tells_that_nothing_is_there(tested: &StoreUnderTest) {
    let key = fresh();
    let swapped = tested.store.swap(&key, &"first".into(), &"second".into(), LONG).await;
    assert_eq!(swapped.unwrap(), Swap::Differs(None));
    assert_eq!(tested.value(&key).await, None);
}

/// Of 64 concurrent `create`s only one puts its value, and all others get that value.
pub async fn of_many_creates_at_once_one_puts(tested: &StoreUnderTest) {
    let key = fresh();
    let there = at_once(tested, move |store, n| async move {
        store.create(&key, &Bytes::from(format!("{n}")), LONG).await.unwrap()
    })
    .await;
    assert_eq!(there.iter().filter(|there| there.is_none()).count(), 1, "one put");
    let winner = tested.value(&key).await.unwrap();
    assert!(there.iter().flatten().all(|there| *there == winner), "the others saw it");
}

/// Of 64 concurrent `swap`s that expect the same value, only one replaces it.
pub async fn of_many_swaps_at_once_one_replaces(tested: &StoreUnderTest) {
    let key = fresh();
    tested.create(&key, "first", LONG).await;
    let swaps = at_once(tested, move |store, n| async move {
        store.swap(&key, &"first".into(), &Bytes::from(format!("{n}")), LONG).await.unwrap()
    })
    .await;
    assert_eq!(swaps.iter().filter(|swap| **swap == Swap::Done).count(), 1, "one replaced");
    let winner = Swap::Differs(tested.value(&key).await);
    assert!(swaps.iter().filter(|swap| **swap != Swap::Done).all(|swap| *swap == winner));
}

async fn at_once<T, F>(tested: &StoreUnderTest, step: impl Fn(Arc<dyn Store>, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let many = 64;
    let barrier = Arc::new(tokio::sync::Barrier::new(many));
    let tasks: Vec<_> = (0..many)
        .map(|n| {
            let (barrier, step) = (barrier.clone(), step(tested.store.clone(), n));
            tokio::spawn(async move {
                barrier.wait().await;
                step.await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(many);
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// A value whose life is over is not found by any operation, and `create` replaces it.
pub async fn what_is_over_does_not_exist(tested: &StoreUnderTest) {
    let key = fresh();
    tested.create(&key, "first", SHORT).await;
    (tested.pass)(SHORT * 2).await;
    assert_eq!(tested.value(&key).await, None);
    let swapped = tested.store.swap(&key, &"first".into(), &"second".into(), LONG).await;
    assert_eq!(swapped.unwrap(), Swap::Differs(None));
    tested.create(&key, "third", LONG).await;
    assert_eq!(tested.value(&key).await.unwrap(), "third");
}

/// The life that a `swap` sets counts from the swap. It may be longer or shorter than before.
pub async fn a_swap_gives_a_new_life(tested: &StoreUnderTest) {
    let (longer, shorter) = (fresh(), fresh());
    tested.create(&longer, "first", Duration::from_secs(1)).await;
    tested.create(&shorter, "first", LONG).await;
    tested.store.swap(&longer, &"first".into(), &"second".into(), LONG).await.unwrap();
    tested.store.swap(&shorter, &"first".into(), &"second".into(), SHORT).await.unwrap();
    (tested.pass)(Duration::from_millis(1100)).await;
    assert_eq!(tested.value(&longer).await.unwrap(), "second");
    assert_eq!(tested.value(&shorter).await, None);
}

/// `read` returns the life that is left, never more than was set.
pub async fn read_tells_how_long_is_left(tested: &StoreUnderTest) {
    let key = fresh();
    tested.create(&key, "first", LONG).await;
    (tested.pass)(SHORT).await;
    let Entry { left, .. } = tested.store.read(&key).await.unwrap().unwrap();
    // Stores may round to the millisecond, and a server's clock is not the test's.
    assert!(left + SHORT <= LONG + Duration::from_millis(2), "{left:?}");
    assert!(left + Duration::from_mins(1) > LONG, "{left:?}");
}

/// Values of all bytes, of no bytes, and of megabytes come back exactly as they were put.
pub async fn values_come_back_exactly(tested: &StoreUnderTest) {
    let every = Bytes::from((0..=255).collect::<Vec<u8>>());
    let big = Bytes::from(
        (0..3_000_000_u32).flat_map(u32::to_le_bytes).take(3 << 20).collect::<Vec<u8>>(),
    );
    for value in [every, Bytes::new(), big, Bytes::from_static(b"\r\n$-1\r\n' OR 1=1--\0*")] {
        let key = fresh();
        assert_eq!(tested.store.create(&key, &value, LONG).await.unwrap(), None);
        assert!(tested.value(&key).await.unwrap() == value, "{} bytes", value.len());
        let half = value.slice(value.len() / 2..);
        let swapped = tested.store.swap(&key, &value, &half, LONG);
        assert_eq!(swapped.await.unwrap(), Swap::Done, "{} bytes", value.len());
        assert!(tested.value(&key).await.unwrap() == value.slice(value.len() / 2..));
    }
}

/// A change of one key is not seen under another key, however similar the two are.
pub async fn keys_do_not_touch_each_other(tested: &StoreUnderTest) {
    let one = fresh();
    let mut bytes = *one.as_bytes();
    bytes[31] ^= 1;
    let other = StorageKey::from_bytes(bytes);
    tested.create(&one, "one", LONG).await;
    assert_eq!(tested.value(&other).await, None);
    tested.create(&other, "other", LONG).await;
    tested.store.swap(&one, &"one".into(), &"changed".into(), LONG).await.unwrap();
    assert_eq!(tested.value(&other).await.unwrap(), "other");
}

/// A life beyond every calendar is not refused and does not wrap around.
pub async fn the_longest_life_is_accepted(tested: &StoreUnderTest) {
    let key = fresh();
    tested.create(&key, "first", Duration::MAX).await;
    let swapped = tested.store.swap(&key, &"first".into(), &"second".into(), Duration::MAX).await;
    assert_eq!(swapped.unwrap(), Swap::Done);
    assert_eq!(tested.value(&key).await.unwrap(), "second");
}

/// An operation can be sent again after its answer was lost, and returns what it finds then.
pub async fn every_operation_can_be_sent_again(tested: &StoreUnderTest) {
    let key = fresh();
    tested.create(&key, "first", LONG).await;
    assert_eq!(tested.store.create(&key, &"first".into(), LONG).await.unwrap().unwrap(), "first");
    for expected in [Swap::Done, Swap::Differs(Some("second".into()))] {
        let swapped = tested.store.swap(&key, &"first".into(), &"second".into(), LONG).await;
        assert_eq!(swapped.unwrap(), expected);
    }
}

/// `purge` keeps every value whose life is not over.
pub async fn a_purge_drops_nothing_that_lives(tested: &StoreUnderTest) {
    let (over, alive) = (fresh(), fresh());
    tested.create(&over, "over", SHORT).await;
    tested.create(&alive, "alive", LONG).await;
    (tested.pass)(SHORT * 2).await;
    while tested.store.purge(100).await.unwrap() > 0 {}
    assert_eq!(tested.value(&alive).await.unwrap(), "alive");
    assert_eq!(tested.value(&over).await, None);
}

/// A future that is dropped before its answer does not block later calls.
pub async fn a_dropped_call_leaves_the_store_usable(tested: &StoreUnderTest) {
    for _ in 0..100 {
        let key = fresh();
        let dropped = "dropped".into();
        let mut call = tested.store.create(&key, &dropped, LONG);
        // Polled once, so that it was sent, then dropped.
        let _ = futures_util::poll!(&mut call);
        drop(call);
    }
    create_puts_where_nothing_is(tested).await;
}

/// If a backend can report changes, it does. A change counts even if it happens before the watch is polled.
pub async fn a_watch_tells_of_a_change(tested: &StoreUnderTest) {
    let key = fresh();
    tested.create(&key, "first", LONG).await;
    let Some(watching) = tested.store.watch(&key) else { return };
    let changed = watching.await.unwrap();
    tested.store.swap(&key, &"first".into(), &"second".into(), LONG).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(20), changed).await;
    assert!(
        told.is_ok(),
        "the watch never ended: return `None` if the backend cannot report changes"
    );
}
