//! The driver of every guarded function.

use crate::message::call::{Claimed, Message};
use crate::message::error::MessageError;
use crate::message::run::Run;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use crate::transaction::{Tx, TxSlot};
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use std::any::TypeId;
use std::panic::{AssertUnwindSafe, resume_unwind};

/// Runs a function for one call, unless it ran for the same call before.
///
/// What it returns is stored before it is given. An error gives the key back, so that the next call
/// runs. A panic gives it back or holds it by the policy, and goes on to the caller. The function is
/// part of the caller's future: dropped with it in the middle, it is as if it had panicked.
///
/// # Errors
/// What the function returns, and what keeps it from running or its record from being stored.
pub async fn guard<T, E, W>(message: Message, work: W) -> Result<T, E>
where
    T: Serialize + DeserializeOwned,
    E: From<MessageError>,
    W: Future<Output = Result<T, E>>,
{
    match message.claim().await? {
        Claimed::Run(run) => finish(run, work).await,
        Claimed::Value(value) => Ok(read(&value)?),
    }
}

/// The same in the business transaction: what the function does on its `Tx` and the record of it commit
/// together, before its caller gets what it returned, or not at all.
///
/// # Errors
/// As [`guard`].
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub async fn guard_in_transaction<DB, T, E, W>(
    message: Message,
    work: impl FnOnce(Tx<DB>) -> W,
) -> Result<T, E>
where
    DB: sqlx::Database,
    T: Serialize + DeserializeOwned,
    E: From<MessageError>,
    W: Future<Output = Result<T, E>>,
{
    let lent = TxSlot::default();
    match message.open(TypeId::of::<DB>(), &lent).await? {
        Claimed::Run(run) => finish(run, work(Tx::of(lent))).await,
        Claimed::Value(value) => Ok(read(&value)?),
    }
}

/// Runs a function that holds its key, to its end.
async fn finish<T, E, W>(run: Run, work: W) -> Result<T, E>
where
    T: Serialize,
    E: From<MessageError>,
    W: Future<Output = Result<T, E>>,
{
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(value)) => {
            run.complete(&value).await?;
            Ok(value)
        }
        Ok(Err(error)) => {
            run.release().await;
            Err(error)
        }
        Err(panic) => {
            run.give_up().await;
            resume_unwind(panic)
        }
    }
}

/// JSON: people and later versions of a program can read it, fields may be added with a default, and
/// every type that serde describes by itself fits.
fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, MessageError> {
    serde_json::from_slice(value).map_err(MessageError::Unreadable)
}
