//! A scope of a type without an id of the caller.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::Scope;

struct Customer(String);

fn scope() -> Scope {
    Scope::of::<Customer>()
}

fn extracted() -> Scope {
    Scope::extract::<actix_web::web::Path<String>>()
}

fn main() {}
