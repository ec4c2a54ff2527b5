//! A page for operators: what runs, the numbers of this process, and the records that wait for a person.
//!
//! Every text from outside passes `words`. Files import downwards: `service`, `routes`, `settling`, `lookup`,
//! `stream`, `document`, `numbers`, `record_cards`, `chart`, `words`, `state`, `operator`.

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
