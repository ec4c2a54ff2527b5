//! Behaviour that only real database servers show: their statements, their query plans, their end.

mod cost;
mod outages;
mod own_clients;
mod patience;
mod pgbouncer;
mod plans;
mod refusals;
mod rights;
mod rivals;
mod settings;
mod shop;
mod sqlite_file;
mod tables;
mod tls;
mod watches;

use idempotent_runtime::store::{Store, open};
use std::sync::Arc;
use tests::{MariaDbServer, PostgresServer};

/// Makes a test of every behaviour for each server.
macro_rules! on_both_servers {
    ($($behaviour:ident,)*) => {
        on_both_servers!(@ postgres; $($behaviour,)*);
        on_both_servers!(@ mariadb; $($behaviour,)*);
    };
    (@ $server:ident; $($behaviour:ident,)*) => {
        mod $server {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    super::$behaviour(crate::Kind::$server()).await;
                }
            )*
        }
    };
}
pub(crate) use on_both_servers;

/// The server that a behaviour is tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Postgres,
    MariaDb,
}

impl Kind {
    const fn postgres() -> Self {
        Self::Postgres
    }

    const fn mariadb() -> Self {
        Self::MariaDb
    }

    /// The text for this server.
    const fn pick<T: Copy>(self, postgres: T, mariadb: T) -> T {
        match self {
            Self::Postgres => postgres,
            Self::MariaDb => mariadb,
        }
    }

    /// The address of a new database of the shared server.
    async fn database(self) -> String {
        match self {
            Self::Postgres => PostgresServer::shared().await.database().await,
            Self::MariaDb => MariaDbServer::shared().await.database().await,
        }
    }

    /// A server of the test's own.
    async fn start_with(self, options: &[&str]) -> Own {
        match self {
            Self::Postgres => Own::Postgres(PostgresServer::start_with(options).await),
            Self::MariaDb => Own::MariaDb(MariaDbServer::start_with(options).await),
        }
    }
}

/// A server of a test's own.
#[derive(Debug)]
enum Own {
    Postgres(PostgresServer),
    MariaDb(MariaDbServer),
}

impl Own {
    async fn database(&self) -> String {
        match self {
            Self::Postgres(server) => server.database().await,
            Self::MariaDb(server) => server.database().await,
        }
    }

    fn kill(&self) {
        match self {
            Self::Postgres(server) => server.kill(),
            Self::MariaDb(server) => server.kill(),
        }
    }

    async fn restart(&self) {
        match self {
            Self::Postgres(server) => server.restart().await,
            Self::MariaDb(server) => server.restart().await,
        }
    }
}

async fn store(database: &str) -> Arc<dyn Store> {
    open(database).await.expect("it connects")
}

/// A connection of the test's own to a database of any server.
#[derive(Debug)]
enum Session {
    Postgres(sqlx::PgConnection),
    MariaDb(sqlx::MySqlConnection),
}

impl Session {
    async fn open(database: &str) -> Self {
        use sqlx::Connection;
        if database.starts_with("postgres") {
            Self::Postgres(sqlx::PgConnection::connect(database).await.expect("it connects"))
        } else {
            Self::MariaDb(sqlx::MySqlConnection::connect(database).await.expect("it connects"))
        }
    }

    async fn run(&mut self, statements: &str) {
        let statements = sqlx::raw_sql(sqlx::AssertSqlSafe(statements));
        match self {
            Self::Postgres(connection) => statements.execute(connection).await.map(drop),
            Self::MariaDb(connection) => statements.execute(connection).await.map(drop),
        }
        .expect("the server accepts it");
    }

    /// The first column of every row, which must be text.
    async fn texts(&mut self, query: &str) -> Vec<String> {
        let query = sqlx::AssertSqlSafe(query);
        match self {
            Self::Postgres(connection) => sqlx::query_scalar(query).fetch_all(connection).await,
            Self::MariaDb(connection) => sqlx::query_scalar(query).fetch_all(connection).await,
        }
        .expect("the server accepts it")
    }

    /// The only number of the only row.
    async fn number(&mut self, query: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(query);
        match self {
            Self::Postgres(connection) => sqlx::query_scalar(query).fetch_one(connection).await,
            Self::MariaDb(connection) => sqlx::query_scalar(query).fetch_one(connection).await,
        }
        .expect("the server accepts it")
    }
}
