//! A record, as people look at it.

use crate::engine::engine::Engine;
use crate::engine::inspect::state::{KeptOutcome, RecordState};
use crate::engine::lease::left_of_lease;
use crate::key::{Guard, StorageKey};
use crate::outcome::Outcome;
use crate::policy::DefinitionId;
use crate::store::Entry;
use crate::store::record::{self, Record, State, sealed};
use crate::store::trial::is_of_a_trial;
use bytes::Bytes;
use std::fmt;
use std::time::{Duration, SystemTime};

/// A record, as people look at it: its state, and the request that it belongs to.
///
/// It shows no secret, and a stored body only when asked for it. It shows the record at the moment when it
/// was read.
#[derive(Clone)]
pub struct RecordView {
    key: StorageKey,
    kept_in: KeptIn,
    entry: Entry,
    /// `None` if the record cannot be read.
    record: Option<Record>,
    /// The outcome, if it was sealed and opens. The record itself keeps it sealed, to be written again like this.
    opened: Option<Outcome>,
    /// The label, opened if it was sealed.
    label: String,
    function: Option<&'static str>,
}

/// The place where a record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeptIn {
    /// The store.
    Store,
    /// The business database, where the record was committed together with the work of its handler.
    Database,
}

impl RecordView {
    /// The record that the store holds under a key; `None` if the value is another one of ours, such as a
    /// task's input.
    pub(super) fn in_store(key: StorageKey, entry: Entry, engine: &Engine) -> Option<Self> {
        let value = &entry.value;
        let is_other =
            value.is_empty() || record::is_beside_a_task(&key, value) || is_of_a_trial(value);
        (!is_other).then(|| Self::new(key, KeptIn::Store, entry, engine))
    }

    /// The record that the business database holds under a key.
    pub(crate) fn in_database(key: StorageKey, entry: Entry, engine: &Engine) -> Self {
        Self::new(key, KeptIn::Database, entry, engine)
    }

    fn new(key: StorageKey, kept_in: KeptIn, entry: Entry, engine: &Engine) -> Self {
        let record = Record::decode(&key, &entry.value).ok();
        let (mut opened, mut label, mut function) = (None, String::new(), None);
        if let Some(Record { origin, label: kept, state, .. }) = &record {
            function = engine.definitions().path(origin.definition);
            label = sealed::opened_label(engine.seal(), &key, kept)
                .unwrap_or_else(|| kept.key().into_owned());
            if let State::Completed(outcome @ Outcome::Sealed(_)) = state {
                opened = engine.opened(outcome.clone(), "read").ok();
            }
        }
        Self { key, kept_in, entry, record, opened, label, function }
    }

    /// The key under which the store has it, as in the log.
    #[must_use]
    pub const fn key(&self) -> &StorageKey {
        &self.key
    }

    /// The place where it is kept.
    #[must_use]
    pub const fn kept_in(&self) -> KeptIn {
        self.kept_in
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> RecordState {
        let Some(record) = &self.record else { return RecordState::Undecodable };
        match &record.state {
            State::Issued => RecordState::Issued,
            State::InProgress { retention, .. } => match self.lease_left(*retention) {
                Some(lease_left) => RecordState::Running { lease_left },
                None => RecordState::Abandoned,
            },
            State::Completed(outcome) => {
                let outcome = self.opened.as_ref().unwrap_or(outcome);
                RecordState::Completed(KeptOutcome::of(outcome))
            }
            State::Cancelled => RecordState::Cancelled,
        }
    }

    /// Nobody else sees a run of a business database while it is under way. A record that is seen as running
    /// was committed by its handler in the middle of the run.
    fn lease_left(&self, retention: Duration) -> Option<Duration> {
        match self.kept_in {
            KeptIn::Store => left_of_lease(&self.entry, retention),
            KeptIn::Database => None,
        }
    }

    /// The guard that keeps it.
    #[must_use]
    pub fn guard(&self) -> Option<Guard> {
        self.record.as_ref().map(|record| record.label.guard())
    }

    /// The operation; without one the name of the function, or the pattern of the route that a `Middleware`
    /// guards. Empty if the record cannot be read.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.record.as_ref().map_or("", |record| record.label.operation())
    }

    /// The request's key in a form for people: without secrets, cut after 120 bytes. `(sealed)` if no sealing key of
    /// this process opens it.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The number of its last claim, the fence: 0 before the first.
    #[must_use]
    pub fn attempt(&self) -> u64 {
        self.record.as_ref().map_or(0, |record| record.attempt)
    }

    /// The time of its last claim, by the clock of the host that claimed.
    #[must_use]
    pub fn claimed_at(&self) -> Option<SystemTime> {
        self.claimed().map(|since_1970| SystemTime::UNIX_EPOCH + since_1970)
    }

    pub(crate) fn claimed(&self) -> Option<Duration> {
        let record = self.record.as_ref()?;
        Some(record.origin.claimed_at).filter(|since_1970| !since_1970.is_zero())
    }

    /// The path of the function that claimed it, if that function is at work in this process.
    #[must_use]
    pub const fn function(&self) -> Option<&'static str> {
        self.function
    }

    /// The id of the function that claimed it, a hash of its path. `None` before the first claim, and for locks.
    #[must_use]
    pub fn function_id(&self) -> Option<DefinitionId> {
        let id = self.record.as_ref()?.origin.definition;
        (![DefinitionId::NONE, DefinitionId::FORGOTTEN].contains(&id)).then_some(id)
    }

    /// Whether its key was ever taken from an owner. That owner may still wake, and then finds its key lost.
    #[must_use]
    pub fn was_taken_over(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.origin.taken_over)
    }

    /// The time until the store drops it, unless it changes before.
    #[must_use]
    pub const fn left(&self) -> Duration {
        self.entry.left
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.entry.value.len()
    }

    /// The outcome of its run: the response with headers and body, or the value. It may hold data that only
    /// its caller should see. [`Outcome::Sealed`] is an outcome that no key of this process opens.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.opened.as_ref().or_else(|| self.kept_outcome())
    }

    /// The id of the key that its outcome is sealed with, if it is.
    #[must_use]
    pub fn sealed_with(&self) -> Option<&str> {
        match self.kept_outcome()? {
            Outcome::Sealed(sealed) => sealed.key_id(),
            _ => None,
        }
    }

    fn kept_outcome(&self) -> Option<&Outcome> {
        match &self.record.as_ref()?.state {
            State::Completed(outcome) => Some(outcome),
            _ => None,
        }
    }

    pub(crate) const fn seen(&self) -> &Bytes {
        &self.entry.value
    }

    pub(crate) const fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }
}

impl fmt::Debug for RecordView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordView")
            .field("key", &self.key)
            .field("kept_in", &self.kept_in)
            .field("operation", &self.operation())
            .field("label", &self.label())
            .field("state", &self.state())
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}
