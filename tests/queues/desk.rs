//! A guarded function that does what a message says, and consumers that call it.

use crate::place::Place;
use idempotent_runtime::{
    ConsumeError, Consumer, Failure, Incoming, MemoryStore, Messages, Store, idempotent,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::eventually;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// A message: its key, and what its function does.
#[derive(serde::Deserialize)]
pub(crate) struct Order {
    id: String,
    does: String,
}

/// The payload of one.
pub(crate) fn order(id: impl std::fmt::Display, does: &str) -> String {
    serde_json::json!({ "id": id.to_string(), "does": does }).to_string()
}

/// What guards the function, and what it did.
#[derive(Clone)]
pub(crate) struct Desk {
    messages: Messages,
    /// The keys, each as often as it ran.
    ran: Arc<Mutex<Vec<String>>>,
    /// The attempts that the handler saw.
    saw: Arc<Mutex<Vec<u32>>>,
    pub(crate) started: Arc<Notify>,
    pub(crate) go: Arc<Notify>,
}

/// How a consumer is set up.
type SetUp<P> = fn(Consumer<<P as Place>::Source>) -> Consumer<<P as Place>::Source>;

/// A consumer at work.
pub(crate) struct Running<P: Place> {
    desk: Desk,
    set_up: SetUp<P>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ConsumeError>>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::on(MemoryStore::new())
    }

    pub(crate) fn on(store: impl Store) -> Self {
        let messages = Messages::builder(store).scope("tests").build().expect("it fits together");
        let (ran, saw) = (Arc::default(), Arc::default());
        Self { messages, ran, saw, started: Arc::default(), go: Arc::default() }
    }

    #[idempotent(strategy = "message", key = "{order.id}", engine = "self.messages")]
    pub(crate) async fn book(&self, order: Order) -> Result<usize, Failure> {
        let runs = {
            let mut ran = self.ran.lock().expect("no panic");
            ran.push(order.id);
            ran.len()
        };
        match &*order.does {
            "holds" => {
                self.started.notify_one();
                self.go.notified().await;
            }
            "panics once" if runs == 1 => panic!("of the test's own"),
            "returns" | "panics once" => {}
            "fails" => return Err(Failure::later("not now")),
            "cannot" => return Err(Failure::never("no such account")),
            other => panic!("nobody knows what `{other}` is"),
        }
        Ok(runs)
    }

    /// The same, of a message that no queue delivered.
    pub(crate) async fn book_here(&self, id: &str, does: &str) -> Result<usize, Failure> {
        self.book(Order { id: id.to_owned(), does: does.to_owned() }).await
    }

    async fn handle(&self, incoming: Incoming) -> Result<usize, Failure> {
        self.saw.lock().expect("no panic").push(incoming.attempt());
        self.book(incoming.json()?).await
    }

    /// The keys that ran, in order.
    pub(crate) fn ran(&self) -> Vec<String> {
        let mut ran = self.ran.lock().expect("no panic").clone();
        ran.sort();
        ran
    }

    pub(crate) fn saw(&self) -> Vec<u32> {
        self.saw.lock().expect("no panic").clone()
    }

    /// Starts a consumer, which is set up like this.
    pub(crate) fn consumes<P: Place>(&self, place: &P, set_up: SetUp<P>) -> Running<P> {
        // Soon, and never so late that an entry of a stream is taken over.
        let soon = (Duration::from_millis(20), Duration::from_millis(100));
        let consumer = set_up(Consumer::of(place.source()).delays(soon.0, soon.1));
        let (desk, (stop, stopped)) = (self.clone(), oneshot::channel::<()>());
        let handler = move |incoming| {
            let desk = desk.clone();
            async move { desk.handle(incoming).await }
        };
        let stopped = async move { drop(stopped.await) };
        let task = tokio::spawn(consumer.run(stopped, handler));
        Running { desk: self.clone(), set_up, stop, task }
    }

    /// The same, as it is set up where nobody says anything.
    pub(crate) fn consumes_as_is<P: Place>(&self, place: &P) -> Running<P> {
        self.consumes(place, |consumer| consumer)
    }
}

impl<P: Place> Running<P> {
    /// Tells it to stop.
    pub(crate) fn stop(self) -> JoinHandle<Result<(), ConsumeError>> {
        let _ = self.stop.send(());
        self.task
    }

    /// Ends it on the spot, and whatever it works on.
    pub(crate) async fn dies(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ends(self) -> Result<(), ConsumeError> {
        self.task.await.expect("no panic")
    }

    /// Waits until all messages are done with, and stops it; what it stopped over is done afterwards.
    pub(crate) async fn settles(self, place: &P) {
        let (desk, set_up) = (self.desk.clone(), self.set_up);
        self.seems_to_be_done(place).await;
        eventually("everything is settled", async || {
            if place.is_settled().await {
                return Some(());
            }
            desk.consumes(place, set_up).seems_to_be_done(place).await;
            None
        })
        .await;
    }

    async fn seems_to_be_done(self, place: &P) {
        eventually("all is taken", async || place.is_settled().await.then_some(())).await;
        self.stop().await.expect("no panic").expect("it was not refused");
    }
}
