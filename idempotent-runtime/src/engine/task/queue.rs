//! The tasks that this process is to try next, in the order it heard of them.

use crate::key::StorageKey;
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A line of tasks; each stands in it once. The index bounds how many there can be.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    line: Mutex<Line>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<StorageKey>,
    /// Those that wait, and those being tried.
    known: HashSet<StorageKey>,
}

/// A task whose turn it is; until this is dropped, nobody else in this process tries it.
#[derive(Debug)]
pub(crate) struct Turn {
    queue: Queue,
    task: StorageKey,
}

impl Queue {
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
    pub(super) async fn next(&self) -> Turn {
        loop {
            let next = self.line().waiting.pop_front();
            match next {
                Some(task) => return Turn { queue: self.clone(), task },
                None => self.0.news.notified().await,
            }
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    pub(crate) const fn task(&self) -> StorageKey {
        self.task
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queue.line().known.remove(&self.task);
    }
}
