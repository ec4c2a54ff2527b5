//! Functions that run once for each key, without any HTTP: on every store, by many threads, dropped,
//! panicking, killed.

mod call_endings;
mod found_records;
mod function_signatures;
mod on_begin;
mod operations;
mod returned_values;
mod same_key_runs_once;
mod sealed;
mod transactional_inbox;
mod unrepeatable_values;

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::{MemoryStore, idempotent};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// The end of a guarded function.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    AtOnce,
    WhenTold,
    Error,
    Panic,
}

/// Guarded functions, and the count of their runs.
#[derive(Clone)]
pub(crate) struct RunCounter {
    pub(crate) messages: Messages,
    pub(crate) ran: Arc<AtomicUsize>,
    pub(crate) started: Arc<Notify>,
    pub(crate) go: Arc<Notify>,
}

impl RunCounter {
    pub(crate) fn new() -> Self {
        Self::on(MemoryStore::new())
    }

    pub(crate) fn on(store: impl idempotent_runtime::store::Store) -> Self {
        // The lease is longer than any test: a free key was given back.
        let messages = Messages::builder(store).scope("tests").lease(Duration::from_hours(1));
        Self::of(messages.build().expect("it fits together"))
    }

    pub(crate) fn of(messages: Messages) -> Self {
        Self { messages, ran: Arc::default(), started: Arc::default(), go: Arc::default() }
    }

    pub(crate) fn ran(&self) -> usize {
        self.ran.load(Ordering::SeqCst)
    }

    pub(crate) fn run(&self) -> usize {
        self.ran.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Counts its runs, and answers with their number when it is told to go on.
    pub(crate) async fn held(&self, id: &str) -> Result<usize, MessageError> {
        self.ends(id, Ending::WhenTold).await
    }

    /// The same, without waiting.
    pub(crate) async fn at_once(&self, id: &str) -> Result<usize, MessageError> {
        self.ends(id, Ending::AtOnce).await
    }

    /// Counts its runs, and ends as it is told.
    #[idempotent(
        strategy = "message",
        key = "{id}",
        engine = "self.messages",
        operation = "held",
        shared_operation = true
    )]
    pub(crate) async fn ends(&self, id: &str, ending: Ending) -> Result<usize, MessageError> {
        self.end(ending).await
    }

    /// The same, and an abandoned run waits for an operator.
    #[idempotent(
        strategy = "message",
        key = "{id}",
        engine = "self.messages",
        operation = "held",
        shared_operation = true,
        on_abandoned = "hold"
    )]
    pub(crate) async fn ends_or_holds(
        &self,
        id: &str,
        ending: Ending,
    ) -> Result<usize, MessageError> {
        self.end(ending).await
    }

    async fn end(&self, ending: Ending) -> Result<usize, MessageError> {
        let run = self.run();
        match ending {
            Ending::AtOnce => {}
            Ending::WhenTold => {
                self.started.notify_one();
                self.go.notified().await;
            }
            Ending::Error => return Err(MessageError::Misconfigured("of the test's own")),
            Ending::Panic => panic!("of the test's own"),
        }
        Ok(run)
    }
}
