//! The shop's own data, in a database of its own.

pub(crate) mod accounts;
mod database;
pub(crate) mod goods;
mod mysql;
mod postgres;
pub(crate) mod purchase_orders;
mod sqlite;
pub(crate) mod users;

pub(crate) use database::{Acquired, Connection, ShopTx};

use database::{Pool, on};
use idempotent_runtime::IdempotencyBuilder;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::pool::PoolOptions;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::time::timeout;

/// The number of connections to the database.
const CONNECTIONS: u32 = 8;

/// The time that a request waits for a connection. A client that hears nothing for longer would retry.
const PATIENCE: Duration = Duration::from_secs(10);

/// The time that the first connection to the database may take at the start.
const START: Duration = Duration::from_millis(1500);

/// The tables of every database.
const TABLES: [&str; 9] = [
    "orders",
    "accounts",
    "goods",
    "purchase_orders",
    "ledger",
    "marks",
    "users",
    "runs",
    "revoked",
];

/// The SQL that makes the shop's tables in the database that a URL names.
pub(crate) fn ddl(url: &str) -> Option<&'static str> {
    Pool::schema(url)
}

/// Opens one connection without the pool. The pool would ask a database that refuses again and again,
/// and then only report that it timed out.
async fn first<C: sqlx::Connection>(options: &C::Options) -> sqlx::Result<C> {
    use sqlx::ConnectOptions;
    let late = |_| std::io::Error::new(ErrorKind::TimedOut, "the server does not answer");
    timeout(START, options.connect()).await.map_err(late)?
}

/// Passes an error of making the tables on, unless all tables exist: the user may not be allowed to make them.
macro_rules! unless_made {
    ($made:expr, $pool:expr) => {
        if let Err(refused) = $made {
            for table in super::TABLES {
                let look = sqlx::AssertSqlSafe(format!("SELECT 1 FROM {table} LIMIT 1"));
                if sqlx::raw_sql(look).execute($pool).await.is_err() {
                    let help = "let a user who may create tables run what `--print-ddl` prints";
                    let why = format!("{refused}; {help}");
                    return Err(sqlx::Error::Configuration(why.into()));
                }
            }
        }
    };
}
use unless_made;

fn pool<D: sqlx::Database>() -> PoolOptions<D> {
    PoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE)
}

/// An order as it is kept and shown.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) sku: String,
    pub(crate) quantity: i64,
    pub(crate) account: String,
}

/// The beginning or the end of sending a message, as it is kept and shown.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub(crate) struct Mark {
    pub(crate) event: String,
    pub(crate) text: String,
    /// The fence of the lock: each holder has a greater one.
    pub(crate) fence: i64,
}

/// Counts that the body of an operation ran. Inside of a transaction it counts only if that commits.
///
/// Each run adds a row. One number that grows would make each transaction wait for the others.
pub(crate) async fn count(connection: Connection<'_>, operation: &str) -> sqlx::Result<()> {
    on!(connection, connection, db => {
        let insert = sqlx::query(db::sql("INSERT INTO runs (operation) VALUES (?)"));
        insert.bind(operation).execute(connection).await.map(drop)
    })
}

/// The shop's database.
#[derive(Clone, Debug)]
pub(crate) struct Business(Pool);

impl Business {
    /// Opens the database that a URL names, and makes its tables.
    pub(crate) async fn open(url: &str) -> sqlx::Result<Self> {
        Pool::open(url).await.map(Self)
    }

    /// Lets guards stand in transactions of this database.
    pub(crate) fn guard<S>(&self, builder: IdempotencyBuilder<S>) -> IdempotencyBuilder<S> {
        self.0.guard(builder)
    }

    /// A connection for statements that need no transaction.
    pub(crate) async fn acquire(&self) -> sqlx::Result<Acquired> {
        self.0.acquire().await
    }

    /// Counts that the body of an operation ran, even if it fails later.
    pub(crate) async fn count(&self, operation: &str) -> sqlx::Result<()> {
        count(self.acquire().await?.connection(), operation).await
    }

    /// The number of times that each body ran.
    pub(crate) async fn effects(&self) -> sqlx::Result<Map<String, Value>> {
        let rows: Vec<(String, i64)> = on!(self.acquire().await?.connection(), connection, db => {
            let count = "SELECT operation, COUNT(*) FROM runs GROUP BY operation";
            sqlx::query_as(db::sql(count)).fetch_all(connection).await?
        });
        Ok(rows.into_iter().map(|(operation, runs)| (operation, runs.into())).collect())
    }

    pub(crate) async fn insert(&self, order: &Order) -> sqlx::Result<()> {
        on!(self.acquire().await?.connection(), connection, db => {
            let insert = "INSERT INTO orders (id, account, sku, quantity) VALUES (?, ?, ?, ?)";
            sqlx::query(db::sql(insert))
                .bind(&order.id)
                .bind(&order.account)
                .bind(&order.sku)
                .bind(order.quantity)
                .execute(connection)
                .await
                .map(drop)
        })
    }

    /// The orders of one account, oldest first.
    pub(crate) async fn orders(&self, account: &str) -> sqlx::Result<Vec<Order>> {
        on!(self.acquire().await?.connection(), connection, db => {
            let find = "SELECT id, sku, quantity, account FROM orders WHERE account = ? ORDER BY id";
            sqlx::query_as(db::sql(find)).bind(account).fetch_all(connection).await
        })
    }

    /// One order of one account.
    pub(crate) async fn order(&self, account: &str, id: &str) -> sqlx::Result<Option<Order>> {
        on!(self.acquire().await?.connection(), connection, db => {
            let find = "SELECT id, sku, quantity, account FROM orders WHERE account = ? AND id = ?";
            let find = sqlx::query_as(db::sql(find)).bind(account).bind(id);
            find.fetch_optional(connection).await
        })
    }

    pub(crate) async fn mark(&self, phone: &str, mark: &Mark) -> sqlx::Result<()> {
        on!(self.acquire().await?.connection(), connection, db => {
            let insert = "INSERT INTO marks (phone, event, text, fence) VALUES (?, ?, ?, ?)";
            sqlx::query(db::sql(insert))
                .bind(phone)
                .bind(&mark.event)
                .bind(&mark.text)
                .bind(mark.fence)
                .execute(connection)
                .await
                .map(drop)
        })
    }

    /// The events on a phone, oldest first.
    pub(crate) async fn marks(&self, phone: &str) -> sqlx::Result<Vec<Mark>> {
        on!(self.acquire().await?.connection(), connection, db => {
            let find = "SELECT event, text, fence FROM marks WHERE phone = ? ORDER BY number";
            sqlx::query_as(db::sql(find)).bind(phone).fetch_all(connection).await
        })
    }

    pub(crate) async fn revoke(&self, account: &str) -> sqlx::Result<()> {
        on!(self.acquire().await?.connection(), connection, db => {
            let revoke = sqlx::query(db::sql(db::REVOKE)).bind(account);
            revoke.execute(connection).await.map(drop)
        })
    }

    pub(crate) async fn is_revoked(&self, account: &str) -> sqlx::Result<bool> {
        on!(self.acquire().await?.connection(), connection, db => {
            let find = sqlx::query(db::sql("SELECT 1 FROM revoked WHERE account = ?"));
            Ok(find.bind(account).fetch_optional(connection).await?.is_some())
        })
    }
}
