//! What generated code may name; no promise of stability.

pub use crate::http::{Call, Exit, HttpResult, Operation, Serving, Template, serve};
pub use crate::policy::{
    FingerprintOf, OnAbandoned, OnDuplicate, OnInFlight, OnStoreError, Policy, Presence, Row,
    StateRow, Statuses, Stored, Strategy, may_follow,
};
pub use actix_web::web::Payload;
pub use actix_web::{HttpRequest, HttpResponse};
pub use std::boxed::Box;
pub use std::time::Duration;
