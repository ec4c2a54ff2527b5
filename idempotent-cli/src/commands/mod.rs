//! The commands, each in a file of its own.

pub(crate) mod completions;
pub(crate) mod ddl;
pub(crate) mod doctor;
pub(crate) mod find;
pub(crate) mod forget;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod purge;
pub(crate) mod resolve;
pub(crate) mod show;
pub(crate) mod stats;
