//! From a valid annotation to tokens. Nothing here can fail.

mod http;
mod policy;
mod template;

pub(crate) use http::handler;
