//! Rights and tables: a store that cannot work says so when it connects, and says what to do.

use crate::{Kind, Session, on_both_servers, store};
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{Severity, StoreError, StoreErrorKind, open};
use idempotent_runtime::{Idempotency, MemoryStore, MySqlStore, PostgresStore, Scope, SqliteStore};
use sqlx::{MySqlPool, PgPool, SqlitePool};
use std::error::Error;
use std::time::Duration;

on_both_servers! {
    a_user_who_may_not_make_the_table_is_told_what_to_run,
    a_user_who_may_not_use_the_table_is_refused,
    a_table_with_other_columns_is_refused,
    a_table_without_its_key_is_refused,
    a_pool_that_may_not_make_the_table_is_found_by_a_check,
    a_database_answers_a_ping_or_is_named,
    an_error_quotes_no_value,
}

impl Kind {
    const fn schema(self) -> &'static str {
        self.pick(PostgresStore::SCHEMA, MySqlStore::SCHEMA)
    }

    /// The address of this database for another user, who has only these rights on the table of records.
    async fn limited(self, database: &str, rights: &str) -> String {
        let mut session = Session::open(database).await;
        let here = self.pick("SELECT current_schema()::text", "SELECT DATABASE()");
        let here = session.texts(here).await.remove(0);
        let user = format!("limited_{here}");
        let on = match (self, rights) {
            (_, "") => String::new(),
            (Self::Postgres, _) => format!("GRANT {rights} ON idempotency_records TO {user}"),
            (Self::MariaDb, _) => {
                format!("GRANT {rights} ON idempotency_records TO {user}@localhost")
            }
        };
        let made = match self {
            Self::Postgres => {
                format!("CREATE ROLE {user} LOGIN; GRANT USAGE ON SCHEMA {here} TO {user}")
            }
            Self::MariaDb => format!(
                "CREATE USER {user}@localhost; CREATE TABLE ours (id INT);
                 GRANT SELECT ON ours TO {user}@localhost"
            ),
        };
        session.run(&format!("{made}; {on}")).await;
        database.replace(self.pick("postgres@", "root@"), &format!("{user}@"))
    }
}

async fn refused(url: &str) -> StoreError {
    let error = open(url).await.expect_err("it is refused");
    assert_eq!(error.kind(), StoreErrorKind::Rejected, "{error}");
    error
}

async fn a_user_who_may_not_make_the_table_is_told_what_to_run(kind: Kind) {
    let database = kind.database().await;
    let error = refused(&kind.limited(&database, "").await).await.to_string();
    let denied = kind.pick("permission denied for schema", "command denied to user");
    assert!(error.contains(denied) && error.contains(kind.schema()), "{error}");
}

async fn a_user_who_may_not_use_the_table_is_refused(kind: Kind) {
    let database = kind.database().await;
    Session::open(&database).await.run(kind.schema()).await;
    let error = refused(&kind.limited(&database, "SELECT").await).await.to_string();
    let denied = kind.pick("permission denied for table", "command denied to user");
    assert!(error.contains(denied) && error.contains("(operation `create`)"), "{error}");
}

async fn a_table_with_other_columns_is_refused(kind: Kind) {
    for columns in ["id INTEGER, value INTEGER", "`key` VARCHAR(64), value TEXT, ends BIGINT"] {
        let database = kind.database().await;
        let columns = columns.replace('`', kind.pick("", "`"));
        let other = format!("CREATE TABLE idempotency_records ({columns})");
        Session::open(&database).await.run(&other).await;
        let error = refused(&database).await.to_string();
        assert!(error.contains("another table") && error.contains(kind.schema()), "{error}");
    }
}

/// Without a unique key, two claims of one key would both be granted.
async fn a_table_without_its_key_is_refused(kind: Kind) {
    let database = kind.database().await;
    let keyless =
        kind.schema().replace("PRIMARY KEY", "").replace("varbinary(32)", "VARBINARY(32)");
    Session::open(&database).await.run(&keyless).await;
    let error = refused(&database).await.to_string();
    assert!(error.contains("another table"), "{error}");
}

#[tokio::test]
async fn sqlite_refuses_a_table_with_other_columns_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite:{}?mode=rwc", directory.path().join("records.db").display());
    let pool = SqlitePool::connect(&url).await.expect("it opens");
    for other in [
        "(id INTEGER)",
        "(key BLOB, value BLOB, ends_ms INTEGER, operation TEXT, label TEXT, state TEXT)",
    ] {
        let table = format!(
            "DROP TABLE IF EXISTS idempotency_records; CREATE TABLE idempotency_records {other}"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(table)).execute(&pool).await.expect("it is made");
        let error = refused(&url).await.to_string();
        assert!(error.contains("idempotency_records"), "{error}");
    }
}

/// Guards in the business transaction, on a pool of the app's own.
async fn guarded(kind: Kind, database: &str) -> Idempotency {
    let builder = Idempotency::builder(MemoryStore::new()).scope(Scope::shared());
    let builder = match kind {
        Kind::Postgres => builder.database(PgPool::connect(database).await.expect("it connects")),
        Kind::MariaDb => builder.database(MySqlPool::connect(database).await.expect("it connects")),
    };
    builder.build().expect("settings that fit")
}

async fn a_pool_that_may_not_make_the_table_is_found_by_a_check(kind: Kind) {
    let database = kind.database().await;
    let limited = kind.limited(&database, "").await;
    let found = guarded(kind, &limited).await.check().await;
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.severity, Severity::Error);
    assert!(finding.to_string().contains(kind.schema()), "{finding}");

    // A check by a user who may do so leaves no record behind.
    assert_eq!(guarded(kind, &database).await.check().await, []);
    let mut session = Session::open(&database).await;
    assert_eq!(session.number("SELECT COUNT(*) FROM idempotency_records").await, 0);
}

async fn a_database_answers_a_ping_or_is_named(kind: Kind) {
    let server = kind.start_with(&[]).await;
    let database = server.database().await;
    let store =
        Idempotency::builder(store(&database).await).scope(Scope::shared()).build().unwrap();
    let business = guarded(kind, &database).await;
    let within = Duration::from_secs(20);
    for guard in [&store, &business] {
        guard.ping(within).await.expect("it answers");
    }
    server.kill();
    for (guard, part) in [(&store, "store"), (&business, "database")] {
        let error = guard.ping(Duration::from_secs(1)).await.expect_err("it is gone");
        assert_eq!(error.parts().map(|(part, _)| part).collect::<Vec<_>>(), [part], "{error}");
    }
    server.restart().await;
    tests::eventually("it answers again", async || {
        let (store, business) = (store.ping(within).await, business.ping(within).await);
        (store.is_ok() && business.is_ok()).then_some(())
    })
    .await;
}

/// `PostgreSQL` adds a detail to its message that quotes the row.
async fn an_error_quotes_no_value(kind: Kind) {
    let database = kind.database().await;
    let store = store(&database).await;
    let limit = "ALTER TABLE idempotency_records ADD CONSTRAINT short CHECK (length(value) < 3)";
    Session::open(&database).await.run(limit).await;
    let key = StorageKey::from_bytes([7; 32]);
    let error = store.create(&key, &"secret".into(), Duration::from_mins(1)).await.unwrap_err();
    let hex = "736563726574";
    let (mut told, mut source) = (format!("{error} {error:?}"), error.source());
    while let Some(cause) = source {
        told.extend([cause.to_string(), format!("{cause:?}")]);
        source = cause.source();
    }
    assert!(told.contains("short") && told.contains("(operation `create`): "), "{told}");
    assert!(!told.contains("secret") && !told.contains(hex), "{told}");
}

/// The documentation has a file with the statements of each store.
#[test]
fn the_tables_are_documented_as_they_are() {
    for (name, schema) in [
        ("sqlite", SqliteStore::SCHEMA),
        ("postgres", PostgresStore::SCHEMA),
        ("mysql", MySqlStore::SCHEMA),
    ] {
        let path = format!("{}/../docs/ddl/{name}.sql", env!("CARGO_MANIFEST_DIR"));
        let documented = std::fs::read_to_string(&path).expect("a file");
        assert_eq!(documented.trim_end(), schema, "{path}");
    }
}
