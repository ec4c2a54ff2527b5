//! Taking a response down, and giving it again.

use crate::outcome::StoredResponse;
use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody, to_bytes_limited};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, LAST_MODIFIED, LINK, LOCATION,
};
use bytes::Bytes;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const STORED: HeaderName = HeaderName::from_static("idempotency-stored");

/// What is replayed of every response, beside its status and body.
///
/// Content-Encoding is among them because the stored bytes mean nothing without it.
const KEPT: [HeaderName; 8] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
    ETAG,
    LAST_MODIFIED,
    LINK,
    LOCATION,
];

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

/// A response on its way to the client, and its copy if one could be taken.
pub(crate) struct Captured {
    pub(crate) response: HttpResponse,
    pub(crate) copy: Option<StoredResponse>,
}

/// Takes a response down, unless it streams or its body is longer than `longest`.
pub(crate) async fn capture(
    response: HttpResponse,
    also: &[&str],
    longest: usize,
) -> Captured {
    let (head, body) = response.into_parts();
    let (body, bytes) = match body.size() {
        BodySize::None => (body, Some(Bytes::new())),
        BodySize::Sized(length) if length <= longest as u64 => whole(body, longest).await,
        BodySize::Sized(_) | BodySize::Stream => (body, None),
    };
    let copy = bytes.map(|body| StoredResponse {
        status: head.status().as_u16(),
        headers: head
            .headers()
            .iter()
            .filter(|(name, _)| is_kept(name, also))
            .map(|(name, value)| (bytes_of(name.as_str()), bytes_of(value.as_bytes())))
            .collect(),
        body,
    });
    Captured { response: head.set_body(body), copy }
}

/// The body, to be sent, and its bytes.
async fn whole(body: BoxBody, longest: usize) -> (BoxBody, Option<Bytes>) {
    let read = match body.try_into_bytes() {
        Ok(bytes) => Ok(bytes),
        Err(body) => match to_bytes_limited(body, longest).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(error),
            Err(over) => Err(over.into()),
        },
    };
    match read {
        Ok(bytes) => (BoxBody::new(bytes.clone()), Some(bytes)),
        // A body that promised a length and broke: the client sees it break, as without us.
        Err(error) => (BoxBody::new(Broken(Some(error))), None),
    }
}

fn bytes_of(field: impl AsRef<[u8]>) -> Bytes {
    Bytes::copy_from_slice(field.as_ref())
}

fn is_kept(name: &HeaderName, also: &[&str]) -> bool {
    KEPT.contains(name) || also.contains(&name.as_str())
}

/// Gives a stored response again; nothing if it holds what no response may.
pub(crate) fn replay(stored: StoredResponse) -> Option<HttpResponse> {
    let mut response = HttpResponse::new(StatusCode::from_u16(stored.status).ok()?);
    for (name, value) in stored.headers {
        let name = HeaderName::from_bytes(&name).ok()?;
        response.headers_mut().append(name, HeaderValue::from_maybe_shared(value).ok()?);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
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
