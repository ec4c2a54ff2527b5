//! The guard that each handler by hand shares: as little as possible is compiled for each.
//!
//! The generated packages have a copy of this file as a module.

use actix_web::body::to_bytes;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use idempotent_runtime::clock::SystemClock;
use idempotent_runtime::engine::{
    Admission, Claim, ClaimRequest, Claimable, DuplicateRules, Engine, Execution, IfForgotten,
    ReclaimWindow, Refusal,
};
use idempotent_runtime::key::{Fingerprint, Guard, StorageKey};
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::policy::{DefinitionId, OnAbandoned, OnDuplicate, OnInFlight};
use idempotent_runtime::store::Label;
use idempotent_runtime::MemoryStore;
use std::sync::Arc;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(60);
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

pub fn engine() -> Engine {
    let clock = Arc::new(SystemClock::new());
    Engine::new(Arc::new(MemoryStore::new()), clock, Duration::from_secs(2))
}

/// Claims the key of a request; or the answer in the handler's place.
pub async fn claim(
    engine: &Engine,
    operation: &str,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Execution, HttpResponse> {
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let (Some(caller), Some(key)) = (header("Authorization"), header("Idempotency-Key")) else {
        return Err(HttpResponse::BadRequest().finish());
    };
    match engine.begin(&asked(operation, request, caller, key, body)).await {
        Ok(Admission::Run(run)) => Ok(run),
        Ok(Admission::Replay(outcome)) => Err(match *outcome {
            Outcome::Response(kept) => replayed(kept),
            _ => HttpResponse::Gone().finish(),
        }),
        Ok(Admission::Refused(Refusal::InProgress { .. })) => {
            Err(HttpResponse::Conflict().finish())
        }
        Ok(Admission::Refused(_)) => Err(HttpResponse::UnprocessableEntity().finish()),
        Err(_) => Err(HttpResponse::ServiceUnavailable().finish()),
    }
}

/// Stores what is to be replayed of a response.
pub async fn complete(run: Execution, response: HttpResponse) -> HttpResponse {
    let (head, body) = response.into_parts();
    let Ok(body) = to_bytes(body).await else {
        return HttpResponse::InternalServerError().finish();
    };
    let lines = head.headers().iter().map(|(name, value)| {
        (Bytes::copy_from_slice(name.as_ref()), Bytes::copy_from_slice(value.as_bytes()))
    });
    let kept = StoredResponse {
        status: head.status().as_u16(),
        headers: lines.collect(),
        body: body.clone(),
        is_cut: false,
    };
    run.complete(Outcome::Response(kept), LIFE).await;
    head.set_body(body).map_into_boxed_body()
}

fn replayed(kept: StoredResponse) -> HttpResponse {
    let mut answer = HttpResponse::build(StatusCode::from_u16(kept.status).unwrap_or_default());
    for (name, value) in kept.headers {
        answer.insert_header((&name[..], HeaderValue::from_maybe_shared(value).unwrap()));
    }
    answer.insert_header(("Idempotency-Replayed", "true")).body(kept.body)
}

fn asked(
    operation: &str,
    request: &HttpRequest,
    caller: &[u8],
    key: &[u8],
    body: &[u8],
) -> ClaimRequest {
    let (method, path) = (request.method().as_str(), request.path());
    let mut address = blake3::Hasher::new();
    for part in [method.as_bytes(), path.as_bytes(), caller, key] {
        address.update(&part.len().to_le_bytes()).update(part);
    }
    ClaimRequest {
        claim: Claim {
            key: StorageKey::from_bytes(*address.finalize().as_bytes()),
            label: Label::new(Guard::Handler, operation, &String::from_utf8_lossy(key)),
            definition: DefinitionId::NONE,
            fingerprint: Fingerprint::of_request(method, path, request.query_string(), body),
            claimable: Claimable::Any,
            lease: LEASE,
            retention: LIFE,
            if_forgotten: IfForgotten::PutAgain,
        },
        rules: DuplicateRules {
            on_duplicate: OnDuplicate::Replay,
            on_in_flight: OnInFlight::Reject,
            on_abandoned: OnAbandoned::Retry,
        },
        wait: Duration::ZERO,
        reclaim: ReclaimWindow::For(LIFE),
    }
}
