//! Runs that go on without their clients: how many there are, and how many there may be.

use crate::key::KeyParts;
use crate::observe::Level;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most runs that go on without their clients, unless the app sets another number.
const MOST: usize = 4096;

/// The share of one scope, unless the app sets another: all runs divided by this.
const PART: usize = 4;

/// The most runs that may go on without their clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientlessLimits {
    pub(crate) all: usize,
    /// `None` is a share of all.
    pub(crate) of_one_scope: Option<usize>,
}

/// The runs of an app that go on without their clients.
#[derive(Debug)]
pub(crate) struct ClientlessRuns {
    limits: ClientlessLimits,
    now: AtomicUsize,
    of_scopes: Mutex<HashMap<KeyParts, usize>>,
    told: Level,
}

/// One such run; dropping it is its end.
#[derive(Debug)]
pub(crate) struct ClientlessRun {
    runs: Arc<ClientlessRuns>,
    scope: KeyParts,
}

impl Default for ClientlessLimits {
    fn default() -> Self {
        Self { all: MOST, of_one_scope: None }
    }
}

impl ClientlessLimits {
    fn of_one_scope(&self) -> usize {
        self.of_one_scope.unwrap_or_else(|| (self.all / PART).max(1))
    }
}

impl ClientlessRuns {
    pub(crate) fn new(limits: ClientlessLimits) -> Arc<Self> {
        let told = Level::new("idempotency_runs_without_client", &[]);
        Arc::new(Self { limits, now: AtomicUsize::new(0), of_scopes: Mutex::default(), told })
    }

    /// Whether so many runs go on, of all scopes or of this one, that this scope may begin no more. If all
    /// callers share one scope, only the total counts.
    pub(crate) fn are_too_many(&self, scope: &KeyParts) -> bool {
        let (now, most) = (self.now.load(Ordering::SeqCst), self.limits.of_one_scope());
        // As a rule there are few runs, and their scopes need not be counted.
        now >= self.limits.all
            || (now >= most
                && !scope.is_empty()
                && self.of_scopes().get(scope).is_some_and(|runs| *runs >= most))
    }

    /// Counts a run whose client has left.
    pub(crate) fn enter(self: &Arc<Self>, scope: KeyParts) -> ClientlessRun {
        self.now.fetch_add(1, Ordering::SeqCst);
        self.told.rise();
        *self.of_scopes().entry(scope.clone()).or_default() += 1;
        ClientlessRun { runs: Arc::clone(self), scope }
    }

    fn of_scopes(&self) -> MutexGuard<'_, HashMap<KeyParts, usize>> {
        self.of_scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ClientlessRun {
    fn drop(&mut self) {
        let mut scopes = self.runs.of_scopes();
        if let Some(runs) = scopes.get_mut(&self.scope) {
            *runs -= 1;
            if *runs == 0 {
                scopes.remove(&self.scope);
            }
        }
        self.runs.now.fetch_sub(1, Ordering::SeqCst);
        self.runs.told.fall();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(name: &str) -> KeyParts {
        KeyParts::new().value(name)
    }

    #[test]
    fn one_scope_has_a_quarter_and_a_shared_one_the_total() {
        let runs = ClientlessRuns::new(ClientlessLimits { all: 8, of_one_scope: None });
        let of_alice = [(); 2].map(|()| runs.enter(scope("alice")));
        assert!(runs.are_too_many(&scope("alice")));
        let others: Vec<_> = (0..5).map(|_| runs.enter(KeyParts::new())).collect();
        for free in [scope("bob"), KeyParts::new()] {
            assert!(!runs.are_too_many(&free), "{free:?}");
        }
        let last = runs.enter(scope("carol"));
        for free in [scope("bob"), KeyParts::new()] {
            assert!(runs.are_too_many(&free), "{free:?}");
        }
        drop((last, of_alice));
        assert!(!runs.are_too_many(&scope("alice")));
        drop(others);
        assert!(runs.of_scopes().is_empty(), "nobody is left");
    }
}
