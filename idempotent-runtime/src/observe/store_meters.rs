//! The numbers of the calls of a store.

use crate::error::StoreErrorKind;
use crate::observe::facade::{Distribution, Stopwatch, TotalsByWord};
#[cfg(feature = "inspector")]
use crate::observe::recent::{Spread, TotalSeen};

/// The calls of a store, each with its numbers.
#[derive(Debug)]
pub(crate) struct StoreMeters {
    pub(crate) create: StoreCallMeters,
    pub(crate) swap: StoreCallMeters,
    pub(crate) read: StoreCallMeters,
    pub(crate) browse: StoreCallMeters,
    pub(crate) purge: StoreCallMeters,
}

/// The numbers of one kind of call.
#[derive(Debug)]
pub(crate) struct StoreCallMeters {
    took: Distribution,
    failed: TotalsByWord,
}

impl StoreMeters {
    pub(crate) fn new() -> Self {
        let [create, swap, read, browse, purge] =
            ["create", "swap", "read", "browse", "purge"].map(StoreCallMeters::new);
        Self { create, swap, read, browse, purge }
    }

    /// All kinds of calls with their numbers.
    #[cfg(feature = "inspector")]
    pub(crate) fn seen(&self) -> [StoreCallSeen; 5] {
        let Self { create, swap, read, browse, purge } = self;
        let named = [
            ("create", create),
            ("swap", swap),
            ("read", read),
            ("browse", browse),
            ("purge", purge),
        ];
        named.map(|(call, meters)| StoreCallSeen {
            call,
            took: meters.took.seen(),
            failed: meters.failed.seen(),
        })
    }
}

/// One kind of call with its numbers.
#[cfg(feature = "inspector")]
#[derive(Debug)]
pub(crate) struct StoreCallSeen {
    pub(crate) call: &'static str,
    pub(crate) took: Spread,
    /// Its failures, by their kind.
    pub(crate) failed: Vec<(&'static str, TotalSeen)>,
}

impl StoreCallMeters {
    fn new(call: &'static str) -> Self {
        let (labels, errors) = ([("call", call)], "idempotency_store_errors_total");
        let first = ["timeout", "unavailable"];
        Self {
            took: Distribution::new("idempotency_store_call_duration_seconds", &labels),
            failed: TotalsByWord::new(errors, &labels, "kind", &first),
        }
    }

    /// Counts a call that was answered, with this error if there was one.
    pub(crate) fn answered(&self, since: Stopwatch, error: Option<StoreErrorKind>) {
        self.took.record_since(since);
        if let Some(kind) = error {
            self.failed.count(kind.name());
        }
    }

    /// Counts a call whose answer nobody waits for any more: the patience was over, or the caller left.
    pub(crate) fn unheard(&self, since: Stopwatch) {
        self.took.record_since(since);
        self.failed.count("unheard");
    }
}
