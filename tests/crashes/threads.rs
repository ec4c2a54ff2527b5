//! The threads that promises need exist before the first request.

use crate::environment::{Environment, StoreKind};

/// The thread exists without a request: the store of a process that only issues tokens must be purged, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_thread_that_keeps_leases_alive_is_there_before_the_first_request() {
    let environment = Environment::new(StoreKind::Memory).await;
    let server = environment.start();
    let threads = server.threads();
    // The kernel keeps fifteen bytes of a name.
    assert!(threads.iter().any(|name| name == "idempotency-hea"), "{threads:?}");
}
