//! The parts that the handlers by hand share: the key of a request, its fingerprint, and the answers.

use crate::Order;
use actix_web::dev::Payload;
use actix_web::error::ErrorBadRequest;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use sqlx::{Connection, Database, Executor};
use std::fmt::Write as _;
use std::time::Duration;

/// The time for which an answer is kept.
pub(crate) const TTL: Duration = Duration::from_hours(24);

/// A request, and who it is.
pub(crate) struct Asked {
    pub(crate) order: Order,
    pub(crate) key: [u8; 32],
    pub(crate) fingerprint: [u8; 32],
}

impl Asked {
    /// Reads a request; no key crosses callers or paths.
    fn of(request: &HttpRequest, body: &Bytes) -> Option<Self> {
        let order = serde_json::from_slice(body).ok()?;
        let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
        let (caller, key) = (header("Authorization")?, header("Idempotency-Key")?);
        let (method, path) = (request.method().as_str().as_bytes(), request.path().as_bytes());
        let key = hashed(&[method, path, caller, key]);
        let fingerprint = hashed(&[method, path, request.query_string().as_bytes(), body]);
        Some(Self { order, key, fingerprint })
    }

    /// The first answer to its key, unless another request had it.
    pub(crate) fn replayed(&self, fingerprint: &[u8], answer: Vec<u8>) -> HttpResponse {
        if fingerprint != self.fingerprint {
            return HttpResponse::UnprocessableEntity().finish();
        }
        HttpResponse::Created()
            .insert_header((CONTENT_TYPE, "application/json"))
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header(("Idempotency-Replayed", "true"))
            .body(answer)
    }
}

impl FromRequest for Asked {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, body) = (request.clone(), Bytes::from_request(request, payload));
        Box::pin(async move {
            let asked = Self::of(&request, &body.await?);
            asked.ok_or_else(|| ErrorBadRequest("an order with a key and a caller is asked for"))
        })
    }
}

/// Of parts that cannot be shifted into each other.
fn hashed(parts: &[&[u8]]) -> [u8; 32] {
    let mut joined = Vec::with_capacity(256);
    for part in parts {
        joined.extend_from_slice(&part.len().to_le_bytes());
        joined.extend_from_slice(part);
    }
    *blake3::hash(&joined).as_bytes()
}

/// These bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

pub(crate) fn created(answer: Vec<u8>) -> HttpResponse {
    HttpResponse::Created().insert_header((CONTENT_TYPE, "application/json")).body(answer)
}

/// Creates the tables.
pub(crate) async fn create<DB: Database>(url: &str, schemas: [&'static str; 2])
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let mut connection = DB::Connection::connect(url).await.expect("it connects");
    for schema in schemas {
        sqlx::raw_sql(schema).execute(&mut connection).await.expect("it creates");
    }
}
