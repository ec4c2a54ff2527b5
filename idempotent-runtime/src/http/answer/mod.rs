//! Answers of ours: problems, pages, and stored responses that are sent again.
//!
//! Files import downwards: `misconfigured`, `page`, `html`; `refusal`, `row`; `keep`, `own_refusal`,
//! `stored_response`, `caching`, `copied_body`, `decoded`, `kept_headers`, `vary`; `problem`.

pub(super) mod caching;
mod copied_body;
#[cfg(feature = "compress")]
mod decoded;
pub(super) mod html;
pub(super) mod keep;
pub(super) mod kept_headers;
pub(super) mod misconfigured;
pub(super) mod own_refusal;
pub(super) mod page;
pub(super) mod problem;
pub(super) mod refusal;
pub(super) mod row;
pub(super) mod stored_response;
mod vary;
