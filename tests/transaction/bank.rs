//! A guarded server on a business database for one test.

use actix_web::web::{self, Data, ServiceConfig};
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::{Idempotency, IdempotencyBuilder, MemoryStore, Middleware, Scope};
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, MySqlPool, PgPool, SqlitePool};
use std::time::Duration;
use tempfile::TempDir;
use tests::{ControlledHandler, MariaDbServer, PostgresServer, Reply, Sender, Server};

/// The kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
}

/// A pool of connections to a business database.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    MariaDb(MySqlPool),
}

/// Compiles the same expression for the pool of each database.
macro_rules! on_pool {
    ($all:expr, $pool:ident => $does:expr) => {
        match $all {
            Pool::Sqlite($pool) => $does,
            Pool::Postgres($pool) => $does,
            Pool::MariaDb($pool) => $does,
        }
    };
}

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS effects (what VARCHAR(64) NOT NULL);
                      CREATE TABLE IF NOT EXISTS codes (code VARCHAR(64) NOT NULL UNIQUE);";

/// A guarded server on a business database.
pub(crate) struct Bank {
    pub(crate) pool: Pool,
    pub(crate) handler: ControlledHandler,
    pub(crate) idempotency: Idempotency,
    pub(crate) server: Server,
    directory: TempDir,
}

impl Bank {
    /// Opens a bank with this number of connections to its database.
    pub(crate) async fn open(kind: Kind, connections: u32) -> Self {
        Self::settled(kind, connections, "SELECT 1").await
    }

    /// Opens a bank whose connections begin with this statement.
    pub(crate) async fn settled(kind: Kind, connections: u32, statement: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pool = match kind {
            Kind::Sqlite => {
                let options = SqliteConnectOptions::new()
                    .filename(directory.path().join("bank.db"))
                    .journal_mode(SqliteJournalMode::Wal)
                    .create_if_missing(true);
                let pool = SqlitePoolOptions::new().max_connections(connections);
                Pool::Sqlite(pool.connect_with(options).await.unwrap())
            }
            Kind::Postgres => {
                let database = PostgresServer::shared().await.database().await;
                Pool::postgres(&database, connections, statement).await
            }
            Kind::MariaDb => {
                let database = MariaDbServer::shared().await.database().await;
                Pool::mariadb(&database, connections, statement).await
            }
        };
        Self::on(pool, directory).await
    }

    /// Opens a bank on an existing database.
    pub(crate) async fn on(pool: Pool, directory: TempDir) -> Self {
        Self::guarded(pool, directory, |builder| builder).await
    }

    /// Opens a bank on a new database, with handlers that do not wait for others.
    pub(crate) async fn without_wait(kind: Kind) -> Self {
        Self::with(kind, |builder| builder.wait(Duration::ZERO)).await
    }

    /// Opens a bank on a new database, with other settings.
    pub(crate) async fn with(
        kind: Kind,
        settings: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        let Self { pool, directory, .. } = Self::open(kind, 4).await;
        Self::guarded(pool, directory, settings).await
    }

    pub(crate) async fn guarded(
        pool: Pool,
        directory: TempDir,
        settings: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        pool.run(SCHEMA).await;
        let idempotency = guard(&pool, settings);
        let handler = ControlledHandler::new();
        let server = Server::start(&idempotency, &handler, routes(&pool));
        Self { pool, handler, idempotency, server, directory }
    }

    /// Another server on the same database, like another process: its requests do not wait in line with those of
    /// this one.
    pub(crate) fn elsewhere(&self) -> Server {
        self.elsewhere_with(|builder| builder).1
    }

    /// The same with other settings.
    pub(crate) fn elsewhere_with(
        &self,
        settings: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> (Idempotency, Server) {
        let pool = self.pool.again();
        let idempotency = guard(&pool, settings);
        let server = Server::start(&idempotency, &self.handler, routes(&pool));
        (idempotency, server)
    }

    /// Another server on the same database, with a guard around all handlers.
    pub(crate) fn behind_a_guard(&self) -> Server {
        static KEYED: Policy = Policy::of_routes(Strategy::RequestId);
        let (idempotency, routes) = (self.idempotency.clone(), routes(&self.pool));
        Server::start(&self.idempotency, &self.handler, move |config| {
            let guard = Middleware::new(&idempotency, &KEYED);
            config.service(web::scope("/guarded").wrap(guard).configure(routes.clone()));
        })
    }

    /// Another server in place of the one that ends, on the same database.
    pub(crate) fn restart(&mut self) {
        let next = Server::start(&self.idempotency, &self.handler, routes(&self.pool));
        drop(std::mem::replace(&mut self.server, next));
    }

    pub(crate) fn post(&self, path: &str) -> Sender {
        self.server.post(path)
    }

    /// The committed effects of handlers.
    pub(crate) async fn effects(&self) -> i64 {
        self.number("SELECT count(*) FROM effects").await
    }

    /// The number of refused requests with which the free room inside of a full file is used up.
    pub(crate) async fn fill_up(&self, name: &str) -> (String, Reply) {
        let mut key = name.to_owned();
        loop {
            let reply = self.post("/dedup").key(&key).send().await;
            if reply.status != 201 {
                return (key, reply);
            }
            key.push('+');
        }
    }

    /// The committed records.
    pub(crate) async fn records(&self) -> i64 {
        self.number("SELECT count(*) FROM idempotency_records").await
    }

    /// The key of the only record in progress.
    pub(crate) async fn held_key(&self) -> StorageKey {
        let query = match self.pool {
            Pool::MariaDb(_) => "SELECT `key` FROM idempotency_records WHERE state = 'in progress'",
            _ => "SELECT key FROM idempotency_records WHERE state = 'in progress'",
        };
        let key: Vec<u8> = on_pool!(&self.pool, pool => {
            sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
        });
        StorageKey::from_bytes(key.try_into().unwrap())
    }

    pub(crate) async fn number(&self, query: &str) -> i64 {
        let query = AssertSqlSafe(query);
        on_pool!(&self.pool, pool => sqlx::query_scalar(query).fetch_one(pool).await.unwrap())
    }

    pub(crate) async fn run(&self, statements: &str) {
        self.pool.run(statements).await;
    }

    /// Runs a statement, and returns whether it succeeded.
    pub(crate) async fn try_run(&self, statements: &str) -> bool {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements));
        on_pool!(&self.pool, pool => statements.execute(pool).await.is_ok())
    }
}

impl Pool {
    /// Another pool to the same database. Connections end with the server that opened them, so servers do not share
    /// a pool.
    fn again(&self) -> Self {
        macro_rules! again {
            ($pool:expr) => {{
                let options = (*$pool.connect_options()).clone();
                $pool.options().clone().connect_lazy_with(options)
            }};
        }
        match self {
            Self::Sqlite(pool) => Self::Sqlite(again!(pool)),
            Self::Postgres(pool) => Self::Postgres(again!(pool)),
            Self::MariaDb(pool) => Self::MariaDb(again!(pool)),
        }
    }

    pub(crate) async fn postgres(url: &str, connections: u32, statement: &'static str) -> Self {
        let pool = PgPoolOptions::new().max_connections(connections);
        let pool = pool.after_connect(move |connection, _| {
            Box::pin(async move { sqlx::raw_sql(statement).execute(connection).await.map(drop) })
        });
        Self::Postgres(pool.connect(url).await.unwrap())
    }

    pub(crate) async fn mariadb(url: &str, connections: u32, statement: &'static str) -> Self {
        let pool = MySqlPoolOptions::new().max_connections(connections);
        let pool = pool.after_connect(move |connection, _| {
            Box::pin(async move { sqlx::raw_sql(statement).execute(connection).await.map(drop) })
        });
        Self::MariaDb(pool.connect(url).await.unwrap())
    }

    async fn run(&self, statements: &str) {
        let statements = AssertSqlSafe(statements);
        on_pool!(self, pool => drop(sqlx::raw_sql(statements).execute(pool).await.unwrap()));
    }
}

fn guard(
    pool: &Pool,
    settings: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
) -> Idempotency {
    let builder = Idempotency::builder(MemoryStore::new()).scope(Scope::header("Authorization"));
    let builder = settings(builder);
    let guarded = on_pool!(pool, pool => builder.database(pool.clone()));
    guarded.build().unwrap()
}

/// The handlers for this database, and its pool in their data.
fn routes(pool: &Pool) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let pool = pool.clone();
    move |config: &mut ServiceConfig| {
        on_pool!(&pool, pool => drop(config.app_data(Data::new(pool.clone()))));
        match pool {
            Pool::Sqlite(_) => crate::routes::sqlite::all(config),
            Pool::Postgres(_) => crate::routes::postgres::all(config),
            Pool::MariaDb(_) => crate::routes::mariadb::all(config),
        }
    }
}
