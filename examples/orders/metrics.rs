//! `GET /metrics`: what Prometheus reads.

use actix_web::{HttpResponse, Responder, get, web};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::time::Duration;

/// The bounds of the buckets of durations, in seconds: from a store in memory to a report of minutes.
const SECONDS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];

/// The bounds of the buckets of records, in bytes.
const BYTES: [f64; 7] = [256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 524_288.0, 2_097_152.0];

/// The interval at which measurements are put into the buckets, even if nobody reads them.
const UPKEEP: Duration = Duration::from_secs(5);

/// Installs the recorder of this process. Call it before anything is built that records metrics.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let suffix = |unit: &str| Matcher::Suffix(unit.to_owned());
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(suffix("_seconds"), &SECONDS)?
        .set_buckets_for_metric(suffix("_bytes"), &BYTES)?
        .install_recorder()?;
    let kept_up = recorder.clone();
    actix_web::rt::spawn(async move {
        loop {
            actix_web::rt::time::sleep(UPKEEP).await;
            kept_up.run_upkeep();
        }
    });
    Ok(recorder)
}

/// All metrics of this process, in the text format of Prometheus.
#[get("/metrics")]
pub(crate) async fn show(recorder: web::Data<PrometheusHandle>) -> impl Responder {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(recorder.render())
}
