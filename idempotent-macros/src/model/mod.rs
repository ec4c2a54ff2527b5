//! A valid annotation. Expansion takes nothing else, and cannot fail.
//!
//! Files import downwards: `function`; `row`; `policy`; `template`.

mod function;
mod policy;
mod row;
mod template;

pub(crate) use function::{Engine, GuardedFunction, Parameter, TxMark, TxParameter, Window};
pub(crate) use policy::{
    Constant, Fingerprint, KeyRequirement, OnAbandoned, OnDuplicate, OnInFlight, OnStoreError,
    Policy, Scope, Setting, Sharing, Statuses,
};
pub(crate) use row::{Existing, Row, RowName, RowOwner, SetColumn, TagRule};
pub(crate) use template::{Segment, Source, Template};
