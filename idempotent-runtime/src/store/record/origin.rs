//! The claim that made a record.

use crate::policy::DefinitionId;
use crate::store::bytes::{FieldReader, Undecodable};
use crate::store::record::layout::{MOMENT, TAKEN_OVER};
use std::time::Duration;

/// The claim that made a record: the function, the time, and whether the key was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The function that claimed; [`DefinitionId::NONE`] before the first claim.
    pub definition: DefinitionId,
    /// The time of the claim since 1970, by the claimer's own clock, in whole milliseconds. Zero before the
    /// first claim.
    pub claimed_at: Duration,
    /// Whether the key was ever taken from a dead owner, who may still wake.
    pub taken_over: bool,
}

impl Origin {
    pub(super) fn flags(self) -> u8 {
        if self.taken_over { TAKEN_OVER } else { 0 }
    }

    /// The time and the definition, as they stand after the flags.
    pub(super) fn bytes(self) -> [u8; MOMENT + 8] {
        let mut bytes = [0; MOMENT + 8];
        // The two highest bytes are zero for the next 8 900 years.
        let (moment, definition) = bytes.split_at_mut(MOMENT);
        moment.copy_from_slice(&crate::clock::millis(self.claimed_at).to_le_bytes()[..MOMENT]);
        definition.copy_from_slice(&self.definition.as_bytes());
        bytes
    }

    pub(super) fn decode(flags: u8, fields: &mut FieldReader) -> Result<Self, Undecodable> {
        let taken_over = match flags {
            0 => false,
            TAKEN_OVER => true,
            _ => return Err(Undecodable),
        };
        let mut moment = [0; 8];
        moment[..MOMENT].copy_from_slice(&fields.array::<MOMENT>()?);
        let claimed_at = Duration::from_millis(u64::from_le_bytes(moment));
        let definition = DefinitionId::from_bytes(fields.array()?);
        Ok(Self { definition, claimed_at, taken_over })
    }
}
