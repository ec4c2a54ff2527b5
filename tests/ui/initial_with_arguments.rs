//! A beginning that is given what it does not take.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::States;

#[derive(States)]
enum Status {
    #[initial(Paid)]
    #[to(Paid)]
    Created,
    Paid,
}

fn main() {}
