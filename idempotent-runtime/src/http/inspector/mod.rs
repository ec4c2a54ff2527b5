//! A page for operators: the runs under way, the numbers of this process, and the records that wait for a person.
//!
//! Every text from outside passes `words`. => Every text from outside goes through `words`.

mod chart;
mod document;
mod lookup;
mod numbers;
mod operator;
mod record_cards;
mod routes;
mod service;
mod settling;
mod state;
mod stream;
mod words;

pub use operator::Operator;
pub use service::Inspector;
