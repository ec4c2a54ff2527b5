//! Stores behind a pooler of connections.

use crate::{Session, store};
use bytes::Bytes;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{Store, StoreError, StoreErrorKind, open};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, Row};
use std::time::Duration;
use tests::{PgBouncer, PostgresServer};

const SESSIONS: &str = "pool_mode = session\nignore_startup_parameters = options";

async fn put(store: &dyn Store) -> Result<Option<Bytes>, StoreError> {
    let key = StorageKey::from_bytes([7; 32]);
    store.create(&key, &Bytes::from_static(b"value"), Duration::from_mins(1)).await
}

#[tokio::test]
async fn in_session_mode_records_are_where_the_options_say() {
    let server = PostgresServer::shared().await;
    let pooler = PgBouncer::start_before(server, SESSIONS).await;
    let database = server.database().await;
    let store = store(&pooler.through(&database)).await;
    assert_eq!(put(&*store).await.unwrap(), None);
    // The records are in the schema that only the dropped options name.
    let mut session = Session::open(&database).await;
    let schema = session.texts("SELECT current_schema()::text").await.remove(0);
    let count = format!("SELECT COUNT(*) FROM {schema}.idempotency_records WHERE ends > 0");
    assert_eq!(session.number(&count).await, 1);
}

#[tokio::test]
async fn in_session_mode_one_session_is_enough_to_start() {
    let server = PostgresServer::shared().await;
    let one = format!("{SESSIONS}\ndefault_pool_size = 1");
    let pooler = PgBouncer::start_before(server, &one).await;
    let store = store(&pooler.through(&server.database().await)).await;
    assert_eq!(put(&*store).await.unwrap(), None);
}

#[tokio::test]
async fn a_url_without_options_needs_no_settings_of_the_pooler() {
    let server = PostgresServer::start_with(&[]).await;
    let pooler = PgBouncer::start_before(&server, "pool_mode = session").await;
    assert_eq!(put(&*store(&pooler.url()).await).await.unwrap(), None);
}

#[tokio::test]
async fn transaction_mode_is_refused_with_its_reason() {
    let server = PostgresServer::shared().await;
    for dealt in ["server_round_robin = 0", "server_round_robin = 1", "default_pool_size = 1"] {
        let settings =
            format!("pool_mode = transaction\nignore_startup_parameters = options\n{dealt}");
        let pooler = PgBouncer::start_before(server, &settings).await;
        let database = pooler.through(&server.database().await);
        let error = open(&database).await.expect_err(dealt);
        assert_eq!(error.kind(), StoreErrorKind::Rejected, "{dealt}: {error}");
        assert!(error.to_string().contains("`pool_mode = session`"), "{dealt}: {error}");
        // No setting of the store stays in the sessions that others get next.
        let next: PgConnectOptions = pooler.url().parse().unwrap();
        let next = PgConnection::connect_with(&next.extra_float_digits(None)).await;
        let mut next = next.expect("others are let in");
        let left = sqlx::raw_sql("SHOW statement_timeout").fetch_one(&mut next).await.unwrap();
        assert_eq!(left.get::<String, _>(0), "0", "{dealt}");
    }
}
