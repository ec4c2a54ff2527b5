//! Exchanges whose callers left: they end runs and give keys back, so the `SQLite` store still does them.

use crate::KEY;
use futures_util::poll;
use idempotent_runtime::SqliteStore;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::Store;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use std::pin::pin;
use std::time::Duration;
use tests::eventually;
use tokio::time::timeout;

const LIFE: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_whose_caller_left_while_it_waited_for_its_turn_is_carried_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("records.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.create(&KEY, &"held".into(), LIFE).await.unwrap();

    // Another process writes. Until it is done, the writer holds one operation, and others wait.
    let options = SqliteConnectOptions::new().filename(&path);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    let transaction = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let (next, value) = (StorageKey::from_bytes([2; 32]), "first".into());
    let mut first = pin!(store.create(&next, &value, LIFE));
    let sent = timeout(Duration::from_millis(100), &mut first).await;
    assert!(sent.is_err(), "the other process writes");
    let (expected, freed) = ("held".into(), "given back".into());
    {
        let mut left = pin!(store.swap(&KEY, &expected, &freed, LIFE));
        assert!(poll!(&mut left).is_pending());
    }
    transaction.rollback().await.unwrap();
    // On a host that is too busy, its turn may come too late.
    drop(first.await);
    eventually("it is carried out", async || {
        let entry = store.read(&KEY).await.unwrap().expect("it lives");
        (entry.value == "given back").then_some(())
    })
    .await;
}
