//! What generated code may name; no promise of stability.

#[cfg(feature = "actix")]
pub use crate::http::{Call, Exit, HttpResult, Operation, Serving, Template, serve};
pub use crate::message::{Filling, Message, guard};
pub use crate::policy::{
    FingerprintOf, OnAbandoned, OnDuplicate, OnInFlight, OnStoreError, Policy, Presence, Row,
    StateRow, Statuses, Stored, Strategy, may_follow,
};
#[cfg(feature = "actix")]
pub use actix_web::web::Payload;
#[cfg(feature = "actix")]
pub use actix_web::{HttpRequest, HttpResponse};
pub use std::boxed::Box;
pub use std::time::Duration;
