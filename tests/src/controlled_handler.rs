//! A handler whose runs a test counts, pauses and answers.

use actix_web::HttpResponse;
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, watch};

type AnswerOf = dyn Fn(usize) -> HttpResponse + Send + Sync;

/// The work of guarded handlers: it counts its runs, waits while the test pauses it, and gives the
/// test's answer. Clones share everything.
#[derive(Clone)]
pub struct ControlledHandler(Arc<Inner>);

struct Inner {
    entered: watch::Sender<usize>,
    finished: watch::Sender<usize>,
    /// Has no permit while runs are paused.
    passes: Semaphore,
    answer: Mutex<Arc<AnswerOf>>,
}

impl ControlledHandler {
    /// Handlers do not pause, and answer 201 with the number of the run.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            entered: watch::Sender::new(0),
            finished: watch::Sender::new(0),
            passes: Semaphore::new(Semaphore::MAX_PERMITS),
            answer: Mutex::new(Arc::new(|run| HttpResponse::Created().body(format!("run {run}")))),
        }))
    }

    /// Sets the answer of the n-th run, from 1; a panic is a panic of the handler.
    pub fn answers(&self, answer: impl Fn(usize) -> HttpResponse + Send + Sync + 'static) {
        *self.0.answer.lock().expect("no panic") = Arc::new(answer);
    }

    /// From now on handlers wait before they answer.
    pub fn pause(&self) {
        self.0.passes.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets all handlers go on.
    pub fn resume(&self) {
        self.0.passes.add_permits(Semaphore::MAX_PERMITS - self.0.passes.available_permits());
    }

    /// The number of runs that began.
    pub fn runs(&self) -> usize {
        *self.0.entered.borrow()
    }

    /// Whether no other run is under way: all runs before answered, and none began later.
    pub fn is_alone(&self, run: usize) -> bool {
        *self.0.finished.borrow() == run - 1 && *self.0.entered.borrow() == run
    }

    /// Waits until this many runs began.
    pub async fn runs_reach(&self, many: usize) {
        self.0.entered.subscribe().wait_for(|seen| *seen >= many).await.expect("it lives");
    }

    /// Waits until this many runs answered.
    pub async fn answers_reach(&self, many: usize) {
        self.0.finished.subscribe().wait_for(|seen| *seen >= many).await.expect("it lives");
    }

    /// Runs inside of a guarded handler.
    pub async fn run(&self) -> HttpResponse {
        let mut run = 0;
        self.0.entered.send_modify(|seen| {
            *seen += 1;
            run = *seen;
        });
        drop(self.0.passes.acquire().await.expect("never closed"));
        let answer = self.0.answer.lock().expect("no panic").clone();
        let response = answer(run);
        self.0.finished.send_modify(|seen| *seen += 1);
        response
    }
}

impl Default for ControlledHandler {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ControlledHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ControlledHandler({} runs)", self.runs())
    }
}
