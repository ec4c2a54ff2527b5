//! If a value would change when it is stored and read, its transaction is rolled back.

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{MemoryStore, idempotent};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Sqlite, SqlitePool};

#[idempotent(strategy = "message", operation = "rate", key = "{id}", engine = "messages")]
async fn rate(
    messages: &Messages,
    id: u8,
    value: f64,
    mut tx: Tx<Sqlite>,
) -> Result<f64, MessageError> {
    let insert = sqlx::query("INSERT INTO effects VALUES (1)").execute(&mut *tx).await;
    insert.expect("it is inserted");
    Ok(value)
}

#[tokio::test]
async fn nothing_lasts_and_the_failure_is_permanent() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("shop.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.expect("it opens");
    let create = sqlx::raw_sql("CREATE TABLE effects (number INT)");
    create.execute(&pool).await.expect("a table");
    let messages = Messages::builder(MemoryStore::new()).scope("tests").database(pool.clone());
    let messages = messages.build().expect("it fits together");
    let effects = async || -> i64 {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM effects");
        count.fetch_one(&pool).await.expect("a number")
    };
    for _ in 0..2 {
        let refused = rate(&messages, 1, f64::NAN).await.expect_err("nobody could get it again");
        assert!(matches!(refused, MessageError::Unrepeatable(_)), "{refused:?}");
        assert_eq!((refused.is_transient(), refused.has_run(), effects().await), (false, false, 0));
    }
    assert_eq!(rate(&messages, 1, 0.5).await.ok(), Some(0.5));
    assert_eq!(rate(&messages, 1, 0.7).await.ok(), Some(0.5));
    assert_eq!(effects().await, 1);
}
