//! Invariants S3 and S5: an owner that stands still for longer than its lease.

use crate::environment::{Environment, StoreKind};
use crate::process::Process;
use tests::{Reply, Sender, Suspended, eventually};
use tokio::task::JoinHandle;

/// Makes a test of every behaviour for the stores that processes share.
macro_rules! on_shared_stores {
    ($($behaviour:ident,)*) => {
        on_shared_stores!(@ sqlite Sqlite; $($behaviour,)*);
        on_shared_stores!(@ redis Redis; $($behaviour,)*);
        on_shared_stores!(@ postgres Postgres; $($behaviour,)*);
        on_shared_stores!(@ mariadb MariaDb; $($behaviour,)*);
    };
    (@ $store:ident $kind:ident; $($behaviour:ident,)*) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    super::$behaviour(super::Two::on(crate::environment::StoreKind::$kind).await).await;
                }
            )*
        }
    };
}

on_shared_stores! {
    a_stopped_owner_that_goes_on_changes_nothing,
    a_stopped_owner_that_goes_on_disturbs_no_run,
    a_stopped_owner_whose_key_was_held_still_tells_its_outcome,
    a_stopped_owner_whose_record_is_gone_still_tells_its_outcome,
    a_stopped_holder_of_a_lock_neither_holds_nor_releases_it,
}

on_shared_stores! { @ zookeeper Zoo;
    a_stopped_holder_of_a_lock_neither_holds_nor_releases_it,
}

/// Two processes on one store.
struct Two {
    owner: Process,
    other: Process,
    environment: Environment,
}

impl Two {
    async fn on(kind: StoreKind) -> Self {
        let environment = Environment::new(kind).await;
        Self { owner: environment.start(), other: environment.start(), environment }
    }

    /// Sends a request until its handler runs, and holds.
    async fn held(&self, process: &Process, path: &str, thing: &str) -> JoinHandle<Reply> {
        let before = self.environment.marks(thing, "entered").await;
        eventually("the handler runs", async || {
            let held = request(process, path, thing).header("X-Hold", "1");
            let running = tokio::spawn(held.send());
            eventually("it runs or is refused", async || {
                let runs = self.environment.marks(thing, "entered").await > before;
                (runs || running.is_finished()).then_some(())
            })
            .await;
            (!running.is_finished()).then_some(running)
        })
        .await
    }

    /// Stops the owner at a moment when it holds no lock of the `SQLite` file, which has one writer.
    async fn stop_owner(&self) -> Suspended {
        let mut tries = 0;
        eventually("the other can work while the owner stands still", async || {
            tries += 1;
            let stopped = self.owner.suspend();
            let probe = self.other.post("/retry").key(&format!("probe-{tries}"));
            (probe.send().await.status == 201).then_some(stopped)
        })
        .await
    }
}

/// A request on a thing: the key, or the account that a lock protects.
fn request(process: &Process, path: &str, thing: &str) -> Sender {
    match thing {
        "account" => process.post(path),
        key => process.post(path).key(key),
    }
}

async fn until_it_runs(process: &Process, path: &str) -> Reply {
    eventually("the lease is over", async || {
        let reply = process.post(path).key("k").send().await;
        (reply.status == 201).then_some(reply)
    })
    .await
}

fn attempt(reply: &Reply) -> i64 {
    reply.json()["attempt"].as_i64().expect("a number")
}

#[track_caller]
fn assert_fenced(reply: &Reply, fenced: &str) {
    assert_eq!((reply.status, &reply.json()["fenced"]), (201, &fenced.into()), "{reply:?}");
}

async fn a_stopped_owner_that_goes_on_changes_nothing(mut two: Two) {
    let first = two.held(&two.owner, "/retry", "k").await;
    let stopped = two.stop_owner().await;
    let second = until_it_runs(&two.other, "/retry").await;
    assert_fenced(&second, "made");
    assert_eq!((attempt(&second), second.is_replay()), (2, false));
    let records = two.environment.records().await;

    drop(stopped);
    two.owner.go_on();
    let first = first.await.expect("no panic");
    assert_fenced(&first, "refused");
    assert_eq!((attempt(&first), first.header("Idempotency-Stored")), (1, Some("false")));
    assert_eq!(two.environment.records().await, records);
    for process in [&two.owner, &two.other] {
        let again = process.post("/retry").key("k").send().await;
        assert_eq!((again.is_replay(), &again.body), (true, &second.body));
    }
    // The change without a check of the fence was done twice, the one with a check once.
    assert_eq!(
        (two.environment.marks("k", "effect").await, two.environment.fence("k").await),
        (2, 2)
    );
}

async fn a_stopped_owner_that_goes_on_disturbs_no_run(mut two: Two) {
    let first = two.held(&two.owner, "/retry", "k").await;
    let stopped = two.stop_owner().await;
    let second = two.held(&two.other, "/retry", "k").await;

    drop(stopped);
    two.owner.go_on();
    let first = first.await.expect("no panic");
    // The second has not changed anything yet, so the fence lets the first one pass.
    assert_fenced(&first, "made");
    assert_eq!((attempt(&first), first.header("Idempotency-Stored")), (1, Some("false")));
    for process in [&two.owner, &two.other] {
        process.post("/retry").key("k").send().await.is_problem(409, "in-progress");
    }
    two.other.go_on();
    let second = second.await.expect("no panic");
    assert_fenced(&second, "made");
    assert_eq!((attempt(&second), second.header("Idempotency-Stored")), (2, None));
    for process in [&two.owner, &two.other] {
        let again = process.post("/retry").key("k").send().await;
        assert_eq!((again.is_replay(), &again.body), (true, &second.body));
    }
    assert_eq!(two.environment.fence("k").await, 2);
}

async fn a_stopped_owner_whose_key_was_held_still_tells_its_outcome(mut two: Two) {
    let first = two.held(&two.owner, "/hold", "k").await;
    let stopped = two.stop_owner().await;
    eventually("the lease is over", async || {
        let retry = two.other.post("/hold").key("k").send().await;
        (retry.problem() == "outcome-unknown").then_some(())
    })
    .await;

    drop(stopped);
    two.owner.go_on();
    let first = first.await.expect("no panic");
    assert_fenced(&first, "made");
    assert_eq!(first.header("Idempotency-Stored"), None);
    for process in [&two.owner, &two.other] {
        let again = process.post("/hold").key("k").send().await;
        assert_eq!((again.is_replay(), &again.body), (true, &first.body));
    }
    assert_eq!(two.environment.marks("k", "effect").await, 1);
}

/// S17: the store lost its data while the owner stood still, and no retry came before it went on.
async fn a_stopped_owner_whose_record_is_gone_still_tells_its_outcome(mut two: Two) {
    let first = two.held(&two.owner, "/retry", "k").await;
    let stopped = two.stop_owner().await;
    two.environment.forget().await;

    drop(stopped);
    two.owner.go_on();
    let first = first.await.expect("no panic");
    assert_fenced(&first, "made");
    assert_eq!((attempt(&first), first.header("Idempotency-Stored")), (1, None));
    for process in [&two.owner, &two.other] {
        let again = process.post("/retry").key("k").send().await;
        assert_eq!((again.is_replay(), &again.body), (true, &first.body));
    }
    assert_eq!(two.environment.marks("k", "effect").await, 1);
}

/// Invariant S1, and the fence of a lock.
async fn a_stopped_holder_of_a_lock_neither_holds_nor_releases_it(mut two: Two) {
    let first = two.held(&two.owner, "/lock", "account").await;
    two.other.post("/lock-impatiently").send().await.is_problem(423, "locked");
    let stopped = two.stop_owner().await;
    let second = two.held(&two.other, "/lock", "account").await;

    drop(stopped);
    two.owner.go_on();
    let first = first.await.expect("no panic");
    assert_fenced(&first, "made");
    for process in [&two.owner, &two.other] {
        process.post("/lock-impatiently").send().await.is_problem(423, "locked");
    }
    two.other.go_on();
    let second = second.await.expect("no panic");
    assert_fenced(&second, "made");
    let third = two.owner.post("/lock").send().await;
    assert_fenced(&third, "made");
    let fences = [&first, &second, &third].map(attempt);
    assert!(fences.is_sorted_by(|one, next| one < next), "{fences:?}");
    assert_eq!(two.environment.fence("account").await, fences[2]);
}
