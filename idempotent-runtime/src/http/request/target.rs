//! The target of a request: its path and query as the handler reads them, in one canonical spelling.

use crate::key::{is_utf8, one_path, one_query};
use actix_web::HttpRequest;
use std::borrow::Cow;

/// The value is not UTF-8: the handler gets other characters than were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotUtf8;

/// The path of a request, in one canonical spelling.
pub(crate) fn path(request: &HttpRequest) -> Cow<'_, str> {
    one_path(sent_path(request))
}

/// The query of a request, in one canonical spelling.
pub(crate) fn query(request: &HttpRequest) -> Cow<'_, str> {
    one_query(request.query_string())
}

/// The path as the router compares it with patterns: `%2F`, `%2B` and `%25` are not decoded there.
pub(crate) fn routed_path(request: &HttpRequest) -> &str {
    request.match_info().as_str()
}

/// A segment of the path, by its name in the route, decoded as `web::Path` decodes it.
pub(crate) fn segment<'a>(
    request: &'a HttpRequest,
    name: &str,
) -> Result<Option<Cow<'a, str>>, NotUtf8> {
    let matched = request.match_info();
    let Some(place) = matched.iter().position(|(own, _)| own == name) else { return Ok(None) };
    let mut value = Cow::Borrowed(&matched[place]);
    if value.contains('%') {
        let mut all: Vec<String> = matched.load().map_err(|_| NotUtf8)?;
        value = Cow::Owned(all.swap_remove(place));
    }
    // The character replaces bytes that are not UTF-8, but a client may also send the character itself.
    if value.contains(char::REPLACEMENT_CHARACTER) && !is_utf8(sent_path(request)) {
        return Err(NotUtf8);
    }
    Ok(Some(value))
}

/// The path that the router was given.
fn sent_path(request: &HttpRequest) -> &str {
    request.match_info().get_ref().uri().path()
}
