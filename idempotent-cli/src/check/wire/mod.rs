//! Bytes to one address and back, within limits that nothing goes around.
//!
//! Written by hand over a socket, since a tester sends what a client library refuses to: half a body, two lines of one
//! header, a reset. So it also has no proxy, no redirect, no second look at a name and no retry that it did not ask for.

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
