//! Counters of events, and numbers for metrics and for the inspector (features `metrics` and `inspector`).
//!
//! With the feature `metrics`, an engine reports to the recorder of the [`metrics`](https://docs.rs/metrics)
//! facade that is installed when the engine is built: install yours before. The chapter `book::metrics` lists
//! every metric, and those to be alerted by.

#![cfg_attr(
    not(all(feature = "metrics", feature = "actix", any(feature = "amqp", feature = "redis"))),
    allow(dead_code, reason = "a part of the crate tells a part of it")
)]

#[cfg(any(feature = "amqp", feature = "redis", feature = "inspector"))]
mod consumers;
mod described;
mod facade;
#[cfg(feature = "_meters")]
mod named;
mod oldest_run;
mod operations;
#[cfg(feature = "inspector")]
mod recent;
#[cfg(all(test, feature = "metrics"))]
pub(crate) mod recorded;
mod running;
#[cfg(feature = "_meters")]
mod store_meters;

use crate::error::{StoreError, StoreErrorKind};
use crate::stripes::Striped;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[cfg(any(feature = "amqp", feature = "redis"))]
pub(crate) use consumers::ConsumerMeters;
#[cfg(feature = "inspector")]
pub(crate) use consumers::{ConsumerSeen, consumers_seen};
use facade::Total;
pub(crate) use facade::{Distribution, Level, Stopwatch};
use oldest_run::OldestRun;
pub(crate) use operations::{Operation, OperationMeters, Operations};
#[cfg(feature = "inspector")]
pub(crate) use operations::{RequestsSeen, TasksSeen};
#[cfg(feature = "inspector")]
pub(crate) use recent::{SLOT, SLOTS, Spread, TotalSeen};
#[cfg(feature = "inspector")]
pub(crate) use running::RunSeen;
pub(crate) use running::{RunKey, RunMeter};
#[cfg(feature = "_meters")]
use std::sync::Arc;
#[cfg(feature = "inspector")]
pub(crate) use store_meters::StoreCallSeen;
#[cfg(feature = "_meters")]
pub(crate) use store_meters::{StoreCallMeters, StoreMeters};

macro_rules! counts {
    ($($(#[doc = $doc:literal])* $name:ident: $metric:literal,)*) => {
        /// The number of times that each event has happened since the engine was built.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counts {
            $($(#[doc = $doc])* pub $name: u64,)*
        }

        /// The counters behind [`Counts`], and the numbers that are only metrics.
        #[derive(Debug)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
            pub(crate) meters: Meters,
        }

        impl Counters {
            pub(crate) fn read(&self) -> Counts {
                Counts { $($name: self.$name.read(),)* }
            }
        }

        impl Default for Counters {
            fn default() -> Self {
                described::describe(&[$(($metric, concat!($($doc),*)),)*]);
                Self { $($name: Counter::new($metric),)* meters: Meters::new() }
            }
        }
    };
}

counts! {
    /// Runs that were started.
    ran: "idempotency_runs_total",
    /// Stored responses that were sent again.
    replayed: "idempotency_replays_total",
    /// Requests that were answered by a remembered record, without asking the store.
    remembered: "idempotency_remembered_answers_total",
    /// Requests that were refused: duplicates, conflicts, unknown tokens.
    refused: "idempotency_refusals_total",
    /// Requests and calls that met a key which waits for a person, and were answered `outcome-unknown`; also
    /// tasks that a runner found held. A key is counted each time it is met; `records()` lists the keys that
    /// are held now.
    held: "idempotency_held_total",
    /// Requests that waited for another one with their key.
    waited: "idempotency_waits_total",
    /// Runs whose outcome was not stored before the response was sent, or could not be stored.
    not_stored: "idempotency_outcomes_not_stored_total",
    /// Outcomes that were stored after the response was sent, or after their caller had left.
    stored_late: "idempotency_outcomes_stored_late_total",
    /// Runs that found at their end that they had lost their key: another owner had it, or it was given back
    /// or ended.
    lost: "idempotency_fences_refused_total",
    /// Runs that went on without their clients.
    detached: "idempotency_runs_detached_total",
    /// Requests for which the store did not answer.
    store_failed: "idempotency_store_failures_total",
    /// Requests and calls that ran unguarded: while the store did not answer, or because records are off.
    unguarded: "idempotency_runs_unguarded_total",
    /// Requests refused because the record under their key could not be read.
    undecodable: "idempotency_records_undecodable_total",
    /// Requests refused because the record under their key is sealed with a sealing key that this process
    /// does not have, does not open, or is not sealed although it must be. Also computations of a `cache` for
    /// such a record.
    unopened: "idempotency_records_unopened_total",
    /// Renewals of leases that succeeded.
    renewed: "idempotency_leases_renewed_total",
    /// Renewals of leases that failed, and were tried again.
    renewals_failed: "idempotency_lease_renewals_failed_total",
    /// Leases that were lost while their runs went on.
    leases_lost: "idempotency_leases_lost_total",
    /// Keys taken over from an owner that died.
    taken_over: "idempotency_takeovers_total",
    /// Records that the store dropped after their life was over, if it is a store that does not do this by itself.
    purged: "idempotency_records_purged_total",
}

impl Counters {
    /// Counts a request that failed because of its store.
    pub(crate) fn failed(&self, error: &StoreError) {
        match error.kind() {
            StoreErrorKind::Corrupt => self.undecodable.count(),
            StoreErrorKind::Unopened => self.unopened.count(),
            _ => self.store_failed.count(),
        }
    }
}

/// The numbers that are only metrics.
#[derive(Debug)]
pub(crate) struct Meters {
    pub(crate) operations: Operations,
    /// Runs under way, with the requests that wait for one.
    pub(crate) in_flight: Level,
    pub(crate) oldest_run: OldestRun,
    /// Records of outcomes, in bytes.
    pub(crate) record_bytes: Distribution,
    pub(crate) unfinished_tasks: Level,
    #[cfg(feature = "_meters")]
    pub(crate) store: Arc<StoreMeters>,
}

impl Meters {
    fn new() -> Self {
        Self {
            operations: Operations::default(),
            in_flight: Level::new("idempotency_runs_in_flight", &[]),
            oldest_run: OldestRun::new(),
            record_bytes: Distribution::new("idempotency_record_bytes", &[]),
            unfinished_tasks: Level::new("idempotency_tasks_unfinished", &[]),
            #[cfg(feature = "_meters")]
            store: Arc::new(StoreMeters::new()),
        }
    }
}

/// Whether something does not work. This is logged once when it begins, and once when it ends.
#[derive(Debug, Default)]
pub(crate) struct Outage(AtomicBool);

impl Outage {
    /// Notes a failure. Returns whether the outage begins with it.
    pub(crate) fn begins(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }

    /// Notes a success. Returns whether the outage ends with it.
    pub(crate) fn ends(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}

/// A number that only grows.
#[derive(Debug)]
pub(crate) struct Counter {
    numbers: Striped<AtomicU64>,
    told: Total,
}

impl Counter {
    fn new(metric: &'static str) -> Self {
        Self { numbers: Striped::default(), told: Total::new(metric, &[]) }
    }

    fn read(&self) -> u64 {
        self.numbers.all().map(|number| number.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn count(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.numbers.own().fetch_add(count, Ordering::Relaxed);
        self.told.add(count);
    }
}
