//! Reads a request: its host, `If-Match`, key header, path, query, cookies, forms, times and body.
//!
//! This room knows nothing of ours but leaf types. Files import downwards: `template` reads with
//! the others, which do not know each other.

pub(super) mod body;
pub(super) mod coding;
pub(super) mod host;
pub(super) mod if_match;
pub(super) mod key_header;
pub(super) mod multipart;
pub(super) mod prefers_html;
pub(super) mod target;
pub(super) mod template;
pub(super) mod timestamp;
