//! Invariants L1 and L3 for locks: their holder dies.

use crate::environment::{Environment, StoreKind};
use crate::matrix::LEASE;
use crate::step::Step;
use std::time::Instant;

/// The holder dies; a request that waits gets the lock after the lease, with a larger fence.
async fn is_given_on(kind: StoreKind) {
    let environment = Environment::new(kind).await;
    let heir = environment.start();
    let before = heir.post("/lock").send().await.json()["attempt"].as_i64();
    let dying = environment.start_dying(Step::AfterEffect);
    let asked = Instant::now();
    assert!(dying.post("/lock").try_send().await.is_err(), "the kill came before the answer");
    dying.dies().await;
    let at_once = heir.post("/lock-impatiently").send().await;
    if asked.elapsed() < LEASE {
        at_once.is_problem(423, "locked");
    }
    let later = heir.post("/lock").send().await;
    assert_eq!(later.status, 201, "{later:?}");
    // The fence between the two belongs to the holder that died.
    let fence = later.json()["attempt"].as_i64();
    assert!(fence > before.map(|before| before + 1), "{fence:?} after {before:?}");
    assert_eq!(environment.fence("account").await, fence.expect("a number"));
}

macro_rules! a_lock_whose_holder_died_is_given_on_after_its_lease {
    ($($store:ident $kind:ident,)*) => {
        mod a_lock_whose_holder_died_is_given_on_after_its_lease {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $store() {
                    super::is_given_on(crate::environment::StoreKind::$kind).await;
                }
            )*
        }
    };
}

a_lock_whose_holder_died_is_given_on_after_its_lease! {
    sqlite Sqlite,
    redis Redis,
    postgres Postgres,
    mariadb MariaDb,
    zookeeper Zoo,
}
