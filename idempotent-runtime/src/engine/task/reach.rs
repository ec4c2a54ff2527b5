//! Asks, before a task is accepted, whether a runner of this process reaches its handler.
//!
//! Only the routes themselves can tell, since guards and middleware may look at anything. So a runner sends
//! through its routes the same request that will carry the task, and the handler answers that it was reached.

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

/// The time that a runner has for its answer. A runner whose thread is blocked must not block requests.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most routes that are remembered as reached, since clients choose a part of each.
const MOST_KNOWN: usize = 1024;

/// The runners of this process, and the routes that they were found to reach.
#[derive(Debug, Default)]
pub(super) struct Reach(Mutex<ReachInner>);

#[derive(Debug, Default)]
struct ReachInner {
    runners: Vec<mpsc::UnboundedSender<TaskTrial>>,
    /// Routes that a runner reached. When a runner ends, its routes are forgotten.
    reached: HashSet<TaskRoute>,
}

/// The parts of a task that tell its route from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TaskRoute {
    pub(crate) method: String,
    /// The pattern, so that all paths of one route count as one.
    pub(crate) pattern: String,
    pub(crate) operation: String,
    pub(crate) headers: Vec<(String, Bytes)>,
}

/// A task that is not stored yet, with which a runner tries to reach the handler.
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
        // The request that asked may be gone.
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

    /// Whether all runners of this process answer that they do not reach the handler.
    ///
    /// If there is no runner, or if one does not answer, nothing is known and the answer is no.
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
                // A runner that has ended meanwhile drops the sender of the answer.
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
