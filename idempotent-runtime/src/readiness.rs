//! Checks that the parts below an engine answer now, and that they do every call that requests need.

use crate::engine::Engine;
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::trial::try_out;
use crate::store::{Finding, Store};
use crate::transaction::{BusinessDatabase, Limits};
use futures_util::future::join_all;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

/// The parts of a service that do not answer now, with their errors. For a readiness probe, never for a
/// liveness probe.
#[derive(Debug)]
pub struct NotReady(Vec<(&'static str, StoreError)>);

impl NotReady {
    /// Each part, `store`, `locks` or `database`, with its error.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &StoreError)> {
        self.0.iter().map(|(part, error)| (*part, error))
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (part, error)) in self.parts().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{part}: {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NotReady {}

/// One part, and the conversation with it.
type Asked<'a> = (&'static str, Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>);

/// Asks all parts at the same time.
pub(crate) async fn ping(
    engine: &Engine,
    database: Option<&dyn BusinessDatabase>,
    within: Duration,
) -> Result<(), NotReady> {
    let mut asked: Vec<Asked<'_>> = vec![("store", Box::pin(read_nothing(engine.store())))];
    if let Some(locks) = engine.locks() {
        asked.push(("locks", Box::pin(locks.ping())));
    }
    if let Some(database) = database {
        asked.push(("database", Box::pin(database.ping(Limits::within(within)))));
    }
    let answers = asked.into_iter().map(async |(part, asked)| {
        let late = |_| Err(StoreError::new(StoreErrorKind::Timeout, "ping"));
        let answer = timeout(within, asked).await.unwrap_or_else(late);
        answer.err().map(|error| (part, error))
    });
    let unanswered: Vec<_> = join_all(answers).await.into_iter().flatten().collect();
    if unanswered.is_empty() { Ok(()) } else { Err(NotReady(unanswered)) }
}

/// The findings about settings when the store connected, and about calls that are refused when they are tried.
pub(crate) async fn check(
    engine: &Engine,
    database: Option<&dyn BusinessDatabase>,
) -> Vec<Finding> {
    let (store, patience) = (engine.store(), engine.patience());
    let mut findings = store.findings();
    findings.extend(refused("store", patience, Box::pin(try_out(store))).await);
    if let Some(database) = database {
        let tried = Box::pin(database.try_out(Limits::within(patience)));
        findings.extend(refused("business database", patience, tried).await);
    }
    findings
}

async fn read_nothing(store: &dyn Store) -> Result<(), StoreError> {
    store.read(&StorageKey::from_bytes(rand::random())).await.map(drop)
}

/// The finding of a trial that failed.
async fn refused(
    part: &str,
    patience: Duration,
    trial: Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + '_>>,
) -> Option<Finding> {
    let late = |_| Err(StoreError::new(StoreErrorKind::Timeout, "check"));
    let error = timeout(patience, trial).await.unwrap_or_else(late).err()?;
    let message = format!("the {part} fails at a call that requests need: {error}");
    Some(if error.is_transient() {
        Finding::warning(message, "try again; until it answers, guarded requests get 503")
    } else {
        Finding::error(message, "correct this; until then no guarded request runs")
    })
}
