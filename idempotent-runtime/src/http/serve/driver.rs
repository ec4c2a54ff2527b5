//! The driver of every guarded handler: not generic, so that it is compiled once.
//!
//! It keeps two promises. First, a panic is caught, and ends the run. Second, a run goes on after its
//! connection is lost: actix drops a handler's future when the client resets the connection, and just that
//! client will retry. So once the key is claimed, a future that would be dropped is moved to a task of its
//! own. Only then: a successful request spawns no task. Before the claim the future ends with its client, and
//! a key that may have been claimed is given back.

use crate::http::answer::problem::ProblemKind;
use crate::http::app::idempotency::Idempotency;
use crate::http::call::call::{Call, Exit};
use crate::http::call::client::Client;
use crate::http::call::course::RequestOutcome;
use crate::http::call::run::{GuardedRun, RunState};
use crate::http::call::steps::read_arguments;
use crate::http::guard;
use crate::http::serve::existing::{answered_after_commit, answered_in_place};
use crate::http::serve::handler::Handler;
use crate::http::serve::routed::TestsCallItsUnguardedForm;
use crate::policy::{GuardPlace, Policy};
use actix_web::{Error, HttpResponse};
use futures_util::future::LocalBoxFuture;
use std::any::Any;
use std::future::{poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

type Work = LocalBoxFuture<'static, Result<HttpResponse, Exit>>;

/// Runs one request through a guarded handler.
pub fn serve(handler: &'static Handler, routed: TestsCallItsUnguardedForm) -> Serving {
    let TestsCallItsUnguardedForm { request, payload } = routed;
    // Put in now, for extractors that read facts of the run.
    let state = RunState::push(&request);
    let work: Work = match Idempotency::of(&request) {
        Ok(app) => {
            let call = Call::new(&handler.policy, app, request.clone(), payload, &state);
            call.begin_course();
            let work = Box::pin(drive(handler, call));
            match state.around() {
                None => work,
                Some(_) => Box::pin(inside(Rc::clone(&state), work)),
            }
        }
        Err(unprepared) => Box::pin(ready(Ok(unprepared))),
    };
    Serving::around(&handler.policy, state, Client::Here(request), work)
}

/// All steps of a request, in their order.
#[expect(clippy::manual_async_fn, reason = "what an async function is given is kept twice")]
fn drive(
    handler: &'static Handler,
    mut call: Call,
) -> impl Future<Output = Result<HttpResponse, Exit>> {
    async move {
        let arguments = match &handler.task {
            None => read_arguments(&mut call, handler.extract).await?,
            // Its future is large, and most handlers are not tasks.
            Some(steps) => {
                Box::pin(guard::task::arguments(&mut call, handler.extract, steps)).await?
            }
        };
        fill(handler, &mut call, &*arguments)?;
        guard::claim(&mut call).await?;
        // Each block drops a response before the next wait, since a response that is kept would make the
        // future larger.
        let response = 'answered: {
            let existing = {
                let returned = (handler.run)(arguments, &call).await;
                match handler.existing {
                    Some(existing) if returned.exists() => existing,
                    _ => break 'answered returned.response(),
                }
            };
            Box::pin(answered_in_place(existing, handler, &mut call)).await?
        };
        let existing = {
            let Call { policy, app, state, request, .. } = &call;
            let response = guard::end(policy, app, state, request, response).await;
            match handler.existing {
                Some(existing) if guard::transaction::is_there_already(&response) => existing,
                _ => return Ok(response),
            }
        };
        Box::pin(answered_after_commit(existing, handler, call)).await
    }
}

/// Fills in the templates. If an expression in one panics, the request ends, and nothing has run.
#[expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]
fn fill(handler: &Handler, call: &mut Call, arguments: &dyn Any) -> Result<(), Exit> {
    let filled = catch_unwind(AssertUnwindSafe(|| (handler.fill)(call, arguments)));
    filled.map_err(|_| {
        let expression = call.values.evaluated().unwrap_or_default();
        let (operation, path) = (&*call.shown, call.request.path());
        tracing::error!(operation, path, expression, "an expression of a template panicked");
        let what =
            "the handler did not run: its key, scope or another template could not be filled in from this request";
        call.problem(ProblemKind::HandlerPanicked, what.to_owned())
    })
}

/// The work of a guard inside other guards. If its handler does not run, the outer guards must not store its answer.
async fn inside(state: Rc<RunState>, work: Work) -> Result<HttpResponse, Exit> {
    let answered = work.await;
    if answered.is_err() {
        guard::take_over(&state).await;
    }
    answered
}

/// A request on its way, as actix sees it.
pub struct Serving {
    work: Option<Work>,
    state: Rc<RunState>,
    policy: &'static Policy,
    client: Client,
    place: Place,
}

/// The place of the work of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the connection of the client.
    Connection,
    /// In a task of its own, because the client has left.
    Task,
}

impl Serving {
    /// Drives work that does not belong to one handler, such as that of a middleware.
    pub(crate) fn around(
        policy: &'static Policy,
        state: Rc<RunState>,
        client: Client,
        work: Work,
    ) -> Self {
        Self { work: Some(work), state, policy, client, place: Place::Connection }
    }
}

impl Future for Serving {
    type Output = Result<HttpResponse, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let Self { work: Some(work), state, .. } = &mut *self else { return Poll::Pending };
            let in_span = state.course.enter();
            let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
            drop(in_span);
            match polled {
                Ok(Poll::Pending) => {
                    let Some(early) = self.state.early.take() else { return Poll::Pending };
                    self.state.course.ends(Some(&early));
                    self.detach();
                    return Poll::Ready(Ok(early));
                }
                Ok(Poll::Ready(done)) => {
                    self.work = None;
                    self.state.course.ends(match &done {
                        Ok(response) | Err(Exit::Answered(response)) => Some(response),
                        Err(Exit::Refused(_)) => None,
                    });
                    return Poll::Ready(done.or_else(Exit::into_result));
                }
                Err(panic) => {
                    self.state.course.note(RequestOutcome::Panicked);
                    let run = self.state.take_run();
                    let (policy, client) = (self.policy, self.client.clone());
                    self.work = Some(match (run, self.state.is_guarded_around()) {
                        // The outer guard answers, and ends its own run.
                        (None, true) => resume_unwind(panic),
                        (Some(run), true) => Box::pin(passed_on(policy, client, run, panic)),
                        (run, false) => Box::pin(panicked(policy, client, run)),
                    });
                }
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if self.work.is_some() && !self.state.must_finish.get() {
            self.state.course.leaves();
        }
        self.detach();
    }
}

impl Serving {
    /// If the work must reach its end, lets it go on without its client.
    fn detach(&mut self) {
        let must_finish = self.state.must_finish.get();
        // If it is dropped once more, at the end of the runtime, its key stays taken until the lease expires.
        let Some(work) = self.work.take().filter(|_| must_finish && self.place != Place::Task)
        else {
            return;
        };
        let mut detached = Self {
            work: Some(work),
            state: Rc::clone(&self.state),
            policy: self.policy,
            client: self.client.clone(),
            place: Place::Task,
        };
        // A run of a task has no client that could leave.
        let is_task = self.policy.strategy.traits().guard == GuardPlace::Task;
        let app = self.client.app().filter(|_| !is_task);
        let counted = app.map(|app| {
            app.engine().counters().detached.count();
            app.clientless().enter(self.state.scope.borrow().clone())
        });
        let to_its_end = poll_fn(move |context| {
            let _counted = &counted;
            let ended = Pin::new(&mut detached).poll(context).is_ready();
            // An inner guard has the request by now, and its own work goes on without this one.
            if ended || !detached.state.must_finish.get() { Poll::Ready(()) } else { Poll::Pending }
        });
        let spawned = catch_unwind(AssertUnwindSafe(|| {
            actix_web::rt::spawn(to_its_end);
        }));
        if spawned.is_err() {
            tracing::error!(
                "request dropped outside a runtime; its key is freed when the lease expires"
            );
        }
    }
}

async fn panicked(
    policy: &'static Policy,
    client: Client,
    run: Option<GuardedRun>,
) -> Result<HttpResponse, Exit> {
    Ok(guard::give_up(policy, client, run).await)
}

/// Ends the run of an inner lock or transaction, and passes the panic on to the outer guard.
async fn passed_on(
    policy: &'static Policy,
    client: Client,
    run: GuardedRun,
    panic: Box<dyn Any + Send>,
) -> Result<HttpResponse, Exit> {
    drop(guard::give_up(policy, client, Some(run)).await);
    resume_unwind(panic)
}
