//! The progress of a task, for handlers that report it.

use crate::engine::Engine;
use crate::engine::task::progress::ProgressRecord;
use crate::http::app::idempotency::Idempotency;
use crate::http::app::refused::unguarded;
use crate::http::call::run::RunState;
use crate::http::task::carried::CarriedTask;
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, rt};
use std::cell::Cell;
use std::fmt;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::time::Duration;

/// The pause between two writes to the store, even if a handler reports more often.
const PAUSE: Duration = Duration::from_millis(100);

/// Reports the progress of a task: a parameter of a handler with `strategy = "async"`.
///
/// ```
/// use actix_web::{HttpResponse, Responder, post};
/// use idempotent_runtime::task::Progress;
/// use idempotent_runtime::idempotent;
///
/// #[post("/reports")]
/// #[idempotent(strategy = "async")]
/// async fn report(progress: Progress) -> impl Responder {
///     for row in 0..100 {
///         progress.report(row, 100);
///         // …
///     }
///     HttpResponse::Ok()
/// }
/// ```
#[derive(Clone)]
pub struct Progress(Option<Rc<Reporter>>);

struct Reporter {
    engine: Engine,
    /// The state of its run, which tells the attempt once the run has begun.
    state: Rc<RunState>,
    task: Rc<CarriedTask>,
    /// The last report, if it is not in the store yet.
    news: Cell<Option<(u64, u64)>>,
    writing: Cell<bool>,
}

impl Progress {
    /// Reports that `done` of `total` parts are done.
    ///
    /// It costs almost nothing: while the handler runs, only the last report is written, at most ten times a
    /// second. If a write fails, the next report replaces it. In a handler that is not a task, this does nothing.
    pub fn report(&self, done: u64, total: u64) {
        let Some(reporter) = &self.0 else { return };
        reporter.news.set(Some((done, total)));
        if !reporter.writing.replace(true) {
            rt::spawn(write(Rc::clone(reporter)));
        }
    }
}

/// Writes reports as long as there are new ones.
async fn write(reporter: Rc<Reporter>) {
    while let Some((done, total)) = reporter.news.take() {
        let Reporter { engine, state, task, .. } = &*reporter;
        let said = ProgressRecord { attempt: state.attempt.get(), done, total };
        if let Err(error) = said.write(engine, &task.key, task.life.get()).await {
            tracing::debug!(key = %task.key, %error, "the progress of a task could not be written");
        }
        rt::time::sleep(PAUSE).await;
    }
    reporter.writing.set(false);
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress(…)")
    }
}

impl FromRequest for Progress {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let Some(state) = extensions.get::<Rc<RunState>>() else {
            drop(extensions);
            return ready(Err(unguarded(request, "Progress")));
        };
        let task = extensions.get::<Rc<CarriedTask>>().zip(request.app_data::<Idempotency>());
        ready(Ok(Self(task.map(|(task, app)| {
            Rc::new(Reporter {
                engine: app.engine().clone(),
                state: Rc::clone(state),
                task: Rc::clone(task),
                news: Cell::default(),
                writing: Cell::default(),
            })
        }))))
    }
}
