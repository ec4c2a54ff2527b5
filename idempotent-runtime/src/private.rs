//! Names for generated code. They may change in every version.

#[cfg(feature = "openapi")]
pub use crate::http::ProblemKind;
#[cfg(feature = "openapi")]
pub use crate::http::openapi::GuardedOperation;
#[cfg(feature = "actix")]
pub use crate::http::{
    Arguments, Call, CallHandler, Extract, Fill, Handler, Returned, Serving, TaskSteps, Template,
    TestsCallItsUnguardedForm, borrowed, called_directly, extract, respond, respond_in_its_place,
    respond_unless_there, serve, taken,
};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use crate::message::guard::guard_in_transaction;
pub use crate::message::guard::{Message, guard};
pub use crate::policy::{
    ColumnValue, Definition, FingerprintOf, KeyRequirement, OnAbandoned, OnDuplicate, OnInFlight,
    OnStoreError, Policy, Row, StateRow, StateTable, Statuses, Strategy, Transition, is_shorter,
    is_within, state_number,
};
pub use crate::template_value::TemplateFiller;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use crate::transaction::tx::{IsTx, NoTx};
pub use std::boxed::Box;
pub use std::time::Duration;
#[cfg(feature = "openapi")]
pub use utoipa::openapi::{Required, path::ParameterIn};
