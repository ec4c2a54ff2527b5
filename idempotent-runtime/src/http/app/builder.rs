//! The settings of an [`Idempotency`](crate::Idempotency), before it is built.

use crate::http::answer::problem::Problem;
use crate::http::app::clientless::ClientlessLimits;
use crate::http::app::on_begin::OnBegin;
use crate::http::app::on_replay::OnReplay;
use crate::http::app::rendering::Rendering;
use crate::http::app::scope::Scope;
use crate::http::request::key_header::KeyForm;
use crate::key::HostRole;
use crate::setup::{NoScope, Setup};
use crate::shared_methods::common_settings;
use crate::store::{Locks, Store};
use crate::strategy::TokenSecrets;
use actix_web::{HttpRequest, HttpResponse};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The most tasks that an app may allow to be unfinished: their lists are exchanged as a whole.
const MOST_TASKS: usize = 16_384;

/// Builds an [`Idempotency`](crate::Idempotency). Created by
/// [`Idempotency::builder`](crate::Idempotency::builder) or
/// [`Idempotency::connect`](crate::Idempotency::connect).
///
/// ```
/// use idempotent_runtime::{Idempotency, MemoryStore, Scope};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), idempotent_runtime::BuildError> {
/// let idempotency = Idempotency::builder(MemoryStore::new())
///     .scope(Scope::header("X-Account-Id"))
///     .ttl(Duration::from_hours(48))
///     .lease(Duration::from_secs(30))
///     .max_body(64 << 10)
///     .problem_types("https://shop.example/problems/")
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is guarded before `build`"]
pub struct IdempotencyBuilder<S = Scope> {
    pub(super) setup: Setup,
    pub(super) key_form: KeyForm,
    pub(super) max_body: usize,
    pub(super) clientless: ClientlessLimits,
    pub(super) rendering: Rendering,
    pub(super) on_begin: OnBegin,
    pub(super) scope: S,
}

impl IdempotencyBuilder<NoScope> {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            setup: Setup::new(store),
            key_form: KeyForm::default(),
            max_body: 2 << 20,
            clientless: ClientlessLimits::default(),
            rendering: Rendering::default(),
            on_begin: OnBegin::default(),
            scope: NoScope,
        }
    }
}

impl<S> IdempotencyBuilder<S> {
    common_settings!();

    /// Sets the rule that finds the scope of a request. It has no default: without it there is no `build`.
    pub fn scope(self, scope: Scope) -> IdempotencyBuilder {
        let Self { setup, key_form, max_body, clientless, rendering, on_begin, .. } = self;
        IdempotencyBuilder { setup, key_form, max_body, clientless, rendering, on_begin, scope }
    }

    /// The most bytes of a body that are buffered, of a request and of a response. Defaults to 2 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// The most runs that go on at the same time without their clients. Defaults to 4 096.
    ///
    /// A run goes on after its client has left, since the client will retry. While there are this many, a
    /// request that would begin another run gets 503 `too-many-runs`, and a `cache` computes its answer
    /// without keeping it. Tasks and messages do not count.
    pub fn runs_without_client(mut self, runs: usize) -> Self {
        self.clientless.all = runs.max(1);
        self
    }

    /// The most of these runs that may belong to one scope. Defaults to a quarter of all. A scope that all
    /// callers share ([`Scope::shared`]) has no limit of its own.
    pub fn runs_without_client_of_one_scope(mut self, runs: usize) -> Self {
        self.clientless.of_one_scope = Some(runs.max(1));
        self
    }

    /// The bytes of memory that this process uses to remember answers of `request_id` and `token`. Defaults
    /// to 4 MiB; 0 remembers none.
    ///
    /// A replay of an answer that this process stored or read then needs no round trip. The answer is read
    /// again in the store every 5 seconds. While the store does not answer, it is used for 60 seconds more,
    /// but never beyond its ttl. An answer of more than a thirty-second of the bytes is not remembered. With
    /// a `MemoryStore` nothing is remembered.
    ///
    /// [`forget`](crate::Idempotency::forget) and [`resolve`](crate::Idempotency::resolve) take effect at
    /// once in this process, and within 5 seconds in others, or within 65 seconds while those cannot reach
    /// the store.
    pub fn remember(mut self, bytes: usize) -> Self {
        self.setup.bounds.remembered = bytes;
        self
    }

    /// The time for which a token can be used. Defaults to 5 minutes.
    pub fn token_ttl(mut self, ttl: Duration) -> Self {
        self.setup.settings.token_ttl = ttl;
        self
    }

    /// Signs tokens with this secret instead of storing them. It must have at least 32 random bytes and be
    /// equal on all hosts. By default tokens are stored.
    pub fn token_secret(mut self, secret: impl Into<Vec<u8>>) -> Self {
        let settings = &mut self.setup.settings;
        let previous = settings.secrets.take().and_then(|secrets| secrets.previous);
        settings.secrets = Some(TokenSecrets { current: secret.into(), previous });
        self
    }

    /// Still accepts tokens signed with this secret, while a new one takes its place. Defaults to none.
    pub fn previous_token_secret(mut self, secret: impl Into<Vec<u8>>) -> Self {
        let settings = &mut self.setup.settings;
        let current = settings.secrets.take().map(|secrets| secrets.current).unwrap_or_default();
        settings.secrets = Some(TokenSecrets { current, previous: Some(secret.into()) });
        self
    }

    /// The forms of the Idempotency-Key header that are accepted. Defaults to lenient.
    pub fn key_form(mut self, form: KeyForm) -> Self {
        self.key_form = form;
        self
    }

    /// Tells requests to different hosts apart, for a server that has several. Defaults to one host,
    /// whose name does not matter.
    ///
    /// The host becomes a part of a request's identity wherever its path is a part of it: one key on two
    /// hosts is two requests, in handlers, under [`Middleware`](crate::Middleware), for tasks, and for a
    /// `cache` that names no `operation` or no `key`. It is not a part of tokens, locks and messages, nor of
    /// a `cache` that names both. If the answer of such a `cache` depends on the host, write the host into
    /// its key: `key = "{header.Host}:{path.id}"`.
    ///
    /// It is the `Host` header, or `:authority` of HTTP/2, in lower case and without the port 80 or 443.
    /// `Forwarded` and `X-Forwarded-Host` do not count: a proxy in front has to pass the host on. A host that
    /// is missing, cannot be read or comes twice is 400 `host-invalid`. After this is switched on, records
    /// that were stored before are not found any more.
    pub fn host_is_identity(mut self) -> Self {
        self.setup.settings.host_role = HostRole::Identity;
        self
    }

    /// The beginning of the types of problems. Defaults to `urn:idempotent-runtime:problem/`.
    pub fn problem_types(mut self, prefix: impl Into<String>) -> Self {
        self.rendering.types = Cow::Owned(prefix.into());
        self
    }

    /// Keeps locks here, for `strategy = "lock"` and [`Idempotency::lock`](crate::Idempotency::lock).
    /// Defaults to the store.
    pub fn locks(mut self, locks: impl Locks) -> Self {
        self.setup.locks = Some(Arc::new(locks));
        self
    }

    /// Sets values at the start of each business transaction of a request, for policies of the database (row
    /// level security). Defaults to none.
    ///
    /// On `PostgreSQL` they are settings of the transaction (`set_config(name, value, true)`). On `MariaDB`
    /// and `MySQL` they are variables of the session (`SET @name`), which are NULL again afterwards. `SQLite`
    /// has neither, so `build` fails with it. A function with a `Tx` has no request: its engine must be a
    /// `Messages`, which has an `on_begin` of its own.
    ///
    /// ```
    /// use idempotent_runtime::{Idempotency, MemoryStore, Scope};
    ///
    /// # struct Tenant(String);
    /// # impl idempotent_runtime::ScopeId for Tenant {
    /// #     fn scope_id(&self) -> impl std::fmt::Display { &self.0 }
    /// # }
    /// use actix_web::HttpMessage;
    ///
    /// let builder = Idempotency::builder(MemoryStore::new())
    ///     .scope(Scope::of::<Tenant>())
    ///     .on_begin(|request| {
    ///         // Put there by the app's authentication.
    ///         let tenant = request.extensions().get::<Tenant>().map(|tenant| tenant.0.clone());
    ///         tenant.map(|tenant| ("app.tenant", tenant))
    ///     });
    /// ```
    pub fn on_begin<N, V, L>(
        mut self,
        settings: impl Fn(&HttpRequest) -> L + Send + Sync + 'static,
    ) -> Self
    where
        L: IntoIterator<Item = (N, V)>,
        N: Into<String>,
        V: Into<String>,
    {
        self.on_begin = OnBegin::of(settings);
        self
    }

    /// Renders problems in the app's own way. Defaults to `application/problem+json`, and to a page for a
    /// client whose `Accept` prefers `text/html`. The default is also sent if the app's rendering panics.
    /// [`Problem::default_response`] is this default, for problems that the app does not render itself.
    pub fn on_error(
        mut self,
        render: impl Fn(&HttpRequest, &Problem) -> HttpResponse + Send + Sync + 'static,
    ) -> Self {
        self.rendering.on_error = Some(Box::new(render));
        self
    }

    /// Adds to each replay, for instance headers. Defaults to nothing.
    ///
    /// A replay is an answer with `Idempotency-Replayed: true`; an answer of a `cache` is not a replay. The
    /// additions are sent to this client and not stored. If the function panics, the replay is sent without
    /// them. The body is the stored one, complete and never a stream.
    ///
    /// ```
    /// use actix_web::http::header::{HeaderName, HeaderValue};
    /// use idempotent_runtime::{Idempotency, MemoryStore, Scope};
    ///
    /// const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");
    ///
    /// let builder = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).on_replay(
    ///     |_request, response| {
    ///         response.headers_mut().insert(SERVED_BY, HeaderValue::from_static("the record"));
    ///     },
    /// );
    /// ```
    pub fn on_replay(
        mut self,
        add: impl Fn(&HttpRequest, &mut HttpResponse) + Send + Sync + 'static,
    ) -> Self {
        self.rendering.on_replay = OnReplay::of(add);
        self
    }

    /// The most tasks that a runner works on at a time; the others wait. Defaults to 16.
    pub fn tasks_at_once(mut self, tasks: usize) -> Self {
        self.setup.settings.tasks_at_once = tasks.max(1);
        self
    }

    /// The most tasks of all callers and processes that may be unfinished. One more gets 503
    /// `too-many-tasks`. Defaults to 4 096; at most 16 384.
    ///
    /// They are listed in eight records, and each new task and each end exchanges a whole record. Every
    /// process counts by the lists as it last read them, so several processes that accept tasks at the same
    /// time may exceed the limit by a few.
    pub fn unfinished_tasks(mut self, tasks: usize) -> Self {
        self.setup.settings.tasks.total = tasks.clamp(1, MOST_TASKS);
        self
    }

    /// The most unfinished tasks of one scope, so that no caller takes the room of all. Defaults to 256. A
    /// scope that all callers share ([`Scope::shared`]) has no limit of its own.
    pub fn unfinished_tasks_of_one_scope(mut self, tasks: usize) -> Self {
        self.setup.settings.tasks.of_scope = tasks.max(1);
        self
    }
}

impl<S: fmt::Debug> fmt::Debug for IdempotencyBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyBuilder")
            .field("setup", &self.setup)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
