//! Forgetting the answers of handlers with `strategy = "cache"`.

use crate::engine::cached;
use crate::error::StoreError;
use crate::http::answer::refusal;
use crate::http::app::caller::Caller;
use crate::http::app::idempotency::Idempotency;
use crate::key::{HostRole, KeyParts, one_path, one_query};
use crate::strategy::cache::{AnswerOwner, answer_key};
use actix_web::{Error, HttpRequest};

/// An answer of a `cache` to be forgotten. Made by [`Idempotency::invalidate`].
#[derive(Clone, Debug)]
#[must_use = "nothing is forgotten before `of`, `shared` or `within` names its scope"]
pub struct Invalidation<'a> {
    app: &'a Idempotency,
    operation: &'a str,
    values: KeyParts,
    /// The same values with path and query in their canonical spelling, if they are spelled in another way.
    respelled: Option<KeyParts>,
}

impl<'a> Invalidation<'a> {
    /// The answer of an operation for these values of its key.
    pub(crate) fn new(
        app: &'a Idempotency,
        operation: &'a str,
        key: &[impl AsRef<str>],
    ) -> Invalidation<'a> {
        let values = key.iter().fold(KeyParts::new(), |all, one| all.value(one.as_ref()));
        let respelled = match key {
            [place, query] => one_place(app.settings().host_role, place.as_ref())
                .map(|place| KeyParts::new().value(&place).value(&one_query(query.as_ref()))),
            _ => None,
        };
        let respelled = respelled.filter(|other| *other != values);
        Self { app, operation, values, respelled }
    }
}

/// A path in its canonical spelling, behind its host if the app keeps hosts apart.
fn one_place(role: HostRole, place: &str) -> Option<String> {
    let (host, path) = place.split_at(place.find('/')?);
    Some(role.before_path(host).ok()? + &one_path(path))
}

impl Invalidation<'_> {
    /// Forgets the answer in the scope of this request's caller, found by the app's rule.
    ///
    /// # Errors
    /// 503 when the store does not answer, and the error of the app's rule if the request has no scope.
    pub async fn of(self, request: &HttpRequest) -> Result<(), Error> {
        let caller = Caller::of(request).await?;
        let forgotten = self.forget(&caller.scope).await;
        forgotten.map_err(|error| caller.refuse(&refusal::store_failed(request, &error)))
    }

    /// Forgets the answer of a handler with `scope = "shared"`, or of an app with `Scope::shared()`.
    ///
    /// # Errors
    /// When the store did not answer. Whether the answer was forgotten is unknown then.
    pub async fn shared(self) -> Result<(), StoreError> {
        self.forget(&KeyParts::new()).await
    }

    /// Forgets the answer in this scope: the segments of the handler's own `scope` template, or, for the
    /// app's rule, one secret with the id that the rule returns.
    ///
    /// # Errors
    /// When the store did not answer. Whether the answer was forgotten is unknown then.
    pub async fn within(self, scope: &KeyParts) -> Result<(), StoreError> {
        self.forget(scope).await
    }

    async fn forget(&self, scope: &KeyParts) -> Result<(), StoreError> {
        // A key of two values can look like a path and a query. Then both are forgotten.
        for values in [Some(&self.values), self.respelled.as_ref()].into_iter().flatten() {
            let key = answer_key(
                self.app.settings(),
                scope,
                AnswerOwner::Operation(self.operation),
                values,
            );
            cached::forget(self.app.engine(), &key).await?;
        }
        Ok(())
    }
}
