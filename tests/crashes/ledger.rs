//! The business database of the route whose effect and record commit together.

use crate::faults::Faults;
use crate::step::Step;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder, post};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{IdempotencyBuilder, idempotent};
use sqlx::{MySql, MySqlPool, PgPool, Postgres, Sqlite, SqlitePool};

const SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS marks (thing VARCHAR(64), mark VARCHAR(64), attempt BIGINT)";

/// A pool of connections to it.
#[derive(Clone, Debug)]
pub(crate) enum Ledger {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    MariaDb(MySqlPool),
}

impl Ledger {
    pub(crate) async fn open(url: &str) -> sqlx::Result<Self> {
        Ok(match url.split(':').next() {
            Some("postgres") => {
                let pool = PgPool::connect(url).await?;
                sqlx::raw_sql(SCHEMA).execute(&pool).await?;
                Self::Postgres(pool)
            }
            Some("mysql") => {
                let pool = MySqlPool::connect(url).await?;
                sqlx::raw_sql(SCHEMA).execute(&pool).await?;
                Self::MariaDb(pool)
            }
            // The other routes use this database, too, and its tables exist already.
            _ => Self::Sqlite(SqlitePool::connect(url).await?),
        })
    }

    pub(crate) fn guard(&self, builder: IdempotencyBuilder) -> IdempotencyBuilder {
        match self {
            Self::Sqlite(pool) => builder.database(pool.clone()),
            Self::Postgres(pool) => builder.database(pool.clone()),
            Self::MariaDb(pool) => builder.database(pool.clone()),
        }
    }

    pub(crate) fn routes(&self, config: &mut ServiceConfig) {
        match self {
            Self::Sqlite(_) => config.service(in_sqlite),
            Self::Postgres(_) => config.service(in_postgres),
            Self::MariaDb(_) => config.service(in_mariadb),
        };
    }
}

macro_rules! transaction {
    ($name:ident, $database:ident) => {
        #[post("/transaction")]
        #[idempotent(strategy = "dedup_table")]
        async fn $name(mut tx: Tx<$database>, faults: web::Data<Faults>) -> impl Responder {
            faults.reach(Step::BeforeEffect);
            let effect = sqlx::query("INSERT INTO marks VALUES ('k', 'effect', 0)");
            if effect.execute(&mut *tx).await.is_err() {
                return HttpResponse::ServiceUnavailable().finish();
            }
            faults.reach(Step::AfterEffect);
            // A short outcome is stored by the statement that commits, so there is no step in between.
            let length = if faults.are_at(Step::BeforeCommit) { 100_000 } else { 0 };
            HttpResponse::Created().body("x".repeat(length))
        }
    };
}

transaction!(in_sqlite, Sqlite);
transaction!(in_postgres, Postgres);
transaction!(in_mariadb, MySql);
