//! Other transactions that hold a row's lock, and servers with a stricter isolation level.

use crate::{Kind, Session, on_both_servers, store};
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::StoreErrorKind;
use idempotent_runtime::store::Swap;
use idempotent_runtime::store::conformance::{self, StoreUnderTest};
use std::time::{Duration, Instant};

on_both_servers! {
    who_waits_for_a_lock_is_told_that_it_is_busy,
    a_purge_passes_by_what_others_hold,
    a_purge_drops_as_many_as_it_may,
    a_server_that_isolates_more_changes_nothing,
}

const LONG: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_millis(1);

/// The key of these bytes, as the servers write it.
fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

async fn hold(session: &mut Session, kind: Kind, byte: u8) {
    let row = match kind {
        Kind::Postgres => format!("key = decode('{}', 'hex')", hex(byte)),
        Kind::MariaDb => format!("`key` = UNHEX('{}')", hex(byte)),
    };
    session.run("BEGIN").await;
    session.run(&format!("SELECT * FROM idempotency_records WHERE {row} FOR UPDATE")).await;
}

async fn who_waits_for_a_lock_is_told_that_it_is_busy(kind: Kind) {
    let database = kind.database().await;
    let store = store(&database).await;
    let key = StorageKey::from_bytes([1; 32]);
    assert_eq!(store.create(&key, &"v".into(), LONG).await.unwrap(), None);
    let mut rival = Session::open(&database).await;
    hold(&mut rival, kind, 1).await;
    let began = Instant::now();
    let refused = store.swap(&key, &"v".into(), &"w".into(), LONG).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Busy, "{refused:?}");
    assert!(refused.is_transient());
    assert!(began.elapsed() < Duration::from_secs(2), "below the engine's patience");
    // A read waits for no other transaction.
    assert_eq!(store.read(&key).await.unwrap().unwrap().value, "v");
    rival.run("ROLLBACK").await;
    assert_eq!(store.swap(&key, &"v".into(), &"w".into(), LONG).await.unwrap(), Swap::Done);
}

async fn a_purge_passes_by_what_others_hold(kind: Kind) {
    let database = kind.database().await;
    let store = store(&database).await;
    for byte in 1..=3 {
        let key = StorageKey::from_bytes([byte; 32]);
        assert_eq!(store.create(&key, &"v".into(), SHORT).await.unwrap(), None);
    }
    let last = StorageKey::from_bytes([3; 32]);
    let over = async || store.read(&last).await.unwrap().is_none().then_some(());
    tests::eventually("the last life is over", over).await;
    let mut rival = Session::open(&database).await;
    hold(&mut rival, kind, 2).await;
    assert_eq!(store.purge(100).await.unwrap(), 2);
    rival.run("ROLLBACK").await;
    assert_eq!(store.purge(100).await.unwrap(), 1);
}

async fn a_purge_drops_as_many_as_it_may(kind: Kind) {
    let store = store(&kind.database().await).await;
    for byte in 1..=5 {
        let key = StorageKey::from_bytes([byte; 32]);
        assert_eq!(store.create(&key, &"v".into(), SHORT).await.unwrap(), None);
    }
    let last = StorageKey::from_bytes([5; 32]);
    let over = async || store.read(&last).await.unwrap().is_none().then_some(());
    tests::eventually("the last life is over", over).await;
    for dropped in [2, 2, 1, 0] {
        assert_eq!(store.purge(2).await.unwrap(), dropped);
    }
}

/// The store sets the isolation level that it needs, with any defaults of the server.
async fn a_server_that_isolates_more_changes_nothing(kind: Kind) {
    let options: &[&str] = kind.pick(
        &["-c", "default_transaction_isolation=serializable"],
        &["--transaction-isolation=SERIALIZABLE", "--autocommit=0", "--sql-mode="],
    );
    let server = kind.start_with(options).await;
    let database = server.database().await;
    let tested = StoreUnderTest::in_real_time(store(&database).await);
    conformance::of_many_creates_at_once_one_puts(&tested).await;
    conformance::of_many_swaps_at_once_one_replaces(&tested).await;
    conformance::what_is_over_does_not_exist(&tested).await;
    let key = StorageKey::from_bytes([1; 32]);
    assert_eq!(store(&database).await.create(&key, &"v".into(), LONG).await.unwrap(), None);
    // The record was committed, so another store sees it.
    assert_eq!(store(&database).await.read(&key).await.unwrap().unwrap().value, "v");
}
