//! The report, printed and written.

mod json;
mod junit;
mod table;

pub(crate) use json::json;
pub(crate) use junit::junit;
pub(crate) use table::table;
