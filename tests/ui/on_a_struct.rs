//! Not on a function at all.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent]
pub struct Order {
    pub id: u64,
}

fn main() {}
