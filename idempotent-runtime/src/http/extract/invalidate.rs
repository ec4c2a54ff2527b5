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

impl Idempotency {
    /// Forgets an answer of a handler with `strategy = "cache"`, so that the next read computes it.
    ///
    /// `operation` is the one that the handler names, and `key` the values of its key's placeholders in
    /// order; without a key of its own, the path and the query, spelled in any way (the path behind the
    /// host under [`host_is_identity`](crate::IdempotencyBuilder::host_is_identity),
    /// `shop.example/users/7`). The scope has to be named:
    ///
    /// ```
    /// use actix_web::{Error, HttpRequest, HttpResponse, put, web};
    /// use idempotent_runtime::Idempotency;
    ///
    /// // Beside `#[idempotent(strategy = "cache", operation = "getUser", key = "{path.id}", ttl = "1m")]`
    /// #[put("/users/{id}")]
    /// async fn put_user(
    ///     id: web::Path<String>,
    ///     idempotency: Idempotency,
    ///     request: HttpRequest,
    /// ) -> Result<HttpResponse, Error> {
    ///     // … changes the user, then:
    ///     idempotency.invalidate("getUser", [&*id]).of(&request).await?;
    ///     Ok(HttpResponse::NoContent().finish())
    /// }
    /// ```
    ///
    /// A guarded handler goes on without its client, and so does its invalidation. Elsewhere actix drops a
    /// handler whose client leaves, perhaps between the change and this: spawn both there.
    ///
    /// Call it after the change is committed. What is being computed at that moment is not kept
    /// either. Copies in other scopes are records of their own: data that one caller changes for
    /// others belongs into `scope = "shared"`.
    pub fn invalidate<'a>(
        &'a self,
        operation: &'a str,
        key: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Invalidation<'a> {
        let key: Vec<_> = key.into_iter().collect();
        let values = key.iter().fold(KeyParts::new(), |all, one| all.value(one.as_ref()));
        let respelled = match &key[..] {
            [place, query] => one_place(self.settings().host_role, place.as_ref())
                .map(|place| KeyParts::new().value(&place).value(&one_query(query.as_ref()))),
            _ => None,
        };
        let respelled = respelled.filter(|other| *other != values);
        Invalidation { app: self, operation, values, respelled }
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
