//! The headers of a response that are kept: all except those on a list.
//!
//! A list of headers to keep would lose each header that it does not know: without its Content-Disposition a
//! download becomes a page, and without its Content-Security-Policy a page runs scripts that strangers put
//! into it.

use crate::credential::names_credential;
use crate::http::header_names::{PROBLEM, REPLAYED, STORED};
use crate::policy::Policy;
use actix_web::http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

/// Headers that are never kept, whatever the attribute says: those of one client, of the framing of one
/// message, and our own.
const NEVER: [&str; 13] = [
    "set-cookie",
    "set-cookie2",
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    REPLAYED,
    STORED,
    PROBLEM,
];

/// Headers that show a credential, or ask for one.
const CREDENTIALS: [&str; 3] = ["authorization", "www-authenticate", "authentication-info"];

/// Headers that belong to one exchange of request and response.
const OF_ONE_EXCHANGE: [&str; 8] = [
    "date",
    "server",
    "server-timing",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-correlation-id",
    "x-response-time",
];

/// Whether a header of this name, in lower case, is never kept.
pub(crate) fn is_never_kept(name: &str) -> bool {
    NEVER.contains(&name)
}

/// The header lines that are kept, unchanged. Values of one name stay in their order.
pub(super) fn kept<'a>(
    policy: &'static Policy,
    headers: &'a HeaderMap,
) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> {
    let of_connection = named_by_connection(headers);
    headers.iter().filter(move |(name, _)| {
        let name = name.as_str();
        !NEVER.contains(&name)
            && !names(policy.drop_headers, name)
            && (names(policy.headers, name)
                || !(is_credential(name)
                    || is_of_one_exchange(name)
                    || of_connection.iter().any(|named| named == name)))
    })
}

/// Whether a response carries a credential, unless the handler's `headers` name that header.
pub(super) fn carry_credential(policy: &Policy, headers: &HeaderMap) -> bool {
    headers.keys().any(|name| is_credential(name.as_str()) && !names(policy.headers, name.as_str()))
}

/// Whether a list of the policy names a header, in whatever case it is written there.
fn names(list: &[&str], name: &str) -> bool {
    list.iter().any(|listed| listed.eq_ignore_ascii_case(name))
}

fn is_credential(name: &str) -> bool {
    CREDENTIALS.contains(&name) || name.starts_with("proxy-") || names_credential(name)
}

fn is_of_one_exchange(name: &str) -> bool {
    let is_rate_limit = |name: &str| name.starts_with("ratelimit");
    OF_ONE_EXCHANGE.contains(&name)
        || is_rate_limit(name)
        || name.strip_prefix("x-").is_some_and(is_rate_limit)
}

/// The header names in `Connection`. Like `Connection` itself, they belong to the connection (RFC 9110,
/// section 7.6.1).
fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(CONNECTION).filter_map(|line| line.to_str().ok());
    let names = lines.flat_map(|line| line.split(','));
    names.map(|name| name.trim().to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Definition, Strategy};

    static PLAIN: Policy = Policy::new(Definition::new("", "", ""), Strategy::RequestId);
    static CHOOSY: Policy = Policy::new(Definition::new("", "", ""), Strategy::RequestId)
        .headers(&["X-Api-Key-Name", "date", "set-cookie", "x-hop"])
        .drop_headers(&["X-Total"]);

    fn kept_of(policy: &'static Policy, lines: &[(&str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse().unwrap(), value.parse().unwrap());
        }
        let mut kept: Vec<_> = kept(policy, &headers).map(|(name, _)| name.to_string()).collect();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn headers_on_the_list_are_left_out_and_all_others_are_kept() {
        let left_out = [
            "Set-Cookie",
            "Set-Cookie2",
            "Authorization",
            "Proxy-Authenticate",
            "Proxy-Whatever",
            "WWW-Authenticate",
            "Authentication-Info",
            "Proxy-Authentication-Info",
            "X-Auth-Token",
            "X-XSRF-Token",
            "X-CSRF",
            "Client-Secret",
            "X-Session-Id",
            "X-Api-Key",
            "Connection",
            "Keep-Alive",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "Content-Length",
            "Date",
            "Server",
            "Server-Timing",
            "Traceparent",
            "Tracestate",
            "X-Request-Id",
            "X-Correlation-Id",
            "RateLimit",
            "RateLimit-Policy",
            "X-RateLimit-Reset",
            "X-Response-Time",
            "Idempotency-Replayed",
            "Idempotency-Stored",
            "Idempotency-Problem",
        ];
        assert_eq!(kept_of(&PLAIN, &left_out.map(|name| (name, "x"))), [""; 0]);
        let all = ["content-disposition", "content-security-policy", "x-content-type-options"];
        assert_eq!(kept_of(&PLAIN, &all.map(|name| (name, "x"))), all);
    }

    #[test]
    fn headers_that_connection_names_are_left_out() {
        let lines = [("Connection", "close, X-Hop"), ("connection", "X-Too"), ("X-Hop", "1")];
        assert_eq!(kept_of(&PLAIN, &[&lines[..], &[("X-Too", "2")]].concat()), [""; 0]);
        assert_eq!(kept_of(&CHOOSY, &lines), ["x-hop"]);
    }

    #[test]
    fn a_handler_keeps_more_and_drops_more_but_never_a_cookie() {
        let lines = ["X-Api-Key-Name", "Date", "Set-Cookie", "X-Total", "Link"];
        let kept = kept_of(&CHOOSY, &lines.map(|name| (name, "x")));
        assert_eq!(kept, ["date", "link", "x-api-key-name"]);
    }
}
