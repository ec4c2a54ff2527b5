//! Stores, and the number of commands that were sent to their servers.

use benches::commands;
use sqlx::{Connection, MySqlConnection, PgConnection};
use tempfile::TempDir;
use tests::{MariaDbServer, PostgresServer, RedisServer};

pub(crate) const NAMES: [&str; 5] = ["memory", "sqlite", "redis", "postgres", "mariadb"];

/// Statements of all connections but this one's question, and but those that drop what is over.
const OF_POSTGRES: &str = "\
SELECT coalesce(sum(calls), 0)::float8 FROM public.pg_stat_statements \
WHERE query NOT LIKE '%pg_stat_statements%' AND query NOT LIKE 'DELETE FROM idempotency_records%'";
const OF_MARIADB: &str = "\
SELECT CAST(SUM(VARIABLE_VALUE) AS DOUBLE) FROM information_schema.GLOBAL_STATUS \
WHERE VARIABLE_NAME IN ('COM_INSERT', 'COM_INSERT_SELECT', 'COM_SELECT', 'COM_SET_OPTION', 'COM_UPDATE')";

/// A store that processes open by a URL.
pub(crate) struct BenchStore {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    /// How many processes may open it, two at the most.
    pub(crate) processes: usize,
    /// How many commands a run takes that nobody waits for, as its server counts.
    pub(crate) of_the_run: f64,
    server: Place,
}

/// The place where its records are.
enum Place {
    InTheProcess,
    Directory { _kept: TempDir },
    Redis(RedisServer),
    Postgres(PostgresServer),
    MariaDb(MariaDbServer),
}

impl BenchStore {
    pub(crate) async fn start(name: &str) -> Self {
        match name {
            "memory" => Self::of("memory", "memory:".to_owned(), 1, Place::InTheProcess),
            "sqlite" => {
                let directory = tempfile::tempdir().expect("a directory");
                let url = format!("sqlite:{}", directory.path().join("records.db").display());
                Self::of("SQLite", url, 1, Place::Directory { _kept: directory })
            }
            "redis" => {
                let server = RedisServer::start();
                Self::of("Redis", server.url(), 2, Place::Redis(server))
            }
            "postgres" => {
                let counts = ["-c", "shared_preload_libraries=pg_stat_statements"];
                let server = PostgresServer::start_with(&counts).await;
                server.run("CREATE EXTENSION pg_stat_statements").await;
                Self::of("PostgreSQL", server.database().await, 2, Place::Postgres(server))
            }
            _ => {
                let durable = ["--innodb-flush-method=O_DIRECT", "--innodb-log-file-size=1G"];
                let server = MariaDbServer::start_with(&durable).await;
                Self::of("MariaDB", server.database().await, 2, Place::MariaDb(server))
            }
        }
    }

    fn of(name: &'static str, url: String, processes: usize, server: Place) -> Self {
        // The script that ends a run calls two commands itself.
        let of_the_run = if matches!(server, Place::Redis(_)) { 4.0 } else { 2.0 };
        Self { name, url, processes, of_the_run, server }
    }

    /// The number of commands that were sent until now; none if no server counts them.
    pub(crate) async fn sent(&self) -> Option<f64> {
        Some(match &self.server {
            Place::InTheProcess | Place::Directory { .. } => return None,
            Place::Redis(server) => commands(server),
            Place::Postgres(server) => {
                let mut own: PgConnection = server.connect().await.expect("it is up");
                let sent = sqlx::query_scalar(OF_POSTGRES).fetch_one(&mut own).await;
                own.close().await.expect("it is up");
                sent.expect("it counts")
            }
            Place::MariaDb(server) => {
                let mut own: MySqlConnection = server.connect().await.expect("it is up");
                let sent = sqlx::query_scalar(OF_MARIADB).fetch_one(&mut own).await;
                own.close().await.expect("it is up");
                sent.expect("it counts")
            }
        })
    }
}
