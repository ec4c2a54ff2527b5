//! Invariants S1 and S3 when the network is disturbed and no session ends.

use crate::{held, lock, process, process_at};
use idempotent_runtime::Idempotency;
use idempotent_runtime::lock::LockError;
use rand::random_range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tests::{Proxy, ZooKeeperServer, eventually};
use tokio::time::sleep;

/// A time that is longer than any fault and the client's time to notice it.
const SESSION: Duration = Duration::from_secs(20);

/// The state that all users of the lock share.
#[derive(Default)]
struct Crowd {
    over: AtomicBool,
    inside: AtomicUsize,
    fence: AtomicUsize,
    turns: AtomicUsize,
}

impl Crowd {
    /// Takes the lock again and again.
    async fn member(self: Arc<Self>, process: Idempotency) {
        while !self.over.load(Ordering::SeqCst) {
            let guard = match lock(&process).acquire().await {
                Ok(guard) => guard,
                Err(LockError::Store(error)) if error.is_transient() => continue,
                Err(error) => panic!("{error}"),
            };
            assert_eq!(self.inside.fetch_add(1, Ordering::SeqCst), 0, "alone");
            let fence = usize::try_from(guard.attempt()).unwrap();
            assert!(self.fence.swap(fence, Ordering::SeqCst) < fence, "fences grow");
            sleep(Duration::from_millis(random_range(0..10))).await;
            self.inside.fetch_sub(1, Ordering::SeqCst);
            self.turns.fetch_add(1, Ordering::SeqCst);
            guard.release().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_network_faults_a_lock_is_held_once_and_comes_back() {
    let server = ZooKeeperServer::start().await;
    let proxy = Proxy::to(&server).await;
    let far = format!("zookeeper://{}", proxy.address());
    let (one, two) = (process_at(&far, SESSION).await, process_at(&far, SESSION).await);
    let processes = [one, two, process(&server, SESSION).await];
    let crowd = Arc::new(Crowd::default());
    let members = processes.iter().flat_map(|process| [process; 3]).map(Idempotency::clone);
    let members = members.map(|process| tokio::spawn(Arc::clone(&crowd).member(process)));
    let members = members.collect::<Vec<_>>();
    for _ in 0..40 {
        blow(&proxy).await;
    }
    crowd.over.store(true, Ordering::SeqCst);
    for member in members {
        member.await.unwrap();
    }
    assert!(crowd.turns.load(Ordering::SeqCst) > 0);
    eventually("nothing is left", async || (server.places() == 0).then_some(())).await;
    for process in processes {
        held(&process).await.release().await;
        assert_eq!(process.counts().lost, 0);
    }
}

/// Lets a fault happen, and then a while without one.
async fn blow(proxy: &Proxy) {
    proxy.end_by_reset(random_range(0..2) == 0);
    match random_range(0..5) {
        0 => proxy.drop_connections(),
        1 => proxy.refuse(),
        2 => proxy.freeze(),
        3 => proxy.silence(),
        _ => proxy.cut_answers(b"", random_range(0..60), random_range(1..6)),
    }
    sleep(Duration::from_millis(random_range(10..400))).await;
    proxy.pass();
    proxy.cut_answers(b"", 0, 0);
    sleep(Duration::from_millis(random_range(0..200))).await;
}
