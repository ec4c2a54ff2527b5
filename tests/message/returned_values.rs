//! Later calls get exactly the value that the first returned, or an error that says that it ran.

use crate::RunCounter;
use idempotent_runtime::idempotent;
use idempotent_runtime::message::MessageError;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Functions that return these, once: a second run returns something else.
macro_rules! returning {
    ($($name:ident: $kind:ty = $first:expr, then $second:expr;)*) => {
        $(
            impl RunCounter {
                #[idempotent(
                    strategy = "message",
                    operation = "value",
                    key = "{id}",
                    engine = "self.messages"
                )]
                async fn $name(&self, id: u8) -> Result<$kind, MessageError> {
                    Ok(if self.run() == 1 { $first } else { $second })
                }
            }

            #[tokio::test]
            async fn $name() {
                let counter = RunCounter::new();
                let first: $kind = $first;
                assert_eq!(counter.$name(0).await.unwrap(), first);
                assert_eq!(counter.$name(0).await.unwrap(), first);
                assert_eq!(counter.ran(), 1);
            }
        )*
    };
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Receipt {
    number: u64,
    lines: BTreeMap<String, Vec<Option<i8>>>,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Kind {
    Paid { cents: u64 },
    Free,
}

fn receipt(kind: Kind) -> Receipt {
    let lines = BTreeMap::from([("a".to_owned(), vec![None, Some(-1)]), (String::new(), vec![])]);
    Receipt { number: u64::MAX, lines, kind }
}

returning! {
    a_unit: () = (), then ();
    a_zero: u32 = 0, then 1;
    an_empty_text: String = String::new(), then "second".to_owned();
    nothing: Option<u8> = None, then Some(1);
    a_false: bool = false, then true;
    an_empty_list: Vec<u8> = vec![], then vec![1];
    a_text_that_is_null: String = "null".to_owned(), then String::new();
    a_failure_as_a_value: Result<u8, String> = Err("no".to_owned()), then Ok(1);
    bytes_of_all_kinds: Vec<u8> = (0..=255).collect(), then vec![];
    numbers_to_the_last_digit: (f64, i128) = (0.1 + 0.2, i128::MIN), then (0.0, 0);
    a_structure: Receipt = receipt(Kind::Paid { cents: 1 }), then receipt(Kind::Free);
}

impl RunCounter {
    #[idempotent(
        strategy = "message",
        operation = "long",
        key = "{id}",
        engine = "self.messages",
        max_body = "16B"
    )]
    async fn long(&self, id: u8, length: usize) -> Result<String, MessageError> {
        self.run();
        Ok("x".repeat(length))
    }

    #[idempotent(
        strategy = "message",
        operation = "unserialisable",
        key = "{id}",
        engine = "self.messages"
    )]
    async fn unserialisable(&self, id: u8) -> Result<HashMap<(u8, u8), u8>, MessageError> {
        self.run();
        Ok(HashMap::from([((1, 2), 3)]))
    }

    #[idempotent(
        strategy = "message",
        key = "{id}",
        engine = "self.messages",
        operation = "v",
        shared_operation = true
    )]
    async fn before_a_release(&self, id: u8) -> Result<String, MessageError> {
        self.run();
        Ok("text".to_owned())
    }

    #[idempotent(
        strategy = "message",
        key = "{id}",
        engine = "self.messages",
        operation = "v",
        shared_operation = true
    )]
    async fn after_a_release(&self, id: u8) -> Result<u64, MessageError> {
        self.run();
        Ok(1)
    }

    #[idempotent(
        strategy = "message",
        operation = "rejecting",
        key = "{id}",
        engine = "self.messages",
        on_duplicate = "reject"
    )]
    async fn rejecting(&self, id: u8) -> Result<u64, MessageError> {
        self.run();
        Ok(1)
    }
}

#[tokio::test]
async fn a_value_up_to_the_limit_is_kept_and_a_longer_one_is_told_and_not_run_again() {
    let counter = RunCounter::new();
    // The JSON has two quotes more than the text.
    assert_eq!(counter.long(1, 14).await.unwrap().len(), 14);
    assert_eq!(counter.long(1, 14).await.unwrap().len(), 14);
    assert_eq!(counter.long(2, 15).await.unwrap().len(), 15);
    let again = counter.long(2, 15).await.unwrap_err();
    assert!(matches!(again, MessageError::NotReplayable) && again.has_run(), "{again:?}");
    assert_eq!(counter.ran(), 2);
}

#[tokio::test]
async fn a_value_that_cannot_be_serialised_is_given_once_and_not_run_again() {
    let counter = RunCounter::new();
    assert_eq!(counter.unserialisable(1).await.unwrap().len(), 1);
    let again = counter.unserialisable(1).await.unwrap_err();
    assert!(matches!(again, MessageError::NotReplayable), "{again:?}");
    assert_eq!(counter.ran(), 1);
}

#[tokio::test]
async fn a_value_of_an_older_type_is_told_and_not_run_again() {
    let counter = RunCounter::new();
    counter.before_a_release(1).await.unwrap();
    let again = counter.after_a_release(1).await.unwrap_err();
    assert!(matches!(again, MessageError::Unreadable(_)) && again.has_run(), "{again:?}");
    assert_eq!(counter.ran(), 1);
}

#[tokio::test]
async fn a_duplicate_is_rejected_where_the_function_says_so() {
    let counter = RunCounter::new();
    assert_eq!(counter.rejecting(1).await.unwrap(), 1);
    let again = counter.rejecting(1).await.unwrap_err();
    assert!(matches!(again, MessageError::Duplicate) && again.has_run(), "{again:?}");
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Small {
    Byte(u8),
    Number(u64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Masked {
    name: String,
    #[serde(skip_serializing)]
    card: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counted {
    #[serde(skip_serializing_if = "is_zero", default = "one")]
    count: u32,
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Functions whose values change when they are stored and read: the caller gets the value, later callers an error.
macro_rules! returning_once {
    ($($name:ident: $kind:ty = $value:expr;)*) => {
        $(
            impl RunCounter {
                #[idempotent(
                    strategy = "message",
                    operation = "once",
                    key = "{id}",
                    engine = "self.messages"
                )]
                async fn $name(&self, id: u8) -> Result<$kind, MessageError> {
                    self.run();
                    Ok($value)
                }
            }

            #[tokio::test]
            async fn $name() {
                let counter = RunCounter::new();
                assert!(counter.$name(0).await.is_ok());
                let again = counter.$name(0).await.unwrap_err();
                assert!(matches!(again, MessageError::NotReplayable), "{again:?}");
                assert_eq!(counter.ran(), 1);
            }
        )*
    };
}

returning_once! {
    no_number: f64 = f64::NAN;
    no_number_perhaps: Option<f64> = Some(f64::INFINITY);
    nothing_in_something: Option<Option<u8>> = Some(None);
    an_untagged_variant_behind_another: Small = Small::Number(5);
    a_field_that_is_not_written: Masked = Masked { name: "a".to_owned(), card: "b".to_owned() };
    a_field_with_another_default: Counted = Counted { count: 0 };
}

returning! {
    a_set: std::collections::HashSet<u32> = (0..50).collect(), then std::collections::HashSet::new();
    an_untagged_variant: Small = Small::Byte(5), then Small::Byte(6);
    a_small_number: (f32,) = (0.1,), then (0.2,);
    no_positive_zero: (f64, f64) = (-0.0, f64::MIN_POSITIVE), then (1.0, 1.0);
}
