//! The record of a call, found by facts that a person knows.

use crate::{Ending, RunCounter};
use idempotent_runtime::idempotent;
use idempotent_runtime::key::{Guard, KeyParts};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::policy::Strategy;
use idempotent_runtime::records::{
    Force, Forgotten, KeptOutcome, RecordStage, RecordState, Target,
};

fn value(value: &str) -> KeyParts {
    KeyParts::new().value(value)
}

#[idempotent(strategy = "message", key = "{year}-{number}", engine = "messages")]
async fn unnamed(messages: &Messages, year: u32, number: &str) -> Result<u32, MessageError> {
    let _ = number;
    Ok(year)
}

#[tokio::test]
async fn a_call_is_found_by_its_operation_and_key() {
    let counter = RunCounter::new();
    let target = Target::operation(Strategy::Message, "held");
    let find = async |scope: &str, key: &str| {
        counter.messages.find(&target, &value(scope), &value(key)).await.expect("memory answers")
    };
    assert!(find("tests", "k").await.is_none());
    counter.at_once("k").await.unwrap();
    let record = find("tests", "k").await.expect("a record");
    assert_eq!(
        (record.guard(), record.operation(), record.label()),
        (Some(Guard::Message), "held", "k")
    );
    assert_eq!(record.state(), RecordState::Completed(KeptOutcome::Value { bytes: 1 }));
    assert!(find("others", "k").await.is_none());
    assert_eq!(counter.messages.forget(&record, Force::No).await.unwrap(), Forgotten::Yes);
    assert_eq!(counter.at_once("k").await.unwrap(), 2, "it runs again");
}

#[tokio::test]
async fn a_function_without_a_name_is_found_by_its_path() {
    let counter = RunCounter::new();
    assert_eq!(unnamed(&counter.messages, 2026, "7").await.unwrap(), 2026);
    let key = value("2026").text("-").value("7");
    let target = Target::operation(Strategy::Message, "message::found_records::unnamed");
    let record = counter.messages.find(&target, &value("tests"), &key).await.unwrap();
    let record = record.expect("a record");
    assert_eq!(record.function(), Some("message::found_records::unnamed"));
    assert_eq!(record.label(), "2026-7");
}

#[tokio::test]
async fn a_call_that_waits_for_a_person_is_listed() {
    let counter = RunCounter::new();
    let held = tokio::spawn({
        let counter = counter.clone();
        async move { counter.ends_or_holds("k", Ending::Panic).await }
    });
    held.await.expect_err("as the test wants it");
    let told = counter.ends_or_holds("k", Ending::AtOnce).await.expect_err("nobody knows");
    assert!(matches!(told, MessageError::OutcomeUnknown), "{told:?}");
    assert_eq!(counter.messages.counts().held, 1);
    let page = counter.messages.records().stage(RecordStage::Abandoned).page(10, None).await;
    let page = page.expect("memory lists");
    let [record] = &page.records[..] else { panic!("{page:?}") };
    assert_eq!((record.operation(), record.attempt()), ("held", 1));
}
