//! Building an [`Idempotency`]: what can be set, and what fits together.

use crate::clock::{Clock, SystemClock};
use crate::engine::Engine;
use crate::engine::task::Tasks;
use crate::http::app::{Guard, Idempotency, OnError, PROBLEM_TYPES};
use crate::http::key_header::KeyForm;
use crate::http::problem::Problem;
use crate::http::scope::Scope;
use crate::store::{Finding, Severity, Store};
use crate::strategy::{Settings, TokenSecrets};
use crate::transaction::{Database, Guarded};
use actix_web::{HttpRequest, HttpResponse};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A builder that was not told whose requests are whose, and cannot build yet.
#[derive(Clone, Copy, Debug)]
pub struct NoScope;

/// Builds an [`Idempotency`]. Created by [`Idempotency::builder`] or [`Idempotency::connect`].
#[must_use = "nothing is guarded before `build`"]
pub struct Builder<S = Scope> {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    store_patience: Duration,
    key_form: KeyForm,
    max_body: usize,
    problem_types: String,
    on_error: Option<Box<OnError>>,
    check: Check,
    database: Option<Arc<dyn Guarded>>,
    scope: S,
}

/// Whether the store's settings are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Wanted,
    Unwanted,
}

/// Why an [`Idempotency`] cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A run could outlive the record that excludes others.
    #[error("`lease` ({lease:?}) must be shorter than `ttl` ({ttl:?}): lengthen `ttl`")]
    LeaseNotBelowTtl {
        /// The lease that was set.
        lease: Duration,
        /// The ttl that was set.
        ttl: Duration,
    },
    /// A duration that must not be zero is.
    #[error("`{0}` is zero: give it at least a millisecond")]
    Zero(&'static str),
    /// A secret is short enough to be guessed.
    #[error("`{0}` is shorter than 32 bytes: use as many random ones")]
    ShortSecret(&'static str),
    /// The store cannot keep what is promised on top of it.
    #[error(
        "the store is not fit: {}; or build `without_check()`",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    UnfitStore(Vec<Finding>),
    /// There is an old secret and no new one.
    #[error("`previous_token_secret` is set without `token_secret`: set the new one, too")]
    NoCurrentSecret,
}

impl Builder<NoScope> {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            clock: Arc::new(SystemClock::new()),
            settings: Settings::default(),
            store_patience: Duration::from_secs(2),
            key_form: KeyForm::default(),
            max_body: 2 << 20,
            problem_types: PROBLEM_TYPES.to_owned(),
            on_error: None,
            check: Check::Wanted,
            database: None,
            scope: NoScope,
        }
    }
}

impl<S> Builder<S> {
    /// Whose requests are whose. There is no default, and no `build` before it.
    pub fn scope(self, scope: Scope) -> Builder {
        let Self { store, clock, settings, store_patience, .. } = self;
        let Self { key_form, max_body, problem_types, on_error, check, database, .. } = self;
        Builder {
            store,
            clock,
            settings,
            store_patience,
            key_form,
            max_body,
            problem_types,
            on_error,
            check,
            database,
            scope,
        }
    }

    /// Keeps apps apart that share a store. Defaults to the empty name.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.settings.namespace = name.into();
        self
    }

    /// How long a finished request is remembered. Defaults to 24 hours.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.settings.ttl = ttl;
        self
    }

    /// How long a run excludes others without being renewed. Defaults to 60 seconds.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How long a duplicate waits, where it waits. Defaults to 10 seconds.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.settings.wait = wait;
        self
    }

    /// How many bytes of a body are buffered, in and out. Defaults to 2 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// How long a token can be used. Defaults to 5 minutes.
    pub fn token_ttl(mut self, ttl: Duration) -> Self {
        self.settings.token_ttl = ttl;
        self
    }

    /// Signs tokens with this secret instead of storing them: at least 32 random bytes, equal on
    /// all hosts.
    pub fn token_secret(mut self, secret: impl Into<Vec<u8>>) -> Self {
        let previous = self.settings.secrets.and_then(|secrets| secrets.previous);
        self.settings.secrets = Some(TokenSecrets { current: secret.into(), previous });
        self
    }

    /// Still accepts tokens signed with this secret, while a new one takes over.
    pub fn previous_token_secret(mut self, secret: impl Into<Vec<u8>>) -> Self {
        let current = self.settings.secrets.map(|secrets| secrets.current).unwrap_or_default();
        self.settings.secrets = Some(TokenSecrets { current, previous: Some(secret.into()) });
        self
    }

    /// Which forms of the Idempotency-Key header are accepted. Defaults to lenient.
    pub fn key_form(mut self, form: KeyForm) -> Self {
        self.key_form = form;
        self
    }

    /// How long one conversation with the store may take before the request is refused.
    /// Defaults to 2 seconds.
    pub fn store_patience(mut self, patience: Duration) -> Self {
        self.store_patience = patience;
        self
    }

    /// What the types of problems begin with. Defaults to `urn:idempotent-runtime:problem/`.
    pub fn problem_types(mut self, prefix: impl Into<String>) -> Self {
        self.problem_types = prefix.into();
        self
    }

    /// Renders problems the app's own way. Defaults to `application/problem+json`, and to a page
    /// for a client whose `Accept` prefers `text/html`.
    pub fn on_error(
        mut self,
        render: impl Fn(&HttpRequest, &Problem) -> HttpResponse + Send + Sync + 'static,
    ) -> Self {
        self.on_error = Some(Box::new(render));
        self
    }

    /// The business database, for handlers whose guard stands in its transaction: a pool of sqlx.
    ///
    /// Records are kept in its table `idempotency_records`, which is made where it is missing.
    pub fn database(mut self, pool: impl Database) -> Self {
        self.database = Some(pool.guarded());
        self
    }

    /// How many tasks a runner works on at a time; the others wait. Defaults to 16.
    pub fn tasks_at_once(mut self, tasks: usize) -> Self {
        self.settings.tasks_at_once = tasks.max(1);
        self
    }

    /// Accepts a store whose settings break what is promised on top of it.
    ///
    /// What is found is still logged, and [`Idempotency::check`] still tells.
    pub fn without_check(mut self) -> Self {
        self.check = Check::Unwanted;
        self
    }

    /// Where the time comes from, for tests. Defaults to the host's clocks.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

impl Builder {
    /// Builds it.
    ///
    /// # Errors
    /// When a setting contradicts another or is unsafe; the message says which and what to do.
    pub fn build(self) -> Result<Idempotency, BuildError> {
        self.check_settings()?;
        self.check_store()?;
        Ok(Idempotency(Arc::new(Guard {
            engine: Engine::new(self.store, self.clock, self.store_patience),
            tasks: Tasks::new(&self.settings.namespace),
            settings: self.settings,
            scope: self.scope,
            database: self.database,
            key_form: self.key_form,
            max_body: self.max_body,
            problem_types: self.problem_types,
            on_error: self.on_error,
        })))
    }

    fn check_store(&self) -> Result<(), BuildError> {
        let findings = self.store.findings();
        for finding in &findings {
            tracing::warn!(store = self.store.describe(), "{finding}");
        }
        let (errors, _): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.severity == Severity::Error);
        match self.check {
            Check::Wanted if !errors.is_empty() => Err(BuildError::UnfitStore(errors)),
            Check::Wanted | Check::Unwanted => Ok(()),
        }
    }

    fn check_settings(&self) -> Result<(), BuildError> {
        let Settings { ttl, lease, token_ttl, .. } = self.settings;
        let durations =
            [("lease", lease), ("token_ttl", token_ttl), ("store_patience", self.store_patience)];
        for (name, duration) in durations {
            if duration < Duration::from_millis(1) {
                return Err(BuildError::Zero(name));
            }
        }
        if lease >= ttl {
            return Err(BuildError::LeaseNotBelowTtl { lease, ttl });
        }
        let Some(secrets) = &self.settings.secrets else { return Ok(()) };
        if secrets.current.is_empty() {
            return Err(BuildError::NoCurrentSecret);
        }
        if secrets.current.len() < 32 {
            return Err(BuildError::ShortSecret("token_secret"));
        }
        match &secrets.previous {
            Some(secret) if secret.len() < 32 => {
                Err(BuildError::ShortSecret("previous_token_secret"))
            }
            _ => Ok(()),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("store", &self.store)
            .field("settings", &self.settings)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
