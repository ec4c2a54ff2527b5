//! Behaviour of locks that only a real `ZooKeeper` shows.

mod answers;
mod network_faults;
mod order;
mod sessions;

use idempotent_runtime::lock::{Lock, LockGuard, ZooKeeperLocks};
use idempotent_runtime::{Idempotency, MemoryStore, Scope};
use std::time::Duration;
use tests::{ZooKeeperServer, eventually};
use tokio::task::JoinHandle;

/// The session timeout: short enough for a test, and long enough for a busy host to connect in two fifths of it.
const SESSION: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_mins(1);

/// Locks as of another process: a session of its own, and only the server is shared.
async fn process(server: &ZooKeeperServer, session: Duration) -> Idempotency {
    process_at(&server.url(), session).await
}

/// The same, through another address.
async fn process_at(url: &str, session: Duration) -> Idempotency {
    let locks = ZooKeeperLocks::connect_for(url, session).await.unwrap();
    Idempotency::builder(MemoryStore::new()).locks(locks).scope(Scope::shared()).build().unwrap()
}

fn lock(process: &Idempotency) -> Lock<'_> {
    process.lock("account:7").wait(LONG)
}

async fn held(process: &Idempotency) -> LockGuard {
    lock(process).acquire().await.unwrap()
}

/// Begins to wait for the lock, and returns when the server shows that it waits.
async fn waits(server: &ZooKeeperServer, process: &Idempotency) -> JoinHandle<LockGuard> {
    let process = process.clone();
    let waiting = tokio::spawn(async move { held(&process).await });
    eventually("it waits", async || (server.waited_for() == 1).then_some(())).await;
    waiting
}
