//! Enums of states, and their values in columns.

use idempotent_runtime::States;
use idempotent_runtime::policy::{ColumnValue, StateTable};

fn stored<S: StateTable>() -> Vec<ColumnValue> {
    S::STATES.iter().map(|state| state.stored).collect()
}

const FIRST: u8 = 7;

/// The first is numbered by a constant, and the second by Rust.
#[derive(Clone, Copy, States)]
#[repr(u8)]
enum Small {
    #[to(Self::Second, Small::Last)]
    First = FIRST,
    #[to(Last)]
    Second,
    Last = 0xff,
}

#[derive(Clone, Copy, States)]
#[repr(i64)]
enum Large {
    #[to(Zero)]
    Least = i64::MIN,
    Zero = 0,
    One,
    Greatest = i64::MAX,
}

#[derive(Clone, Copy, States)]
#[repr(u32)]
enum Represented {
    #[to(Shipped)]
    Created,
    Shipped,
}

/// Numbers are those of Rust, so that a column can be written by `as` and read by the guard.
#[test]
fn numbers_are_those_of_rust() {
    let small = [Small::First, Small::Second, Small::Last].map(|state| state as i64);
    assert_eq!(small, [7, 8, 255]);
    assert_eq!(stored::<Small>(), small.map(ColumnValue::Integer));
    let large = [Large::Least, Large::Zero, Large::One, Large::Greatest].map(|state| state as i64);
    assert_eq!(stored::<Large>(), large.map(ColumnValue::Integer));
    let represented = [Represented::Created, Represented::Shipped].map(|state| state as i64);
    assert_eq!(stored::<Represented>(), represented.map(ColumnValue::Integer));
}

#[test]
fn a_state_that_follows_may_be_named_by_its_enum() {
    let following: Vec<_> = Small::STATES.iter().map(|state| state.next).collect();
    assert_eq!(following, [&[1, 2][..], &[2], &[]]);
}

/// A module in which names of the prelude mean something else.
mod shadowed {
    #![allow(dead_code, non_camel_case_types, unused_macros, reason = "they are only in the way")]

    struct str;
    struct i128;
    struct usize;
    macro_rules! assert {
        () => {};
    }

    #[derive(idempotent_runtime::States)]
    pub(super) enum Status {
        #[to(Paid)]
        Created = 3,
        Paid,
    }

    #[idempotent_runtime::idempotent(
        strategy = "state",
        table = "orders",
        id = "{path.id}",
        from = Status::Created,
        to = Status::Paid
    )]
    pub(super) async fn pay(
        _: idempotent_runtime::transaction::Tx<sqlx::Sqlite>,
    ) -> impl actix_web::Responder {
        "paid"
    }
}

#[test]
fn words_of_rust_may_mean_something_else() {
    assert_eq!(stored::<shadowed::Status>(), [3, 4].map(ColumnValue::Integer));
    let _ = actix_web::web::post().to(shadowed::pay);
}

/// An enum with methods and constants whose names generated code might use.
#[derive(States)]
#[states(rename_all = "SCREAMING_SNAKE_CASE")]
enum Crowded {
    #[to(HTTPDone)]
    InTransit,
    #[state("done")]
    HTTPDone,
}

impl Crowded {
    const STATES: usize = 2;
    const VARIANTS: usize = 2;

    const fn place(&self) -> usize {
        match self {
            Self::InTransit => 10,
            Self::HTTPDone => 20,
        }
    }
}

#[test]
fn an_enum_keeps_its_own_names() {
    assert_eq!((Crowded::STATES, Crowded::VARIANTS), (2, 2));
    assert_eq!((Crowded::InTransit.place(), Crowded::HTTPDone.place()), (10, 20));
    assert_eq!(stored::<Crowded>(), ["IN_TRANSIT", "done"].map(ColumnValue::Text));
}
