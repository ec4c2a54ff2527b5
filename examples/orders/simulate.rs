//! Faults on request, so that a person can watch what becomes of them.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a handler is to suffer, in this order.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Simulate {
    /// Waits, as for a slow neighbour.
    #[serde(default)]
    delay_ms: u64,
    /// Blocks its thread, as code does that should not be in an async handler.
    #[serde(default)]
    block_ms: u64,
    /// Panics.
    #[serde(default)]
    panic: bool,
    /// Fails with this status and does nothing.
    status: Option<u16>,
    /// Pads its response to exactly this many bytes.
    body_bytes: Option<usize>,
    /// Says `Cache-Control: no-store`, which is about caches and not about retries.
    #[serde(default)]
    no_store: bool,
}

impl Simulate {
    /// Only slow.
    pub(crate) fn slow(delay_ms: u64) -> Self {
        Self { delay_ms, ..Self::default() }
    }

    /// Suffers; gives a response if the handler is to fail.
    pub(crate) async fn suffer(&self) -> Option<HttpResponse> {
        if self.delay_ms > 0 {
            actix_web::rt::time::sleep(Duration::from_millis(self.delay_ms)).await;
        }
        if self.block_ms > 0 {
            std::thread::sleep(Duration::from_millis(self.block_ms));
        }
        assert!(!self.panic, "the request asked for a panic");
        let status = StatusCode::from_u16(self.status?).ok()?;
        Some(HttpResponse::build(status).body(format!("the request asked for {status}")))
    }

    /// The response as asked for.
    pub(crate) fn dress(
        &self,
        mut response: HttpResponseBuilder,
        location: &str,
        answer: &impl Serialize,
    ) -> HttpResponse {
        if self.no_store {
            response.insert_header((CACHE_CONTROL, "no-store"));
        }
        if !location.is_empty() {
            response.insert_header((LOCATION, location));
        }
        let json = serde_json::to_string(answer).unwrap_or_default();
        response.insert_header((CONTENT_TYPE, "application/json")).body(self.padded(json))
    }

    /// White space before the last brace: still the same JSON.
    fn padded(&self, mut json: String) -> String {
        let missing = self.body_bytes.unwrap_or(0).saturating_sub(json.len());
        let end = json.len().saturating_sub(1);
        json.insert_str(end, &" ".repeat(missing));
        json
    }
}
