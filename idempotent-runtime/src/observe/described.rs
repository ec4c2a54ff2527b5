//! The descriptions of all metrics, for people who read the export of a recorder.

#[cfg(feature = "metrics")]
use metrics::Unit;

/// The metrics that are not counters of an engine: name, kind and description.
#[cfg(feature = "metrics")]
const OTHERS: [(&str, Kind, &str); 17] = [
    ("idempotency_requests_total", Kind::Total, "Guarded requests and calls, by their outcome."),
    (
        "idempotency_admission_duration_seconds",
        Kind::Seconds,
        "How long requests waited to run or to be answered: for the store, and for others with their key.",
    ),
    (
        "idempotency_run_duration_seconds",
        Kind::Seconds,
        "How long runs took, from their admission to their stored answer.",
    ),
    (
        "idempotency_runs_in_flight",
        Kind::Level,
        "Guarded requests and calls under way, with those that wait for a run.",
    ),
    (
        "idempotency_oldest_run_seconds",
        Kind::LevelOfSeconds,
        "The age of the oldest run that holds a lease.",
    ),
    ("idempotency_runs_without_client", Kind::Level, "Runs under way whose clients left."),
    ("idempotency_record_bytes", Kind::Bytes, "Sizes of the records of outcomes."),
    (
        "idempotency_store_call_duration_seconds",
        Kind::Seconds,
        "How long the store took to answer, by kind of call.",
    ),
    (
        "idempotency_store_errors_total",
        Kind::Total,
        "Calls of the store that failed, by kind of error; `unheard` if nobody waited any more.",
    ),
    ("idempotency_tasks_total", Kind::Total, "Tasks that came so far, by their state."),
    (
        "idempotency_task_start_delay_seconds",
        Kind::Seconds,
        "How long tasks waited until they ran.",
    ),
    ("idempotency_tasks_unfinished", Kind::Level, "Tasks of all processes that are not finished."),
    ("idempotency_consumer_delivered_total", Kind::Total, "Messages that were delivered."),
    ("idempotency_consumer_settled_total", Kind::Total, "Messages, by their settlement."),
    ("idempotency_consumer_dead_total", Kind::Total, "Dead letters, by their reason."),
    (
        "idempotency_consumer_pausing",
        Kind::Level,
        "1 while a consumer takes no messages, or one at a time, because everything fails.",
    ),
    (
        "idempotency_consumer_connected",
        Kind::Level,
        "1 while a consumer is connected to its queue.",
    ),
];

#[cfg(feature = "metrics")]
#[derive(Clone, Copy)]
enum Kind {
    Total,
    Level,
    LevelOfSeconds,
    Seconds,
    Bytes,
}

/// Describes these counters, and all other metrics.
#[cfg(feature = "metrics")]
pub(super) fn describe(counters: &[(&'static str, &'static str)]) {
    for (name, description) in counters {
        metrics::describe_counter!(*name, description.trim());
    }
    for (name, kind, description) in OTHERS {
        match kind {
            Kind::Total => metrics::describe_counter!(name, description),
            Kind::Level => metrics::describe_gauge!(name, description),
            Kind::LevelOfSeconds => metrics::describe_gauge!(name, Unit::Seconds, description),
            Kind::Seconds => metrics::describe_histogram!(name, Unit::Seconds, description),
            Kind::Bytes => metrics::describe_histogram!(name, Unit::Bytes, description),
        }
    }
}

#[cfg(not(feature = "metrics"))]
pub(super) const fn describe(_: &[(&'static str, &'static str)]) {}
