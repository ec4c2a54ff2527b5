//! Guards in the business transaction: effect and record commit together, or neither.
//!
//! The transaction begins with the guard's statements, then come the handler's, and the outcome is
//! last. There is no lease and no owner: the database's own locks exclude others, and if a process
//! dies, its transaction is rolled back.
//!
//! Files import downwards, in this order: `begin`, `forget`, `resolve`, `run`, `turn`, `dedup_table`, `row`, `sqlite`, `postgres`,
//! `postgres_row`, `mysql`, `mysql_row`, `pooled`, `active_tx`, `sqlx_tx`, `dialect`, `tx`, `tx_connection`, `in_runtime`,
//! `database`, `steps`, `tx_slot`, `tx_watch`, `plan`, `unique`.

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod active_tx;
mod begin;
mod database;
mod dedup_table;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod dialect;
mod forget;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod in_runtime;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "mysql")]
mod mysql_row;
mod plan;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod pooled;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_row;
mod resolve;
mod row;
mod run;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod sqlx_tx;
mod steps;
mod turn;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub(crate) mod tx;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod tx_connection;
mod tx_slot;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod tx_watch;
#[cfg(feature = "actix")]
mod unique;

pub(crate) use begin::{TransactionAdmission, begin};
pub(crate) use database::BusinessDatabase;
pub use database::Database;
pub(crate) use forget::{forget, page, record};
#[cfg(feature = "actix")]
pub(crate) use plan::{KnownBy, RowOwner, RowPlan, SeenVersion};
pub(crate) use plan::{Limits, Plan, TxSettings};
pub(crate) use resolve::resolve;
#[cfg(feature = "actix")]
pub(crate) use row::RowAnswer;
pub(crate) use run::{Committed, Effects, TransactionRun};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use tx::Tx;
pub(crate) use tx_slot::TxSlot;
#[cfg(feature = "actix")]
pub(crate) use unique::met_unique_index;
