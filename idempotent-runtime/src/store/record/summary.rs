//! A look at a record from outside, for people with a database shell.

use super::label::labelled;
use super::{
    ATTEMPT_AND_FINGERPRINT, CANCELLED, IN_PROGRESS, ISSUED, RESPONSE, TOMBSTONE, VALUE, VERSION,
};

/// What a person may see of a record without opening it; empty for bytes that are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary<'a> {
    /// The guarded function.
    pub operation: &'a str,
    /// The key as it was read, without secrets.
    pub label: &'a str,
    /// `issued`, `in progress`, `completed` or `cancelled`.
    pub state: &'static str,
}

impl<'a> Summary<'a> {
    /// Glances at the bytes of a value.
    #[must_use]
    pub fn at(value: &'a [u8]) -> Self {
        Self::read(value).unwrap_or_default()
    }

    fn read(value: &'a [u8]) -> Option<Self> {
        let [VERSION, tag, rest @ ..] = value else { return None };
        let state = match *tag {
            ISSUED => "issued",
            IN_PROGRESS => "in progress",
            RESPONSE | TOMBSTONE | VALUE => "completed",
            CANCELLED => "cancelled",
            _ => return None,
        };
        let (operation, label) = labelled(rest.get(ATTEMPT_AND_FINGERPRINT..)?)?;
        Some(Self { operation, label, state })
    }
}
