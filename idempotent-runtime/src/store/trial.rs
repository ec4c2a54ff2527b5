//! Tries every operation of a store once, with a key of its own.
//!
//! A user who may connect may still not be allowed to write, to run scripts, or to use keys with our prefix.
//! And a table may look like ours and have no unique key. No setting shows all of that.

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::contract::{Store, Swap};
use bytes::Bytes;
use std::time::Duration;

/// The life of the trial's value: long enough for the trial.
const LIFE: Duration = Duration::from_secs(30);

/// The life of the value at the end of the trial, and the wait until it is over.
const NO_LIFE: Duration = Duration::from_millis(1);
const OVER: Duration = Duration::from_millis(5);

/// The most values that the purge after the trial drops.
const PURGE: u32 = 64;

/// The values of a trial. Their bytes are not text, as in records.
const VALUES: [&[u8]; 2] = [b"\0\xff\xfefirst", b"\0\xff\xfesecond"];

/// Whether a trial put this value.
pub(crate) fn is_of_a_trial(value: &[u8]) -> bool {
    VALUES.contains(&value)
}

/// Tries a store, and returns only errors that will stay. A store that is short of memory, or away, may work later.
#[cfg(any(feature = "redis", feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub(in crate::store) async fn refused_for_good(store: &dyn Store) -> Result<(), StoreError> {
    match try_out(store).await {
        Err(error) if error.is_transient() => {
            tracing::warn!(store = store.describe(), %error, "the store does not answer yet, so its operations could not be tried");
            Ok(())
        }
        tried => tried,
    }
}

/// Tries every operation of a store.
pub(crate) async fn try_out(store: &dyn Store) -> Result<(), StoreError> {
    let key = StorageKey::from_bytes(rand::random());
    let [first, second] = VALUES.map(Bytes::from_static);
    if store.create(&key, &first, LIFE).await?.is_some() {
        return Err(odd("create", "a value is under a key that nobody used"));
    }
    if store.create(&key, &second, LIFE).await?.as_ref() != Some(&first) {
        return Err(odd("create", "it does not return the value that is there"));
    }
    if store.read(&key).await?.is_none_or(|entry| entry.value != first) {
        return Err(odd("read", "a value does not come back as it was put"));
    }
    if store.swap(&key, &first, &second, NO_LIFE).await? != Swap::Done {
        return Err(odd("swap", "it does not find the value that is there"));
    }
    tokio::time::sleep(OVER).await;
    // Some servers drop an expired value only when it is read.
    store.read(&key).await?;
    store.purge(PURGE).await.map(drop)
}

fn odd(operation: &'static str, why: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Rejected, operation).because(why)
}
