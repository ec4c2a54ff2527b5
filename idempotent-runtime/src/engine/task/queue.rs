//! The tasks that this process tries to run next, in the order in which it learned of them.

use crate::key::StorageKey;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A queue of tasks. Each task stands in it once, so the index bounds its length.
#[derive(Clone, Debug, Default)]
pub(super) struct TaskQueue(Arc<TaskQueueInner>);

#[derive(Debug, Default)]
struct TaskQueueInner {
    line: Mutex<TaskLine>,
    news: Notify,
}

#[derive(Debug, Default)]
struct TaskLine {
    /// The number of runners that take tasks out.
    runners: usize,
    waiting: VecDeque<StorageKey>,
    /// The tasks that wait, and those being tried.
    known: HashSet<StorageKey>,
    /// The tasks that other processes run, and the moment of the engine's clock to look at each of them again.
    elsewhere: HashMap<StorageKey, Duration>,
}

/// A task whose turn it is. Until this is dropped, no other runner of this process tries the task.
#[derive(Debug)]
pub(crate) struct TaskTurn {
    queue: TaskQueue,
    task: StorageKey,
}

/// A runner that takes tasks out of the queue, until this is dropped.
#[derive(Debug)]
pub(super) struct TaskRunners(TaskQueue);

impl TaskQueue {
    /// Opens the queue for tasks, for one runner.
    pub(super) fn open(&self) -> TaskRunners {
        self.line().runners += 1;
        TaskRunners(self.clone())
    }

    /// Puts a task into the queue, unless it waits there or is being tried, or no runner would take it out.
    /// Another process finds it in the index then.
    pub(super) fn push(&self, task: StorageKey) {
        let mut line = self.line();
        if line.runners > 0 && line.known.insert(task) {
            line.waiting.push_back(task);
            drop(line);
            self.0.news.notify_one();
        }
    }

    /// Puts the tasks of the index into the queue, except those that others are known to run.
    pub(super) fn found(&self, tasks: Vec<StorageKey>, now: Duration) {
        let there = tasks.iter().collect::<HashSet<_>>();
        let is_there = |task: &StorageKey| there.contains(task);
        // A task that is not in the index any more is over.
        self.line().elsewhere.retain(|task, until| *until > now && is_there(task));
        for task in tasks {
            if !self.line().elsewhere.contains_key(&task) {
                self.push(task);
            }
        }
    }

    /// Notes that another process runs this task, which need not be looked at again before `until`.
    pub(super) fn runs_elsewhere(&self, task: StorageKey, until: Duration) {
        self.line().elsewhere.insert(task, until);
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

impl Drop for TaskRunners {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.runners -= 1;
        if line.runners == 0 {
            for task in std::mem::take(&mut line.waiting) {
                line.known.remove(&task);
            }
            line.elsewhere.clear();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: StorageKey = StorageKey::from_bytes([7; 32]);

    #[tokio::test]
    async fn a_process_without_runners_queues_no_tasks() {
        let queue = TaskQueue::default();
        let held = || {
            let line = queue.line();
            (line.waiting.len(), line.known.len())
        };
        queue.push(TASK);
        assert_eq!(held(), (0, 0));
        let runner = queue.open();
        queue.push(TASK);
        queue.push(TASK);
        assert_eq!(held(), (1, 1));
        drop(runner);
        assert_eq!(held(), (0, 0));
        let _runner = queue.open();
        queue.push(TASK);
        let turn = queue.next().await;
        assert_eq!(held(), (0, 1));
        drop(turn);
        assert_eq!(held(), (0, 0));
    }
}
