//! What the benches share: a load that is light on its own, and ratios within one run.

#![expect(clippy::missing_panics_doc, reason = "a bench that panics says nothing")]

mod load;
mod ratio;

pub use load::{Load, Requests};
pub use ratio::{Round, compare, row};
