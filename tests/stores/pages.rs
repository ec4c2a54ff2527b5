//! Listing thousands of values page by page: promises of this crate's stores in addition to the contract.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use idempotent_runtime::clock::SystemClock;
use idempotent_runtime::key::{Fingerprint, Guard, StorageKey};
use idempotent_runtime::outcome::Outcome;
use idempotent_runtime::store::record::{Origin, Record, State};
use idempotent_runtime::store::{
    Cursor, Label, Page, PageFilter, PageRequest, Store, StoreSettings,
};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_hours(1);

/// Makes a test of each promise on each store.
macro_rules! on_every_store {
    ($($promise:ident),* $(,)?) => {
        on_every_store!(@ memory, [$($promise)*], async {
            (idempotent_runtime::MemoryStore::new(), ())
        });
        on_every_store!(@ sqlite, [$($promise)*], async {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("records.db");
            (idempotent_runtime::SqliteStore::open(path).await.unwrap(), directory)
        });
        on_every_store!(@ redis, [$($promise)*], async {
            let server = tests::RedisServer::start();
            (idempotent_runtime::RedisStore::connect(&server.url()).await.unwrap(), server)
        });
        on_every_store!(@ postgres, [$($promise)*], async {
            let database = tests::PostgresServer::shared().await.database().await;
            (idempotent_runtime::PostgresStore::connect(&database).await.unwrap(), ())
        });
        on_every_store!(@ mariadb, [$($promise)*], async {
            let database = tests::MariaDbServer::shared().await.database().await;
            (idempotent_runtime::MySqlStore::connect(&database).await.unwrap(), ())
        });
    };
    (@ $store:ident, [$($promise:ident)*], $open:expr) => {
        mod $store {
            $(
                #[tokio::test]
                async fn $promise() {
                    let (store, _kept) = $open.await;
                    super::have_time(&store);
                    super::$promise(&store).await;
                }
            )*
        }
    };
}

on_every_store! {
    thousands_are_given_once_each,
    a_filter_lets_nothing_else_through,
    a_page_of_large_values_is_short,
    a_cursor_of_another_store_is_refused,
}

/// A host may be busy with other tests, and the values here are large.
fn have_time(store: &dyn Store) {
    store.adopt(&StoreSettings::new(Duration::from_mins(1), Arc::new(SystemClock::new())));
}

fn key(n: u32) -> StorageKey {
    let mut bytes = [0; 32];
    // Keys are spread as hashes are, but by a rule.
    bytes[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b9).to_be_bytes());
    bytes[28..].copy_from_slice(&n.to_be_bytes());
    StorageKey::from_bytes(bytes)
}

async fn page(store: &dyn Store, request: &PageRequest) -> Page {
    store.browse(request).expect("our own stores can all list").await.unwrap()
}

/// All keys, and the number of their pages.
async fn pages(store: &dyn Store, mut request: PageRequest) -> (Vec<StorageKey>, usize) {
    let mut keys = Vec::new();
    for count in 1..100_000 {
        let page = page(store, &request).await;
        keys.extend(page.entries.into_iter().map(|(key, _)| key));
        let Some(next) = page.next else { return (keys, count) };
        request = request.after(next);
    }
    panic!("a look without end");
}

async fn put(
    store: &dyn Store,
    numbers: std::ops::Range<u32>,
    value: impl Fn(u32) -> Bytes + Sync,
) {
    let put = stream::iter(numbers).map(|n| {
        let value = value(n);
        async move { assert_eq!(store.create(&key(n), &value, LONG).await.unwrap(), None) }
    });
    put.buffer_unordered(32).collect::<()>().await;
}

async fn thousands_are_given_once_each(store: &dyn Store) {
    put(store, 0..3000, |_| "v".into()).await;
    for limit in [7, 100, 5000] {
        let (keys, count) = pages(store, PageRequest::first(limit)).await;
        let seen: HashSet<_> = keys.iter().copied().collect();
        assert_eq!((seen.len(), keys.len()), (3000, 3000), "limit {limit}, {count} pages");
        assert!(count >= 3, "no page has them all");
    }
}

fn record(operation: &str, state: State) -> Record {
    Record {
        attempt: 1,
        origin: Origin::default(),
        fingerprint: Fingerprint::NONE,
        label: Label::new(Guard::Handler, operation, "key"),
        state,
    }
}

/// Selects a few of two thousand: by operation, by state, by both, and none.
async fn a_filter_lets_nothing_else_through(store: &dyn Store) {
    put(store, 0..2000, |n| {
        let operation = ["pay", "Pay", "pay ", "refund"][n as usize % 4];
        let state = match n % 100 {
            0..4 => State::Issued,
            _ => State::Completed(Outcome::Tombstone),
        };
        record(operation, state).encode(&key(n))
    })
    .await;
    put(store, 5000..5010, |_| "no record".into()).await;
    for (filter, wanted) in [
        (PageFilter::default().operation("pay"), (0..2000).step_by(4).collect::<HashSet<u32>>()),
        (PageFilter::default().state("issued"), (0..2000).filter(|n| n % 100 < 4).collect()),
        (
            PageFilter::default().operation("refund").state("issued"),
            (0..2000).filter(|n| n % 100 == 3).collect(),
        ),
        (PageFilter::default().operation("refunds"), HashSet::new()),
        (PageFilter::default().state("in progress"), HashSet::new()),
    ] {
        let (keys, _) = pages(store, PageRequest::first(50).only(filter.clone())).await;
        let seen: HashSet<_> = keys.into_iter().collect();
        assert_eq!(seen, wanted.into_iter().map(key).collect(), "{filter:?}");
    }
}

/// A page is small enough for memory, even if the store on disk is large.
async fn a_page_of_large_values_is_short(store: &dyn Store) {
    put(store, 0..60, |_| vec![b'v'; 1 << 20].into()).await;
    let mut request = PageRequest::first(1000);
    let mut seen = 0;
    loop {
        let page = page(store, &request).await;
        let large: usize = page.entries.iter().map(|(_, entry)| entry.value.len()).sum();
        assert!(large <= 24 << 20 || store.describe().starts_with("memory"), "{large} bytes");
        seen += page.entries.len();
        let Some(next) = page.next else { break };
        request = request.after(next);
    }
    assert_eq!(seen, 60);
}

async fn a_cursor_of_another_store_is_refused(store: &dyn Store) {
    put(store, 0..300, |_| "v".into()).await;
    let own = page(store, &PageRequest::first(10)).await.next.expect("there is more").to_string();
    let kind = own.split('.').next().expect("a kind");
    assert!(own.len() < 100 && own.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)));
    for other in ["memory.3.7", &format!("key.{}", key(7)), "redis.0badcafe.0.17"] {
        if other.split('.').next() != Some(kind) {
            let request = PageRequest::first(10).after(Cursor::new(other));
            let refused = store.browse(&request).unwrap().await.expect_err(other).to_string();
            assert!(refused.contains("is not a cursor of this store"), "{refused}");
        }
    }
    for garbled in
        [&own[..own.len() - 1], &format!("{own}0"), &format!("{own}."), &own.to_uppercase()]
    {
        let request = PageRequest::first(10).after(Cursor::new(garbled.to_owned()));
        // Random text may by chance be a valid cursor; then a page follows.
        let _: Result<Page, _> = store.browse(&request).unwrap().await;
    }
}
