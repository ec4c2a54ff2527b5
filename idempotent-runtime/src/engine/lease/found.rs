//! A record that was found under a key, as far as leases go.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::Entry;
use crate::store::record::Record;
use bytes::Bytes;
use std::time::Duration;

/// The time for which a lease holds that is not renewed, if it does: as long as more is left of its record's life than the
/// record stays after it.
pub(in crate::engine) fn left_of_lease(entry: &Entry, retention: Duration) -> Option<Duration> {
    entry.left.checked_sub(retention).filter(|left| !left.is_zero())
}

/// Reads a record, or says in which operation of the store it could not be read.
pub(in crate::engine) fn decode(
    key: &StorageKey,
    value: &Bytes,
    operation: &'static str,
) -> Result<Record, StoreError> {
    Record::decode(key, value).map_err(|error| StoreError::corrupt(operation, error))
}
