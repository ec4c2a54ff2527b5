//! The owner of a run.

use std::fmt;

/// The owner of a claim: 128 random bits that it made before it claimed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner([u8; 16]);

impl Owner {
    /// A new owner, from the thread's cryptographic generator.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The owner with these bits.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bits as they stand in a record.
    pub(super) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::key::hex(f, &self.0[..4])?;
        f.write_str("…")
    }
}
