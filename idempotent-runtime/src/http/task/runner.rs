//! Runs tasks on a thread of its own, through the app's own routes.

use crate::engine::task::{FoundTask, Input, TaskStage, TaskTrial, TaskTurn, input};
use crate::error::StoreError;
use crate::http::app::idempotency::Idempotency;
use crate::http::task::carried::CarriedTask;
use crate::key::StorageKey;
use crate::policy::OnAbandoned;
use crate::store::own_thread::lasting;
use actix_http::{Message, Request, RequestHead};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::web::ServiceConfig;
use actix_web::{App, Error, HttpMessage, rt};
use futures_util::future::{Either, select};
use std::fmt;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Semaphore, oneshot};

/// The time for which a task without a handler in this app is left to other processes.
const NOT_OURS: Duration = Duration::from_mins(1);

/// Runs tasks until it is dropped. Then it takes no new tasks, and finishes those under way.
#[must_use = "a runner that is dropped at once runs nothing"]
pub struct TaskRunner(Option<oneshot::Sender<()>>);

impl fmt::Debug for TaskRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskRunner(…)")
    }
}

impl TaskRunner {
    /// Runs tasks in this process, on a thread of their own: tasks that this process stores, and tasks that
    /// other processes left behind.
    ///
    /// `routes` adds the routes of the app with the handlers of tasks, and the data that they take. The
    /// middleware of the app is left out: a task was admitted when its request came, it carries no
    /// credential, and its caller is among the stored arguments. A handler at a task's address that is not
    /// guarded as a task would run all the same, so do not put one there while tasks wait.
    ///
    /// ```
    /// # use actix_web::{App, HttpServer, web};
    /// use idempotent_runtime::task::TaskRunner;
    /// # use idempotent_runtime::Idempotency;
    /// # fn routes(_: &mut web::ServiceConfig) {}
    /// # fn serve(idempotency: Idempotency, data: web::Data<String>) -> std::io::Result<()> {
    /// let tasks = {
    ///     let data = data.clone();
    ///     TaskRunner::start(&idempotency, move |app| {
    ///         app.app_data(data).configure(routes);
    ///     })?
    /// };
    /// # drop(tasks);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It returns when the routes are built. Each call starts a thread, which runs
    /// [`tasks_at_once`](crate::IdempotencyBuilder::tasks_at_once) tasks at a time. If no runner is started
    /// in a process, the tasks that it stores wait for another process.
    ///
    /// # Errors
    /// When the host cannot start a thread, or the routes cannot be built. Nothing would run tasks then.
    pub fn start(
        idempotency: &Idempotency,
        routes: impl FnOnce(&mut ServiceConfig) + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (tell, built) = mpsc::channel();
        let app = idempotency.clone();
        let thread = std::thread::Builder::new().name("idempotency-tasks".to_owned());
        thread.spawn(move || rt::System::new().block_on(run(app, routes, tell, stopped)))?;
        let unbuilt = |_| io::Error::other("the routes of tasks cannot be built");
        built.recv().map_err(unbuilt)?;
        Ok(Self(Some(stop)))
    }
}

impl Drop for TaskRunner {
    fn drop(&mut self) {
        // If the thread has ended already, the message is lost, and is not needed.
        self.0.take().map(|stop| stop.send(()));
    }
}

async fn run(
    idempotency: Idempotency,
    routes: impl FnOnce(&mut ServiceConfig),
    built: mpsc::Sender<()>,
    stopped: oneshot::Receiver<()>,
) {
    let app = App::new().app_data(idempotency.clone()).configure(routes);
    let Ok(service) = app.into_factory().new_service(AppConfig::default()).await else {
        return;
    };
    // Registered before `start` returns, since requests ask the runner from then on.
    let trials = idempotency.tasks().trials();
    if built.send(()).is_err() {
        return;
    }
    let service = Rc::new(service);
    let trying = rt::spawn(try_out(Rc::clone(&service), trials));
    let at_once = idempotency.settings().tasks_at_once;
    let places = Arc::new(Semaphore::new(at_once));
    let looker = idempotency.clone();
    let looking = rt::spawn(lasting("looking for tasks", move || {
        let looker = looker.clone();
        async move { looker.tasks().look_for_work(looker.engine()).await }
    }));
    let mut stopped = pin!(stopped);
    while !idempotency.engine().is_draining() {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let next = pin!(idempotency.tasks().next());
        let Either::Right((turn, _)) = select(stopped.as_mut(), next).await else { break };
        let (idempotency, service) = (idempotency.clone(), Rc::clone(&service));
        rt::spawn(async move {
            attempt(&idempotency, &*service, turn).await;
            drop(place);
        });
    }
    looking.abort();
    trying.abort();
    drop(places.acquire_many(u32::try_from(at_once).unwrap_or(u32::MAX)).await);
}

/// Sends requests that may become tasks the way that they would take, several at the same time.
async fn try_out<B: 'static>(
    service: Rc<impl Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static>,
    mut trials: UnboundedReceiver<TaskTrial>,
) {
    while let Some(trial) = trials.recv().await {
        let service = Rc::clone(&service);
        rt::spawn(async move {
            let (key, record, input) = (trial.key, trial.record.clone(), trial.input.clone());
            let carried = Rc::new(CarriedTask::trial(key, record, input));
            if let Some(request) = request(&carried) {
                drop(service.call(request).await);
            }
            trial.answer(carried.was_reached());
        });
    }
}

/// The result of trying to run a task.
#[derive(Debug, PartialEq, Eq)]
enum Tried {
    /// The task ran, or need not run.
    Done,
    /// The app has no handler that can run the task. It is left to other processes for this long.
    NotOurs { left_for: Duration },
}

/// Tries to run a task. If that does not work, leaves it to others.
async fn attempt<B>(
    app: &Idempotency,
    service: &impl Service<Request, Response = ServiceResponse<B>, Error = Error>,
    turn: TaskTurn,
) {
    match take_up(app, service, turn.task()).await {
        Ok(Tried::Done) => {}
        Ok(Tried::NotOurs { left_for }) => {
            tracing::error!(
                key = %turn.task(),
                ?left_for,
                "a task has no handler in this app that can take it, and is left to others",
            );
            rt::spawn(async move {
                rt::time::sleep(left_for).await;
                drop(turn);
            });
        }
        Err(error) => {
            tracing::warn!(key = %turn.task(), %error, "a task could not be taken up, and waits");
        }
    }
}

async fn take_up<B>(
    app: &Idempotency,
    service: &impl Service<Request, Response = ServiceResponse<B>, Error = Error>,
    key: StorageKey,
) -> Result<Tried, StoreError> {
    let (engine, tasks, settings) = (app.engine(), app.tasks(), app.settings());
    let Some(task) = to_run(app, &key).await? else { return Ok(Tried::Done) };
    let life = settings.ttl + settings.lease;
    let input = Input::read(engine, &input::place(&key), life).await?;
    let Some(input) = input.filter(|input| may_run(&task, input)) else {
        engine.counters().held.count();
        tracing::error!(
            %key,
            "the process that ran a task died, and nobody knows what it did; `resolve` with this key \
             decides what becomes of it",
        );
        engine.counters().meters.operations.task(task.record.label.operation()).is("held");
        tasks.drop_entry(engine, &key).await?;
        return Ok(Tried::Done);
    };
    let carried = Rc::new(CarriedTask::new(key, task.record, input, task.left));
    let answered = match request(&carried) {
        Some(request) => service.call(request).await.ok().map(|answer| answer.status()),
        None => None,
    };
    // The handler's outcome is in the store, or its lease will expire.
    if carried.was_reached() {
        return to_run(app, &key).await.map(|_| Tried::Done);
    }
    let ran = answered.is_some_and(|status| status.is_success() || status.is_redirection());
    // A handler that is not a task's ran. It must not run again as long as there may be a record of the task.
    Ok(Tried::NotOurs { left_for: if ran { life } else { NOT_OURS } })
}

/// The task, if it still has to run. A task that is over is removed from the index.
async fn to_run(app: &Idempotency, key: &StorageKey) -> Result<Option<FoundTask>, StoreError> {
    let (engine, tasks) = (app.engine(), app.tasks());
    match tasks.find(engine, key).await? {
        Some(task) => match task.stage {
            TaskStage::Waiting | TaskStage::Abandoned => return Ok(Some(task)),
            TaskStage::Running => tasks.leave_alone(engine, key, &task),
            TaskStage::Over => tasks.finished(engine, key).await,
            // Its parts are dropped already. If a request becomes this task again, its new parts must stay.
            TaskStage::Forgotten => {}
        },
        None => tasks.drop_entry(engine, key).await?,
    }
    Ok(None)
}

fn may_run(task: &FoundTask, input: &Input) -> bool {
    task.stage == TaskStage::Waiting || task.on_abandoned(Some(input)) == OnAbandoned::Retry
}

/// The request that carries a task to its handler.
fn request(task: &Rc<CarriedTask>) -> Option<Request> {
    let mut head = Message::<RequestHead>::new();
    head.method = task.input.method.parse::<Method>().ok()?;
    head.uri = task.input.target.parse::<Uri>().ok()?;
    for (name, value) in &task.input.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        head.headers.append(name, HeaderValue::from_bytes(value).ok()?);
    }
    let request = Request::from(head);
    request.extensions_mut().insert(Rc::clone(task));
    Some(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::task::TaskScope;
    use crate::engine::{Claim, Claimable, IfForgotten};
    use crate::fingerprint::Fingerprint;
    use crate::http::app::scope::Scope;
    use crate::key::Guard;
    use crate::policy::DefinitionId;
    use crate::store::{Label, MemoryStore};
    use actix_web::test::init_service;
    use actix_web::{HttpResponse, web};
    use std::sync::atomic::{AtomicUsize, Ordering};

    const TASK: StorageKey = StorageKey::from_bytes([7; 32]);

    /// An app with one task that waits, and the result of trying to run it with these routes.
    async fn tried(routes: impl FnOnce(&mut ServiceConfig)) -> (Idempotency, Tried) {
        let app = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build().unwrap();
        let claim = Claim {
            key: TASK,
            label: Label::new(Guard::Handler, "report", "id"),
            definition: DefinitionId::NONE,
            fingerprint: Fingerprint::NONE,
            claimable: Claimable::Issued,
            lease: app.settings().lease,
            retention: app.settings().ttl,
            if_forgotten: IfForgotten::PutAgain,
        };
        let input = Input {
            method: "POST".to_owned(),
            target: "/reports".to_owned(),
            scope: TaskScope::SHARED,
            headers: Vec::new(),
            on_abandoned: OnAbandoned::Retry,
            parameters: String::new(),
            arguments: Vec::new(),
        };
        app.tasks().submit(app.engine(), &claim, &input).await.unwrap();
        let service = init_service(App::new().configure(routes)).await;
        let tried = take_up(&app, &service, TASK).await.unwrap();
        (app, tried)
    }

    #[actix_web::test]
    async fn an_unguarded_handler_at_the_address_of_a_task_is_not_run_again() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let (app, tried) = tried(move |routes| {
            let unguarded = move || {
                counted.fetch_add(1, Ordering::SeqCst);
                async { HttpResponse::Ok().finish() }
            };
            routes.route("/reports", web::post().to(unguarded));
        })
        .await;
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        // As long as there may be a record of the task, this process does not try it again.
        let settings = app.settings();
        assert_eq!(tried, Tried::NotOurs { left_for: settings.ttl + settings.lease });
        assert!(to_run(&app, &TASK).await.unwrap().is_some(), "others may have its handler");
    }

    #[actix_web::test]
    async fn a_task_without_a_handler_is_tried_again_soon() {
        let (_, tried) = tried(|_| {}).await;
        assert_eq!(tried, Tried::NotOurs { left_for: NOT_OURS });
    }
}
