//! Where the fields of a record stand: version, tag of the state, attempt, fingerprint, label, and
//! the fields of the state.

/// The version of this layout.
pub(super) const VERSION: u8 = 1;

/// The tags of the states.
pub(super) const ISSUED: u8 = 0;
pub(super) const IN_PROGRESS: u8 = 1;
pub(super) const RESPONSE: u8 = 2;
pub(super) const TOMBSTONE: u8 = 3;
pub(super) const VALUE: u8 = 4;
pub(super) const CANCELLED: u8 = 5;

/// How long the version and the tag are, and the two fields after them.
pub(super) const VERSION_AND_TAG: usize = 2;
pub(super) const ATTEMPT_AND_FINGERPRINT: usize = 8 + 32;
