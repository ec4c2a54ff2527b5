//! States whose column could not tell them apart, or would hold two kinds of values.

#![allow(dead_code)]

use idempotent_runtime::States;

#[derive(States)]
enum Alike {
    #[to(Moving)]
    InTransit,
    #[state("in_transit")]
    Moving,
}

#[derive(States)]
enum Mixed {
    #[state("created")]
    Created = 1,
    Paid,
}

#[derive(States)]
#[states(rename_all = "snakecase")]
enum Unknown {
    #[state(3)]
    Created,
    #[to(other::Place::Paid)]
    Paid,
}

fn main() {}
