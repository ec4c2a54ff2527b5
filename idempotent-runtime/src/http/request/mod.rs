//! Reading a request: its key header, path, query, cookies, forms, times and body.
//!
//! This room knows nothing of ours but leaf types. Files import downwards: `template`, then the others.

pub(super) mod body;
pub(super) mod key_header;
pub(super) mod multipart;
pub(super) mod prefers_html;
pub(super) mod template;
pub(super) mod timestamp;
