//! An insert that met a unique index: what was inserted before answers instead.

use crate::http::body::refilled;
use crate::http::call::{Call, Exit};
use crate::http::serving::Run;
use actix_web::FromRequest;
use std::error::Error as StdError;

impl Call {
    /// Whether a handler failed because what it inserted is there already.
    pub fn met_unique_index<T, E: StdError + 'static>(&self, returned: &Result<T, E>) -> bool {
        let Err(error) = returned else { return false };
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            if is_unique_violation(error, self.policy.constraint) {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// Takes back what the handler did in its transaction, if it has one, extracts its arguments
    /// once more from the same body, and begins anew.
    ///
    /// In this order: an extractor that needs a connection must not wait for one while the request
    /// holds another.
    pub async fn again<T: FromRequest>(&mut self) -> Result<T, Exit> {
        let run = self.shared.run.take();
        let transaction = match run {
            Some(Run::Transaction(mut run)) => {
                if let Some(lent) = self.shared.lent.take() {
                    run.take_back(lent);
                }
                run.roll_back().await;
                true
            }
            run => {
                self.shared.run.replace(run);
                false
            }
        };
        self.payload = refilled(self.body.clone());
        let extracted = T::from_request(&self.request, &mut self.payload).await;
        let extracted = extracted.map_err(|error| Exit::Refused(error.into()))?;
        if transaction {
            self.claim().await?;
        }
        Ok(extracted)
    }
}

/// `PostgreSQL` names the index. The others do at the end of their messages, behind values that are
/// anybody's: `MySQL` quoted and after the table, `SQLite` as its columns.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn is_unique_violation(error: &(dyn StdError + 'static), constraint: Option<&str>) -> bool {
    let Some(sqlx::Error::Database(refusal)) = error.downcast_ref() else { return false };
    let named = |name: &str| match refusal.constraint() {
        Some(index) => index == name,
        None => is_at_end(refusal.message(), name),
    };
    refusal.is_unique_violation() && constraint.is_none_or(named)
}

/// Whether the end of a message names this index, these columns, or one of them.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn is_at_end(message: &str, name: &str) -> bool {
    let end = message.rsplit_once("for key ").or_else(|| message.rsplit_once("failed: "));
    let Some((_, end)) = end else { return false };
    let index = end.trim_matches('\'');
    let bare = index.rsplit_once('.').map(|(_table, bare)| bare);
    index == name || bare == Some(name) || index.split(", ").any(|column| column == name)
}

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
fn is_unique_violation(_: &(dyn StdError + 'static), _: Option<&str>) -> bool {
    false
}
