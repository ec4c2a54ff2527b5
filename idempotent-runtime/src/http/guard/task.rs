//! The guard of a task: the request is stored and answered at once, and later a runner runs it.

use crate::engine::task::{Input, Submission, TaskRoute, TaskScope};
use crate::engine::{Admission, Execution, Refusal};
use crate::http::answer::keep::{KeepFor, keep};
use crate::http::answer::problem::{Problem, ProblemKind};
use crate::http::answer::refusal;
use crate::http::answer::stored_response::replayed;
use crate::http::app::idempotency::Idempotency;
use crate::http::call::call::{Call, Exit};
use crate::http::call::claim_request::claim_request;
use crate::http::call::course::RequestOutcome;
use crate::http::call::steps::{Arguments, Extract, read_arguments};
use crate::http::guard::lease::admitted;
use crate::http::guard::reply::refused;
use crate::http::task::arguments::TaskSteps;
use crate::http::task::carried::CarriedTask;
use crate::http::task::routes::{SOON, address};
use crate::policy::Policy;
use crate::strategy::task;
use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::{CACHE_CONTROL, HOST, LOCATION, RETRY_AFTER};
use actix_web::{HttpMessage, HttpResponse};
use bytes::Bytes;
use serde::Serialize;
use std::rc::Rc;
use std::time::Duration;

/// The time after which there may be room for another task.
const ROOM: Duration = Duration::from_secs(10);

const MISSED: &str = "the task would reach no handler: a guard or a middleware of its route needs a \
    header that is not named in `task_headers`, or the routes of `TaskRunner::start` lack it";

/// The body of the answer.
#[derive(Serialize)]
struct Accepted<'a> {
    id: &'a str,
    location: &'a str,
}

/// The handler's arguments, from the request or from a stored task that runs now.
pub(crate) async fn arguments(
    call: &mut Call,
    extract: Extract,
    steps: &TaskSteps,
) -> Result<Arguments, Exit> {
    let carried = call.request.extensions().get::<Rc<CarriedTask>>().cloned();
    let Some(task) = carried else {
        let extracted = read_arguments(call, extract).await?;
        let kept = (steps.keep)(&*extracted).map_err(Exit::Refused)?;
        call.task_arguments = Some(Box::new((steps.parameters, kept)));
        return Ok(extracted);
    };
    // Without a name, the address identifies the handler, so that it may be renamed while tasks wait.
    if call.policy.operation.is_some_and(|name| task.record.label.operation() != name) {
        // Another handler has this address by now.
        call.state.course.is_nobodys();
        return Err(Exit::Answered(HttpResponse::NotFound().finish()));
    }
    if task.is_trial {
        task.mark_reached();
        call.state.course.is_nobodys();
        return Err(Exit::Answered(HttpResponse::NoContent().finish()));
    }
    // This happens before the claim, so that another version of the app can run a task that this one cannot.
    let restored = (steps.restore)(&task.input.arguments, &call.request);
    let restored = restored.and_then(|restored| match &task.input.parameters {
        names if names == steps.parameters => Ok(restored),
        // Parameters of one type could be taken for each other.
        names => Err(ErrorInternalServerError(format!(
            "they were kept for the parameters ({names}) and not for ({})",
            steps.parameters
        ))),
    });
    let restored = restored.map_err(|error| {
        tracing::error!(key = %task.key, %error, "the arguments of a task cannot be restored");
        Exit::Refused(error)
    })?;
    take_up(call, &task).await?;
    Ok(restored)
}

/// Claims a stored task.
async fn take_up(call: &Call, task: &CarriedTask) -> Result<(), Exit> {
    task.mark_reached();
    let request = task::resume(call.policy, call.app.settings(), task.key, &task.record);
    task.life.set(request.claim.lease + request.claim.retention);
    call.state.record.set(Some(task.key));
    call.state.course.has_key(&task.key);
    let admission = call.app.engine().begin(&request).await;
    if let Ok(Admission::Run(run)) = &admission {
        let tasks = call.app.engine().counters().meters.operations.task(&call.shown);
        tasks.is("started");
        if run.attempt() == 1 {
            tasks.started_after(task.life.get().saturating_sub(task.left));
        }
    }
    admitted(call, admission)
}

/// Stores the request as a task, and answers it. A task that runs already goes on.
pub(super) async fn accept(call: &mut Call) -> Result<(), Exit> {
    if call.state.run.borrow().is_some() {
        return Ok(());
    }
    // A task always has a key: its strategy requires one.
    let (Some(request), Some((parameters, arguments))) =
        (claim_request(call).await?, call.task_arguments.take().map(|kept| *kept))
    else {
        return Ok(());
    };
    call.state.course.has_key(&request.claim.key);
    let id = request.claim.label.key();
    let id = &*id;
    let Some(location) = address(&call.request, id) else {
        let why = "clients could not ask for the handler's tasks: mount `task_routes` in the app";
        return Err(call.misconfigured(why));
    };
    let input = Input {
        method: call.request.method().as_str().to_owned(),
        target: call.request.uri().path_and_query().map_or("/", |it| it.as_str()).to_owned(),
        scope: if call.app.scope().is_shared() {
            TaskScope::SHARED
        } else {
            task::share(call.app.settings(), &call.state.scope.borrow())
        },
        headers: headers(call),
        on_abandoned: call.policy.on_abandoned,
        parameters: parameters.to_owned(),
        arguments,
    };
    let route = TaskRoute {
        method: input.method.clone(),
        pattern: call.request.match_pattern().unwrap_or_else(|| input.target.clone()),
        operation: request.claim.label.operation().to_owned(),
        headers: input.headers.clone(),
    };
    if call.app.tasks().is_missed(route, &request.claim, &input).await {
        return Err(call.misconfigured(MISSED));
    }
    let Some(_in_flight) = call.app.engine().enter() else {
        return Err(refused(call, Refusal::Draining));
    };
    call.state.must_finish.set(true);
    let submitted = call.app.tasks().submit(call.app.engine(), &request.claim, &input).await;
    Err(match submitted {
        Ok(Submission::New) => {
            call.state.course.note(RequestOutcome::Accepted);
            call.app.engine().counters().meters.operations.task(&call.shown).is("accepted");
            tracing::debug!(key = %request.claim.key, "a task is stored");
            Exit::Answered(accepted(id, &location))
        }
        Ok(Submission::Known) => {
            call.app.engine().counters().replayed.count();
            call.state.course.note(RequestOutcome::Replayed);
            let again = |_: &_, (id, location)| Some(replayed(accepted(id, location)));
            let on_replay = call.app.rendering().on_replay();
            let response = on_replay.added(&call.request, (id, &*location), again);
            Exit::Answered(response.unwrap_or_else(|| replayed(accepted(id, &location))))
        }
        Ok(Submission::Reused) => refused(call, Refusal::KeyReused),
        Ok(Submission::Full) => full(call),
        Err(error) => call.exit(&refusal::store_failed(&call.request, &error)),
    })
}

/// The headers of a request that are kept for its run.
///
/// In HTTP/2 the host is a part of the target, but only path and query are kept of that. So the host is kept
/// as a header.
fn headers(call: &Call) -> Vec<(String, Bytes)> {
    let of = |name: &'static str| {
        let values = call.request.headers().get_all(name);
        values.map(move |value| (name.to_owned(), Bytes::copy_from_slice(value.as_bytes())))
    };
    let mut kept: Vec<_> = of(HOST.as_str()).collect();
    if let (true, Some(host)) = (kept.is_empty(), call.request.uri().authority()) {
        kept.push((HOST.as_str().to_owned(), Bytes::copy_from_slice(host.as_str().as_bytes())));
    }
    let named = call.policy.task_headers.iter().filter(|name| **name != HOST.as_str());
    kept.extend(named.flat_map(|name| of(name)));
    kept
}

fn full(call: &Call) -> Exit {
    let what = "too many tasks are not finished, so this one was not accepted; repeat the request \
                with the same key";
    let problem = Problem::new(ProblemKind::TooManyTasks, call.request.path(), what);
    call.exit(&problem.retry_after(ROOM))
}

fn accepted(id: &str, location: &str) -> HttpResponse {
    HttpResponse::Accepted()
        .insert_header((LOCATION, location))
        .insert_header((RETRY_AFTER, SOON))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(Accepted { id, location })
}

/// Ends a run with the response of its handler, even if it is a failure: no client repeats a task.
///
/// The body is produced as a part of the task, for as long as that takes.
pub(super) async fn finish(
    policy: &'static Policy,
    app: Idempotency,
    run: Execution,
    response: HttpResponse,
) -> HttpResponse {
    let (response, kept) =
        keep(policy, app.max_body(policy), KeepFor::Task, response).decided(Duration::MAX).await;
    run.complete(kept.outcome(), app.settings().ttl(policy)).await;
    let tasks = app.engine().counters().meters.operations.task(policy.shown_operation());
    let state = if response.status().as_u16() < 400 { "succeeded" } else { "failed" };
    tasks.is(state);
    response
}
