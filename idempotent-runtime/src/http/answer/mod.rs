//! Answers of ours: problems, pages, and stored responses that are sent again.
//!
//! Files import downwards: `misconfigured`, `page`, `own_refusal`, `html`; `refusal`, `row`; `keep`,
//! `stored_response`, `caching`; `problem`.

pub(super) mod caching;
pub(super) mod html;
pub(super) mod keep;
pub(super) mod misconfigured;
pub(super) mod own_refusal;
pub(super) mod page;
pub(super) mod problem;
pub(super) mod refusal;
pub(super) mod row;
pub(super) mod stored_response;
