//! The engine's patience, which also sets the deadlines of the client libraries, and the number of connections.

use crate::shop::Shop;
use crate::{Kind, Session, on_both_servers, store};
use futures_util::future::join_all;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::Store;
use idempotent_runtime::{MySqlStore, PostgresStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

on_both_servers! {
    a_server_that_needs_longer_is_waited_for_as_long_as_patience_lasts,
    a_store_has_no_more_connections_than_it_may,
}

/// A time that is longer than three tries of a client with its own deadlines, and far below the patience of these
/// tests.
const LONG: Duration = Duration::from_secs(6);

async fn a_server_that_needs_longer_is_waited_for_as_long_as_patience_lasts(kind: Kind) {
    let database = kind.database().await;
    let shop = Shop::guarded_by(store(&database).await, |builder| {
        builder.store_patience(Duration::from_mins(1))
    });
    assert_eq!(shop.order("before").await.status, 201);
    let mut session = Session::open(&database).await;
    let lock =
        kind.pick("BEGIN; LOCK TABLE idempotency_records", "LOCK TABLES idempotency_records WRITE");
    session.run(lock).await;
    let meanwhile = async {
        sleep(LONG).await;
        assert_eq!(shop.handler.runs(), 1);
        session.run(kind.pick("COMMIT", "UNLOCK TABLES")).await;
    };
    let (reply, ()) = tokio::join!(shop.order("k"), meanwhile);
    assert_eq!((reply.status, reply.is_replay()), (201, false), "{reply:?}");
}

async fn a_store_has_no_more_connections_than_it_may(kind: Kind) {
    let server = kind.start_with(&[]).await;
    let database = server.database().await;
    let store: Arc<dyn Store> = match kind {
        Kind::Postgres => Arc::new(PostgresStore::connect(&database).await.unwrap().connections(2)),
        Kind::MariaDb => Arc::new(MySqlStore::connect(&database).await.unwrap().connections(2)),
    };
    let creates = (0..20).map(|n| {
        let store = Arc::clone(&store);
        async move {
            let key = StorageKey::from_bytes([n; 32]);
            store.create(&key, &"v".into(), Duration::from_hours(1)).await.expect("it answers");
        }
    });
    join_all(creates).await;
    let ours = kind.pick(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' \
         AND pid <> pg_backend_pid()",
        "SELECT COUNT(*) FROM information_schema.processlist \
         WHERE db = DATABASE() AND id <> CONNECTION_ID()",
    );
    let mut session = Session::open(&database).await;
    let many = session.number(ours).await;
    assert!((1..=2).contains(&many), "{many}");
}
