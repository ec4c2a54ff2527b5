//! The addresses of tasks: `GET` shows a task, and `DELETE` cancels it.

use crate::engine::task::progress::{self, ProgressRecord};
use crate::engine::task::{Cancellation, FoundTask, Input, TaskStage, input};
use crate::error::StoreError;
use crate::http::answer::problem::{Problem, ProblemKind};
use crate::http::answer::refusal;
use crate::http::answer::stored_response::uncacheable;
use crate::http::app::caller::Caller;
use crate::http::task::document::{Document, Status, response};
use crate::key::StorageKey;
use crate::policy::OnAbandoned;
use crate::strategy::task;
use actix_web::dev::Payload;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::test::TestRequest;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Scope, web};
use futures_util::future::LocalBoxFuture;
use std::time::Duration;

/// The name of the route by which a task's address is found, wherever the routes are mounted.
const NAME: &str = "idempotent-runtime:task";

/// The seconds after which to ask again.
pub(crate) const SOON: u64 = 1;

/// Routes for the addresses of tasks, to be mounted: `task_routes("/tasks")`.
///
/// | request | answer |
/// | --- | --- |
/// | `GET /tasks/{id}` | how far the task is, as JSON, and when it ended its result |
/// | `GET /tasks/{id}/result` | the response of the task's handler |
/// | `DELETE /tasks/{id}` | cancels a task that has not started |
///
/// A task belongs to its caller, found by the app's [`Scope`](crate::Scope). For other callers it does not
/// exist. If a caller can lose the right to ask, check that in a middleware: `task_routes("/tasks").wrap(…)`.
///
/// ```
/// use actix_web::App;
/// use idempotent_runtime::task::task_routes;
///
/// let app = App::new().service(task_routes("/tasks"));
/// ```
pub fn task_routes(path: &str) -> Scope {
    let one = web::resource("/{id}").name(NAME);
    web::scope(path)
        .service(one.route(web::get().to(show)).route(web::delete().to(cancel)))
        .service(web::resource("/{id}/result").route(web::get().to(result)))
}

thread_local! {
    /// actix builds a URL by a route's name only together with a host from a request. The caller's host may
    /// be one that no URL can have, so this request's is used.
    static ANY_HOST: HttpRequest = TestRequest::default().to_http_request();
}

/// The path of a task's address, if `task_routes` is mounted.
pub(crate) fn address(request: &HttpRequest, id: &str) -> Option<String> {
    let url = ANY_HOST.with(|any_host| request.resource_map().url_for(any_host, NAME, [id]));
    url.ok().map(|url| url.path().to_owned())
}

/// A caller, and the task that it asks for.
struct Asker {
    caller: Caller,
    id: String,
    key: StorageKey,
}

impl FromRequest for Asker {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let caller = Caller::of(&request).await?;
            let id = request.match_info().query("id").to_owned();
            let key = task::key(caller.app.settings(), &caller.scope, &id);
            Ok(Self { caller, id, key })
        })
    }
}

async fn show(asker: Asker) -> Result<HttpResponse, Error> {
    let (task, on_abandoned) = asker.find().await?;
    let progress = match (task.stage, task.record.attempt) {
        (TaskStage::Running, attempt) => asker.progress(attempt).await?,
        _ => None,
    };
    Ok(asker.document(&task, on_abandoned, progress))
}

async fn result(asker: Asker) -> Result<HttpResponse, Error> {
    let (task, on_abandoned) = asker.find().await?;
    let (kind, what) = match (Status::of(&task, on_abandoned), response(&task)) {
        (_, Some(response)) if !response.is_cut => {
            return uncacheable(&asker.caller.request, response.clone())
                .ok_or_else(|| asker.caller.refuse(&refusal::unreadable(&asker.caller.request)));
        }
        (Status::Cancelled, _) => {
            (ProblemKind::TaskCancelled, "the task was cancelled before it ran, and had no effect")
        }
        (Status::Held, _) => (
            ProblemKind::OutcomeUnknown,
            "the process that ran this task died, so it may have taken effect; the service's operators have to look",
        ),
        (status, _) if status.may_change() => {
            (ProblemKind::InProgress, "the task is not finished; ask again later")
        }
        _ => (ProblemKind::NotReplayable, "this task ran, and its response was not kept"),
    };
    let problem = asker.problem(kind, what);
    Err(asker.caller.refuse(&match kind {
        ProblemKind::InProgress => problem.retry_after(Duration::from_secs(SOON)),
        _ => problem,
    }))
}

async fn cancel(asker: Asker) -> Result<HttpResponse, Error> {
    let Caller { app, .. } = &asker.caller;
    match asker.told(app.tasks().cancel(app.engine(), &asker.key).await)? {
        Cancellation::Done(task) => Ok(asker.document(&task, OnAbandoned::Retry, None)),
        Cancellation::Missing => Err(asker.missing()),
        Cancellation::TooLate => {
            let what = "the task has begun to run, so it cannot be cancelled";
            Err(asker.caller.refuse(&asker.problem(ProblemKind::TaskStarted, what)))
        }
    }
}

impl Asker {
    /// The task, and the step that follows if its process died.
    async fn find(&self) -> Result<(FoundTask, OnAbandoned), Error> {
        let Caller { app, .. } = &self.caller;
        let found = self.told(app.tasks().find(app.engine(), &self.key).await)?;
        let task = found.filter(|task| task.stage != TaskStage::Forgotten);
        let task = self.told(task.ok_or_else(|| self.missing())?.opened(app.engine()))?;
        if task.stage != TaskStage::Abandoned {
            return Ok((task, OnAbandoned::Retry));
        }
        let place = input::place(&self.key);
        let input = self.told(Input::read(app.engine(), &place, Duration::ZERO).await)?;
        let on_abandoned = task.on_abandoned(input.as_ref());
        Ok((task, on_abandoned))
    }

    async fn progress(&self, attempt: u64) -> Result<Option<ProgressRecord>, Error> {
        let place = progress::place(&self.key);
        self.told(ProgressRecord::read(self.caller.app.engine(), &place, attempt).await)
    }

    fn document(
        &self,
        task: &FoundTask,
        on_abandoned: OnAbandoned,
        progress: Option<ProgressRecord>,
    ) -> HttpResponse {
        let document = Document::new(&self.id, task, on_abandoned, progress);
        let mut response = HttpResponse::Ok();
        response.insert_header((CACHE_CONTROL, "no-store"));
        if document.status.may_change() {
            response.insert_header((RETRY_AFTER, SOON));
        }
        response.json(document)
    }

    fn told<T>(&self, answer: Result<T, StoreError>) -> Result<T, Error> {
        let failed = |error| refusal::store_failed(&self.caller.request, &error);
        answer.map_err(|error| self.caller.refuse(&failed(error)))
    }

    /// The answer for another caller's task, for a forgotten task, and for one that never existed.
    fn missing(&self) -> Error {
        let what = "there is no such task of this caller, or not any more";
        self.caller.refuse(&self.problem(ProblemKind::TaskMissing, what))
    }

    fn problem(&self, kind: ProblemKind, what: &str) -> Problem {
        Problem::new(kind, self.caller.request.path(), what)
    }
}
