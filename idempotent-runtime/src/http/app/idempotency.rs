//! The object that an app is given once.

use crate::engine::Engine;
use crate::engine::task::Tasks;
use crate::error::StoreError;
use crate::http::answer::misconfigured::{Unprepared, unprepared};
use crate::http::answer::problem::Problem;
use crate::http::app::builder::IdempotencyBuilder;
use crate::http::app::clientless::ClientlessRuns;
use crate::http::app::on_begin::OnBegin;
#[cfg(feature = "inspector")]
use crate::http::app::one_time_tokens::OneTimeTokens;
use crate::http::app::rendering::Rendering;
use crate::http::app::scope::Scope;
use crate::http::request::key_header::KeyForm;
use crate::key::KeyParts;
use crate::message::{MessageContext, MessageEngine, MessageScope, sealed};
use crate::policy::Policy;
use crate::setup::{Base, BuildError, GivenScope, NoScope};
use crate::shared_methods::common_methods;
use crate::store::{Locks, Store, open};
use crate::strategy::{Lock, Settings};
use crate::switch::Recording;
use crate::transaction::BusinessDatabase;
use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, web};
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

/// Guards the annotated handlers of an app. It is built once and given to the app with `app_data`.
///
/// ```
/// use actix_web::App;
/// use idempotent_runtime::{Idempotency, MemoryStore, Scope, ScopeId};
///
/// # struct Customer(u64);
/// impl ScopeId for Customer {
///     fn scope_id(&self) -> impl std::fmt::Display {
///         self.0
///     }
/// }
///
/// # fn main() -> Result<(), idempotent_runtime::BuildError> {
/// let idempotency =
///     Idempotency::builder(MemoryStore::new()).scope(Scope::of::<Customer>()).build()?;
/// let app = App::new().app_data(idempotency.clone());
/// # Ok(())
/// # }
/// ```
///
/// Clones share everything.
#[derive(Clone)]
pub struct Idempotency(Arc<AppInner>);

/// The state that all clones share.
struct AppInner {
    base: Arc<Base>,
    scope: Scope,
    key_form: KeyForm,
    max_body: usize,
    clientless: Arc<ClientlessRuns>,
    rendering: Rendering,
    on_begin: OnBegin,
    #[cfg(feature = "inspector")]
    one_time_tokens: OneTimeTokens,
}

impl Idempotency {
    /// A builder on this store.
    pub fn builder(store: impl Store) -> IdempotencyBuilder<NoScope> {
        IdempotencyBuilder::new(Arc::new(store))
    }

    /// A builder on the store that this URL names.
    ///
    /// For instance `memory:`, `sqlite:PATH` or `redis://…`. [`store::open`](crate::store::open) lists all
    /// forms, each with the feature that it needs.
    ///
    /// # Errors
    /// When the URL names no store of this build, or when the store cannot be opened.
    pub async fn connect(url: &str) -> Result<IdempotencyBuilder<NoScope>, StoreError> {
        Ok(Self::builder(open(url).await?))
    }

    /// A lock of this name, to be acquired outside of a handler.
    ///
    /// It is the same lock as that of a handler with `strategy = "lock"` and this text as its key.
    ///
    /// ```
    /// # use idempotent_runtime::lock::LockError;
    /// # use idempotent_runtime::Idempotency;
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

    /// The number of guarded requests under way in this process, with those that wait to run.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.engine().under_way()
    }

    /// The `Idempotency` of the app that got the request. The error is the answer of an app that has none.
    #[expect(clippy::result_large_err, reason = "the error is rare, and sent at once")]
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, HttpResponse> {
        request.app_data().cloned().ok_or_else(|| match request.app_data::<web::Data<Self>>() {
            Some(_) => unprepared(request, Unprepared::BehindData),
            None => unprepared(request, Unprepared::Missing),
        })
    }

    fn base(&self) -> &Base {
        &self.0.base
    }

    /// A description of the business database for people; `None` if the app has none.
    #[must_use]
    pub fn describe_database(&self) -> Option<String> {
        self.database().map(|database| database.describe())
    }

    /// A description of the place of locks for people; `None` if locks are records in the store.
    #[must_use]
    pub fn describe_locks(&self) -> Option<String> {
        self.engine().locks().map(Locks::describe)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.base.engine
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.base.settings
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.0.base.tasks
    }

    pub(crate) fn database(&self) -> Option<&Arc<dyn BusinessDatabase>> {
        self.0.base.database.as_ref()
    }

    pub(crate) fn recording(&self) -> Recording {
        self.0.base.recording
    }

    pub(crate) fn scope(&self) -> &Scope {
        &self.0.scope
    }

    pub(crate) fn on_begin(&self) -> &OnBegin {
        &self.0.on_begin
    }

    pub(crate) fn key_form(&self) -> KeyForm {
        self.0.key_form
    }

    /// The runs that go on without their clients.
    pub(crate) fn clientless(&self) -> &Arc<ClientlessRuns> {
        &self.0.clientless
    }

    pub(crate) fn max_body(&self, policy: &Policy) -> usize {
        policy.max_body.unwrap_or(self.0.max_body)
    }

    /// A problem, rendered as the app wants its clients to see it.
    pub(crate) fn render(&self, request: &HttpRequest, problem: &Problem) -> HttpResponse {
        self.0.rendering.render(request, problem)
    }

    pub(crate) fn rendering(&self) -> &Rendering {
        &self.0.rendering
    }

    /// The tokens of the inspector's forms, which the inspectors of all workers share.
    #[cfg(feature = "inspector")]
    pub(crate) fn one_time_tokens(&self) -> &OneTimeTokens {
        &self.0.one_time_tokens
    }
}

impl GivenScope<Self> for Scope {
    fn given(self) -> Self {
        self
    }
}

impl<S> IdempotencyBuilder<S> {
    /// Builds it.
    ///
    /// # Errors
    /// When a setting contradicts another or is unsafe. The message names the setting and tells what to change.
    pub fn build(self) -> Result<Idempotency, BuildError>
    where
        S: GivenScope<Scope>,
    {
        self.on_begin.check(&self.setup)?;
        Ok(Idempotency(Arc::new(AppInner {
            base: self.setup.build()?,
            scope: self.scope.given(),
            key_form: self.key_form,
            max_body: self.max_body,
            clientless: ClientlessRuns::new(self.clientless),
            rendering: self.rendering,
            on_begin: self.on_begin,
            #[cfg(feature = "inspector")]
            one_time_tokens: OneTimeTokens::default(),
        })))
    }
}

impl sealed::SealedEngine for Idempotency {}

/// A function has no request for the app's rule to read. Unless the app's scope is shared, each function
/// needs its own `scope`.
impl MessageEngine for Idempotency {
    fn context(&self) -> MessageContext {
        let scope = if self.scope().is_shared() {
            MessageScope::Fixed(KeyParts::new())
        } else {
            MessageScope::OfFunctions
        };
        MessageContext::new(Arc::clone(&self.0.base), scope, self.0.on_begin.of_messages())
    }
}

impl<G: MessageEngine + ?Sized> sealed::SealedEngine for web::Data<G> {}

impl<G: MessageEngine + ?Sized> MessageEngine for web::Data<G> {
    fn context(&self) -> MessageContext {
        (***self).context()
    }
}

/// The app's own `Idempotency`, for handlers that use it themselves.
impl FromRequest for Idempotency {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).map_err(|unprepared| {
            InternalError::from_response("no `Idempotency` in the app", unprepared).into()
        }))
    }
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AppInner { base, scope, .. } = &*self.0;
        f.debug_struct("Idempotency")
            .field("base", base)
            .field("scope", scope)
            .finish_non_exhaustive()
    }
}
