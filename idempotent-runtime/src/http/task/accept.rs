//! A request becomes a task: stored, in the index, and only then answered.

use crate::engine::decide::Refusal;
use crate::engine::task::{Input, Put};
use crate::http::call::{Call, Exit};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::refusal;
use crate::http::response::replayed;
use crate::http::serving::misconfigured;
use crate::http::task::routes::{SOON, address};
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, LOCATION, RETRY_AFTER};
use serde::Serialize;
use std::time::Duration;

/// When there may be room for another task.
const ROOM: Duration = Duration::from_secs(10);

/// The body of the answer.
#[derive(Serialize)]
struct Accepted<'a> {
    id: &'a str,
    location: &'a str,
}

impl Call {
    /// Stores the request as a task, which is all that happens to it here; goes on with a task that
    /// was taken up.
    pub(in crate::http) async fn accept(&mut self) -> Result<(), Exit> {
        if self.shared.run.borrow().is_some() {
            return Ok(());
        }
        // A task always has a key: no handler of this strategy can do without.
        let (Some(ask), Some(arguments)) = (self.ask()?, self.kept.take()) else { return Ok(()) };
        let id = ask.claim.label.key();
        let Some(location) = address(&self.request, id) else {
            let why = "the handler's tasks have no address: mount `task_routes` in the app";
            return Err(Exit::Refused(misconfigured(&self.request, why)));
        };
        let input = Input {
            method: self.request.method().as_str().to_owned(),
            target: self.request.uri().path_and_query().map_or("/", |it| it.as_str()).to_owned(),
            on_abandoned: self.policy.on_abandoned,
            arguments: arguments.0,
        };
        let Some(_entered) = self.app.engine().enter() else {
            return Err(self.refused(Refusal::Draining));
        };
        self.shared.committed.set(true);
        let put = self.app.tasks().put(self.app.engine(), &ask.claim, &input).await;
        Err(match put {
            Ok(Put::New) => Exit::Answered(accepted(id, &location)),
            Ok(Put::Known) => {
                self.app.engine().counters().replayed.count();
                Exit::Answered(replayed(accepted(id, &location)))
            }
            Ok(Put::Reused) => self.refused(Refusal::KeyReused),
            Ok(Put::Full) => self.full(),
            Err(error) => self.exit(&refusal::store_failed(&self.request, &error)),
        })
    }

    fn full(&self) -> Exit {
        let what = "too many tasks are not finished; repeat the request with the same key";
        let problem = Problem::new(ProblemKind::TooManyTasks, self.request.path(), what);
        self.exit(&problem.retry_after(ROOM))
    }
}

fn accepted(id: &str, location: &str) -> HttpResponse {
    HttpResponse::Accepted()
        .insert_header((LOCATION, location))
        .insert_header((RETRY_AFTER, SOON))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(Accepted { id, location })
}
