//! What an app is given once.

use crate::engine::Engine;
use crate::engine::task::Tasks;
use crate::error::StoreError;
use crate::http::builder::{Builder, NoScope};
use crate::http::key_header::KeyForm;
use crate::http::page;
use crate::http::problem::Problem;
use crate::http::scope::Scope;
use crate::observe::Counts;
use crate::policy::Policy;
use crate::store::{Finding, Store, open};
use crate::strategy::{Lock, Settings};
use crate::transaction::Guarded;
use actix_web::{HttpRequest, HttpResponse};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
    pub(super) engine: Engine,
    pub(super) settings: Settings,
    pub(super) scope: Scope,
    pub(super) database: Option<Arc<dyn Guarded>>,
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

    /// Takes no new runs, waits for those under way, and answers how many are left.
    ///
    /// For the end of a process: call it before the server stops, and allow it as long as the
    /// longest handler takes.
    pub async fn drain(&self, at_most: Duration) -> usize {
        self.0.engine.drain(at_most).await
    }

    /// How often each thing happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.engine.counts()
    }

    /// What in the store's settings breaks or weakens a promise, as of its connection.
    ///
    /// `build` logs all of it, and fails on what breaks a promise.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        self.0.engine.store().findings()
    }

    /// The store underneath, for people.
    #[must_use]
    pub fn describe_store(&self) -> String {
        self.0.engine.store().describe()
    }

    /// The business database, for people; nothing, if the app was given none.
    #[must_use]
    pub fn describe_database(&self) -> Option<String> {
        self.0.database.as_ref().map(|database| database.describe())
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    pub(super) fn database(&self) -> Option<&Arc<dyn Guarded>> {
        self.0.database.as_ref()
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

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Guard { engine, settings, scope, .. } = &*self.0;
        f.debug_struct("Idempotency")
            .field("engine", engine)
            .field("settings", settings)
            .field("scope", scope)
            .finish_non_exhaustive()
    }
}
