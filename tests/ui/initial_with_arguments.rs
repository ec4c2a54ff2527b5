//! `#[initial]` with arguments.

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
