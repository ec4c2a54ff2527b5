//! The places of the fields in a record.
//!
//! In this order: version, tag of the state, flags, time of the claim, definition, fingerprint, label,
//! attempt, and the fields of the state. A flag without a meaning is refused, so that a later version can use
//! it to announce one more field. A sealed outcome has only one field, the sealed bytes: they hold the tag of
//! its state and the fields of that state.

use std::ops::Range;

/// The version of this layout.
pub(super) const VERSION: u8 = 3;

/// The tags of the states.
pub(super) const ISSUED: u8 = 0;
pub(super) const IN_PROGRESS: u8 = 1;
pub(super) const RESPONSE: u8 = 2;
pub(super) const TOMBSTONE: u8 = 3;
pub(super) const VALUE: u8 = 4;
pub(super) const CANCELLED: u8 = 5;
/// A response without its body, which was too long to keep, or which broke.
pub(super) const CUT_RESPONSE: u8 = 6;
/// An outcome whose kind is sealed, too.
pub(super) const SEALED: u8 = 7;

/// The flag of a key that was once taken from a dead owner.
pub(super) const TAKEN_OVER: u8 = 1;

/// The size of the version and the tag, in bytes.
pub(super) const VERSION_AND_TAG: usize = 2;
/// The size of a moment in bytes, in milliseconds since 1970: enough for 8 900 years.
pub(super) const MOMENT: usize = 6;
/// The number of bytes between the tag and the label.
pub(super) const BEFORE_LABEL: usize = 1 + MOMENT + IDENTITY;
/// The size of definition and fingerprint, and their place in a record.
const IDENTITY: usize = 8 + 16;
pub(super) const IDENTITY_PLACE: Range<usize> =
    VERSION_AND_TAG + BEFORE_LABEL - IDENTITY..VERSION_AND_TAG + BEFORE_LABEL;
