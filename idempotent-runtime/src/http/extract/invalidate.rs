//! Forgetting the answers of handlers with `strategy = "cache"`.

use crate::engine::cached;
use crate::error::StoreError;
use crate::http::answer::refusal;
use crate::http::app::caller::Caller;
use crate::http::app::idempotency::Idempotency;
use crate::key::{HostRole, KeyParts, one_path, one_query};
use crate::strategy::cache::{AnswerOwner, answer_key};
use actix_web::{Error, HttpRequest};

/// An answer to be forgotten; made by [`Idempotency::invalidate`].
#[derive(Clone, Debug)]
#[must_use = "nothing is forgotten before it is said whose it is"]
pub struct Invalidation<'a> {
    app: &'a Idempotency,
    operation: &'a str,
    values: KeyParts,
    /// Those of a path and a query in their one form, where they are spelled in another.
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

/// A path, behind its host if hosts are told apart, in its one form.
fn one_place(role: HostRole, place: &str) -> Option<String> {
    let (host, path) = place.split_at(place.find('/')?);
    Some(role.before_path(host).ok()? + &one_path(path))
}

impl Invalidation<'_> {
    /// The answer in the scope of this request's caller, by the app's rule.
    ///
    /// # Errors
    /// 503 when the store does not answer; what the rule says of a request without a scope.
    pub async fn of(self, request: &HttpRequest) -> Result<(), Error> {
        let caller = Caller::of(request).await?;
        let forgotten = self.forget(&caller.scope).await;
        forgotten.map_err(|error| caller.refuse(&refusal::store_failed(request, &error)))
    }

    /// The answer of a handler with `scope = "shared"`, or of an app with `Scope::shared()`.
    ///
    /// # Errors
    /// When the store did not answer; whether it forgot is unknown then.
    pub async fn shared(self) -> Result<(), StoreError> {
        self.forget(&KeyParts::new()).await
    }

    /// The answer in this scope: the segments of the handler's own template, or for a scope of the
    /// app's the one secret that its rule gives.
    ///
    /// # Errors
    /// When the store did not answer; whether it forgot is unknown then.
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
