//! Records in a database; the statements of each are beside its store.

// From the top; each imports only files below it.
#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server_store;

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod remote;

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod connections;

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod contract;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod login;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod protection;

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod literal;
mod pages;

mod errors;

pub(crate) use errors::{failed, table_missing, table_unfit};
#[cfg(feature = "mysql")]
pub use mysql::MySqlStore;
pub(crate) use pages::TablePage;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
