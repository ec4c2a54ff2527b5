//! Reads a record that was found under a key, and its lease.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::Entry;
use crate::store::record::Record;
use bytes::Bytes;
use std::time::Duration;

/// The time until the lease is over, unless it is renewed; `None` if it is over. The record stays for
/// `retention` after the lease, so the lease has the rest of the record's life.
pub(in crate::engine) fn left_of_lease(entry: &Entry, retention: Duration) -> Option<Duration> {
    entry.left.checked_sub(retention).filter(|left| !left.is_zero())
}

/// Reads a record, or says in which call of the store it could not be read.
pub(in crate::engine) fn decode(
    key: &StorageKey,
    value: &Bytes,
    operation: &'static str,
) -> Result<Record, StoreError> {
    Record::decode(key, value).map_err(|error| StoreError::corrupt(operation, error))
}
