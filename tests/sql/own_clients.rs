//! Stores with client settings of the app's own.

use bytes::Bytes;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{Store, StoreError, StoreErrorKind};
use idempotent_runtime::{MySqlStore, PostgresStore, SqliteStore};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use std::io::Error as IoError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tests::{MariaDbServer, PostgresServer};

async fn put(store: &dyn Store) -> Result<Option<Bytes>, StoreError> {
    let key = StorageKey::from_bytes(rand::random());
    store.create(&key, &Bytes::from_static(b"value"), Duration::from_mins(1)).await
}

/// Passwords that are each valid once: the server gets the next one before it is asked for.
#[derive(Clone, Default)]
struct Passwords(Arc<AtomicUsize>);

impl Passwords {
    fn asked(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Gives the current password; the source of passwords may be down.
    fn next(&self) -> impl Future<Output = Result<String, IoError>> + Send + use<> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        async move {
            tokio::task::yield_now().await;
            if thread.starts_with("idempotency-") {
                Ok("of now".to_owned())
            } else {
                Err(IoError::other(format!("asked for by the thread {thread}")))
            }
        }
    }
}

#[tokio::test]
async fn a_password_is_asked_for_as_each_connection_is_opened() {
    let server = MariaDbServer::shared().await;
    let options: MySqlConnectOptions = server.database().await.parse().unwrap();
    server.run("CREATE USER rotating@localhost IDENTIFIED BY 'of now'").await;
    server.run("GRANT ALL ON *.* TO rotating@localhost").await;
    let options = options.username("rotating").password("of yesterday");
    MySqlStore::connect_with(options.clone()).await.expect_err("that is over");
    let passwords = Passwords::default();
    let next = {
        let passwords = passwords.clone();
        move || passwords.next()
    };
    let store = MySqlStore::connect_with_password(options, next).await.unwrap();
    assert_eq!(put(&store).await.unwrap(), None);
    assert_eq!(passwords.asked(), 1, "one connection is enough so far");
    server.run("KILL USER rotating@localhost").await;
    // The first operation may meet a broken connection.
    drop(put(&store).await);
    assert_eq!(put(&store).await.unwrap(), None);
    assert_eq!(passwords.asked(), 2);
}

#[tokio::test]
async fn no_password_now_may_be_one_later() {
    let server = PostgresServer::shared().await;
    let options: PgConnectOptions = server.database().await.parse().unwrap();
    let nothing = || async { Err::<String, _>(IoError::other("the vault is sealed")) };
    let error = PostgresStore::connect_with_password(options.clone(), nothing).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("the vault is sealed"), "{error}");
    let passwords = Passwords::default();
    let next = {
        let passwords = passwords.clone();
        move || passwords.next()
    };
    let store = PostgresStore::connect_with_password(options, next).await.unwrap().connections(2);
    assert_eq!(put(&store).await.unwrap(), None);
    assert_eq!(passwords.asked(), 2, "the second sees whether sessions are shared");
}

#[tokio::test]
async fn settings_of_the_app_are_used_and_judged_as_a_url_is() {
    let postgres: PgConnectOptions =
        PostgresServer::shared().await.database().await.parse().unwrap();
    let store = PostgresStore::connect_with(postgres.clone()).await.unwrap();
    assert_eq!(put(&store).await.unwrap(), None);
    // The socket has no TLS.
    let error = PostgresStore::connect_with(postgres.ssl_mode(PgSslMode::Require)).await;
    assert!(error.unwrap_err().to_string().contains("TLS"));
    let mariadb: MySqlConnectOptions =
        MariaDbServer::shared().await.database().await.parse().unwrap();
    assert_eq!(put(&MySqlStore::connect_with(mariadb).await.unwrap()).await.unwrap(), None);

    let directory = tempfile::tempdir().unwrap();
    let file = SqliteConnectOptions::new().filename(directory.path().join("records.db"));
    let missing = SqliteStore::connect_with(file.clone()).await.unwrap_err();
    assert!(missing.to_string().contains("records.db"), "{missing}");
    let store = SqliteStore::connect_with(file.create_if_missing(true)).await.unwrap();
    assert_eq!(put(&store).await.unwrap(), None);
    let memory: SqliteConnectOptions = "sqlite::memory:".parse().unwrap();
    let error = SqliteStore::connect_with(memory).await.unwrap_err();
    assert!(error.to_string().contains("need a file"), "{error}");
}
