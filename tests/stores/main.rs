//! Every store against the contract.

mod pages;

mod memory {
    use idempotent_runtime::clock::ManualClock;
    use idempotent_runtime::store::conformance::StoreUnderTest;
    use idempotent_runtime::{MemoryStore, store_conformance};
    use std::sync::Arc;

    store_conformance!(async {
        let clock = Arc::new(ManualClock::new());
        StoreUnderTest::with_clock(Arc::new(MemoryStore::with_clock(clock.clone())), clock)
    });
}

mod sqlite {
    use idempotent_runtime::clock::ManualClock;
    use idempotent_runtime::store::conformance::StoreUnderTest;
    use idempotent_runtime::{SqliteStore, store_conformance};
    use std::sync::Arc;

    store_conformance!(async {
        let clock = Arc::new(ManualClock::new());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("records.db");
        let store = SqliteStore::open_with_clock(path, clock.clone()).await.unwrap();
        StoreUnderTest::with_clock(Arc::new(store), clock).keeping(directory)
    });
}

mod redis {
    use idempotent_runtime::store::conformance::StoreUnderTest;
    use idempotent_runtime::{RedisStore, store_conformance};
    use std::sync::Arc;
    use tests::RedisServer;

    store_conformance!(async {
        let server = RedisServer::start();
        let store = RedisStore::connect(&server.url()).await.unwrap();
        StoreUnderTest::in_real_time(Arc::new(store)).keeping(server)
    });
}

/// A server that exchanges by a native command.
mod valkey {
    use idempotent_runtime::store::conformance::StoreUnderTest;
    use idempotent_runtime::{RedisStore, store_conformance};
    use std::sync::Arc;
    use tests::RedisServer;

    store_conformance!(async {
        let server = RedisServer::start_valkey();
        let store = RedisStore::connect(&server.url()).await.unwrap();
        StoreUnderTest::in_real_time(Arc::new(store)).keeping(server)
    });
}

mod postgres {
    use idempotent_runtime::store::conformance::StoreUnderTest;
    use idempotent_runtime::{PostgresStore, store_conformance};
    use std::sync::Arc;
    use tests::PostgresServer;

    store_conformance!(async {
        let database = PostgresServer::shared().await.database().await;
        StoreUnderTest::in_real_time(Arc::new(PostgresStore::connect(&database).await.unwrap()))
    });
}

mod mariadb {
    use idempotent_runtime::store::conformance::StoreUnderTest;
    use idempotent_runtime::{MySqlStore, store_conformance};
    use std::sync::Arc;
    use tests::MariaDbServer;

    store_conformance!(async {
        let database = MariaDbServer::shared().await.database().await;
        StoreUnderTest::in_real_time(Arc::new(MySqlStore::connect(&database).await.unwrap()))
    });
}
