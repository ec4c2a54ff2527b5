//! Looks for records: the abandoned ones, those of an operation, and the record of a key.

use crate::error::StoreError;
use crate::http::app::idempotency::Idempotency;
use crate::key::{KeyParts, StorageKey};
use crate::policy::Strategy;
use crate::records::{FindError, RecordCursor, RecordStage, RecordView, Target};
use serde::Deserialize;

/// The number of records in one read of the store, the most reads for one page, and the number of records
/// after which a page is full enough.
const LOOK: u32 = 200;
const LOOKS: usize = 5;
const ENOUGH: usize = 25;

/// The records that were found, and where the next page begins.
pub(super) struct RecordsFound {
    pub(super) records: Vec<RecordView>,
    pub(super) next: Option<RecordCursor>,
}

/// The records that a person looks for.
#[derive(Deserialize)]
pub(super) struct Wanted {
    /// `POST /orders/7`, `POST shop.example/orders/7 createOrder`, an operation, a pattern, or a storage key.
    place: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    key: String,
    /// The page of records begins after this one.
    #[serde(default)]
    after: String,
}

impl Wanted {
    /// Whether a place was named.
    pub(super) fn names_a_place(&self) -> bool {
        !self.place.trim().is_empty()
    }

    pub(super) fn place(&self) -> &str {
        self.place.trim()
    }
}

/// The abandoned records, from this place on.
pub(super) async fn abandoned(
    app: &Idempotency,
    after: Option<RecordCursor>,
) -> Result<RecordsFound, StoreError> {
    listed(app, None, Some(RecordStage::Abandoned), after).await
}

/// The record of a key, or the records of an operation.
pub(super) async fn wanted(app: &Idempotency, wanted: &Wanted) -> Result<RecordsFound, StoreError> {
    let place = wanted.place();
    let mut records = Vec::new();
    if let Ok(key) = place.parse::<StorageKey>() {
        records.extend(app.record(&key).await?);
        return Ok(RecordsFound { records, next: None });
    }
    let key = parts(&wanted.key);
    if key.is_empty() {
        return listed(app, Some(place), None, wanted.after.parse().ok()).await;
    }
    let scope = parts(&wanted.scope);
    for target in targets(place) {
        match app.find(&target, &scope, &key).await {
            Ok(found) => records.extend(found),
            Err(FindError::Store(error)) => return Err(error),
            // The text names another kind of place.
            Err(FindError::Target(_)) => {}
        }
    }
    records.sort_by_key(|record| *record.key());
    records.dedup_by_key(|record| *record.key());
    Ok(RecordsFound { records, next: None })
}

/// The values of a key, one in each line.
fn parts(values: &str) -> KeyParts {
    let lines = values.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(KeyParts::new(), KeyParts::value)
}

/// All targets that a place can mean.
fn targets(place: &str) -> Vec<Target> {
    let mut words = place.split_whitespace();
    let (method, path, operation) = (words.next(), words.next().and_then(placed), words.next());
    if let (Some(method), Some((host, path))) = (method, path) {
        let route = at(host, Target::route(method.to_uppercase(), path));
        let route = match operation {
            Some(operation) => route.named(operation),
            None => route,
        };
        let guarded = (0..3).map(|depth| route.clone().middleware(depth));
        return guarded.chain([route.clone(), route.clone().task()]).collect();
    }
    let pattern = placed(place).map(|(host, path)| at(host, Target::pattern(path)));
    let named = [Strategy::Message, Strategy::Token, Strategy::Cache]
        .map(|strategy| Target::operation(strategy, place));
    pattern.into_iter().chain(named).chain([Target::lock(), Target::task_id()]).collect()
}

/// The host, if the text begins with one, and the path after it.
fn placed(word: &str) -> Option<(&str, &str)> {
    word.find('/').map(|slash| word.split_at(slash))
}

fn at(host: &str, target: Target) -> Target {
    if host.is_empty() { target } else { target.host(host) }
}

/// A page of records, from as many reads as one request may cost.
async fn listed(
    app: &Idempotency,
    operation: Option<&str>,
    stage: Option<RecordStage>,
    mut after: Option<RecordCursor>,
) -> Result<RecordsFound, StoreError> {
    let mut wanted = app.records();
    if let Some(operation) = operation {
        wanted = wanted.operation(operation);
    }
    if let Some(stage) = stage {
        wanted = wanted.stage(stage);
    }
    let mut records = Vec::new();
    for _ in 0..LOOKS {
        let page = wanted.page(LOOK, after.as_ref()).await?;
        records.extend(page.records);
        after = page.next;
        if after.is_none() || records.len() >= ENOUGH {
            break;
        }
    }
    Ok(RecordsFound { records, next: after })
}
