//! Threads that promises stand on are there before the first request.

use crate::environment::{Environment, StoreKind};

/// Without a request: what issues tokens alone has its store purged, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_thread_that_keeps_leases_alive_is_there_before_the_first_request() {
    let environment = Environment::new(StoreKind::Memory).await;
    let server = environment.start();
    let threads = server.threads();
    // The kernel keeps fifteen bytes of a name.
    assert!(threads.iter().any(|name| name == "idempotency-hea"), "{threads:?}");
}
