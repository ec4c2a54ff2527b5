//! What an app is given once.

use crate::engine::Engine;
use crate::engine::task::Tasks;
use crate::error::StoreError;
use crate::http::builder::Builder;
use crate::http::key_header::KeyForm;
use crate::http::page;
use crate::http::problem::Problem;
use crate::http::scope::Scope;
use crate::http::serving::unprepared;
use crate::message::{Guards, Parts, Whose, sealed};
use crate::policy::Policy;
use crate::setup::{Base, NoScope, common_methods};
use crate::store::{Store, open};
use crate::strategy::{Lock, Settings};
use crate::transaction::Guarded;
use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, web};
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

/// What the types of problems begin with, where the app says nothing else.
pub(super) const PROBLEM_TYPES: &str = "urn:idempotent-runtime:problem/";

pub(super) type OnError = dyn Fn(&HttpRequest, &Problem) -> HttpResponse + Send + Sync;

/// Guards the annotated handlers of an app: built once, given to it with `app_data`.
///
/// ```
/// use actix_web::App;
/// use idempotent_runtime::{Idempotency, MemoryStore, Scope};
///
/// # fn main() -> Result<(), idempotent_runtime::BuildError> {
/// let idempotency = Idempotency::builder(MemoryStore::new())
///     .scope(Scope::header("Authorization"))
///     .build()?;
/// let app = App::new().app_data(idempotency.clone());
/// # Ok(())
/// # }
/// ```
///
/// Clones share everything.
#[derive(Clone)]
pub struct Idempotency(pub(super) Arc<Guard>);

/// What its clones share.
pub(super) struct Guard {
    pub(super) base: Arc<Base>,
    pub(super) scope: Scope,
    pub(super) key_form: KeyForm,
    pub(super) max_body: usize,
    pub(super) problem_types: String,
    pub(super) on_error: Option<Box<OnError>>,
    pub(super) tasks: Tasks,
}

impl Idempotency {
    /// A builder on this store.
    pub fn builder(store: impl Store) -> Builder<NoScope> {
        Builder::new(Arc::new(store))
    }

    /// A builder on the store this URL names.
    ///
    /// `memory:` for this process alone; `sqlite:PATH` for a file (feature `sqlite`);
    /// `redis://…` for a server (feature `redis`).
    ///
    /// # Errors
    /// When the URL names no store of this build, or the store cannot be opened.
    pub async fn connect(url: &str) -> Result<Builder<NoScope>, StoreError> {
        Ok(Self::builder(open(url).await?))
    }

    /// A lock of this name, to be asked for outside of a handler.
    ///
    /// The same lock as of a handler with `strategy = "lock"` and this text as its key.
    ///
    /// ```
    /// # use idempotent_runtime::{Idempotency, LockError};
    /// # use std::time::Duration;
    /// # async fn report(idempotency: &Idempotency) -> Result<(), LockError> {
    /// let lock = idempotency.lock("nightly report").wait(Duration::from_secs(2)).acquire().await?;
    /// // …
    /// lock.release().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lock<'a>(&'a self, name: &'a str) -> Lock<'a> {
        Lock::new(self.engine(), self.settings(), name)
    }

    common_methods!();

    fn base(&self) -> &Base {
        &self.0.base
    }

    /// The business database, for people; nothing, if the app was given none.
    #[must_use]
    pub fn describe_database(&self) -> Option<String> {
        self.database().map(|database| database.describe())
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.0.base.engine
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.base.settings
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    pub(super) fn database(&self) -> Option<&Arc<dyn Guarded>> {
        self.0.base.database.as_ref()
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.0.scope
    }

    pub(super) fn key_form(&self) -> KeyForm {
        self.0.key_form
    }

    pub(super) fn max_body(&self, policy: &Policy) -> usize {
        policy.max_body.unwrap_or(self.0.max_body)
    }

    /// A problem as the app wants its clients to see it.
    pub(super) fn render(&self, request: &HttpRequest, problem: &Problem) -> HttpResponse {
        match &self.0.on_error {
            Some(render) => render(request, problem),
            None => page::negotiated(request, problem, &self.0.problem_types),
        }
    }

    /// A problem where there is no request any more that could say how its client reads it.
    pub(super) fn render_bare(&self, problem: &Problem) -> HttpResponse {
        problem.response(&self.0.problem_types)
    }
}

impl sealed::Sealed for Idempotency {}

/// Functions have no request for the app's rule to read: unless it is shared, each needs a `scope`.
impl Guards for Idempotency {
    fn parts(&self) -> Parts {
        let whose = if self.scope().is_shared() { Whose::Shared } else { Whose::OfFunctions };
        Parts { base: Arc::clone(&self.0.base), whose }
    }
}

impl<G: Guards + ?Sized> sealed::Sealed for web::Data<G> {}

impl<G: Guards + ?Sized> Guards for web::Data<G> {
    fn parts(&self) -> Parts {
        (***self).parts()
    }
}

/// What the app was given, for handlers that use it themselves.
impl FromRequest for Idempotency {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.app_data().cloned().ok_or_else(|| {
            let response = unprepared(request);
            InternalError::from_response("no `Idempotency` in the app", response).into()
        }))
    }
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Guard { base, scope, .. } = &*self.0;
        f.debug_struct("Idempotency")
            .field("base", base)
            .field("scope", scope)
            .finish_non_exhaustive()
    }
}
