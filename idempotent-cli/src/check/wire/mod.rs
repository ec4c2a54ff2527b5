//! Bytes to one address and back, within limits that hold for every request.
//!
//! It is written over a plain socket, since a tester sends what a client library refuses to send: half a body, two
//! lines of one header, a reset. So there are no proxies, redirects, second look-ups of a name or hidden retries.

// From the top; each imports only files below it.
mod client;
mod endpoint;
mod limits;
mod no_answer;
mod response;
mod stream;

pub(crate) use client::{Client, Connection};
pub(crate) use endpoint::{Endpoint, system};
pub(crate) use limits::{Limits, MOST_REQUESTS};
pub(crate) use no_answer::NoAnswer;
pub(crate) use response::Reply;
