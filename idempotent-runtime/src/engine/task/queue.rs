//! The tasks that this process is to try next, in the order it heard of them.

use crate::key::StorageKey;
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A line of tasks; each stands in it once. The index bounds how many there can be.
#[derive(Clone, Debug, Default)]
pub(super) struct TaskQueue(Arc<TaskQueueInner>);

#[derive(Debug, Default)]
struct TaskQueueInner {
    line: Mutex<TaskLine>,
    news: Notify,
}

#[derive(Debug, Default)]
struct TaskLine {
    waiting: VecDeque<StorageKey>,
    /// Those that wait, and those being tried.
    known: HashSet<StorageKey>,
}

/// A task whose turn it is; until this is dropped, nobody else in this process tries it.
#[derive(Debug)]
pub(crate) struct TaskTurn {
    queue: TaskQueue,
    task: StorageKey,
}

impl TaskQueue {
    /// Puts a task in line, unless it is there or being tried.
    pub(super) fn push(&self, task: StorageKey) {
        let mut line = self.line();
        if line.known.insert(task) {
            line.waiting.push_back(task);
            drop(line);
            self.0.news.notify_one();
        }
    }

    /// Waits for the next task.
    pub(super) async fn next(&self) -> TaskTurn {
        loop {
            let next = self.line().waiting.pop_front();
            match next {
                Some(task) => return TaskTurn { queue: self.clone(), task },
                None => self.0.news.notified().await,
            }
        }
    }

    fn line(&self) -> MutexGuard<'_, TaskLine> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskTurn {
    pub(crate) const fn task(&self) -> StorageKey {
        self.task
    }
}

impl Drop for TaskTurn {
    fn drop(&mut self) {
        self.queue.line().known.remove(&self.task);
    }
}
