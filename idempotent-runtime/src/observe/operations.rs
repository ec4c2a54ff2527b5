//! The numbers of each guarded operation and of each kind of task. Their handles are made at the first use.

#![cfg_attr(
    not(feature = "inspector"),
    expect(unused_variables, clippy::unused_self, reason = "there is nobody to tell")
)]

use crate::observe::facade::Stopwatch;
#[cfg(feature = "_meters")]
use crate::observe::facade::{Distribution, TotalsByWord};
#[cfg(feature = "_meters")]
use crate::observe::named::Named;
#[cfg(feature = "inspector")]
use crate::observe::recent::{Spread, TotalSeen};
use crate::observe::running::{RunKey, RunMeter};
#[cfg(feature = "inspector")]
use crate::observe::running::{RunSeen, Runs};
#[cfg(feature = "_meters")]
use std::cell::RefCell;
use std::fmt;
#[cfg(feature = "_meters")]
use std::sync::Arc;
use std::time::Duration;

/// The operations and the tasks of one engine.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    #[cfg(feature = "_meters")]
    requests: Named<RequestNumbers>,
    #[cfg(feature = "_meters")]
    tasks: Named<TaskNumbers>,
}

/// An operation whose requests are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'a> {
    /// The method of its route, if this crate knows it; `None` for a function.
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
    #[cfg(feature = "_meters")]
    numbers: Arc<RequestNumbers>,
}

/// The numbers of the tasks of one function.
pub(crate) struct TaskMeters {
    #[cfg(feature = "_meters")]
    numbers: Arc<TaskNumbers>,
}

#[cfg(feature = "_meters")]
#[derive(Debug)]
struct RequestNumbers {
    #[cfg(feature = "inspector")]
    operation: String,
    #[cfg(feature = "inspector")]
    strategy: &'static str,
    requests: TotalsByWord,
    admission: Distribution,
    run: Distribution,
    #[cfg(feature = "inspector")]
    runs: Arc<Runs>,
}

#[cfg(feature = "_meters")]
#[derive(Debug)]
struct TaskNumbers {
    #[cfg(feature = "inspector")]
    function: String,
    states: TotalsByWord,
    start_delay: Distribution,
}

/// The numbers of the requests of one operation.
#[cfg(feature = "inspector")]
#[derive(Debug)]
pub(crate) struct RequestsSeen {
    pub(crate) operation: String,
    pub(crate) strategy: &'static str,
    pub(crate) outcomes: Vec<(&'static str, TotalSeen)>,
    pub(crate) admission: Spread,
    pub(crate) run: Spread,
    pub(crate) runs: Vec<RunSeen>,
}

/// The numbers of the tasks of one function.
#[cfg(feature = "inspector")]
#[derive(Debug)]
pub(crate) struct TasksSeen {
    pub(crate) function: String,
    pub(crate) states: Vec<(&'static str, TotalSeen)>,
    pub(crate) start_delay: Spread,
}

#[cfg(feature = "_meters")]
thread_local! {
    /// The buffer for the name that is looked up, so that a request allocates none.
    static SOUGHT: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Operations {
    /// The numbers of the requests of an operation.
    pub(crate) fn of(&self, operation: Operation<'_>) -> OperationMeters {
        OperationMeters {
            #[cfg(feature = "_meters")]
            numbers: self.requests_of(operation),
        }
    }

    #[cfg(feature = "_meters")]
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

    /// The numbers of each operation.
    #[cfg(feature = "inspector")]
    pub(crate) fn requests_seen(&self) -> Vec<RequestsSeen> {
        let seen = |numbers: &Arc<RequestNumbers>| RequestsSeen {
            operation: numbers.operation.clone(),
            strategy: numbers.strategy,
            outcomes: numbers.requests.seen(),
            admission: numbers.admission.seen(),
            run: numbers.run.seen(),
            runs: numbers.runs.seen(),
        };
        self.requests.all().iter().map(seen).collect()
    }

    /// The numbers of the tasks of each function.
    #[cfg(feature = "inspector")]
    pub(crate) fn tasks_seen(&self) -> Vec<TasksSeen> {
        let seen = |numbers: &Arc<TaskNumbers>| TasksSeen {
            function: numbers.function.clone(),
            states: numbers.states.seen(),
            start_delay: numbers.start_delay.seen(),
        };
        self.tasks.all().iter().map(seen).collect()
    }

    /// The numbers of the tasks of a function.
    pub(crate) fn task(&self, function: &str) -> TaskMeters {
        TaskMeters {
            #[cfg(feature = "_meters")]
            numbers: self.tasks.of(function, || TaskNumbers::new(function)),
        }
    }
}

#[cfg(feature = "_meters")]
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
            #[cfg(feature = "inspector")]
            operation: operation.to_owned(),
            #[cfg(feature = "inspector")]
            strategy,
            requests: TotalsByWord::new("idempotency_requests_total", &labels, "outcome", &first),
            admission: Distribution::new("idempotency_admission_duration_seconds", &labels),
            run: Distribution::new("idempotency_run_duration_seconds", &labels),
            #[cfg(feature = "inspector")]
            runs: Arc::default(),
        }
    }
}

#[cfg(feature = "_meters")]
impl TaskNumbers {
    fn new(function: &str) -> Self {
        let labels = [("task", function)];
        let first = ["accepted", "started", "succeeded", "failed", "held"];
        Self {
            #[cfg(feature = "inspector")]
            function: function.to_owned(),
            states: TotalsByWord::new("idempotency_tasks_total", &labels, "state", &first),
            start_delay: Distribution::new("idempotency_task_start_delay_seconds", &labels),
        }
    }
}

impl OperationMeters {
    /// Counts a request, by its outcome.
    pub(crate) fn request(&self, outcome: &'static str) {
        #[cfg(feature = "_meters")]
        self.numbers.requests.count(outcome);
    }

    /// Measures how long a request waited for its admission: for the store, and for others with its key.
    pub(crate) fn admitted(&self, since: Stopwatch) {
        #[cfg(feature = "_meters")]
        self.numbers.admission.record_since(since);
    }

    /// Notes that the handler runs from now on. An attempt of 0 is a run without a guard.
    pub(crate) fn starts(&self, key: RunKey, attempt: u64) -> RunMeter {
        let since = Stopwatch::start();
        RunMeter {
            since,
            #[cfg(feature = "inspector")]
            _place: self.numbers.runs.begin(key, attempt, since),
        }
    }

    /// Measures how long a run took, to its stored answer.
    pub(crate) fn ran(&self, run: &RunMeter) {
        #[cfg(feature = "_meters")]
        self.numbers.run.record_since(run.since);
    }
}

impl TaskMeters {
    /// Counts a task that has reached this state.
    pub(crate) fn is(&self, state: &'static str) {
        #[cfg(feature = "_meters")]
        self.numbers.states.count(state);
    }

    /// Measures how long a task waited until it ran.
    pub(crate) fn started_after(&self, delay: Duration) {
        #[cfg(feature = "_meters")]
        self.numbers.start_delay.record(delay.as_secs_f64());
    }
}

impl fmt::Debug for OperationMeters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationMeters").finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "_meters"))]
mod tests {
    use super::*;
    use crate::observe::named::MOST;

    #[test]
    fn an_operation_has_its_numbers_once_and_endless_names_fill_no_memory() {
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
        assert_eq!(operations.requests.all().len(), MOST);
        assert!(Arc::ptr_eq(&first, &of(Some("POST"), "/orders", "request_id")));
    }
}
