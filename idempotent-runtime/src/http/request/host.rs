//! The host of a request.

use crate::key::{HostRole, one_host};
use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use std::borrow::Cow;

/// The place of a request: its path, with its host before it if the app keeps hosts apart.
///
/// A host has no slash and a path begins with one, so two places never have the same text.
pub(crate) fn place<'a>(
    role: HostRole,
    request: &HttpRequest,
    path: &'a str,
) -> Result<Cow<'a, str>, &'static str> {
    match role {
        HostRole::Ignored => Ok(Cow::Borrowed(path)),
        HostRole::Identity => Ok(Cow::Owned(host(request)? + path)),
    }
}

/// The host of a request, in one canonical spelling.
///
/// It is the authority of the request's target (`:authority` in HTTP/2), or else the one Host line (RFC 9112,
/// section 3.2). If both are there, they must be equal, since actix's guard `Host` reads the line first.
/// `Forwarded` and `X-Forwarded-Host` do not count, since any client can send them.
fn host(request: &HttpRequest) -> Result<String, &'static str> {
    let mut lines = request.headers().get_all(HOST);
    let line = lines.next().map(|line| one_host(line.to_str().unwrap_or_default())).transpose()?;
    if lines.next().is_some() {
        return Err("the request names its host more than once");
    }
    let target = request.uri().authority();
    match (target.map(|target| one_host(target.as_str())).transpose()?, line) {
        (Some(target), Some(line)) if target != line => Err("the request names two hosts"),
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Err("the request does not name its host"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_target_and_the_host_line_must_agree() {
        let of = |uri: &str, lines: &[&'static str]| {
            let mut request = TestRequest::with_uri(uri);
            for line in lines {
                request = request.append_header((HOST, *line));
            }
            host(&request.to_http_request()).ok()
        };
        assert_eq!(of("http://a.example/x", &[]).as_deref(), Some("a.example"));
        assert_eq!(of("http://a.example/x", &["A.example:80"]).as_deref(), Some("a.example"));
        assert_eq!(of("http://a.example/x", &["b.example"]), None);
        assert_eq!(of("/x", &["a.example", "a.example"]), None);
        assert_eq!(of("/x", &[]), None);
    }
}
