//! The driver of every guarded handler: not generic, so that it is compiled once.
//!
//! It keeps two promises. A panic is caught, and ends the run. And a run goes on when its
//! connection does not: actix drops a handler's future when the client resets the connection, and
//! the client that lost its connection is the one that will retry. So from the moment a claim may
//! have been sent, the future is not dropped but moved to a task of its own, then, and only then: a
//! request that goes well costs no task.

use crate::engine::Execution;
use crate::http::app::{Idempotency, PROBLEM_TYPES};
use crate::http::cached::Computing;
use crate::http::call::{Call, Exit};
use crate::http::handler::{Handler, Returned};
use crate::http::page::negotiated;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::settle::end;
use crate::http::task;
use crate::key::StorageKey;
use crate::policy::{OnAbandoned, Policy, Strategy};
use crate::transaction::{self, TxSlot};
use actix_web::error::InternalError;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::future::LocalBoxFuture;
use std::cell::{Cell, OnceCell, RefCell};
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

pub(super) type Work = LocalBoxFuture<'static, Result<HttpResponse, Exit>>;

/// A run, by where its guard stands.
pub(crate) enum Run {
    /// In the store, by a lease.
    Leased(Execution),
    /// In the business transaction.
    Transaction(Box<transaction::Run>),
    /// Nowhere: a read, which is at worst computed twice.
    Computing(Box<Computing>),
}

/// What a request and its driver both hold, because the request may be dropped or panic.
#[derive(Default)]
pub(crate) struct Shared {
    /// Whether a claim may have been sent: from here on the request must reach its end.
    pub(crate) committed: Cell<bool>,
    /// The number of the run among all of its key; 0 before it.
    pub(crate) attempt: Cell<u64>,
    /// The record that tells this request from others.
    pub(crate) record: Cell<Option<StorageKey>>,
    /// Whether the handler, or an extractor of its, takes the business transaction.
    pub(crate) takes_transaction: Cell<bool>,
    /// The run under way.
    pub(crate) run: RefCell<Option<Run>>,
    /// The transaction of the run, while the handler does not have it.
    lent: OnceCell<TxSlot>,
    /// What the client gets as soon as the work has to wait; the rest goes on without it.
    pub(crate) early: Cell<Option<HttpResponse>>,
}

impl Shared {
    /// Where the transaction of the run is, while the handler does not have it.
    pub(super) fn lent(&self) -> &TxSlot {
        self.lent.get_or_init(TxSlot::default)
    }

    /// Ends the run as if it had not begun: the next request with its key runs.
    pub(super) async fn give_back(&self) {
        let run = self.run.take();
        match run {
            Some(Run::Leased(run)) => run.release().await,
            Some(Run::Computing(run)) => run.give_up().await,
            Some(Run::Transaction(_)) | None => {}
        }
    }

    /// Takes the run under way, with its transaction, if the handler has given that back.
    pub(crate) fn take_run(&self) -> Option<Run> {
        let mut run = self.run.take();
        if let Some(Run::Transaction(run)) = &mut run {
            run.take_back(self.lent());
        }
        run
    }
}

/// Runs one request through a guarded handler.
pub fn serve(handler: &'static Handler, request: HttpRequest, payload: web::Payload) -> Serving {
    let shared = Rc::<Shared>::default();
    let work: Work = match request.app_data::<Idempotency>().cloned() {
        Some(app) => {
            // For extractors that say something about the run.
            let around = request.extensions_mut().insert(Rc::clone(&shared));
            let payload = payload.into_inner();
            let call = Call::new(&handler.policy, app, request.clone(), payload, &shared);
            let work = Box::pin(drive(handler, call));
            match around {
                None => work,
                Some(around) => Box::pin(after_handing_over(around, work)),
            }
        }
        None => Box::pin(ready(Ok(unprepared(&request)))),
    };
    Serving { work: Some(work), shared, policy: &handler.policy, client: Client::Here(request) }
}

/// Every step of a request, in their order.
#[expect(clippy::manual_async_fn, reason = "what an async function is given is kept twice")]
fn drive(
    handler: &'static Handler,
    mut call: Call,
) -> impl Future<Output = Result<HttpResponse, Exit>> {
    async move {
        let arguments = call.arguments(handler).await?;
        (handler.fill)(&mut call, &*arguments);
        call.claim().await?;
        let response = match ((handler.run)(arguments, &call).await, handler.existing) {
            (Returned::Exists(_), Some(existing)) => {
                let arguments = Box::pin(call.again(handler.extract)).await?;
                existing(arguments, &call).await.response()
            }
            (returned, _) => returned.response(),
        };
        Ok(end(call.policy, &call.app, &call.shared, &call.request, response).await)
    }
}

/// A handler with a policy of its own inside of a scope that is guarded: it alone guards, so the
/// scope's key is given back, unspent, before the handler claims its own.
async fn after_handing_over(around: Rc<Shared>, work: Work) -> Result<HttpResponse, Exit> {
    around.give_back().await;
    // Not before: dropped until here, the request around would be dropped, too.
    around.committed.set(false);
    work.await
}

/// A request on its way, as actix sees it.
pub struct Serving {
    work: Option<Work>,
    shared: Rc<Shared>,
    policy: &'static Policy,
    client: Client,
}

/// Who is told that a handler panicked.
#[derive(Clone)]
pub(super) enum Client {
    /// Whoever sent this request.
    Here(HttpRequest),
    /// Whoever sent a request that is lost, because what panicked had all of it.
    Away {
        /// What guards the handler.
        app: Idempotency,
        /// The request's.
        path: String,
    },
}

impl Client {
    fn app(&self) -> Option<Idempotency> {
        match self {
            Self::Here(request) => request.app_data().cloned(),
            Self::Away { app, .. } => Some(app.clone()),
        }
    }

    fn tell(&self, kind: ProblemKind, what: &str) -> HttpResponse {
        match self {
            Self::Here(request) => {
                let problem = Problem::new(kind, request.path(), what);
                match request.app_data::<Idempotency>() {
                    Some(app) => app.render(request, &problem),
                    None => negotiated(request, &problem, PROBLEM_TYPES),
                }
            }
            Self::Away { app, path } => app.render_bare(&Problem::new(kind, path, what)),
        }
    }
}

impl Serving {
    /// Drives work that is not of one handler alone.
    pub(super) fn around(
        policy: &'static Policy,
        shared: Rc<Shared>,
        client: Client,
        work: Work,
    ) -> Self {
        Self { work: Some(work), shared, policy, client }
    }
}

impl Future for Serving {
    type Output = Result<HttpResponse, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let Some(work) = &mut self.work else { return Poll::Pending };
            match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
                Ok(Poll::Pending) => {
                    let Some(early) = self.shared.early.take() else { return Poll::Pending };
                    self.detach();
                    return Poll::Ready(Ok(early));
                }
                Ok(Poll::Ready(done)) => {
                    self.work = None;
                    return Poll::Ready(done.or_else(Exit::into_result));
                }
                Err(_panic) => {
                    let run = self.shared.take_run();
                    self.work = Some(Box::pin(give_up(self.policy, self.client.clone(), run)));
                }
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.detach();
    }
}

impl Serving {
    /// Lets work that must reach its end go on without its client.
    fn detach(&mut self) {
        let Some(work) = self.work.take().filter(|_| self.shared.committed.take()) else { return };
        let detached = Self {
            work: Some(work),
            // Dropped once more, at the end of the runtime, it is left to its lease.
            shared: Rc::clone(&self.shared),
            policy: self.policy,
            client: self.client.clone(),
        };
        let spawned = catch_unwind(AssertUnwindSafe(|| {
            actix_web::rt::spawn(async { drop(detached.await) });
        }));
        if spawned.is_err() {
            tracing::error!("a run lost its connection outside of any runtime and is left undone");
        }
    }
}

/// Ends a run whose handler panicked.
async fn give_up(
    policy: &'static Policy,
    client: Client,
    run: Option<Run>,
) -> Result<HttpResponse, Exit> {
    let what = "the handler panicked; what it did until then may or may not have happened";
    let response = client.tell(ProblemKind::HandlerPanicked, what);
    match (run, policy.on_abandoned) {
        (None, _) => {}
        (Some(Run::Transaction(run)), _) => run.roll_back().await,
        (Some(Run::Computing(run)), _) => run.give_up().await,
        // Nobody is there to repeat a task: it failed.
        (Some(Run::Leased(run)), _) if policy.strategy == Strategy::Async => {
            if let Some(app) = client.app() {
                return Ok(task::end(policy, app, run, response).await);
            }
        }
        (Some(Run::Leased(run)), OnAbandoned::Retry) => run.release().await,
        (Some(Run::Leased(run)), OnAbandoned::Hold) => run.abandon().await,
    }
    Ok(response)
}

/// An extractor of ours in a handler that nobody guards has nothing to say.
pub(super) fn unguarded(request: &HttpRequest, extractor: &str) -> Error {
    misconfigured(request, &format!("the handler takes `{extractor}` and is not guarded"))
}

/// The app lacks something that the handler takes.
pub(super) fn misconfigured(request: &HttpRequest, why: &str) -> Error {
    tracing::error!(path = request.path(), "{why}");
    let problem = Problem::new(ProblemKind::Misconfigured, request.path(), why);
    let response = negotiated(request, &problem, PROBLEM_TYPES);
    InternalError::from_response(why.to_owned(), response).into()
}

/// A handler outside of an app that knows us must not run unguarded.
pub(super) fn unprepared(request: &HttpRequest) -> HttpResponse {
    tracing::error!(
        path = request.path(),
        "a guarded handler was called in an app without `Idempotency`; \
         add `.app_data(idempotency.clone())` to the `App`",
    );
    let what = "the handler is guarded, and its app was not given what guards it";
    let problem = Problem::new(ProblemKind::Misconfigured, request.path(), what);
    negotiated(request, &problem, PROBLEM_TYPES)
}
