//! Whole scopes: one policy for handlers without the attribute.
//!
//! The same call, driver and end as of an annotated handler. What differs is where it stands: it
//! cannot know which handler a request will reach, nor what that handler's extractors will say, so
//! it claims before both.

use crate::http::answer::own_refusal;
use crate::http::app::idempotency::Idempotency;
use crate::http::call::call::{Call, Exit};
use crate::http::call::client::Client;
use crate::http::call::run::RunState;
use crate::http::call::steps::read_body;
use crate::http::guard;
use crate::http::request::target;
use crate::http::serve::driver::Serving;
use crate::http::serve::guarded_routes::GuardedRoutes;
use crate::http::serve::spared::spare_unhandled;
use crate::key::{Guard, KeyParts};
use crate::policy::{CLOCK_SKEW, FingerprintOf, Identity, KeyRequirement, Policy};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{
    ResourceDef, Service, ServiceRequest, ServiceResponse, Transform, forward_ready,
};
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::{Error, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use std::cell::Cell;
use std::fmt;
use std::future::{Ready, ready};
use std::rc::Rc;

/// Guards every handler of an app or a scope: made by [`Middleware::new`].
#[derive(Clone)]
pub struct Middleware {
    app: Idempotency,
    policy: &'static Policy,
    routes: Rc<GuardedRoutes>,
}

impl Middleware {
    /// Guards the handlers of an `App` or a `web::scope` that have no attribute, by one policy.
    ///
    /// ```
    /// use actix_web::{App, HttpResponse, web};
    /// use idempotent_runtime::policy::{OnInFlight, Policy, Strategy};
    /// use idempotent_runtime::{Idempotency, MemoryStore, Middleware, Scope};
    ///
    /// static WRITES: Policy =
    ///     Policy::of_routes(Strategy::RequestId).on_in_flight(OnInFlight::Wait);
    ///
    /// # use idempotent_runtime::{BuildError, ScopeId};
    /// # fn built<Customer: ScopeId + 'static>() -> Result<(), BuildError> {
    /// let idempotency =
    ///     Idempotency::builder(MemoryStore::new()).scope(Scope::of::<Customer>()).build()?;
    /// let guard = Middleware::new(&idempotency, &WRITES).except("/v2/uploads/{name}");
    /// let app = App::new().app_data(idempotency.clone()).service(
    ///     web::scope("/v2")
    ///         .wrap(guard)
    ///         .route("/orders", web::post().to(HttpResponse::Created)),
    /// );
    /// # let _ = app;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// POST and PATCH are guarded unless [`methods`](Middleware::methods) says otherwise; a preflight of
    /// CORS is never asked for a key. A 404 or 405 where no route matched leaves the key free.
    /// [`MiddlewareConfig`](crate::MiddlewareConfig) reads a policy from a config file.
    ///
    /// # Guards in guards
    /// One guards, the innermost that has the request's key: a handler with `#[idempotent]`, or a
    /// `Middleware` of a scope inside. The key that was claimed here is given back, unspent, before it
    /// claims its own. That costs two round trips, a duplicate that comes in between gets this policy's
    /// 409, and a request that this policy refuses does not reach the handler; name its route in
    /// [`except`](Middleware::except) to spare all three.
    ///
    /// # What comes first
    /// This stands before the handler's extractors, and a stored response is sent without asking
    /// them. So **authenticate outside of it**: wrap the middleware that checks credentials after
    /// this one, as actix calls the last one first, or let the scope refuse:
    /// [`Scope::extract`](crate::Scope::extract) and [`Scope::from_fn`](crate::Scope::from_fn) are
    /// asked before anything is looked up. An
    /// extractor that checks a credential inside of a guarded scope protects the first run alone:
    /// who repeats a request with a credential that was revoked meanwhile gets the first answer
    /// again (and never anybody else's). Annotate such handlers.
    ///
    /// A refusal by an extractor of actix (a body that is no JSON, a path that is no number) leaves the
    /// key free. A 4xx from an extractor of the app's own cannot be told from the handler's and
    /// is stored like it, apart from 401 and 403; with [`StoreResponse::No`](crate::response::StoreResponse::No) it says otherwise.
    ///
    /// # Panics
    /// When the policy is of a strategy that is bound to a handler's parameters, or takes a
    /// fingerprint by template: `request_id` and `token` are for whole scopes. When one of `token`
    /// does not name its `operation`, for which tokens are issued.
    #[must_use]
    #[track_caller]
    pub fn new(idempotency: &Idempotency, policy: &'static Policy) -> Self {
        let of_scopes = policy.strategy.traits().guards_scopes
            && policy.fingerprint != FingerprintOf::Template
            && policy.key_requirement != KeyRequirement::Unkeyed;
        assert!(of_scopes, "a middleware's policy is one of `request_id` or `token`: {policy:?}");
        let is_named =
            policy.operation.is_some() || policy.strategy.traits().identity != Identity::Token;
        assert!(is_named, "a middleware's policy of `token` names its `operation`: {policy:?}");
        let methods = vec![Method::POST, Method::PATCH];
        let key = "Idempotency-Key";
        let routes = GuardedRoutes { methods, except: Vec::new(), key, first_sent: None };
        Self { app: idempotency.clone(), policy, routes: Rc::new(routes) }
    }

    /// Which methods are guarded. Defaults to POST and PATCH.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        Rc::make_mut(&mut self.routes).methods = methods.into_iter().collect();
        self
    }

    /// Leaves the paths that this pattern matches alone: the whole pattern, as `/v2/orders/{id}`.
    ///
    /// It is compared with the path that actix's router compares: there `%2F` is no slash. Defaults to none;
    /// each call adds one.
    #[must_use]
    pub fn except(mut self, pattern: &str) -> Self {
        Rc::make_mut(&mut self.routes).except.push(ResourceDef::new(pattern));
        self
    }

    /// The header that holds the key. Defaults to `Idempotency-Key`.
    #[must_use]
    pub fn key_header(mut self, name: &'static str) -> Self {
        Rc::make_mut(&mut self.routes).key = name;
        self
    }

    /// The header that says when the client sent a request for the first time, such as
    /// `Repeatability-First-Sent`: a retry that comes when its record may be forgotten is refused
    /// with 412. Defaults to none.
    ///
    /// # Panics
    /// When records live for 30 seconds or less, by which clocks may differ: every request would be
    /// refused.
    #[must_use]
    #[track_caller]
    pub fn first_sent_header(mut self, name: &'static str) -> Self {
        let life = self.app.settings().ttl(self.policy);
        assert!(life > CLOCK_SKEW, "`first_sent_header` needs a ttl of over 30 seconds: {life:?}");
        Rc::make_mut(&mut self.routes).first_sent = Some(name);
        self
    }
}

impl<S, B> Transform<S, ServiceRequest> for Middleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type InitError = ();
    type Transform = MiddlewareService<S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(MiddlewareService { guard: self.clone(), service: Rc::new(service) }))
    }
}

/// A service behind a [`Middleware`].
pub struct MiddlewareService<S> {
    guard: Middleware,
    service: Rc<S>,
}

/// Where the request is left when it came back from the handler: actix allows only one of it while
/// it looks for the handler.
type ReturnedRequest = Rc<Cell<Option<HttpRequest>>>;

impl<S, B> Service<ServiceRequest> for MiddlewareService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Middleware { app, policy, routes } = &self.guard;
        if !routes.guard(request.request()) {
            let called = self.service.call(request);
            return Box::pin(async { Ok(called.await?.map_into_boxed_body()) });
        }
        let (request, payload) = request.into_parts();
        own_refusal::make_markable(&request);
        let state = RunState::push(&request);
        let client = Client::Moved { app: app.clone(), path: request.path().to_owned() };
        let mut call = Call::new(policy, app.clone(), request, payload, &state);
        // Each of several guards in each other has records of its own.
        let depth = u8::try_from(call.state.depth()).unwrap_or(u8::MAX);
        call.guard = Guard::Middleware { depth };
        name_operation(&mut call);
        call.begin_course();
        let returned = ReturnedRequest::default();
        let (service, routes) = (Rc::clone(&self.service), Rc::clone(routes));
        let work = Box::pin(pass(call, service, routes, Rc::clone(&returned)));
        let serving = Serving::around(policy, state, client, work);
        Box::pin(async move {
            let answered = serving.await;
            match (returned.take(), answered) {
                (Some(request), answered) => {
                    let response = answered.unwrap_or_else(HttpResponse::from_error);
                    Ok(ServiceResponse::new(request, response))
                }
                (None, Err(error)) => Err(error),
                (None, Ok(panicked)) => {
                    Err(InternalError::from_response("a handler panicked", panicked).into())
                }
            }
        })
    }
}

/// Claims, lets the request through to its handler, and ends the run with what comes back.
async fn pass<S, B>(
    mut call: Call,
    service: Rc<S>,
    routes: Rc<GuardedRoutes>,
    returned: ReturnedRequest,
) -> Result<HttpResponse, Exit>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    if let Err(exit) = claim(&mut call, &routes).await {
        // Its answer is not to be stored by the guards around, either.
        guard::take_over(&call.state).await;
        call.state.pop(&call.request);
        returned.set(Some(call.request));
        return Err(exit);
    }
    let Call { policy, app, request, payload, state, .. } = call;
    match service.call(ServiceRequest::from_parts(request, payload)).await {
        Ok(response) => {
            let (request, mut response) = response.map_into_boxed_body().into_parts();
            spare_unhandled(&request, &mut response);
            let response = guard::end(policy, &app, &state, &request, response).await;
            state.pop(&request);
            returned.set(Some(request));
            Ok(response)
        }
        // From another middleware, inside of this one: handlers answer with responses.
        Err(error) => {
            guard::give_back(&state).await;
            Err(Exit::Refused(error))
        }
    }
}

async fn claim(call: &mut Call, routes: &GuardedRoutes) -> Result<(), Exit> {
    call.key().header(routes.key);
    // Without a key the request is refused or runs as it is: either way nobody compares its body.
    if call.values.key.segments().is_ok() {
        read_body(call).await?;
    }
    if call.policy.within.is_some() {
        call.timestamp().header("Timestamp");
    }
    if let Some(name) = routes.first_sent {
        call.first_sent().header(name);
    }
    guard::claim(call).await
}

/// Names the operation of a request by the pattern of its route, as far as it can be known before that is looked for.
fn name_operation(call: &mut Call) {
    if call.policy.operation.is_none() {
        let pattern = call.request.resource_map().match_pattern(target::routed_path(&call.request));
        let path = || KeyParts::new().value(&target::path(&call.request)).label();
        call.shown = pattern.clone().unwrap_or_else(path).into();
        call.pattern = pattern.into();
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Middleware")
            .field("policy", self.policy)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for MiddlewareService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MiddlewareService").field(&self.guard).finish()
    }
}
