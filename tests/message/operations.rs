//! Two functions are two operations, even with equal names, unless both say that they share one.

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::{MemoryStore, idempotent};

mod billing {
    use super::*;

    #[idempotent(strategy = "message", key = "{id}", engine = "messages")]
    pub(super) async fn handle(messages: &Messages, id: u32) -> Result<String, MessageError> {
        Ok(format!("billed {id}"))
    }

    #[idempotent(strategy = "message", key = "{id}", engine = "messages", operation = "post")]
    pub(super) async fn post(messages: &Messages, id: u32) -> Result<String, MessageError> {
        Ok(format!("posted {id} in billing"))
    }
}

mod mail {
    use super::*;

    #[idempotent(strategy = "message", key = "{id}", engine = "messages")]
    pub(super) async fn handle(messages: &Messages, id: u32) -> Result<String, MessageError> {
        Ok(format!("mailed {id}"))
    }

    #[idempotent(strategy = "message", key = "{id}", engine = "messages", operation = "post")]
    pub(super) async fn post(messages: &Messages, id: u32) -> Result<String, MessageError> {
        Ok(format!("posted {id} in mail"))
    }
}

fn messages() -> Messages {
    Messages::builder(MemoryStore::new()).scope("tests").build().expect("it fits together")
}

#[tokio::test]
async fn functions_of_one_name_in_two_modules_both_run() {
    let messages = messages();
    for _ in 0..2 {
        assert_eq!(billing::handle(&messages, 7).await.unwrap(), "billed 7");
        assert_eq!(mail::handle(&messages, 7).await.unwrap(), "mailed 7");
    }
}

#[tokio::test]
async fn the_second_function_of_a_named_operation_is_refused() {
    let messages = messages();
    assert_eq!(billing::post(&messages, 7).await.unwrap(), "posted 7 in billing");
    for id in [7, 8] {
        let refused = mail::post(&messages, id).await;
        assert!(matches!(refused, Err(MessageError::Misconfigured(_))), "{refused:?}");
    }
    assert_eq!(billing::post(&messages, 8).await.unwrap(), "posted 8 in billing");
}

/// Steps in two functions of one module: the path of both is the module's.
async fn packed(messages: &Messages) -> Result<String, MessageError> {
    #[idempotent(strategy = "message", key = "{id}", engine = "messages")]
    async fn step(messages: &Messages, id: u32) -> Result<String, MessageError> {
        Ok(format!("packed {id}"))
    }
    step(messages, 7).await
}

async fn sent(messages: &Messages) -> Result<String, MessageError> {
    #[idempotent(strategy = "message", key = "{id}", engine = "messages")]
    async fn step(messages: &Messages, id: u32) -> Result<String, MessageError> {
        Ok(format!("sent {id}"))
    }
    step(messages, 7).await
}

#[tokio::test]
async fn the_second_function_of_one_path_is_refused() {
    let messages = messages();
    assert_eq!(packed(&messages).await.unwrap(), "packed 7");
    let refused = sent(&messages).await;
    assert!(matches!(refused, Err(MessageError::Misconfigured(_))), "{refused:?}");
    assert_eq!(packed(&messages).await.unwrap(), "packed 7");
}
