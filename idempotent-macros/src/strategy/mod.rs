//! The strategies: a table that the rest of this crate consults.
//!
//! Nothing outside of the table compares strategies. A rule asks for a column, so that a new
//! strategy with known properties is a new row.

mod arguments;
mod columns;
mod table;

pub(crate) use arguments::ARGUMENTS;
pub(crate) use columns::{
    DefaultKey, Execution, GuardPlace, KeyForm, RowCondition, Strategy, Subject, TtlOf,
};
pub(crate) use table::{OF_A_KEY, OF_A_LEASE, STRATEGIES, named};
