//! Functions whose record commits with what they do: both or neither (invariant S4).

use crate::RunCounter;
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{MemoryStore, idempotent};
use sqlx::mysql::MySqlPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{MySql, MySqlPool, PgPool, Postgres, Sqlite, SqlitePool};
use tempfile::TempDir;
use tests::{MariaDbServer, PostgresServer, eventually};

const SCHEMA: &str = "CREATE TABLE effects (what VARCHAR(64) NOT NULL)";
const EFFECT: &str = "INSERT INTO effects (what) VALUES ('one')";
const EFFECTS: &str = "SELECT COUNT(*) FROM effects";
const RECORDS: &str = "SELECT COUNT(*) FROM idempotency_records";

/// The end of a function, after its effect.
#[derive(Clone, Copy, Debug)]
enum Then {
    Returns,
    Fails,
    Panics,
    Waits,
}

#[derive(Debug)]
enum BookError {
    Guard(MessageError),
    Database,
}

impl From<MessageError> for BookError {
    fn from(error: MessageError) -> Self {
        Self::Guard(error)
    }
}

impl From<sqlx::Error> for BookError {
    fn from(_: sqlx::Error) -> Self {
        Self::Database
    }
}

/// A function that works in a database, and the count of its runs.
#[derive(Clone)]
struct Inbox<P> {
    counter: RunCounter,
    pool: P,
}

/// The same for each database: the type of a `Tx` is part of a signature.
macro_rules! inboxes {
    ($($name:ident: $db:ty, $pool:ty;)*) => {
        $(
            impl Inbox<$pool> {
                #[idempotent(strategy = "message", operation = "book", key = "{id}", engine = "self.counter.messages")]
                async fn book(&self, id: &str, mut tx: Tx<$db>, then: Then) -> Result<usize, BookError> {
                    let run = self.counter.run();
                    sqlx::query(EFFECT).execute(&mut *tx).await?;
                    match then {
                        Then::Returns => Ok(run),
                        Then::Fails => Err(BookError::Database),
                        Then::Panics => panic!("of the test's own"),
                        Then::Waits => {
                            self.counter.started.notify_one();
                            self.counter.go.notified().await;
                            Ok(run)
                        }
                    }
                }

                async fn on(pool: $pool) -> Self {
                    sqlx::query(SCHEMA).execute(&pool).await.expect("a table");
                    let messages = Messages::builder(MemoryStore::new()).scope("tests");
                    let messages = messages.database(pool.clone()).build().expect("it fits");
                    Self { counter: RunCounter::of(messages), pool }
                }

                async fn count(&self, of: &'static str) -> i64 {
                    sqlx::query_scalar(of).fetch_one(&self.pool).await.expect("a number")
                }
            }

            mod $name {
                use super::*;

                #[tokio::test]
                async fn effect_and_record_commit_together_and_a_redelivery_gets_the_value() {
                    let (inbox, _kept) = $name().await;
                    assert_eq!(inbox.book("a", Then::Returns).await.unwrap(), 1);
                    assert_eq!(inbox.book("a", Then::Returns).await.unwrap(), 1);
                    assert_eq!(inbox.book("b", Then::Returns).await.unwrap(), 2);
                    assert_eq!((inbox.count(EFFECTS).await, inbox.count(RECORDS).await), (2, 2));
                }

                #[tokio::test]
                async fn an_error_takes_both_back_and_a_redelivery_runs() {
                    let (inbox, _kept) = $name().await;
                    let failed = inbox.book("a", Then::Fails).await;
                    assert!(matches!(failed, Err(BookError::Database)), "{failed:?}");
                    assert_eq!(inbox.count(EFFECTS).await, 0);
                    assert_eq!(inbox.book("a", Then::Returns).await.unwrap(), 2);
                    assert_eq!((inbox.count(EFFECTS).await, inbox.count(RECORDS).await), (1, 1));
                }

                #[tokio::test]
                async fn a_panic_takes_both_back_and_goes_on() {
                    let (inbox, _kept) = $name().await;
                    let panicking = inbox.clone();
                    let panicked = tokio::spawn(async move { panicking.book("a", Then::Panics).await });
                    assert!(panicked.await.unwrap_err().is_panic());
                    assert_eq!(inbox.book("a", Then::Returns).await.unwrap(), 2);
                    assert_eq!((inbox.count(EFFECTS).await, inbox.count(RECORDS).await), (1, 1));
                }

                #[tokio::test]
                async fn a_call_that_is_dropped_in_the_middle_takes_both_back() {
                    let (inbox, _kept) = $name().await;
                    let dropped = inbox.clone();
                    let dropped = tokio::spawn(async move { dropped.book("a", Then::Waits).await });
                    inbox.counter.started.notified().await;
                    dropped.abort();
                    let next = eventually("the key is free", async || {
                        inbox.book("a", Then::Returns).await.ok()
                    });
                    assert_eq!(next.await, 2);
                    assert_eq!((inbox.count(EFFECTS).await, inbox.count(RECORDS).await), (1, 1));
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn of_many_at_once_one_runs_and_all_get_its_value() {
                    let (inbox, _kept) = $name().await;
                    let calls: Vec<_> = (0..20)
                        .map(|_| {
                            let inbox = inbox.clone();
                            tokio::spawn(async move { inbox.book("a", Then::Returns).await })
                        })
                        .collect();
                    for call in calls {
                        assert_eq!(call.await.unwrap().unwrap(), 1);
                    }
                    assert_eq!((inbox.count(EFFECTS).await, inbox.count(RECORDS).await), (1, 1));
                }
            }
        )*
    };
}

inboxes! {
    in_sqlite: Sqlite, SqlitePool;
    in_postgres: Postgres, PgPool;
    in_mariadb: MySql, MySqlPool;
}

async fn in_sqlite() -> (Inbox<SqlitePool>, TempDir) {
    in_sqlite_by(SqlitePoolOptions::new()).await
}

async fn in_sqlite_by(pool: SqlitePoolOptions) -> (Inbox<SqlitePool>, TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = SqliteConnectOptions::new()
        .filename(directory.path().join("inbox.db"))
        .create_if_missing(true);
    let pool = pool.connect_with(options).await.expect("it opens");
    (Inbox::<SqlitePool>::on(pool).await, directory)
}

async fn in_postgres() -> (Inbox<PgPool>, ()) {
    let database = PostgresServer::shared().await.database().await;
    let pool = PgPool::connect(&database).await.expect("it connects");
    (Inbox::<PgPool>::on(pool).await, ())
}

async fn in_mariadb() -> (Inbox<MySqlPool>, ()) {
    let database = MariaDbServer::shared().await.database().await;
    let pool = MySqlPool::connect(&database).await.expect("it connects");
    (Inbox::<MySqlPool>::on(pool).await, ())
}

/// On `MariaDB` the guard's settings of a session would outlast a transaction that was not ended.
#[tokio::test]
async fn a_call_that_is_dropped_in_the_middle_leaves_no_settings_behind() {
    let database = MariaDbServer::shared().await.database().await;
    let pool = MySqlPoolOptions::new().max_connections(1);
    let inbox = Inbox::<MySqlPool>::on(pool.connect(&database).await.expect("it connects")).await;
    let settings = "SELECT CAST(@@innodb_lock_wait_timeout * 4 + @@autocommit * 2
                                + (@@completion_type = 'NO_CHAIN') AS SIGNED)";
    let before = inbox.count(settings).await;
    let dropped = inbox.clone();
    let dropped = tokio::spawn(async move { dropped.book("a", Then::Waits).await });
    inbox.counter.started.notified().await;
    dropped.abort();
    // The pool has only one connection.
    assert_eq!(inbox.count(settings).await, before);
    assert_eq!((inbox.count(EFFECTS).await, inbox.count(RECORDS).await), (0, 0));
}

impl Inbox<SqlitePool> {
    /// A function that goes on although its transaction ended in the middle.
    #[idempotent(
        strategy = "message",
        key = "{id}",
        engine = "self.counter.messages",
        operation = "careless"
    )]
    async fn careless(&self, id: &str, mut tx: Tx<Sqlite>) -> Result<usize, BookError> {
        let run = self.counter.run();
        let ends = sqlx::query("INSERT OR ROLLBACK INTO taken VALUES (1)");
        ends.execute(&mut *tx).await.expect_err("it is taken");
        drop(sqlx::query(EFFECT).execute(&mut *tx).await);
        Ok(run)
    }
}

impl Inbox<MySqlPool> {
    /// DDL commits its effect.
    #[idempotent(
        strategy = "message",
        key = "{id}",
        engine = "self.counter.messages",
        operation = "committing"
    )]
    async fn committing(&self, id: &str, mut tx: Tx<MySql>) -> Result<usize, BookError> {
        let run = self.counter.run();
        sqlx::query(EFFECT).execute(&mut *tx).await?;
        sqlx::query("CREATE TABLE made (id INT)").execute(&mut *tx).await?;
        sqlx::query(EFFECT).execute(&mut *tx).await?;
        Ok(run)
    }
}

#[tokio::test]
async fn a_commit_in_the_middle_is_an_unknown_outcome() {
    let (inbox, ()) = in_mariadb().await;
    for _ in 0..2 {
        let unknown = inbox.committing("a").await;
        assert!(
            matches!(unknown, Err(BookError::Guard(MessageError::OutcomeUnknown))),
            "{unknown:?}"
        );
        assert_eq!(inbox.count(EFFECTS).await, 1);
    }
    assert_eq!(inbox.book("b", Then::Returns).await.unwrap(), 2);
}

/// The pool has only one connection.
#[tokio::test]
async fn nothing_stays_after_sqlite_ended_a_transaction_and_the_pool_works() {
    let (inbox, _kept) = in_sqlite_by(SqlitePoolOptions::new().max_connections(1)).await;
    assert_eq!(inbox.book("before", Then::Returns).await.unwrap(), 1);
    let taken = "CREATE TABLE taken (id PRIMARY KEY); INSERT INTO taken VALUES (1)";
    sqlx::raw_sql(taken).execute(&inbox.pool).await.expect("a table");
    for _ in 0..2 {
        let ended = inbox.careless("a").await;
        assert!(
            matches!(ended, Err(BookError::Guard(MessageError::NotStored(Some(_))))),
            "{ended:?}"
        );
        assert_eq!((inbox.count(EFFECTS).await, inbox.count(RECORDS).await), (1, 1));
    }
    // This statement is not guarded.
    sqlx::query(EFFECT).execute(&inbox.pool).await.expect("it is committed");
    assert_eq!(inbox.book("b", Then::Returns).await.unwrap(), 4);
    assert_eq!((inbox.count(EFFECTS).await, inbox.count(RECORDS).await), (3, 2));
}

#[tokio::test]
async fn no_hook_is_left_on_the_connection_of_a_call_that_is_dropped() {
    let (inbox, _kept) = in_sqlite_by(SqlitePoolOptions::new().max_connections(1)).await;
    for then in [Then::Waits, Then::Panics] {
        let dropped = inbox.clone();
        let dropped = tokio::spawn(async move { dropped.book("a", then).await });
        if matches!(then, Then::Waits) {
            inbox.counter.started.notified().await;
            dropped.abort();
        }
        dropped.await.expect_err("it did not end");
        sqlx::query(EFFECT).execute(&inbox.pool).await.expect("it is committed");
    }
    assert_eq!(inbox.count(EFFECTS).await, 2);
}

#[idempotent(strategy = "message", operation = "book", key = "{id}", engine = "messages")]
async fn misplaced<'a>(
    messages: &'a Messages,
    id: u8,
    tx: Tx<Sqlite>,
) -> Result<String, MessageError> {
    Ok(format!("{tx:?}"))
}

#[tokio::test]
async fn without_its_database_nothing_runs() {
    let refused = misplaced(&RunCounter::new().messages, 1).await;
    assert!(matches!(refused, Err(MessageError::Misconfigured(_))), "{refused:?}");
    let (inbox, ()) = in_postgres().await;
    let refused = misplaced(&inbox.counter.messages, 1).await;
    assert!(matches!(refused, Err(MessageError::Misconfigured(_))), "{refused:?}");
}
