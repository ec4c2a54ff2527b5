//! The commands, each in a file of its own.

pub(crate) mod completions;
pub(crate) mod ddl;
pub(crate) mod doctor;
pub(crate) mod man;
pub(crate) mod purge;
