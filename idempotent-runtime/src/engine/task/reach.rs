//! Whether a runner of this process reaches the handler of a task, asked before the task is promised.
//!
//! Only the routes themselves know it: guards and middleware may look at anything. So a runner sends
//! through its routes the request that would carry the task, and the handler answers that it was reached.

use crate::engine::task::input::Input;
use crate::key::StorageKey;
use crate::store::record::Record;
use bytes::Bytes;
use futures_util::future::join_all;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// The time that a runner has for its answer. One whose thread is blocked blocks no requests.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most routes that are known to be right: a part of each is the client's.
const MOST_KNOWN: usize = 1024;

/// The runners of this process, and the routes that they were found to reach.
#[derive(Debug, Default)]
pub(super) struct Reach(Mutex<ReachInner>);

#[derive(Debug, Default)]
struct ReachInner {
    runners: Vec<mpsc::UnboundedSender<TaskTrial>>,
    /// Routes that one of them reached; a runner that ends takes its routes along.
    reached: HashSet<TaskRoute>,
}

/// The parts of a task by which routes are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TaskRoute {
    pub(crate) method: String,
    /// The pattern, so that the paths of one route are one.
    pub(crate) pattern: String,
    pub(crate) operation: String,
    pub(crate) headers: Vec<(String, Bytes)>,
}

/// A task that is not stored yet, for a runner to try the way to its handler.
#[derive(Debug)]
pub(crate) struct TaskTrial {
    pub(crate) key: StorageKey,
    pub(crate) record: Record,
    pub(crate) input: Input,
    answer: oneshot::Sender<bool>,
}

impl TaskTrial {
    /// Says whether the handler was reached.
    pub(crate) fn answer(self, reached: bool) {
        // Who asked may have left.
        let _ = self.answer.send(reached);
    }
}

impl Reach {
    /// A runner that answers trials for as long as it holds the receiver.
    pub(super) fn register(&self) -> mpsc::UnboundedReceiver<TaskTrial> {
        let (runner, trials) = mpsc::unbounded_channel();
        self.inner().runners.push(runner);
        trials
    }

    /// Whether all runners of this process say that they do not reach the handler.
    ///
    /// Nothing is known where there is no runner, or where one does not answer.
    pub(super) async fn is_missed(
        &self,
        route: TaskRoute,
        key: StorageKey,
        record: &Record,
        input: &Input,
    ) -> bool {
        let asked = {
            let mut inner = self.inner();
            let runners = inner.runners.len();
            inner.runners.retain(|runner| !runner.is_closed());
            if inner.runners.len() < runners {
                inner.reached.clear();
            }
            if inner.reached.contains(&route) || inner.runners.is_empty() {
                return false;
            }
            let ask = |runner: &mpsc::UnboundedSender<TaskTrial>| {
                let (answer, answered) = oneshot::channel();
                let (record, input) = (record.clone(), input.clone());
                // A runner that ended meanwhile drops the answer.
                drop(runner.send(TaskTrial { key, record, input, answer }));
                timeout(PATIENCE, answered)
            };
            inner.runners.iter().map(ask).collect::<Vec<_>>()
        };
        let answers = join_all(asked).await;
        if answers.iter().any(|answer| matches!(answer, Ok(Ok(true)))) {
            let mut inner = self.inner();
            if inner.reached.len() >= MOST_KNOWN {
                inner.reached.clear();
            }
            inner.reached.insert(route);
            return false;
        }
        answers.iter().all(|answer| matches!(answer, Ok(Ok(false))))
    }

    fn inner(&self) -> MutexGuard<'_, ReachInner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
