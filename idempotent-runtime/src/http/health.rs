//! Whether an app can serve guarded requests now: a route to mount, for a readiness probe.

use crate::NotReady;
use crate::http::app::idempotency::Idempotency;
use crate::store::{Finding, Severity};
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, Route, guard, web};
use serde::Serialize;

/// A route that says whether guarded requests can be served now: 200 or 503, with JSON.
///
/// For a **readiness** probe: a process whose store is away, or that is draining, gets no requests until that is
/// over. Never for a liveness probe: all processes would be restarted at once, and none would be better for it.
///
/// Each request asks store, place of locks and business database
/// ([`Idempotency::ping`](crate::Idempotency::ping)), within the app's `store_patience`: let the probe wait
/// longer than that. The JSON names servers, without credentials, and tells findings; mount it where
/// outsiders do not come.
///
/// ```
/// use actix_web::App;
/// use idempotent_runtime::health::health_route;
///
/// let app = App::new().route("/health", health_route());
/// ```
///
/// ```json
/// {
///   "ready": false,
///   "draining": false,
///   "parts": [
///     { "part": "store", "name": "Redis at redis:6379", "ready": false, "error": "timeout" },
///     { "part": "database", "name": "PostgreSQL at db:5432/shop", "ready": true }
///   ],
///   "findings": [{ "severity": "warning", "message": "…", "help": "…" }]
/// }
/// ```
pub fn health_route() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(health)
}

#[derive(Serialize)]
struct Health {
    ready: bool,
    /// Whether the process is about to end, and takes no new runs.
    draining: bool,
    parts: Vec<NeededPart>,
    findings: Vec<FoundSetting>,
}

/// A part that guarded requests need.
#[derive(Serialize)]
struct NeededPart {
    part: &'static str,
    name: String,
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// A finding of the store's connection, for a person.
#[derive(Serialize)]
struct FoundSetting {
    severity: &'static str,
    message: String,
    help: String,
}

async fn health(app: Idempotency) -> HttpResponse {
    let asked = app.ping(app.engine().patience()).await;
    let draining = app.engine().is_draining();
    let names = [
        ("store", Some(app.describe_store())),
        ("locks", app.describe_locks()),
        ("database", app.describe_database()),
    ];
    let parts =
        names.into_iter().filter_map(|(part, name)| Some(NeededPart::new(part, name?, &asked)));
    let findings = app.engine().store().findings().into_iter().map(FoundSetting::of).collect();
    let ready = asked.is_ok() && !draining;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).json(Health {
        ready,
        draining,
        parts: parts.collect(),
        findings,
    })
}

impl NeededPart {
    /// Its errors are told by their kind alone: what a client library says of one may be long, and not for everybody.
    fn new(part: &'static str, name: String, asked: &Result<(), NotReady>) -> Self {
        let mut failed = asked.as_ref().err().into_iter().flat_map(NotReady::parts);
        let error =
            failed.find(|(failed, _)| *failed == part).map(|(_, error)| error.kind().name());
        Self { part, name, ready: error.is_none(), error }
    }
}

impl FoundSetting {
    fn of(finding: Finding) -> Self {
        let severity = match finding.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        Self { severity, message: finding.message, help: finding.help }
    }
}
