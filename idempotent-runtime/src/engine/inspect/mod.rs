//! A person's look at records, and forgetting one.
//!
//! Files import downwards: `forget`, `look`, `view`, `state`.

mod forget;
mod look;
mod state;
mod view;

#[cfg(feature = "actix")]
pub(crate) use forget::given_back;
pub use forget::{Force, Forgotten};
pub(crate) use forget::{forget, forgotten};
pub(crate) use look::{page, record};
pub use state::{KeptOutcome, RecordStage, RecordState};
pub use view::{KeptIn, RecordView};
