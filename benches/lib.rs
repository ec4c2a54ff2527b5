//! What the benches share: a load that is light on its own, and ratios within one run.

mod load;
mod ratio;

pub use load::{Load, Requests};
pub use ratio::{Round, compare};
