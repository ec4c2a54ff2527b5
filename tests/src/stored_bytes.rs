//! The bytes of a store in its backend, read without the store.

use crate::Probe;
use sqlx::{Connection, MySqlConnection, PgConnection};
use std::path::PathBuf;

/// The place of the bytes of a store.
#[derive(Debug)]
pub(crate) enum StoredBytes {
    InMemory,
    Files(PathBuf),
    Redis(String),
    Postgres(String),
    MariaDb(String),
}

const COLUMNS: &str = "SELECT value, operation, label, state FROM idempotency_records";

impl StoredBytes {
    /// All bytes; of a store in memory, the bytes that were put into it.
    pub(crate) async fn read(&self, store: &Probe) -> Vec<u8> {
        match self {
            Self::InMemory => store.everything().await.concat(),
            Self::Files(folder) => {
                let files = std::fs::read_dir(folder).expect("a folder").flatten();
                let bytes = files.map(|file| std::fs::read(file.path()).expect("a file"));
                bytes.collect::<Vec<_>>().concat()
            }
            Self::Redis(url) => redis(url).await.expect("Redis answers"),
            Self::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.expect("it connects");
                let rows = sqlx::query_as(COLUMNS).fetch_all(&mut connection).await;
                joined(rows.expect("it answers"))
            }
            Self::MariaDb(url) => {
                let mut connection = MySqlConnection::connect(url).await.expect("it connects");
                let rows = sqlx::query_as(COLUMNS).fetch_all(&mut connection).await;
                joined(rows.expect("it answers"))
            }
        }
    }
}

type Row = (Vec<u8>, String, String, String);

fn joined(rows: Vec<Row>) -> Vec<u8> {
    let bytes = rows.into_iter().map(|(value, operation, label, state)| {
        [&value, operation.as_bytes(), label.as_bytes(), state.as_bytes()].concat()
    });
    bytes.collect::<Vec<_>>().concat()
}

async fn redis(url: &str) -> redis::RedisResult<Vec<u8>> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await?;
    let mut bytes = Vec::new();
    for key in keys {
        let value: Option<Vec<u8>> =
            redis::cmd("GET").arg(&key).query_async(&mut connection).await?;
        bytes.extend([key, value.unwrap_or_default()].concat());
    }
    Ok(bytes)
}
