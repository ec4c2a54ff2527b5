//! The chosen database: its connections, and the code that is the same for each kind.

use super::{Business, mysql, postgres, sqlite};
use crate::error::ShopError;
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest, web};
use idempotent_runtime::IdempotencyBuilder;
use idempotent_runtime::transaction::Tx;
use sqlx::pool::PoolConnection;
use sqlx::{MySql, MySqlConnection, MySqlPool, PgConnection, PgPool, Postgres};
use sqlx::{Sqlite, SqliteConnection, SqlitePool};
use std::future::{Ready, ready};

/// The connections to a database.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    MySql(MySqlPool),
}

/// A connection, in a transaction or not.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
    MySql(&'c mut MySqlConnection),
}

/// A connection that goes back to its pool.
pub(crate) enum Acquired {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    MySql(PoolConnection<MySql>),
}

/// The transaction of a guarded handler.
///
/// An app for one database does not need it: its handlers take `Tx<Sqlite>` itself.
pub(crate) enum ShopTx {
    Sqlite(Tx<Sqlite>),
    Postgres(Tx<Postgres>),
    MySql(Tx<MySql>),
}

/// Compiles the same expression for a connection to each database; `$sql` is the module with the
/// statements for that database.
macro_rules! on {
    ($of:expr, $connection:ident, $sql:ident => $does:expr) => {
        match $of {
            Connection::Sqlite($connection) => {
                use crate::business::sqlite as $sql;
                $does
            }
            Connection::Postgres($connection) => {
                use crate::business::postgres as $sql;
                $does
            }
            Connection::MySql($connection) => {
                use crate::business::mysql as $sql;
                $does
            }
        }
    };
}
pub(super) use on;

impl Pool {
    /// Opens the database that a URL names, and makes its tables.
    pub(super) async fn open(url: &str) -> sqlx::Result<Self> {
        Ok(match scheme(url) {
            Some("sqlite") => Self::Sqlite(sqlite::open(url).await?),
            Some("postgres" | "postgresql") => Self::Postgres(postgres::open(url).await?),
            Some("mysql" | "mariadb") => Self::MySql(mysql::open(url).await?),
            _ => {
                let known = "`sqlite:PATH`, `postgres://…` or `mysql://…`";
                let why = format!("`--database` is one of {known}");
                return Err(sqlx::Error::Configuration(why.into()));
            }
        })
    }

    /// The SQL that makes the tables of the database that a URL names.
    pub(super) fn schema(url: &str) -> Option<&'static str> {
        match scheme(url)? {
            "sqlite" => Some(sqlite::SCHEMA),
            "postgres" | "postgresql" => Some(postgres::SCHEMA),
            "mysql" | "mariadb" => Some(mysql::SCHEMA),
            _ => None,
        }
    }

    /// Lets guards stand in transactions of this database.
    pub(super) fn guard<S>(&self, builder: IdempotencyBuilder<S>) -> IdempotencyBuilder<S> {
        match self {
            Self::Sqlite(pool) => builder.database(pool.clone()),
            Self::Postgres(pool) => builder.database(pool.clone()),
            Self::MySql(pool) => builder.database(pool.clone()),
        }
    }

    pub(super) async fn acquire(&self) -> sqlx::Result<Acquired> {
        Ok(match self {
            Self::Sqlite(pool) => Acquired::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Acquired::Postgres(pool.acquire().await?),
            Self::MySql(pool) => Acquired::MySql(pool.acquire().await?),
        })
    }
}

/// The part of a URL before its first colon.
fn scheme(url: &str) -> Option<&str> {
    url.split_once(':').map(|(scheme, _)| scheme)
}

impl Acquired {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(acquired) => Connection::Sqlite(acquired),
            Self::Postgres(acquired) => Connection::Postgres(acquired),
            Self::MySql(acquired) => Connection::MySql(acquired),
        }
    }
}

impl ShopTx {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(tx) => Connection::Sqlite(tx),
            Self::Postgres(tx) => Connection::Postgres(tx),
            Self::MySql(tx) => Connection::MySql(tx),
        }
    }
}

impl FromRequest for ShopTx {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let business = request.app_data::<web::Data<Business>>();
        ready(match business.map(|business| &business.0) {
            Some(Pool::Sqlite(_)) => {
                Tx::from_request(request, payload).into_inner().map(Self::Sqlite)
            }
            Some(Pool::Postgres(_)) => {
                Tx::from_request(request, payload).into_inner().map(Self::Postgres)
            }
            Some(Pool::MySql(_)) => {
                Tx::from_request(request, payload).into_inner().map(Self::MySql)
            }
            None => Err(ShopError::from(sqlx::Error::PoolClosed).into()),
        })
    }
}
