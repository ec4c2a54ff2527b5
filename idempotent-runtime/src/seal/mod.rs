//! Sealed records: outcomes are encrypted in the store (feature `seal`).
//!
//! `.seal(Keys::new("2026", key))` of a builder encrypts outcomes, the inputs of tasks and their progress
//! before they are stored, with XChaCha20-Poly1305. Each is bound to its place: moved to another record, it
//! does not open. The chapter `docs/sealed.md` of the repository tells how to change keys, and which parts
//! stay readable.
//!
//! ```
//! # #[cfg(feature = "seal")]
//! # {
//! use idempotent_runtime::MemoryStore;
//! use idempotent_runtime::message::Messages;
//! use idempotent_runtime::seal::Keys;
//!
//! # fn from_your_vault(_: &str) -> [u8; 32] { [7; 32] }
//! let keys = Keys::new("2026", from_your_vault("2026")).previous("2025", from_your_vault("2025"));
//! let messages = Messages::builder(MemoryStore::new()).scope("billing").seal(keys).build()?;
//! # let _ = messages;
//! # }
//! # Ok::<(), idempotent_runtime::BuildError>(())
//! ```

// Files import downwards, in this order: `seal`, `keys`, `sealed`.
#[cfg(feature = "seal")]
mod keys;
#[expect(clippy::module_inception, reason = "one file for one concept, here the seal itself")]
mod seal;
mod sealed;

#[cfg(feature = "seal")]
pub use keys::{Keys, KeysError};
pub(crate) use seal::Seal;
pub use sealed::Sealed;
pub(crate) use sealed::{SealBinding, Unopened};
