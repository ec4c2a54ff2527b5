//! The limits of unfinished tasks, of all scopes together and of one scope.

use std::ops::Add;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The scope of a task in so few bytes that tasks of two scopes can still be counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskScope([u8; 8]);

impl TaskScope {
    /// The scope that all callers share. It has no limit of its own.
    pub(crate) const SHARED: Self = Self([0; 8]);

    pub(crate) const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

/// The most tasks that may be unfinished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskLimits {
    pub(crate) total: usize,
    /// The most tasks of one scope that is not shared.
    pub(crate) of_scope: usize,
}

impl TaskLimits {
    pub(super) fn are_reached(self, scope: TaskScope, count: TaskCount) -> bool {
        let counts = scope != TaskScope::SHARED;
        count.all >= self.total || (counts && count.of_scope >= self.of_scope)
    }
}

/// A number of tasks of all scopes, and of one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TaskCount {
    all: usize,
    of_scope: usize,
}

impl TaskCount {
    pub(super) fn of(scope: TaskScope, tasks: impl Iterator<Item = TaskScope>) -> Self {
        tasks.fold(Self::default(), |count, task| Self {
            all: count.all + 1,
            of_scope: count.of_scope + usize::from(task == scope),
        })
    }
}

impl Add for TaskCount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { all: self.all + other.all, of_scope: self.of_scope + other.of_scope }
    }
}

/// The tasks that this process is adding now, in order. Each one counts those before it.
#[derive(Debug, Default)]
pub(super) struct Adding(Mutex<Turns>);

#[derive(Debug, Default)]
struct Turns {
    next: u64,
    under_way: Vec<(u64, TaskScope)>,
}

/// A task that is being added, until this is dropped.
pub(super) struct AddingTurn<'a> {
    adding: &'a Adding,
    number: u64,
}

impl Adding {
    pub(super) fn begin(&self, scope: TaskScope) -> AddingTurn<'_> {
        let mut turns = self.turns();
        let number = turns.next;
        turns.next += 1;
        turns.under_way.push((number, scope));
        AddingTurn { adding: self, number }
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AddingTurn<'_> {
    /// The number of tasks that are being added and began before this one.
    pub(super) fn before(&self, scope: TaskScope) -> TaskCount {
        let turns = self.adding.turns();
        let before = turns.under_way.iter().filter(|(number, _)| *number < self.number);
        TaskCount::of(scope, before.map(|(_, scope)| *scope))
    }
}

impl Drop for AddingTurn<'_> {
    fn drop(&mut self) {
        self.adding.turns().under_way.retain(|(number, _)| *number != self.number);
    }
}
