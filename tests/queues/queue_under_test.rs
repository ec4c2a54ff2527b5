//! The contract of a queue that every test of delivery can be run on.

use idempotent_runtime::consume::Source;
use tests::Proxy;

/// A queue of a test's own.
pub(crate) trait QueueUnderTest: Sized + Send + 'static {
    type Source: Source;

    async fn new() -> Self;

    /// One on a server that nobody else uses.
    async fn of_its_own() -> Self {
        Self::new().await
    }

    /// The queue, as a consumer takes it.
    fn source(&self) -> Self::Source;

    /// The arguments of a process that consumes it.
    fn arguments(&self) -> [String; 3];

    async fn publish(&self, payload: &str);

    /// Whether every message is done with, as far as can be known while some are worked on.
    async fn is_settled(&self) -> bool;

    /// The dead letters, and the reasons beside them.
    async fn dead(&self) -> Vec<(String, String)>;

    /// Moves the dead letters into the queue, with all that stands beside them.
    async fn put_back(&self) -> usize;

    /// Puts dead letters back by the library's own means.
    async fn redrive(&self, at_most: usize) -> usize;

    async fn kill_and_restart(&mut self);

    /// A network between its server and consumers, and the server's URL there.
    async fn network(&self) -> (Proxy, String);

    /// Ends its server and starts it again, in a way that loses no message of which the server knows.
    async fn restart_without_loss(&mut self, network: &Proxy);
}
