//! An insert that met a unique index: what was inserted before answers instead.

use crate::http::body::refilled;
use crate::http::call::{Call, Exit};
use crate::http::refusal;
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

    /// Takes back what the handler did in its transaction, if it has one.
    pub async fn undo(&mut self) -> Result<(), Exit> {
        let Some(Run::Transaction(mut run)) = self.shared.run.take() else { return Ok(()) };
        if let Some(lent) = self.shared.lent.take() {
            run.take_back(lent);
        }
        match run.undo().await {
            Ok(()) => {
                self.shared.lent.replace(run.lend());
                self.shared.run.replace(Some(Run::Transaction(run)));
                Ok(())
            }
            Err(error) => Err(self.exit(&refusal::store_failed(&self.request, &error))),
        }
    }

    /// Extracts the handler's arguments once more, from the same body.
    pub async fn extract_again<T: FromRequest>(&mut self) -> Result<T, Exit> {
        self.payload = refilled(self.body.clone());
        let extracted = T::from_request(&self.request, &mut self.payload).await;
        extracted.map_err(|error| Exit::Refused(error.into()))
    }
}

/// Databases name the index; `SQLite` names table and column in its message instead.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn is_unique_violation(error: &(dyn StdError + 'static), constraint: Option<&str>) -> bool {
    let Some(sqlx::Error::Database(refusal)) = error.downcast_ref() else { return false };
    refusal.is_unique_violation()
        && constraint.is_none_or(|name| {
            refusal.constraint() == Some(name) || refusal.message().contains(name)
        })
}

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
fn is_unique_violation(_: &(dyn StdError + 'static), _: Option<&str>) -> bool {
    false
}
