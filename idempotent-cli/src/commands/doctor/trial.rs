//! A trial of every operation of a store: a few times each, on keys that nobody uses, with the time it takes.

use crate::output::Output;
use bytes::Bytes;
use idempotent_runtime::Idempotency;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{Store, StoreError, StoreFuture, Swap};
use serde::Serialize;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// The number of tries of each operation. The median counts, since the first try may wait for a connection.
const TIMES: usize = 5;

/// The time for which the store keeps a value of the trial, if the trial does not end it.
const LIFE: Duration = Duration::from_secs(30);
const NO_LIFE: Duration = Duration::from_millis(1);

/// An operation, as it was tried.
#[derive(Serialize)]
pub(super) struct TriedOperation {
    pub(super) operation: &'static str,
    /// `done`, `not supported`, or an error.
    pub(super) outcome: String,
    /// The median in milliseconds; `None` if it failed.
    pub(super) milliseconds: Option<f64>,
    #[serde(skip)]
    pub(super) is_failed: bool,
}

/// The times that one operation took, or why it failed.
type Times = Result<Vec<Duration>, String>;

/// Tries every operation.
pub(super) async fn try_out(
    store: &dyn Store,
    patience: Duration,
    output: &Output,
) -> Vec<TriedOperation> {
    let [mut create, mut read, mut swap] = [const { Ok(Vec::new()) }; 3];
    let mut watch = Some(Ok(Vec::new()));
    for _ in 0..TIMES {
        let trial = StoreTrial { store, patience, key: StorageKey::from_bytes(rand::random()) };
        let done = trial.create().await;
        if note(&mut create, done) && note(&mut read, trial.read().await) {
            note(&mut swap, trial.swap().await);
            if let Some(times) = &mut watch {
                match trial.watch().await {
                    None => watch = None,
                    Some(told) => drop(note(times, told)),
                }
            }
        }
        trial.leave_nothing().await;
    }
    let tried =
        [("create", Some(create)), ("read", Some(read)), ("swap", Some(swap)), ("watch", watch)];
    tried.into_iter().map(|(operation, times)| summed_up(operation, times, output)).collect()
}

/// Asks the business database for a sign of life.
pub(super) async fn ask_database(
    app: &Idempotency,
    patience: Duration,
    output: &Output,
) -> TriedOperation {
    let mut times = Ok(Vec::new());
    for _ in 0..TIMES {
        let began = Instant::now();
        let answered = app.ping(patience).await;
        let unanswered = answered.err().and_then(|parts| {
            parts.parts().find(|(part, _)| *part == "database").map(|(_, why)| why.to_string())
        });
        if !note(&mut times, unanswered.map_or_else(|| Ok(began.elapsed()), Err)) {
            break;
        }
    }
    summed_up("database", Some(times), output)
}

/// Adds the time of one try; a failure replaces the times, and no later try replaces the failure.
fn note(times: &mut Times, tried: Result<Duration, String>) -> bool {
    match (times, tried) {
        (Ok(times), Ok(time)) => {
            times.push(time);
            true
        }
        (times @ Ok(_), Err(why)) => {
            *times = Err(why);
            false
        }
        (Err(_), _) => false,
    }
}

fn summed_up(operation: &'static str, times: Option<Times>, output: &Output) -> TriedOperation {
    let (outcome, milliseconds, is_failed) = match times {
        None => ("not supported: waiting requests look again now and then".to_owned(), None, false),
        Some(Ok(times)) if times.is_empty() => ("not tried".to_owned(), None, true),
        Some(Ok(mut times)) => {
            times.sort_unstable();
            ("done".to_owned(), Some(times[times.len() / 2].as_secs_f64() * 1e3), false)
        }
        Some(Err(why)) => (output.without_secrets(&why), None, true),
    };
    TriedOperation { operation, outcome, milliseconds, is_failed }
}

/// One try of each operation, on a key that nobody else has.
struct StoreTrial<'a> {
    store: &'a dyn Store,
    patience: Duration,
    key: StorageKey,
}

/// A value that is not text, as records are.
const FIRST: Bytes = Bytes::from_static(b"\0\xff\xfefirst");
const SECOND: Bytes = Bytes::from_static(b"\0\xff\xfesecond");

impl StoreTrial<'_> {
    async fn create(&self) -> Result<Duration, String> {
        let (created, time) = self.timed(self.store.create(&self.key, &FIRST, LIFE)).await?;
        match created {
            None => Ok(time),
            Some(_) => Err("a value is under a key that nobody used".to_owned()),
        }
    }

    async fn read(&self) -> Result<Duration, String> {
        let (read, time) = self.timed(self.store.read(&self.key)).await?;
        match read {
            Some(entry) if entry.value == FIRST => Ok(time),
            _ => Err("a value does not come back as it was put".to_owned()),
        }
    }

    async fn swap(&self) -> Result<Duration, String> {
        let (swapped, time) = self.timed(self.store.swap(&self.key, &FIRST, &SECOND, LIFE)).await?;
        match swapped {
            Swap::Done => Ok(time),
            Swap::Differs(_) => Err("it does not find the value that was put".to_owned()),
        }
    }

    /// The time from a change to its report; `None` if the store reports no changes.
    async fn watch(&self) -> Option<Result<Duration, String>> {
        let watched = self.store.watch(&self.key)?;
        Some(
            async {
                let (changed, _) = self.timed(watched).await?;
                let began = Instant::now();
                self.timed(self.store.swap(&self.key, &SECOND, &FIRST, LIFE)).await?;
                timeout(self.patience, changed)
                    .await
                    .map_err(|_| "the store did not tell of a change".to_owned())?;
                Ok(began.elapsed())
            }
            .await,
        )
    }

    /// Ends the life of the value that the trial left.
    async fn leave_nothing(&self) {
        for value in [FIRST, SECOND] {
            // If this fails, its life ends by itself.
            drop(self.timed(self.store.swap(&self.key, &value, &FIRST, NO_LIFE)).await);
        }
    }

    async fn timed<T>(&self, operation: StoreFuture<'_, T>) -> Result<(T, Duration), String> {
        let began = Instant::now();
        match timeout(self.patience, operation).await {
            Ok(answer) => {
                Ok((answer.map_err(|error: StoreError| error.to_string())?, began.elapsed()))
            }
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}
