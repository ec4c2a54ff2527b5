//! The rule that says whose a request is.

use crate::key::KeyParts;
use actix_web::http::header::HeaderName;
use actix_web::{Error, HttpRequest};
use std::fmt;
use std::sync::Arc;

/// Reads from a request whose it is: a tenant, an account, a session.
///
/// Keys, tokens and stored responses never cross a scope. It is read after the handler's
/// extractors have accepted the request, so it need not check credentials again.
#[derive(Clone)]
pub struct Scope(ScopeRule);

type Custom = dyn Fn(&HttpRequest) -> Result<String, Error> + Send + Sync;

#[derive(Clone)]
enum ScopeRule {
    Shared,
    Header(HeaderName),
    Custom(Arc<Custom>),
}

/// Why a request has no scope.
pub(crate) enum Unscoped {
    /// It does not say whose it is.
    Missing(String),
    /// The app's own function refused it.
    Refused(Error),
}

impl Scope {
    /// Requests with the same value of this header belong together, `Authorization` for instance.
    ///
    /// The value is hashed; it is neither stored nor logged.
    ///
    /// # Panics
    /// When `name` is no valid header name.
    #[must_use]
    #[track_caller]
    pub fn header(name: &str) -> Self {
        match HeaderName::try_from(name) {
            Ok(name) => Self(ScopeRule::Header(name)),
            Err(error) => panic!("`{name}` in `Scope::header`: {error}"),
        }
    }

    /// The scope is the result of this function; where it refuses, its error is the response.
    ///
    /// ```
    /// use actix_web::{HttpMessage, HttpRequest, error::ErrorUnauthorized};
    /// use idempotent_runtime::Scope;
    ///
    /// struct Tenant(String); // put there by a middleware
    ///
    /// let scope = Scope::from_fn(|request: &HttpRequest| match request.extensions().get::<Tenant>() {
    ///     Some(tenant) => Ok(tenant.0.clone()),
    ///     None => Err(ErrorUnauthorized("who are you?")),
    /// });
    /// ```
    #[must_use]
    pub fn from_fn(
        read: impl Fn(&HttpRequest) -> Result<String, Error> + Send + Sync + 'static,
    ) -> Self {
        Self(ScopeRule::Custom(Arc::new(read)))
    }

    /// All callers are one: whoever knows a key sees the response stored under it.
    ///
    /// Right for services with a single caller, such as behind a gateway, and for nothing else.
    #[must_use]
    pub const fn shared() -> Self {
        Self(ScopeRule::Shared)
    }

    /// Whether it needs no request to say so.
    pub(crate) const fn is_shared(&self) -> bool {
        matches!(self.0, ScopeRule::Shared)
    }

    /// The scope of this request.
    pub(crate) fn of(&self, request: &HttpRequest) -> Result<KeyParts, Unscoped> {
        let value = match &self.0 {
            ScopeRule::Shared => return Ok(KeyParts::new()),
            ScopeRule::Custom(read) => read(request).map_err(Unscoped::Refused)?,
            ScopeRule::Header(name) => return header(name, request),
        };
        if value.is_empty() {
            return Err(Unscoped::Missing("the request does not say whose it is".to_owned()));
        }
        Ok(KeyParts::new().secret(&value))
    }
}

fn header(name: &HeaderName, request: &HttpRequest) -> Result<KeyParts, Unscoped> {
    let mut lines = request.headers().get_all(name);
    let missing = |why| Unscoped::Missing(format!("the header `{name}` {why}"));
    let line = lines.next().ok_or_else(|| missing("says whose request it is, and is missing"))?;
    if lines.next().is_some() {
        return Err(missing("says whose request it is, and is sent more than once"));
    }
    match line.to_str() {
        Ok("") => Err(missing("says whose request it is, and is empty")),
        Ok(value) => Ok(KeyParts::new().secret(value)),
        Err(_) => Err(missing("holds bytes that are no printable ASCII")),
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ScopeRule::Shared => f.write_str("Scope::shared()"),
            ScopeRule::Header(name) => write!(f, "Scope::header({name})"),
            ScopeRule::Custom(_) => f.write_str("Scope::from_fn(…)"),
        }
    }
}
