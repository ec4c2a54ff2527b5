//! A route for readiness probes: whether an app can serve guarded requests now.

use crate::NotReady;
use crate::http::app::idempotency::Idempotency;
use crate::store::{Finding, Severity};
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, Route, guard, web};
use serde::Serialize;

/// A route that tells whether guarded requests can be served now: 200 or 503, with JSON.
///
/// For a **readiness** probe: a process whose store is away, or that drains, gets no requests until that is
/// over. Never use it for a liveness probe: if the store is away, all processes would be restarted at once,
/// which does not bring the store back.
///
/// Each request asks the store, the place of locks and the business database
/// ([`Idempotency::ping`](crate::Idempotency::ping)), for at most the app's `store_patience`. Let the probe
/// wait longer than that. The JSON names servers, without credentials, and lists findings. Mount the route
/// where outsiders cannot reach it.
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
    /// Whether the process drains, and takes no new runs.
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

/// A finding about the settings of the store, for a person.
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
    /// Only the kinds of the errors are shown: the text of a client library may be long, and is not for everybody.
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
