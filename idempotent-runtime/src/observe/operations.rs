//! The numbers of each guarded operation and of each kind of task, whose handles are made at its first use.

#![cfg_attr(
    not(feature = "metrics"),
    expect(unused_variables, clippy::unused_self, reason = "there is nobody to tell")
)]

use crate::observe::facade::Stopwatch;
#[cfg(feature = "metrics")]
use crate::observe::facade::{Distribution, TotalsByWord};
#[cfg(feature = "metrics")]
use std::cell::RefCell;
#[cfg(feature = "metrics")]
use std::collections::HashMap;
use std::fmt;
#[cfg(feature = "metrics")]
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The most operations that are told apart: an app has fewer routes.
#[cfg(feature = "metrics")]
const MOST: usize = 4096;

/// The operations and the tasks of one engine.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    #[cfg(feature = "metrics")]
    requests: Named<RequestNumbers>,
    #[cfg(feature = "metrics")]
    tasks: Named<TaskNumbers>,
}

/// An operation whose requests are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'a> {
    /// The method of its route, one of those that this crate knows; none of a function.
    pub(crate) method: Option<&'static str>,
    /// The pattern of its route, or its name.
    pub(crate) name: &'a str,
    /// The name of its strategy.
    pub(crate) strategy: &'static str,
}

impl fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, name, .. } = self;
        method.map_or(Ok(()), |method| write!(f, "{method} "))?;
        f.write_str(name)
    }
}

/// The numbers of the requests of one operation. Clones share them.
#[derive(Clone)]
pub(crate) struct OperationMeters {
    #[cfg(feature = "metrics")]
    numbers: Arc<RequestNumbers>,
}

/// The numbers of the tasks of one function.
pub(crate) struct TaskMeters {
    #[cfg(feature = "metrics")]
    numbers: Arc<TaskNumbers>,
}

#[cfg(feature = "metrics")]
#[derive(Debug)]
struct RequestNumbers {
    requests: TotalsByWord,
    admission: Distribution,
    run: Distribution,
}

#[cfg(feature = "metrics")]
#[derive(Debug)]
struct TaskNumbers {
    states: TotalsByWord,
    start_delay: Distribution,
}

/// Numbers by their names.
#[cfg(feature = "metrics")]
#[derive(Debug)]
struct Named<N>(RwLock<HashMap<Box<str>, Arc<N>, foldhash::fast::RandomState>>);

#[cfg(feature = "metrics")]
impl<N> Default for Named<N> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

#[cfg(feature = "metrics")]
impl<N> Named<N> {
    fn of(&self, name: &str, make: impl FnOnce() -> N) -> Arc<N> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(known);
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(name) {
            // Told once more than it is remembered, and still told.
            return Arc::new(make());
        }
        Arc::clone(known.entry(name.into()).or_insert_with(|| Arc::new(make())))
    }
}

#[cfg(feature = "metrics")]
thread_local! {
    /// The name that was looked for last: a request allocates none.
    static SOUGHT: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Operations {
    /// The numbers of the requests of an operation.
    pub(crate) fn of(&self, operation: Operation<'_>) -> OperationMeters {
        OperationMeters {
            #[cfg(feature = "metrics")]
            numbers: self.requests_of(operation),
        }
    }

    #[cfg(feature = "metrics")]
    fn requests_of(
        &self,
        Operation { method, name, strategy }: Operation<'_>,
    ) -> Arc<RequestNumbers> {
        SOUGHT.with_borrow_mut(|sought| {
            sought.clear();
            let method = method.map(|method| [method, " "]).unwrap_or_default();
            for part in [strategy, " ", method[0], method[1], name] {
                sought.push_str(part);
            }
            let shown = &sought[strategy.len() + 1..];
            self.requests.of(sought, || RequestNumbers::new(shown, strategy))
        })
    }

    /// The numbers of the tasks of a function.
    pub(crate) fn task(&self, function: &str) -> TaskMeters {
        TaskMeters {
            #[cfg(feature = "metrics")]
            numbers: self.tasks.of(function, || TaskNumbers::new(function)),
        }
    }
}

#[cfg(feature = "metrics")]
impl RequestNumbers {
    fn new(operation: &str, strategy: &'static str) -> Self {
        let labels = [("operation", operation), ("strategy", strategy)];
        let first = [
            "ran",
            "replayed",
            "in-progress",
            "key-reused",
            "outcome-unknown",
            "store-unavailable",
        ];
        Self {
            requests: TotalsByWord::new("idempotency_requests_total", &labels, "outcome", &first),
            admission: Distribution::new("idempotency_admission_duration_seconds", &labels),
            run: Distribution::new("idempotency_run_duration_seconds", &labels),
        }
    }
}

#[cfg(feature = "metrics")]
impl TaskNumbers {
    fn new(function: &str) -> Self {
        let labels = [("task", function)];
        let first = ["accepted", "started", "succeeded", "failed", "held"];
        Self {
            states: TotalsByWord::new("idempotency_tasks_total", &labels, "state", &first),
            start_delay: Distribution::new("idempotency_task_start_delay_seconds", &labels),
        }
    }
}

impl OperationMeters {
    /// Counts a request, by what became of it.
    pub(crate) fn request(&self, outcome: &'static str) {
        #[cfg(feature = "metrics")]
        self.numbers.requests.count(outcome);
    }

    /// How long a request waited for its admission: for the store, and for others that had its key.
    pub(crate) fn admitted(&self, since: Stopwatch) {
        #[cfg(feature = "metrics")]
        self.numbers.admission.record_since(since);
    }

    /// How long it ran, to its stored answer.
    pub(crate) fn ran(&self, since: Stopwatch) {
        #[cfg(feature = "metrics")]
        self.numbers.run.record_since(since);
    }
}

impl TaskMeters {
    /// Counts a task that came so far.
    pub(crate) fn is(&self, state: &'static str) {
        #[cfg(feature = "metrics")]
        self.numbers.states.count(state);
    }

    /// How long a task waited until it ran.
    pub(crate) fn started_after(&self, delay: Duration) {
        #[cfg(feature = "metrics")]
        self.numbers.start_delay.record(delay.as_secs_f64());
    }
}

impl fmt::Debug for OperationMeters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationMeters").finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use super::*;

    #[test]
    fn an_operation_has_its_numbers_once_and_names_without_end_fill_no_memory() {
        let operations = Operations::default();
        let of = |method, name: &str, strategy| {
            operations.requests_of(Operation { method, name, strategy })
        };
        let first = of(Some("POST"), "/orders", "request_id");
        assert!(Arc::ptr_eq(&first, &of(Some("POST"), "/orders", "request_id")));
        for (method, name, strategy) in [
            (Some("PUT"), "/orders", "request_id"),
            (None, "/orders", "request_id"),
            (Some("POST"), "/orders", "lock"),
            (Some("POST"), "/order", "request_id"),
        ] {
            assert!(
                !Arc::ptr_eq(&first, &of(method, name, strategy)),
                "{method:?} {name} {strategy}"
            );
        }
        for number in 0..2 * MOST {
            of(None, &number.to_string(), "message");
        }
        assert_eq!(operations.requests.0.read().unwrap().len(), MOST);
        assert!(Arc::ptr_eq(&first, &of(Some("POST"), "/orders", "request_id")));
    }
}
