//! States of a struct, states with fields, and transitions to no state.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::States;

#[derive(States)]
struct Order {
    status: u8,
}

#[derive(States)]
enum Status {
    #[to(Payed)]
    Created,
    Paid(u64),
}

fn main() {}
