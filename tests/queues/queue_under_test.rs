//! The contract of a queue that every test of delivery can be run on.

use idempotent_runtime::consume::Source;
use tests::Proxy;

/// A queue that only one test uses.
pub(crate) trait QueueUnderTest: Sized + Send + 'static {
    type Source: Source;

    async fn new() -> Self;

    /// Creates a queue on a server that only this test uses.
    async fn of_its_own() -> Self {
        Self::new().await
    }

    /// The queue, as a consumer takes it.
    fn source(&self) -> Self::Source;

    /// The arguments of a process that consumes it.
    fn arguments(&self) -> [String; 3];

    async fn publish(&self, payload: &str);

    /// Whether every message is done, as far as the server can tell while some are in progress.
    async fn is_settled(&self) -> bool;

    /// The dead letters, with their reasons.
    async fn dead(&self) -> Vec<(String, String)>;

    /// Moves the dead letters into the queue, with all of their headers or fields.
    async fn put_back(&self) -> usize;

    /// Puts dead letters back by `redrive`.
    async fn redrive(&self, at_most: usize) -> usize;

    async fn kill_and_restart(&mut self);

    /// A proxy between the server and consumers, and the URL of the server through it.
    async fn network(&self) -> (Proxy, String);

    /// Ends its server and starts it again, in a way that loses no message of which the server knows.
    async fn restart_without_loss(&mut self, network: &Proxy);
}
