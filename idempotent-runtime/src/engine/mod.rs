//! The way from a claim to a decision and a run, without HTTP and without backends.
//!
//! Files import downwards, in this order: `task`, `cached`, `inspect`, `engine`, `recall`, `contend`, `told`, `external_lock`, `settle`, `resolve`, `drain`,
//! `admission`, `execution`, `unlock`, `ending`, `completion`, `refusals`, `run_context`, `seat`, `core`, `remembered`, `purge`, `heartbeat`, `renewal_queue`, `renewals`,
//! `wait`, `question`, `lookout`, `room`, `fair_queue`, `fences`, `in_flight`, `claim_request`, `decide`, `claim`, `claimed`, `claimer`, `definitions`,
//! `lease`, `succession`, `deadline`, `pause`, `detached`.

mod admission;
mod bounds;
#[cfg(feature = "actix")]
pub(crate) mod cached;
mod claim;
mod claim_request;
mod claimed;
mod claimer;
mod completion;
mod contend;
mod core;
mod deadline;
mod decide;
mod definitions;
mod detached;
mod drain;
mod ending;
#[expect(clippy::module_inception, reason = "one file for one concept, here the engine itself")]
mod engine;
mod execution;
mod external_lock;
mod fair_queue;
mod fences;
mod heartbeat;
mod in_flight;
pub(crate) mod inspect;
mod lease;
mod lookout;
mod pause;
mod purge;
mod question;
mod recall;
mod refusals;
mod remembered;
mod renewal_queue;
mod renewals;
mod resolve;
mod room;
mod run_context;
mod seat;
mod settle;
mod succession;
#[cfg(feature = "actix")]
pub(crate) mod task;
mod told;
mod unlock;
mod wait;

pub use crate::store::LeaseStatus;
pub use admission::Admission;
pub(crate) use bounds::{EngineBounds, WAITERS};
#[doc(hidden)]
pub use claim::claim;
pub use claim::{Claim, Claimable};
pub use claim_request::{ClaimRequest, ReclaimWindow};
#[doc(hidden)]
pub use claimed::{Claimed, FirstRequest};
#[doc(hidden)]
pub use claimer::Claimer;
pub use completion::Completion;
pub(crate) use decide::{Decision, decide};
pub use decide::{DuplicateRules, Refusal};
pub(crate) use definitions::RecordPlace;
pub(crate) use detached::{Detached, spawn};
pub use drain::OnDrainTimeout;
pub use engine::Engine;
pub use execution::Execution;
pub(crate) use fair_queue::Front;
pub(crate) use in_flight::InFlightGuard;
pub use inspect::{Force, Forgotten, KeptIn, KeptOutcome, RecordStage, RecordState, RecordView};
pub use lease::{IfForgotten, Lease};
#[cfg(feature = "actix")]
pub(crate) use remembered::Remembering;
pub use resolve::{Resolution, Resolved};
