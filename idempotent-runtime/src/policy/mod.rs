//! The promises of one guarded function, built at compile time.

mod choices;
mod definition;
mod limits;
#[expect(clippy::module_inception, reason = "one file for one concept, here the policy itself")]
mod policy;
mod row;
mod states;
mod statuses;
mod strategy;
mod transition;

pub use choices::{
    FingerprintOf, KeyRequirement, OnAbandoned, OnDuplicate, OnInFlight, OnStoreError,
};
pub use definition::{Definition, DefinitionId};
#[cfg(feature = "actix")]
pub(crate) use limits::{CLOCK_SKEW, at_most_longest, lease_within_bounds};
pub(crate) use limits::{LONGEST, SHORTEST_LEASE};
#[doc(hidden)]
pub use limits::{is_shorter, is_within};
pub use policy::Policy;
pub(crate) use policy::Sharing;
pub use row::Row;
#[cfg(feature = "actix")]
pub(crate) use row::TagRule;
pub(crate) use row::{RowGuard, SetColumn};
pub(crate) use states::must_have_gone;
pub use states::{ColumnValue, StateRow};
pub use statuses::Statuses;
pub use strategy::Strategy;
#[cfg(feature = "actix")]
pub(crate) use strategy::{Busy, DefaultScope, GuardPlace, Identity, Keeps, RecordNeed};
pub use transition::{StateTable, Transition, state_number};
