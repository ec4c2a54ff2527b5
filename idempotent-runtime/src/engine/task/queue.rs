//! The tasks that this process is to try next, in the order it heard of them.

use crate::key::StorageKey;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
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
    /// How many take tasks out.
    runners: usize,
    waiting: VecDeque<StorageKey>,
    /// Those that wait, and those being tried.
    known: HashSet<StorageKey>,
    /// Those that others run, and the time of the engine's clock to look at them again.
    elsewhere: HashMap<StorageKey, Duration>,
}

/// A task whose turn it is; until this is dropped, nobody else in this process tries it.
#[derive(Debug)]
pub(crate) struct TaskTurn {
    queue: TaskQueue,
    task: StorageKey,
}

/// A runner that takes tasks out of the line, until this is dropped.
#[derive(Debug)]
pub(super) struct TaskRunners(TaskQueue);

impl TaskQueue {
    /// Lets tasks in from now on.
    pub(super) fn open(&self) -> TaskRunners {
        self.line().runners += 1;
        TaskRunners(self.clone())
    }

    /// Puts a task in line, unless it is there or being tried, or nobody would take it out: then another process
    /// finds it in the index.
    pub(super) fn push(&self, task: StorageKey) {
        let mut line = self.line();
        if line.runners > 0 && line.known.insert(task) {
            line.waiting.push_back(task);
            drop(line);
            self.0.news.notify_one();
        }
    }

    /// Puts the tasks of the index in line, but for those that others are known to run.
    pub(super) fn found(&self, tasks: Vec<StorageKey>, now: Duration) {
        let there = tasks.iter().collect::<HashSet<_>>();
        let is_there = |task: &StorageKey| there.contains(task);
        // What is off the index is over.
        self.line().elsewhere.retain(|task, until| *until > now && is_there(task));
        for task in tasks {
            if !self.line().elsewhere.contains_key(&task) {
                self.push(task);
            }
        }
    }

    /// Somebody else runs this task, and need not be asked for it until then.
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
    async fn a_process_that_runs_no_tasks_remembers_none() {
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
