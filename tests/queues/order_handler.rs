//! A guarded function that does what its message says, and consumers that call it.

use crate::queue_under_test::QueueUnderTest;
use idempotent_runtime::consume::{ConsumeError, Consumer, Failure, Incoming};
use idempotent_runtime::message::Messages;
use idempotent_runtime::store::Store;
use idempotent_runtime::{MemoryStore, idempotent};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::eventually;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// A message: its key, and the behaviour of its function.
#[derive(serde::Deserialize)]
pub(crate) struct Order {
    id: String,
    does: String,
}

/// The number of runs that fail if a function fails for a while.
pub(crate) const A_WHILE: usize = 15;

/// The payload of a message.
pub(crate) fn order(id: impl std::fmt::Display, does: &str) -> String {
    serde_json::json!({ "id": id.to_string(), "does": does }).to_string()
}

/// The guarded function, and a record of its runs.
#[derive(Clone)]
pub(crate) struct OrderHandler {
    messages: Messages,
    /// The keys of all runs; a key is listed once for each of its runs.
    ran: Arc<Mutex<Vec<String>>>,
    /// The numbers of tries that the handler saw.
    saw: Arc<Mutex<Vec<u32>>>,
    pub(crate) started: Arc<Notify>,
    pub(crate) go: Arc<Notify>,
}

/// Sets a consumer up.
type SetUp<P> =
    fn(Consumer<<P as QueueUnderTest>::Source>) -> Consumer<<P as QueueUnderTest>::Source>;

/// A consumer at work.
pub(crate) struct RunningConsumer<P: QueueUnderTest> {
    orders: OrderHandler,
    set_up: SetUp<P>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ConsumeError>>,
}

impl OrderHandler {
    pub(crate) fn new() -> Self {
        Self::on(MemoryStore::new())
    }

    pub(crate) fn on(store: impl Store) -> Self {
        let messages = Messages::builder(store).scope("tests").build().expect("it fits together");
        let (ran, saw) = (Arc::default(), Arc::default());
        Self { messages, ran, saw, started: Arc::default(), go: Arc::default() }
    }

    #[idempotent(
        strategy = "message",
        operation = "book",
        key = "{order.id}",
        engine = "self.messages"
    )]
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
            "holds and fails once" if runs == 1 => {
                self.started.notify_one();
                self.go.notified().await;
                return Err(Failure::later("not yet"));
            }
            "panics once" if runs == 1 => panic!("of the test's own"),
            "fails a while" if runs <= A_WHILE => return Err(Failure::later("not yet")),
            "returns" | "lingers" | "holds and fails once" | "panics once" | "fails a while" => {}
            "fails" => return Err(Failure::later("not now")),
            "cannot" => return Err(Failure::never("no such account")),
            other => panic!("nobody knows what `{other}` is"),
        }
        Ok(runs)
    }

    /// The same, with a message that no queue delivered.
    pub(crate) async fn book_here(&self, id: &str, does: &str) -> Result<usize, Failure> {
        self.book(Order { id: id.to_owned(), does: does.to_owned() }).await
    }

    async fn handle(&self, incoming: Incoming) -> Result<usize, Failure> {
        let calls = {
            let mut saw = self.saw.lock().expect("no panic");
            saw.push(incoming.attempt());
            saw.len()
        };
        let order: Order = incoming.json()?;
        let lingers = order.does == "lingers" && calls == 1;
        let booked = match incoming.messages() {
            Ok(messages) => Self { messages: messages.clone(), ..self.clone() }.book(order).await,
            Err(_) => self.book(order).await,
        };
        if lingers {
            self.started.notify_one();
            self.go.notified().await;
        }
        booked
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
    pub(crate) fn consumes<P: QueueUnderTest>(
        &self,
        queue: &P,
        set_up: SetUp<P>,
    ) -> RunningConsumer<P> {
        self.starts(queue, set_up, |_, consumer| consumer)
    }

    /// The same, and the consumer knows the engine of the function.
    pub(crate) fn consumes_guarded<P: QueueUnderTest>(
        &self,
        queue: &P,
        set_up: SetUp<P>,
    ) -> RunningConsumer<P> {
        self.starts(queue, set_up, |orders, consumer| consumer.guarded_by(&orders.messages))
    }

    fn starts<P: QueueUnderTest>(
        &self,
        queue: &P,
        set_up: SetUp<P>,
        guard: impl FnOnce(&Self, Consumer<P::Source>) -> Consumer<P::Source>,
    ) -> RunningConsumer<P> {
        // The delay is short, so that an entry of a stream is not taken over meanwhile.
        let soon = (Duration::from_millis(20), Duration::from_millis(100));
        let consumer = set_up(Consumer::of(queue.source()).delays(soon.0, soon.1));
        let consumer = guard(self, consumer);
        let (orders, (stop, stopped)) = (self.clone(), oneshot::channel::<()>());
        let handler = move |incoming| {
            let orders = orders.clone();
            async move { orders.handle(incoming).await }
        };
        let stopped = async move { drop(stopped.await) };
        let task = tokio::spawn(consumer.run(stopped, handler));
        RunningConsumer { orders: self.clone(), set_up, stop, task }
    }

    /// The same, with the defaults.
    pub(crate) fn consumes_as_is<P: QueueUnderTest>(&self, queue: &P) -> RunningConsumer<P> {
        self.consumes(queue, |consumer| consumer)
    }
}

impl<P: QueueUnderTest> RunningConsumer<P> {
    /// Tells it to stop.
    pub(crate) fn stop(self) -> JoinHandle<Result<(), ConsumeError>> {
        let _ = self.stop.send(());
        self.task
    }

    /// Drops the consumer at once, with its messages in progress.
    pub(crate) async fn dies(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ends(self) -> Result<(), ConsumeError> {
        self.task.await.expect("no panic")
    }

    /// Waits until all messages are done, and stops the consumer after its messages in progress.
    pub(crate) async fn settles(self, queue: &P) {
        let (orders, set_up) = (self.orders.clone(), self.set_up);
        self.seems_to_be_done(queue).await;
        eventually("everything is settled", async || {
            if queue.is_settled().await {
                return Some(());
            }
            orders.consumes(queue, set_up).seems_to_be_done(queue).await;
            None
        })
        .await;
    }

    async fn seems_to_be_done(self, queue: &P) {
        eventually("all is taken", async || queue.is_settled().await.then_some(())).await;
        self.stop().await.expect("no panic").expect("it was not refused");
    }
}
