//! A process that kills itself at one step of the protocol, or holds there.

use crate::step::Step;
use bytes::Bytes;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::StoreError;
use idempotent_runtime::store::record::{Record as Stored, State};
use idempotent_runtime::store::{
    Changed, Entry, Finding, Page, PageRequest, Store, StoreFuture, StoreSettings, Swap,
};
use std::fmt;
use std::io::{Write, stdin, stdout};
use std::process::{Command, id};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The step at which this process dies or holds, if any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults(pub(crate) Option<(Fault, Step)>);

/// The fault of a process at its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL, so that nothing is flushed, dropped or sent.
    Dies,
    /// Prints that it holds, once, and waits for a line.
    Holds,
}

impl Faults {
    /// Lets the fault happen if this is its step.
    pub(crate) fn reach(self, step: Step) {
        match self.0 {
            Some((Fault::Dies, fatal)) if fatal == step => Self::die(),
            Some((Fault::Holds, fatal)) if fatal == step => Self::hold(),
            _ => {}
        }
    }

    /// Whether this is the step.
    pub(crate) fn are_at(self, step: Step) -> bool {
        self.0.is_some_and(|(_, fatal)| fatal == step)
    }

    fn hold() {
        static HELD: AtomicBool = AtomicBool::new(false);
        if !HELD.swap(true, Ordering::SeqCst) {
            println!("reached");
            stdout().flush().expect("the test listens");
            stdin().read_line(&mut String::new()).expect("a line");
        }
    }

    fn die() {
        let killed = Command::new("kill").args(["-9", &id().to_string()]).status();
        // Even if `kill` returns, this thread does nothing more.
        drop(killed);
        loop {
            thread::park();
        }
    }
}

/// A store of a process that dies before or after one of its operations.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) faults: Faults,
}

impl FaultyStore {
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
    Stored::decode(key, value).is_ok_and(|record| matches!(record.state, State::Completed(_)))
}

impl Store for FaultyStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        let steps = (Step::BeforeClaim, Step::AfterClaim);
        StoreFuture::new(self.between(steps, self.store.create(key, value, life), Option::is_none))
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        let completes = is_outcome(key, value);
        let work = self.store.swap(key, expected, value, life);
        if !completes {
            return work;
        }
        let steps = (Step::BeforeComplete, Step::AfterComplete);
        StoreFuture::new(self.between(steps, work, |swapped| *swapped == Swap::Done))
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

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        self.store.watch(key)
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        self.store.browse(request)
    }

    fn findings(&self) -> Vec<Finding> {
        self.store.findings()
    }

    fn adopt(&self, settings: &StoreSettings) {
        self.store.adopt(settings);
    }
}

/// Reads the log of every statement that the client library sent. It has also those of the guard and of the
/// outcome, which no handler sees.
pub(crate) struct Statements(pub(crate) Faults);

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Statement(self.0));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// One statement, as it is logged.
struct Statement(Faults);

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, text: &str) {
        if field.name() != "db.statement" {
            return;
        }
        // On PostgreSQL the claim begins the transaction, and such statements are not logged; this look comes behind it.
        let is_behind_claim = text.contains("SELECT value, ends > ");
        if text.contains("INSERT INTO idempotency_records") || is_behind_claim {
            self.0.reach(Step::AfterClaim);
        } else if text.contains("UPDATE idempotency_records") {
            self.0.reach(Step::BeforeCommit);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
