//! Taking a response down, and giving it again.

use crate::outcome::StoredResponse;
use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody, to_bytes_limited};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use bytes::Bytes;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const STORED: HeaderName = HeaderName::from_static("idempotency-stored");

/// Kept in place of a body that was too long to keep, or broke.
const NOT_STORED: (&[u8], &[u8]) = (b"idempotency-stored", b"false");

/// What is replayed of every response, beside its status and body.
///
/// Content-Encoding is among them because the stored bytes mean nothing without it.
const KEPT: [&str; 8] = [
    "content-encoding",
    "content-language",
    "content-location",
    "content-type",
    "etag",
    "last-modified",
    "link",
    "location",
];

/// What is kept beside these of an answer that many read.
pub(crate) const CACHING: [&str; 3] = ["cache-control", "expires", "vary"];

/// Put into a response's extensions, it overrules the policy's choice by status.
///
/// ```
/// use actix_web::HttpResponse;
/// use idempotent_runtime::StoreResponse;
///
/// let mut response = HttpResponse::Ok().body("the queue was full, try again");
/// response.extensions_mut().insert(StoreResponse::No);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreResponse {
    /// Store it: a retry gets it again.
    Yes,
    /// Do not: the key is free, and a retry runs.
    No,
}

/// What could be taken down of a response.
pub(crate) enum Taken {
    /// All of it.
    Copy(StoredResponse),
    /// Nothing: it streams, or its body is too long.
    Nothing,
    /// Nothing before its body is read: a stream that knows its length.
    Unread,
}

/// How a response is taken down.
#[derive(Clone, Copy)]
pub(crate) struct Taking {
    /// Headers beside the standard ones, in lower case.
    pub(crate) headers: [&'static [&'static str]; 2],
    /// The longest body, in bytes.
    pub(crate) longest: usize,
}

impl Taking {
    /// Takes a response down as far as it can be without waiting.
    pub(crate) fn at_once(self, response: HttpResponse) -> (HttpResponse, Taken) {
        let (head, body) = response.into_parts();
        let (body, taken) = match body.size() {
            BodySize::None => (body, Taken::Copy(self.copy(&head, Bytes::new()))),
            BodySize::Sized(length) if length <= self.longest as u64 => match body.try_into_bytes()
            {
                Ok(bytes) => (BoxBody::new(bytes.clone()), Taken::Copy(self.copy(&head, bytes))),
                Err(body) => (body, Taken::Unread),
            },
            BodySize::Sized(_) | BodySize::Stream => (body, Taken::Nothing),
        };
        (head.set_body(body), taken)
    }

    /// Reads a body whose length is known, then takes the response down.
    pub(crate) async fn reading(
        self,
        response: HttpResponse,
    ) -> (HttpResponse, Option<StoredResponse>) {
        let (head, body) = response.into_parts();
        let error = match to_bytes_limited(body, self.longest).await {
            Ok(Ok(bytes)) => {
                let copy = self.copy(&head, bytes.clone());
                return (head.set_body(BoxBody::new(bytes)), Some(copy));
            }
            Ok(Err(error)) => error,
            Err(over) => over.into(),
        };
        // A body that promised a length and broke: the client sees it break, as without us.
        (head.set_body(BoxBody::new(Broken(Some(error)))), None)
    }

    /// Takes the head down alone, with the word that its body is missing.
    pub(crate) fn without_body(self, head: &HttpResponse<()>) -> StoredResponse {
        let mut copy = self.copy(head, Bytes::new());
        copy.headers.push((Bytes::from_static(NOT_STORED.0), Bytes::from_static(NOT_STORED.1)));
        copy
    }

    fn copy(self, head: &HttpResponse<()>, body: Bytes) -> StoredResponse {
        let headers = head.headers().iter().filter_map(|(name, value)| {
            let name = kept(name, self.headers)?;
            Some((Bytes::from_static(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes())))
        });
        StoredResponse { status: head.status().as_u16(), headers: headers.collect(), body }
    }
}

/// Whether all of a response was kept.
pub(crate) fn is_whole(response: &StoredResponse) -> bool {
    !response.headers.iter().any(|(name, _)| name == NOT_STORED.0)
}

/// The name of a header that is replayed.
fn kept(name: &HeaderName, also: [&'static [&'static str]; 2]) -> Option<&'static str> {
    KEPT.iter().chain(also.into_iter().flatten()).find(|kept| **kept == name.as_str()).copied()
}

/// Gives a stored response again, and says so; nothing if it holds what no response may.
pub(crate) fn replay(stored: StoredResponse) -> Option<HttpResponse> {
    rebuilt(stored).map(replayed)
}

/// Tells the client that this answers a request that was answered before.
pub(crate) fn replayed(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// A stored response, which no cache may keep; nothing if it holds what no response may.
pub(crate) fn rebuilt(stored: StoredResponse) -> Option<HttpResponse> {
    let mut response = again(stored)?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

/// A stored response as it was; nothing if it holds what no response may.
pub(crate) fn again(stored: StoredResponse) -> Option<HttpResponse> {
    let mut response = HttpResponse::new(StatusCode::from_u16(stored.status).ok()?);
    for (name, value) in stored.headers {
        let name = HeaderName::from_bytes(&name).ok()?;
        response.headers_mut().append(name, HeaderValue::from_maybe_shared(value).ok()?);
    }
    if stored.body.is_empty() {
        return Some(response);
    }
    Some(response.set_body(BoxBody::new(stored.body)))
}

/// Tells the client that a retry will not get this response.
pub(crate) fn not_stored(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(STORED, HeaderValue::from_static("false"));
    response
}

/// A body that fails as soon as it is read.
struct Broken(Option<Box<dyn std::error::Error>>);

impl MessageBody for Broken {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, Self::Error>>> {
        std::task::Poll::Ready(self.0.take().map(Err))
    }
}
