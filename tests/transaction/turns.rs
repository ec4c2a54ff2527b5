//! The statements that a guarded request costs.

use crate::{Bank, Kind};

/// The index would come back with the table's DDL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_creates_the_table_where_it_is_missing_and_not_for_each_request() {
    let bank = Bank::open(Kind::Sqlite, 2).await;
    let post = async |key: &str| bank.post("/dedup").key(key).send().await;
    assert_eq!(post("first").await.status, 201);
    bank.run("DROP INDEX idempotency_records_ends_ms").await;
    let indexes = "SELECT count(*) FROM sqlite_master WHERE name = 'idempotency_records_ends_ms'";
    assert_eq!(post("second").await.status, 201);
    assert!(post("second").await.is_replay());
    assert_eq!(bank.number(indexes).await, 0);
    bank.run("DROP TABLE idempotency_records").await;
    assert_eq!(post("second").await.status, 201);
    assert!(post("second").await.is_replay());
    assert_eq!((bank.number(indexes).await, bank.handler.runs()), (1, 3));
}
