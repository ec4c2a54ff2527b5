//! Faults on request, so that a person can watch how a retry ends.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::ops::RangeInclusive;
use std::time::Duration;
use utoipa::ToSchema;

/// Faults that happen in a handler, in this order.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Simulate {
    /// Waits this many milliseconds, as for a slow service.
    #[serde(default)]
    delay_ms: u64,
    /// Blocks its thread for this many milliseconds, as code does that should not be in an async handler.
    #[serde(default)]
    block_ms: u64,
    /// Panics.
    #[serde(default)]
    panic: bool,
    /// Fails with this status, of 200 to 599, and does nothing.
    #[serde(default, deserialize_with = "status")]
    status: Option<u16>,
    /// Pads its response to exactly this many bytes, 64 MiB at most.
    #[serde(default, deserialize_with = "size")]
    body_bytes: Option<usize>,
    /// Says `Cache-Control: no-store`, which is about caches and not about retries.
    #[serde(default)]
    no_store: bool,
}

fn status<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    within(Option::deserialize(from)?, 200..=599, "a status of 200 to 599")
}

fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    within(Option::deserialize(from)?, 0..=64 << 20, "64 MiB at most")
}

fn within<T: PartialOrd, E: Error>(
    asked: Option<T>,
    range: RangeInclusive<T>,
    allowed: &str,
) -> Result<Option<T>, E> {
    match asked {
        Some(asked) if !range.contains(&asked) => Err(E::custom(allowed)),
        asked => Ok(asked),
    }
}

impl Simulate {
    /// A delay, and no other fault.
    pub(crate) fn slow(delay_ms: u64) -> Self {
        Self { delay_ms, ..Self::default() }
    }

    /// Lets the faults happen; returns a response if the handler shall fail.
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

    /// Pads the response and sets its headers, as the request asks.
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

    /// Adds white space before the last brace: the JSON has the same meaning.
    fn padded(&self, mut json: String) -> String {
        let missing = self.body_bytes.unwrap_or(0).saturating_sub(json.len());
        let end = json.len().saturating_sub(1);
        json.insert_str(end, &" ".repeat(missing));
        json
    }
}
