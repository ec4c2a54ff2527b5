//! A process that kills itself at one step of the protocol.

use crate::step::Step;
use bytes::Bytes;
use idempotent_runtime::store::record::{Record, State};
use idempotent_runtime::store::{Entry, Finding, Store, StoreFuture, Swap};
use idempotent_runtime::{StorageKey, StoreError};
use std::process::{Command, id};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The step at which this process dies, if any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults(pub(crate) Option<Step>);

impl Faults {
    /// Dies if this is the step: SIGKILL, so that nothing is flushed, dropped or said.
    pub(crate) fn reach(self, step: Step) {
        if self.0 != Some(step) {
            return;
        }
        let killed = Command::new("kill").args(["-9", &id().to_string()]).status();
        // Whatever `kill` answers, this thread does nothing more.
        drop(killed);
        loop {
            thread::park();
        }
    }
}

/// A store of a process that dies on one side or the other of an operation.
#[derive(Debug)]
pub(crate) struct Mortal {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) faults: Faults,
}

impl Mortal {
    async fn between<T>(
        &self,
        steps: (Step, Step),
        work: StoreFuture<'_, T>,
        succeeded: impl FnOnce(&T) -> bool,
    ) -> Result<T, StoreError> {
        self.faults.reach(steps.0);
        let done = work.await?;
        if succeeded(&done) {
            self.faults.reach(steps.1);
        }
        Ok(done)
    }
}

/// Whether this is the record of a finished request.
fn is_outcome(key: &StorageKey, value: &Bytes) -> bool {
    Record::decode(key, value).is_ok_and(|record| matches!(record.state, State::Completed(_)))
}

impl Store for Mortal {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        let steps = (Step::BeforeClaim, Step::AfterClaim);
        Box::pin(self.between(steps, self.store.create(key, value, life), Option::is_none))
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: Bytes,
        value: Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        let completes = is_outcome(key, &value);
        let work = self.store.swap(key, expected, value, life);
        if !completes {
            return work;
        }
        let steps = (Step::BeforeComplete, Step::AfterComplete);
        Box::pin(self.between(steps, work, |swapped| *swapped == Swap::Done))
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        self.store.read(key)
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        self.store.purge(limit)
    }

    fn describe(&self) -> String {
        self.store.describe()
    }

    fn findings(&self) -> Vec<Finding> {
        self.store.findings()
    }
}
