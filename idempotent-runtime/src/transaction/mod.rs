//! Guards that stand in the business transaction: effect and record commit together, or neither.
//!
//! The guard is the transaction's first statement, the handler works inside, and the outcome is its
//! last. There is no lease and no owner: the database's own locks exclude others, and a process that
//! dies is a transaction that is rolled back.

mod begin;
mod database;
mod dedup_table;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod dialect;
mod lent;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod opened;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod pooled;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
mod run;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod tx;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod within;

pub(crate) use begin::{Begun, Plan, begin};
pub use database::Database;
pub(crate) use database::Guarded;
pub(crate) use lent::Lent;
#[cfg(feature = "actix")]
pub(crate) use row::{RowAnswer, RowPlan};
pub(crate) use run::{Effects, Run};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use tx::Tx;
