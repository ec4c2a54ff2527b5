//! The rule that finds the scope of a request.

use crate::http::app::scope_id::ScopeId;
use crate::key::KeyParts;
use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::any::type_name;
use std::fmt;
use std::sync::Arc;

/// The rule that reads the caller of a request: a tenant, an account, a session.
///
/// Keys, tokens and stored responses never cross a scope. So a scope is who the caller *is*, and not the
/// credential that the caller shows today: a credential may be refreshed between the first request and its
/// retry, and the retry must find the record of the first.
///
/// The scope is read after the handler's extractors have accepted the request, so it need not check
/// credentials again. [`Middleware`](crate::Middleware) reads it before the extractors.
#[derive(Clone)]
pub struct Scope(ScopeRule);

type Custom = dyn Fn(&HttpRequest) -> Result<String, Error> + Send + Sync;

#[derive(Clone)]
enum ScopeRule {
    Shared,
    Header(HeaderName),
    Custom(Arc<Custom>),
    Extension { id: fn(&HttpRequest) -> Option<String>, of: &'static str },
    Extractor { id: ExtractId, of: &'static str },
}

/// A function that extracts a caller and returns the caller's id.
type ExtractId = fn(&HttpRequest) -> LocalBoxFuture<'static, Result<String, Error>>;

/// Why a request has no scope.
pub(crate) enum Unscoped {
    /// The request does not name its caller.
    Missing(String),
    /// The app's own function refused it.
    Refused(Error),
}

impl Scope {
    /// The caller is a value of this type, which the app's authentication put into the request's
    /// extensions.
    ///
    /// ```
    /// use actix_web::dev::{Service, ServiceRequest};
    /// use actix_web::{App, HttpMessage};
    /// use idempotent_runtime::{Idempotency, MemoryStore, Scope, ScopeId};
    /// use std::fmt::Display;
    ///
    /// struct Customer(String);
    ///
    /// impl ScopeId for Customer {
    ///     fn scope_id(&self) -> impl Display {
    ///         &self.0
    ///     }
    /// }
    ///
    /// /// Checks a credential, and says who shows it.
    /// fn authenticate(request: &ServiceRequest) -> Option<Customer> {
    ///     # let _ = request;
    ///     // …
    ///     # None
    /// }
    ///
    /// # fn main() -> Result<(), idempotent_runtime::BuildError> {
    /// let idempotency =
    ///     Idempotency::builder(MemoryStore::new()).scope(Scope::of::<Customer>()).build()?;
    /// let app = App::new().app_data(idempotency.clone()).wrap_fn(|request, next| {
    ///     if let Some(customer) = authenticate(&request) {
    ///         request.extensions_mut().insert(customer);
    ///     }
    ///     next.call(request)
    /// });
    /// # let _ = app;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A middleware is the right place for this. An extractor of the handler can do it too, but then a
    /// [`TokenIssuer`](crate::token::TokenIssuer) beside it, [`task_routes`](crate::task::task_routes) and
    /// [`Middleware`](crate::Middleware) do not see the value. Use [`Scope::extract`] then.
    ///
    /// A request without such a value, or with a value whose id is empty, is refused with 400
    /// `scope-missing`.
    #[must_use]
    pub fn of<T: ScopeId + 'static>() -> Self {
        let id = |request: &HttpRequest| {
            request.extensions().get::<T>().map(|caller| caller.scope_id().to_string())
        };
        Self(ScopeRule::Extension { id, of: type_name::<T>() })
    }

    /// The caller is the value of this extractor. If the extractor fails, its error is the response.
    ///
    /// ```
    /// use actix_web::dev::Payload;
    /// use actix_web::error::ErrorUnauthorized;
    /// use actix_web::{Error, FromRequest, HttpRequest};
    /// use idempotent_runtime::{Scope, ScopeId};
    /// use std::fmt::Display;
    /// use std::future::{Ready, ready};
    ///
    /// struct Account(u64);
    ///
    /// impl FromRequest for Account {
    ///     type Error = Error;
    ///     type Future = Ready<Result<Self, Error>>;
    ///
    ///     fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
    ///         # let _ = request;
    ///         // … checks the credential
    ///         # ready(Err(ErrorUnauthorized("sign in")))
    ///     }
    /// }
    ///
    /// impl ScopeId for Account {
    ///     fn scope_id(&self) -> impl Display {
    ///         self.0
    ///     }
    /// }
    ///
    /// let scope = Scope::extract::<Account>();
    /// ```
    ///
    /// The extractor may be asynchronous, for instance ask a database: it is awaited before any record is
    /// looked up. It runs once more for the scope, after the handler's own extractors, and sees no body. If
    /// that costs too much, let a middleware put the caller into the request's extensions, and use
    /// [`Scope::of`].
    ///
    /// A request whose id is empty is refused with 400 `scope-missing`.
    #[must_use]
    pub fn extract<T: FromRequest + ScopeId + 'static>() -> Self {
        Self(ScopeRule::Extractor { id: extracted_id::<T>, of: type_name::<T>() })
    }

    /// The caller is the value of this header: requests with the same value have the same scope.
    ///
    /// Only for a header that names the caller and that a client cannot choose: a gateway in front of this
    /// server checks the credential, and sets the header on every request.
    ///
    /// **Not for a credential**, such as `Authorization` or a session cookie. A credential may be refreshed
    /// between the first request and its retry. The retry then has another scope, finds no record, and runs
    /// again. Use [`Scope::of`] or [`Scope::extract`] if the app checks credentials itself.
    ///
    /// The value is hashed; it is neither stored nor logged.
    ///
    /// ```
    /// use idempotent_runtime::Scope;
    ///
    /// let scope = Scope::header("X-Account-Id");
    /// ```
    ///
    /// # Panics
    /// When `name` is not a valid header name.
    #[must_use]
    #[track_caller]
    pub fn header(name: &str) -> Self {
        match HeaderName::try_from(name) {
            Ok(name) => Self(ScopeRule::Header(name)),
            Err(error) => panic!("`{name}` in `Scope::header`: {error}"),
        }
    }

    /// The scope is the result of this function. If the function fails, its error is the response.
    ///
    /// ```
    /// use actix_web::{HttpMessage, HttpRequest, error::ErrorUnauthorized};
    /// use idempotent_runtime::Scope;
    ///
    /// struct Session { tenant: u64 } // put there by a middleware
    ///
    /// let scope = Scope::from_fn(|request: &HttpRequest| match request.extensions().get::<Session>() {
    ///     Some(session) => Ok(session.tenant.to_string()),
    ///     None => Err(ErrorUnauthorized("sign in first")),
    /// });
    /// ```
    #[must_use]
    pub fn from_fn(
        read: impl Fn(&HttpRequest) -> Result<String, Error> + Send + Sync + 'static,
    ) -> Self {
        Self(ScopeRule::Custom(Arc::new(read)))
    }

    /// All callers share one scope: a caller that knows a key gets the response stored under it.
    ///
    /// Right only for services with a single caller, such as a service behind a gateway.
    #[must_use]
    pub const fn shared() -> Self {
        Self(ScopeRule::Shared)
    }

    /// Whether the scope is the same without a request.
    pub(crate) const fn is_shared(&self) -> bool {
        matches!(self.0, ScopeRule::Shared)
    }

    /// The scope of this request.
    pub(crate) async fn read(&self, request: &HttpRequest) -> Result<KeyParts, Unscoped> {
        let value = match &self.0 {
            ScopeRule::Shared => return Ok(KeyParts::new()),
            ScopeRule::Header(name) => return header(name, request),
            ScopeRule::Custom(read) => read(request).map_err(Unscoped::Refused)?,
            ScopeRule::Extension { id, of } => id(request).unwrap_or_else(|| {
                tracing::debug!(path = request.path(), "no `{of}` in the request's extensions");
                String::new()
            }),
            ScopeRule::Extractor { id, .. } => id(request).await.map_err(Unscoped::Refused)?,
        };
        if value.is_empty() {
            let what = "the request does not say who calls, so it did not run; sign in, or name \
                        the caller in the request";
            return Err(Unscoped::Missing(what.to_owned()));
        }
        Ok(KeyParts::new().secret(&value))
    }
}

fn extracted_id<T: FromRequest + ScopeId + 'static>(
    request: &HttpRequest,
) -> LocalBoxFuture<'static, Result<String, Error>> {
    // The handler has read the body by now.
    let extracting = T::from_request(request, &mut Payload::None);
    Box::pin(extracting.map(|extracted| match extracted {
        Ok(caller) => Ok(caller.scope_id().to_string()),
        Err(error) => Err(error.into()),
    }))
}

fn header(name: &HeaderName, request: &HttpRequest) -> Result<KeyParts, Unscoped> {
    let mut lines = request.headers().get_all(name);
    let missing = |why| Unscoped::Missing(format!("the header `{name}` {why}"));
    let line = lines.next().ok_or_else(|| missing("is missing; it says whose request this is"))?;
    if lines.next().is_some() {
        return Err(missing("is sent more than once; it says whose request this is"));
    }
    match line.to_str() {
        Ok("") => Err(missing("is empty; it says whose request this is")),
        Ok(value) => Ok(KeyParts::new().secret(value)),
        Err(_) => Err(missing("holds bytes that are not printable ASCII")),
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ScopeRule::Shared => f.write_str("Scope::shared()"),
            ScopeRule::Header(name) => write!(f, "Scope::header({name})"),
            ScopeRule::Custom(_) => f.write_str("Scope::from_fn(…)"),
            ScopeRule::Extension { of, .. } => write!(f, "Scope::of::<{of}>()"),
            ScopeRule::Extractor { of, .. } => write!(f, "Scope::extract::<{of}>()"),
        }
    }
}
