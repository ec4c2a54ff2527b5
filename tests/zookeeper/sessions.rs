//! Sessions that end, and servers that are down.

use crate::{LONG, SESSION, held, lock, process, waits};
use idempotent_runtime::lock::{LockError, ZooKeeperLocks};
use idempotent_runtime::store::StoreErrorKind;
use idempotent_runtime::{Idempotency, MemoryStore, Scope};
use std::time::{Duration, Instant};
use tests::{ZooKeeperServer, eventually};

/// Invariants L5 and S3: a holder that lost its session learns that, changes nothing, and can lock again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_lost_its_session_is_told_and_takes_locks_again() {
    let server = ZooKeeperServer::start().await;
    let process = process(&server, SESSION).await;
    let lost = held(&process).await;
    assert!(lost.is_certain());
    let away = server.suspend();
    eventually("it is told", async || (!lost.is_certain()).then_some(())).await;
    let fence = lost.attempt();
    // There is no server to report it; the client gives a session up some time after the server would.
    eventually("the session is over", async || {
        let refused = process.lock("another").acquire().await.unwrap_err();
        let LockError::Store(error) = refused else { panic!("{refused}") };
        (error.kind() == StoreErrorKind::Unavailable).then_some(())
    })
    .await;
    drop(away);
    lost.release().await;
    assert_eq!(process.counts().lost, 1);
    let next = eventually("it locks again", async || lock(&process).acquire().await.ok()).await;
    assert!(next.is_certain() && next.attempt() > fence);
    next.release().await;
    assert_eq!(process.counts().lost, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_server_costs_nobody_the_lock() {
    let server = ZooKeeperServer::start().await;
    let (one, other) = (process(&server, LONG).await, process(&server, LONG).await);
    let guard = held(&one).await;
    let waiting = waits(&server, &other).await;
    server.kill();
    eventually("it is not certain", async || (!guard.is_certain()).then_some(())).await;
    server.restart().await;
    eventually("it is certain again", async || guard.is_certain().then_some(())).await;
    assert!(!waiting.is_finished());
    let fence = guard.attempt();
    guard.release().await;
    let next = waiting.await.unwrap();
    assert!(next.attempt() > fence);
    next.release().await;
    assert_eq!((one.counts().lost, other.counts().lost), (0, 0));
}

/// Invariants S8 and L5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_down_nothing_is_locked() {
    let server = ZooKeeperServer::start().await;
    let process = process(&server, SESSION).await;
    held(&process).await.release().await;
    server.kill();
    for _ in 0..2 {
        let asked = Instant::now();
        let refused = lock(&process).acquire().await.unwrap_err();
        assert!(matches!(&refused, LockError::Store(error) if error.is_transient()), "{refused}");
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    }
    server.restart().await;
    eventually("it locks again", async || lock(&process).acquire().await.ok())
        .await
        .release()
        .await;
    eventually("nothing is left", async || (server.places() == 0).then_some(())).await;
}

#[tokio::test]
async fn an_address_without_a_server_is_an_error() {
    for (url, kind) in [
        ("redis://127.0.0.1", StoreErrorKind::Rejected),
        ("zookeeper://", StoreErrorKind::Rejected),
        ("zookeepers://127.0.0.1:9", StoreErrorKind::Rejected),
        // The discard port (RFC 863), on which no server listens.
        ("zookeeper://127.0.0.1:9", StoreErrorKind::Unavailable),
    ] {
        let refused = ZooKeeperLocks::connect_for(url, SESSION).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{url}: {refused}");
    }
    let refused = Idempotency::connect("zookeeper://127.0.0.1:9").await.err().unwrap();
    assert_eq!(refused.kind(), StoreErrorKind::Rejected);
}

/// With credentials, nobody else can touch the nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_taken_with_credentials_is_nobody_elses() {
    let server = ZooKeeperServer::start().await;
    let url = server.url().replace("zookeeper://", "zookeeper://user:secret@");
    let locks = ZooKeeperLocks::connect(&url).await.unwrap();
    assert!(!format!("{locks:?}").contains("secret"), "{locks:?}");
    let owner = Idempotency::builder(MemoryStore::new()).locks(locks);
    let owner = owner.scope(Scope::shared()).build().unwrap();
    let guard = held(&owner).await;
    let stranger = process(&server, LONG).await;
    let refused = lock(&stranger).acquire().await.unwrap_err();
    let is_refusal = |error: &LockError| matches!(error, LockError::Store(error) if error.kind() == StoreErrorKind::Rejected);
    assert!(is_refusal(&refused), "{refused}");
    guard.release().await;
}
