//! Guards whole actix scopes, with one policy for all handlers without the attribute.
//!
//! It uses the same call, driver and end as an annotated handler. Only its place differs: it does not know
//! which handler a request will reach, nor whether that handler's extractors will refuse the request. So it
//! claims before both.

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
    /// POST and PATCH are guarded unless [`methods`](Middleware::methods) names others. A CORS preflight needs
    /// no key. A 404 or 405 without a matching route leaves the key free.
    /// [`MiddlewareConfig`](crate::MiddlewareConfig) reads a policy from a config file.
    ///
    /// # Guards in guards
    /// Only one of them guards: the innermost one that has the request's key. That is a handler with
    /// `#[idempotent]`, or the `Middleware` of an inner scope. Before it claims its own key, the key that was
    /// claimed here is given back as if it had not been used. This costs two round trips; a duplicate that
    /// comes in between gets this policy's 409; and a request that this policy refuses does not reach the
    /// handler. To avoid all three, name the handler's route in [`except`](Middleware::except).
    ///
    /// # Authentication comes first
    /// This middleware stands before the handler's extractors, and a stored response is sent without calling
    /// them. So **authenticate outside of it**: wrap the middleware that checks credentials after this one,
    /// since actix calls the last one first. Or let the scope refuse:
    /// [`Scope::extract`](crate::Scope::extract) and [`Scope::from_fn`](crate::Scope::from_fn) are called
    /// before any record is looked up. If only an extractor of the handler checks a credential, only the
    /// first run is protected: a client that repeats its request after its credential was revoked still gets
    /// its own first answer (never the answer of another). Annotate such handlers instead.
    ///
    /// A refusal by an extractor of actix (a body that is not JSON, a path that is not a number) leaves the
    /// key free. A 4xx of the app's own extractor looks like one of the handler, and is stored like it, except
    /// 401 and 403; with [`StoreResponse::No`](crate::response::StoreResponse::No) it is not stored.
    ///
    /// # Panics
    /// When the policy's strategy needs a handler's parameters, or its fingerprint is a template: only
    /// `request_id` and `token` guard whole scopes. When a policy of `token` does not name the `operation`
    /// for which its tokens are issued.
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

    /// Sets the methods that are guarded. Defaults to POST and PATCH.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        Rc::make_mut(&mut self.routes).methods = methods.into_iter().collect();
        self
    }

    /// Does not guard paths that match this pattern, such as `/v2/orders/{id}`. The whole path must match.
    ///
    /// It is compared with the same path that actix's router compares, in which `%2F` is not a slash.
    /// Defaults to none; each call adds one.
    #[must_use]
    pub fn except(mut self, pattern: &str) -> Self {
        Rc::make_mut(&mut self.routes).except.push(ResourceDef::new(pattern));
        self
    }

    /// Sets the header that holds the key. Defaults to `Idempotency-Key`.
    #[must_use]
    pub fn key_header(mut self, name: &'static str) -> Self {
        Rc::make_mut(&mut self.routes).key = name;
        self
    }

    /// Sets the header with the time when the client sent a request first, such as
    /// `Repeatability-First-Sent`. A retry that comes when its record may be forgotten is refused with 412.
    /// Defaults to none.
    ///
    /// # Panics
    /// When records live for 30 seconds or less: clocks may differ by that, so every request would be
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

/// The place where the request is left when it comes back from the handler. While actix looks for the
/// handler, there may be only one reference to the request.
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
        // Each of several nested guards has its own records.
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

/// Claims, passes the request to its handler, and ends the run with the handler's response.
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
        // The outer guards must not store this answer, either.
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
        // The error comes from a middleware inside this one, since handlers return responses.
        Err(error) => {
            guard::give_back(&state).await;
            Err(Exit::Refused(error))
        }
    }
}

async fn claim(call: &mut Call, routes: &GuardedRoutes) -> Result<(), Exit> {
    call.key().header(routes.key);
    // Without a key the request is refused or runs unguarded, and its body is not compared.
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

/// Names the operation of a request by the pattern of its route, as far as that is known before routing.
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
