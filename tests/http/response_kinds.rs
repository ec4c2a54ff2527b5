//! Each kind of response, and its replay to the byte.

use crate::Shop;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use reqwest::Method;
use tests::{Backend, Reply};

on_every_store! {
    each_kind_comes_back_to_the_byte,
    each_kind_is_the_result_of_a_task_to_the_byte,
    a_download_of_a_page_stays_a_download,
}

/// A response: its status, headers that are replayed, headers that are not, its body.
struct Kind {
    status: u16,
    kept: &'static [(&'static str, &'static [u8])],
    lost: &'static [(&'static str, &'static [u8])],
    body: &'static [u8],
}

const PLAIN: Kind = Kind { status: 200, kept: &[], lost: &[], body: b"plain" };

const KINDS: &[Kind] = &[
    PLAIN,
    // A page with headers that protect its readers.
    Kind {
        kept: &[
            ("content-type", b"text/html; charset=utf-8"),
            ("content-security-policy", b"default-src 'none'"),
            ("content-security-policy", b"frame-ancestors 'none'"),
            ("content-security-policy-report-only", b"script-src 'self'"),
            ("x-content-type-options", b"nosniff"),
            ("x-frame-options", b"DENY"),
            ("referrer-policy", b"no-referrer"),
            ("permissions-policy", b"camera=()"),
            ("cross-origin-opener-policy", b"same-origin"),
            ("cross-origin-resource-policy", b"same-origin"),
            ("strict-transport-security", b"max-age=1"),
            ("clear-site-data", b"\"cache\""),
        ],
        body: b"<p>hello</p>",
        ..PLAIN
    },
    // A download.
    Kind {
        kept: &[
            ("content-type", b"text/csv"),
            ("content-disposition", b"attachment; filename=\"a b.csv\"; filename*=UTF-8''%C3%BC"),
            ("accept-ranges", b"bytes"),
            ("last-modified", b"Sun, 06 Nov 1994 08:49:37 GMT"),
            ("etag", b"W/\"7\""),
        ],
        body: b"\xef\xbb\xbfa;b\r\n",
        ..PLAIN
    },
    // A part of a download.
    Kind {
        status: 206,
        kept: &[("content-range", b"bytes 0-3/9"), ("content-type", b"application/pdf")],
        body: b"%PDF",
        ..PLAIN
    },
    // A response to other origins.
    Kind {
        kept: &[
            ("access-control-allow-origin", b"https://shop.example"),
            ("access-control-allow-credentials", b"true"),
            ("access-control-expose-headers", b"X-Total"),
            ("vary", b"Origin"),
            ("vary", b"Accept-Language"),
            ("x-total", b"3"),
        ],
        ..PLAIN
    },
    // Headers with all bytes that HTTP allows, in their order.
    Kind {
        kept: &[
            ("x-bytes", b"b\tb"),
            ("x-bytes", b"a\xe9\xff"),
            ("x-bytes", b""),
            ("x-bytes", b"a, \"b,c\""),
            ("content-location", b"caf\xe9"),
            ("link", b"</a>; rel=next"),
            ("link", b"</b>; rel=prev"),
        ],
        body: b"\0\x01\xff\xfe",
        ..PLAIN
    },
    // A body that is compressed already.
    Kind {
        kept: &[("content-encoding", b"x-ours"), ("content-language", b"de"), ("digest", b"x=y")],
        body: b"\x1f\x8b not really",
        ..PLAIN
    },
    Kind { status: 201, kept: &[("location", b"/orders/7?a=b#c")], body: b"{\"id\":7}", ..PLAIN },
    Kind { status: 204, body: b"", ..PLAIN },
    Kind { status: 200, body: b"", ..PLAIN },
    Kind { status: 205, body: b"", ..PLAIN },
    Kind { status: 303, kept: &[("location", b"../x"), ("refresh", b"1")], body: b"", ..PLAIN },
    Kind { status: 304, kept: &[("etag", b"\"7\"")], body: b"", ..PLAIN },
    Kind { status: 404, kept: &[("content-type", b"application/problem+json")], ..PLAIN },
    Kind { status: 405, kept: &[("allow", b"GET, HEAD")], ..PLAIN },
    Kind { status: 409, kept: &[("retry-after", b"120")], ..PLAIN },
    Kind { status: 416, kept: &[("content-range", b"bytes */9")], ..PLAIN },
    // Headers for caches: on a replay the guard sets them.
    Kind {
        lost: &[
            ("cache-control", b"public, max-age=60"),
            ("expires", b"Sun, 06 Nov 2094 08:49:37 GMT"),
            ("pragma", b"no-cache"),
            ("age", b"3"),
        ],
        ..PLAIN
    },
    // Headers for one client.
    Kind {
        lost: &[
            ("set-cookie", b"sid=secret"),
            ("set-cookie", b"csrf=secret"),
            ("set-cookie2", b"sid=secret"),
            ("authorization", b"Bearer x"),
            ("proxy-authenticate", b"Basic"),
            ("www-authenticate", b"Bearer"),
            ("authentication-info", b"nextnonce=x"),
            ("proxy-authentication-info", b"nextnonce=x"),
            ("x-auth-token", b"t"),
            ("x-csrf", b"t"),
            ("client-secret", b"t"),
            ("x-session-id", b"t"),
            ("x-api-key", b"t"),
        ],
        kept: &[("x-authored-by", b"alice")],
        ..PLAIN
    },
    // Headers of one connection, and of one exchange.
    Kind {
        lost: &[
            ("connection", b"X-Hop"),
            ("x-hop", b"1"),
            ("keep-alive", b"timeout=5"),
            ("te", b"trailers"),
            ("trailer", b"X-Sum"),
            ("upgrade", b"x"),
            ("server", b"s"),
            ("server-timing", b"db;dur=5"),
            ("traceparent", b"00-1-2-01"),
            ("tracestate", b"a=b"),
            ("x-request-id", b"1"),
            ("x-correlation-id", b"1"),
            ("ratelimit", b"limit=1"),
            ("x-ratelimit-remaining", b"1"),
            ("x-response-time", b"5ms"),
        ],
        kept: &[("x-served-by", b"cache-7")],
        ..PLAIN
    },
    // Headers of this crate, from a service that the handler calls.
    Kind {
        lost: &[
            ("idempotency-replayed", b"true"),
            ("idempotency-stored", b"false"),
            ("idempotency-problem", b"not-replayable"),
        ],
        kept: &[("idempotency-key", b"theirs")],
        ..PLAIN
    },
];

impl Kind {
    fn response(&self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap();
        let mut response = HttpResponse::build(status).body(self.body);
        // actix's own `Date` is not compared.
        response.headers_mut().remove("content-type");
        for (name, value) in self.kept.iter().chain(self.lost) {
            let value = HeaderValue::from_bytes(value).unwrap();
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
        response
    }

    /// The expected lines of a later answer, with these headers of the guard.
    fn expected(&self, ours: &[(&'static str, &'static [u8])]) -> Vec<(String, Vec<u8>)> {
        let lines = self.kept.iter().chain(ours).map(|(name, value)| (name, value.to_vec()));
        sorted(lines.map(|(name, value)| ((*name).to_owned(), value)).collect())
    }
}

/// Sorts lines by their names; values of the same name keep their order.
fn sorted(mut lines: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    lines.sort_by(|one, other| one.0.cmp(&other.0));
    lines
}

/// The lines of an answer, without those that frame and date it.
fn lines(reply: &Reply) -> Vec<(String, Vec<u8>)> {
    let lines = reply.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes()));
    let lines = lines.filter(|(name, _)| !["content-length", "date"].contains(&name.as_str()));
    sorted(lines.map(|(name, value)| (name, value.to_vec())).collect())
}

async fn each_kind_comes_back_to_the_byte(backend: Backend) {
    let shop = Shop::open(backend);
    for (n, kind) in KINDS.iter().enumerate() {
        shop.handler.answers(|_| kind.response());
        let send = || shop.post("/orders").key(&n.to_string()).send();
        let (first, again) = (send().await, send().await);
        let status = kind.status;
        assert_eq!((first.status, again.status), (status, status));
        assert!(first.body == kind.body && again.body == kind.body, "{status}: {again:?}");
        assert_eq!(first.lines("content-length"), again.lines("content-length"), "{status}");
        for (name, value) in kind.kept.iter().chain(kind.lost) {
            let is_hop = ["connection", "upgrade"].contains(name);
            assert!(is_hop || first.lines(name).contains(value), "{status}: {name}");
        }
        let ours: [(_, &[u8]); 2] =
            [("cache-control", b"no-store"), ("idempotency-replayed", b"true")];
        assert_eq!(lines(&again), kind.expected(&ours), "{n}: {status}");
    }
    assert_eq!(shop.handler.runs(), KINDS.len());
}

async fn each_kind_is_the_result_of_a_task_to_the_byte(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|run| KINDS[run - 1].response());
    let mut addresses = Vec::new();
    for n in 0..KINDS.len() {
        addresses.push(shop.task("/reports", &n.to_string()).await);
    }
    let _runner = shop.run_tasks();
    let mut results = Vec::new();
    for address in &addresses {
        let address = format!("{address}/result");
        let result = tests::eventually("the task ends", async || {
            let result = shop.server.send(Method::GET, &address).send().await;
            (result.header("Idempotency-Problem") != Some("in-progress")).then_some(result)
        });
        results.push(result.await);
    }
    // Tasks run in an order of their own.
    for kind in KINDS {
        let expected = kind.expected(&[("cache-control", b"no-store")]);
        let is_it = |result: &Reply| {
            result.status == kind.status && result.body == kind.body && lines(result) == expected
        };
        let place = results.iter().position(is_it);
        let place = place.unwrap_or_else(|| panic!("none is {expected:?}: {results:#?}"));
        results.swap_remove(place);
    }
}

/// If it were opened as a page, it would run its author's scripts at the shop's address.
async fn a_download_of_a_page_stays_a_download(backend: Backend) {
    let shop = Shop::open(backend);
    let kept = [
        ("Content-Type", "text/html"),
        ("Content-Disposition", "attachment; filename=\"invoice.html\""),
        ("Content-Security-Policy", "sandbox"),
        ("X-Content-Type-Options", "nosniff"),
    ];
    shop.handler.answers(move |_| {
        let mut response = HttpResponse::Ok();
        for line in kept {
            response.insert_header(line);
        }
        response.body("<script>steal(document.cookie)</script>")
    });
    let _runner = shop.run_tasks();
    let address = shop.task("/reports", "k").await;
    shop.is(&address, "succeeded").await;
    let result = shop.server.send(Method::GET, &format!("{address}/result")).send().await;
    let send = || shop.post("/orders").key("k").send();
    let (first, again) = (send().await, send().await);
    assert!(again.is_replay());
    for reply in [first, again, result] {
        for (name, value) in kept {
            assert_eq!(reply.header(name), Some(value));
        }
    }
}
