//! A handler's inside that a test holds in its hand.

use actix_web::HttpResponse;
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, watch};

type Play = dyn Fn(usize) -> HttpResponse + Send + Sync;

/// What guarded handlers do in a test: they count their runs, wait for the curtain, and answer what
/// the test says. Clones share all.
#[derive(Clone)]
pub struct Stage(Arc<Inner>);

struct Inner {
    entered: watch::Sender<usize>,
    finished: watch::Sender<usize>,
    curtain: Semaphore,
    play: Mutex<Arc<Play>>,
}

impl Stage {
    /// Handlers run through, and answer 201 with the number of the run.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            entered: watch::Sender::new(0),
            finished: watch::Sender::new(0),
            curtain: Semaphore::new(Semaphore::MAX_PERMITS),
            play: Mutex::new(Arc::new(|run| HttpResponse::Created().body(format!("run {run}")))),
        }))
    }

    /// What a handler answers in its n-th run, from 1; a panic is a panic of the handler.
    pub fn plays(&self, play: impl Fn(usize) -> HttpResponse + Send + Sync + 'static) {
        *self.0.play.lock().expect("no panic") = Arc::new(play);
    }

    /// From now on handlers wait before they answer.
    pub fn close(&self) {
        self.0.curtain.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets all handlers go on.
    pub fn open(&self) {
        self.0.curtain.add_permits(Semaphore::MAX_PERMITS - self.0.curtain.available_permits());
    }

    /// How many runs began.
    pub fn runs(&self) -> usize {
        *self.0.entered.borrow()
    }

    /// Whether this run is alone: all before it answered, and none came after it.
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

    /// What a guarded handler does.
    pub async fn perform(&self) -> HttpResponse {
        let mut run = 0;
        self.0.entered.send_modify(|seen| {
            *seen += 1;
            run = *seen;
        });
        drop(self.0.curtain.acquire().await.expect("never closed"));
        let play = self.0.play.lock().expect("no panic").clone();
        let response = play(run);
        self.0.finished.send_modify(|seen| *seen += 1);
        response
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stage({} runs)", self.runs())
    }
}
