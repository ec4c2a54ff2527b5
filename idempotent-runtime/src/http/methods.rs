//! Methods of `Idempotency` that use rooms above its own.

use crate::http::app::idempotency::Idempotency;
use crate::http::extract::invalidate::Invalidation;
#[cfg(feature = "inspector")]
use crate::http::inspector::{Inspector, Operator};
#[cfg(feature = "inspector")]
use actix_web::{Error, HttpRequest};

impl Idempotency {
    /// Forgets an answer of a handler with `strategy = "cache"`, so that the next read computes it.
    ///
    /// `operation` is the name that the handler sets, and `key` the values of the placeholders in its key, in
    /// order. For a handler without a `key` they are the path and the query, in any spelling; with
    /// [`host_is_identity`](crate::IdempotencyBuilder::host_is_identity) the host stands before the path:
    /// `shop.example/users/7`. Then name the scope:
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
    /// A guarded handler goes on after its client has left, and so does its invalidation. In another handler
    /// actix drops the future when the client leaves, perhaps between the change and the invalidation: spawn
    /// both in one task there.
    ///
    /// Call it after the change is committed. An answer that is being computed at that moment is not kept
    /// either. Answers in other scopes are records of their own: if one caller changes data that others read,
    /// use `scope = "shared"` for the handler that reads it.
    pub fn invalidate<'a>(
        &'a self,
        operation: &'a str,
        key: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Invalidation<'a> {
        let key: Vec<_> = key.into_iter().collect();
        Invalidation::new(self, operation, &key)
    }

    /// A page for operators, to be mounted. It shows the runs under way, the numbers of this process, and the
    /// records that wait for a person.
    ///
    /// `check` names the operator or refuses the request. It runs for every request to the page. If it
    /// returns an error, the client gets that error.
    ///
    /// ```
    /// use actix_web::error::ErrorUnauthorized;
    /// use actix_web::{App, HttpMessage, HttpRequest};
    /// use idempotent_runtime::inspector::Operator;
    /// use idempotent_runtime::{Idempotency, MemoryStore, Scope};
    ///
    /// /// Your staff: your authentication puts it into the request's extensions.
    /// struct Employee {
    ///     name: String,
    /// }
    ///
    /// # fn main() -> Result<(), idempotent_runtime::BuildError> {
    /// # let idempotency =
    /// #     Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build()?;
    /// let inspector = idempotency.inspector(|request: &HttpRequest| {
    ///     let extensions = request.extensions();
    ///     let employee = extensions.get::<Employee>().ok_or_else(|| ErrorUnauthorized("who?"))?;
    ///     Ok(Operator::new(&employee.name))
    /// });
    /// // At `/inspector/`; another path is set by `path`.
    /// let app = App::new().app_data(idempotency).service(inspector);
    /// # let _ = app;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The chapter `docs/inspector.md` of the repository describes the page.
    #[cfg(feature = "inspector")]
    pub fn inspector(
        &self,
        check: impl Fn(&HttpRequest) -> Result<Operator, Error> + Send + Sync + 'static,
    ) -> Inspector {
        Inspector::new(self.clone(), check)
    }
}
