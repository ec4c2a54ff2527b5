//! The target of a request or call, for a person who looks for its record.

#[cfg(feature = "actix")]
use crate::key::{Address, Guard, HostRole, one_host, one_path};
use crate::key::{KeyParts, StorageKey};
use crate::policy::Strategy;
use crate::strategy::message;
use crate::strategy::settings::Settings;
#[cfg(feature = "actix")]
use crate::strategy::{
    cache::{AnswerOwner, answer_key},
    lock, task, token,
};
#[cfg(feature = "actix")]
use std::borrow::Cow;

/// The handler, function or lock that got a key. Together with a scope and a key it names one record.
///
/// | strategy | target | key |
/// | --- | --- | --- |
/// | `request_id`, `dedup_table`, `unique`, `row_lock`, `version`, `state` | [`route`](Self::route) | the values of the template |
/// | the same, under a `Middleware` | `route(…).middleware(0)` | the value of the header |
/// | `async` | `route(…).task()`, or [`task_id`](Self::task_id) | the values, or the task's id |
/// | `token`, `message` | [`operation`](Self::operation) | the token; the values |
/// | `cache` that names its operation | [`operation`](Self::operation) | the values; without a `key`, path and query |
/// | `cache` that does not | [`pattern`](Self::pattern) | the template, texts included |
/// | `lock` | [`lock`](Self::lock) | the lock's name |
///
/// ```
/// use idempotent_runtime::key::KeyParts;
/// use idempotent_runtime::records::Target;
///
/// // The request that alice sent with `Idempotency-Key: 7f3a`.
/// let target = Target::route("POST", "/orders");
/// let (scope, key) = (KeyParts::new().value("alice"), KeyParts::new().value("7f3a"));
/// # let _ = (target, scope, key);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    place: TargetPlace,
    /// The first method that does not fit this place.
    misfit: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum TargetPlace {
    #[cfg(feature = "actix")]
    Route(RoutePlace),
    Operation(Strategy, String),
    #[cfg(feature = "actix")]
    Pattern {
        pattern: String,
        host: Option<String>,
    },
    #[cfg(feature = "actix")]
    Lock,
    #[cfg(feature = "actix")]
    TaskId,
}

#[cfg(feature = "actix")]
#[derive(Clone, Debug, PartialEq, Eq)]
struct RoutePlace {
    guard: Guard,
    method: String,
    path: String,
    host: Option<String>,
    operation: Option<String>,
}

/// The reason why a target, a scope and a key name no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Records of this strategy are not found by an operation.
    #[error("records of `{0:?}` are not found by an operation: {1}")]
    NotByOperation(Strategy, &'static str),
    /// Only targets with a route have this.
    #[error("`{0}` is for targets made by `Target::route` (`host` also by `Target::pattern`)")]
    NotOfRoute(&'static str),
    /// A path begins with a slash, and has no query.
    #[error("`{0}` is not a path: it begins with `/` and has no `?`")]
    NoPath(String),
    /// The app keeps hosts apart, and the target names none.
    #[error("this app keeps hosts apart: name the host with `.host(…)`")]
    HostMissing,
    /// The host cannot be read.
    #[error("`{0}` is not a host")]
    NoHost(String),
    /// There is no key.
    #[error("the key is empty, and no request has an empty key")]
    NoKey,
    /// The key is not a token.
    #[error("the key is not a token of this library")]
    NoToken,
}

impl Target {
    /// An operation of `token`, `message` or `cache`.
    ///
    /// `name` is the `operation` of the attribute. For a function of `message` without one, it is the
    /// function's whole path, such as `shop::payments::book`.
    #[must_use]
    pub fn operation(strategy: Strategy, name: impl Into<String>) -> Self {
        Self::at(TargetPlace::Operation(strategy, name.into()))
    }

    fn at(place: TargetPlace) -> Self {
        Self { place, misfit: None }
    }

    /// The key of the record for this target, a scope and a key.
    pub(crate) fn storage_key(
        &self,
        settings: &Settings,
        scope: &KeyParts,
        key: &KeyParts,
    ) -> Result<StorageKey, TargetError> {
        if let Some(method) = self.misfit {
            return Err(TargetError::NotOfRoute(method));
        }
        if key.is_empty() {
            return Err(TargetError::NoKey);
        }
        match &self.place {
            TargetPlace::Operation(strategy, name) => {
                of_operation(*strategy, name, settings, scope, key)
            }
            #[cfg(feature = "actix")]
            TargetPlace::Route(route) => route.storage_key(settings, scope, key),
            #[cfg(feature = "actix")]
            TargetPlace::Pattern { pattern, host } => {
                let pattern = placed(settings, host.as_deref(), Cow::Borrowed(pattern))?;
                Ok(answer_key(settings, scope, AnswerOwner::Pattern(&pattern), key))
            }
            #[cfg(feature = "actix")]
            TargetPlace::Lock => Ok(lock::lock_key(settings, scope, key)),
            #[cfg(feature = "actix")]
            TargetPlace::TaskId => Ok(task::key(settings, scope, &key.whole())),
        }
    }
}

fn of_operation(
    strategy: Strategy,
    name: &str,
    settings: &Settings,
    scope: &KeyParts,
    key: &KeyParts,
) -> Result<StorageKey, TargetError> {
    match strategy {
        Strategy::Message => Ok(message::storage_key(settings, scope, name, key)),
        #[cfg(feature = "actix")]
        Strategy::Token => {
            token::storage_key(settings, scope, name, key.last_value()).ok_or(TargetError::NoToken)
        }
        #[cfg(feature = "actix")]
        Strategy::Cache => Ok(answer_key(settings, scope, AnswerOwner::Operation(name), key)),
        Strategy::Lock => {
            let instead = "use `Target::lock()`, with the lock's name as the key";
            Err(TargetError::NotByOperation(strategy, instead))
        }
        _ => {
            let instead =
                "use `Target::route(method, path)`, and `.named(…)` for an operation at it";
            Err(TargetError::NotByOperation(strategy, instead))
        }
    }
}

#[cfg(feature = "actix")]
impl Target {
    /// A handler, by the method and path of a request, without the query and in any spelling.
    ///
    /// The path is that of the request, `/orders/7`, not the pattern of the route.
    #[must_use]
    pub fn route(method: impl Into<String>, path: impl Into<String>) -> Self {
        let (method, path, guard) = (method.into(), path.into(), Guard::Handler);
        Self::at(TargetPlace::Route(RoutePlace {
            guard,
            method,
            path,
            host: None,
            operation: None,
        }))
    }

    /// A `cache` without a named operation, by the pattern of its route, such as `/users/{id}`.
    #[must_use]
    pub fn pattern(pattern: impl Into<String>) -> Self {
        Self::at(TargetPlace::Pattern { pattern: pattern.into(), host: None })
    }

    /// Locks of handlers and of code. Locks that are kept outside of the store have no records.
    #[must_use]
    pub fn lock() -> Self {
        Self::at(TargetPlace::Lock)
    }

    /// Tasks, by the ids in their addresses.
    #[must_use]
    pub fn task_id() -> Self {
        Self::at(TargetPlace::TaskId)
    }

    /// Sets the host, in any spelling. It counts if the app has
    /// [`host_is_identity`](crate::IdempotencyBuilder::host_is_identity).
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        match &mut self.place {
            TargetPlace::Route(route) => route.host = Some(host.into()),
            TargetPlace::Pattern { host: of_pattern, .. } => *of_pattern = Some(host.into()),
            _ => self.misfit = self.misfit.or(Some("host")),
        }
        self
    }

    /// Sets the operation of a handler that names one (`operation = "…"`).
    #[must_use]
    pub fn named(self, operation: impl Into<String>) -> Self {
        self.of_route("named", |route| route.operation = Some(operation.into()))
    }

    /// Says that a [`Middleware`](crate::Middleware) guards the route, inside `depth` other guards of the request.
    #[must_use]
    pub fn middleware(self, depth: u8) -> Self {
        self.of_route("middleware", |route| route.guard = Guard::Middleware { depth })
    }

    /// Says that the request became a task (`strategy = "async"`).
    #[must_use]
    pub fn task(self) -> Self {
        self.of_route("task", |route| route.guard = Guard::Task)
    }

    fn of_route(mut self, method: &'static str, set: impl FnOnce(&mut RoutePlace)) -> Self {
        match &mut self.place {
            TargetPlace::Route(route) => set(route),
            _ => self.misfit = self.misfit.or(Some(method)),
        }
        self
    }
}

#[cfg(feature = "actix")]
impl RoutePlace {
    fn storage_key(
        &self,
        settings: &Settings,
        scope: &KeyParts,
        key: &KeyParts,
    ) -> Result<StorageKey, TargetError> {
        let Self { guard, method, path, host, operation } = self;
        if !path.starts_with('/') || path.contains('?') {
            return Err(TargetError::NoPath(path.clone()));
        }
        let place = placed(settings, host.as_deref(), one_path(path))?;
        let address = Address {
            namespace: &settings.namespace,
            guard: *guard,
            scope,
            route: Some((method, &place)),
            operation: operation.as_deref(),
            key,
        };
        let routed = StorageKey::of(&address);
        Ok(match guard {
            Guard::Task => task::key(settings, scope, &task::id(&routed)),
            _ => routed,
        })
    }
}

/// A path or pattern, with its host before it if the app keeps hosts apart.
#[cfg(feature = "actix")]
fn placed<'a>(
    settings: &Settings,
    host: Option<&str>,
    path: Cow<'a, str>,
) -> Result<Cow<'a, str>, TargetError> {
    match (settings.host_role, host) {
        (HostRole::Ignored, _) => Ok(path),
        (HostRole::Identity, None) => Err(TargetError::HostMissing),
        (HostRole::Identity, Some(host)) => {
            let host_form = one_host(host).map_err(|_| TargetError::NoHost(host.to_owned()))?;
            Ok(Cow::Owned(host_form + &path))
        }
    }
}
