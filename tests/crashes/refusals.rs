//! S17: a store refuses at the end of a run, and the process sends the outcome again until it is stored.

use crate::environment::{Environment, StoreKind};
use crate::process::Process;
use tests::{Reply, eventually};

/// Makes a test of every behaviour for each store.
macro_rules! on_each_store {
    ($($behaviour:ident,)*) => {
        on_each_store!(@ sqlite Sqlite; $($behaviour,)*);
        on_each_store!(@ redis Redis; $($behaviour,)*);
        on_each_store!(@ postgres Postgres; $($behaviour,)*);
        on_each_store!(@ mariadb MariaDb; $($behaviour,)*);
    };
    (@ $store:ident $kind:ident; $($behaviour:ident,)*) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    super::$behaviour(crate::environment::StoreKind::$kind).await;
                }
            )*
        }
    };
}

on_each_store! {
    an_outcome_is_stored_when_the_store_takes_it_again,
    a_process_that_is_killed_while_it_insists_leaves_what_its_policy_says,
}

/// A run whose outcome the store refused, and whose answer says so.
async fn refused(environment: &Environment, path: &str) -> (Process, Reply) {
    let mut owner = environment.start();
    let running = tokio::spawn(owner.post(path).key("k").header("X-Hold", "1").send());
    let runs = async || (environment.marks("k", "entered").await == 1).then_some(());
    eventually("the handler runs", runs).await;
    environment.refuse().await;
    owner.go_on();
    let first = running.await.expect("no panic");
    assert_eq!((first.status, first.header("Idempotency-Stored")), (201, Some("false")));
    (owner, first)
}

async fn an_outcome_is_stored_when_the_store_takes_it_again(kind: StoreKind) {
    let environment = Environment::new(kind).await;
    let other = environment.start();
    let (_owner, first) = refused(&environment, "/lasting").await;
    environment.accept().await;
    let again = eventually("it is stored", async || {
        let again = other.post("/lasting").key("k").send().await;
        (again.status == 201).then_some(again)
    })
    .await;
    assert_eq!((again.is_replay(), &again.body), (true, &first.body));
    assert_eq!(environment.marks("k", "effect").await, 1);
}

async fn a_process_that_is_killed_while_it_insists_leaves_what_its_policy_says(kind: StoreKind) {
    for (path, status, effects) in [("/retry", 201, 2), ("/hold", 409, 1)] {
        let environment = Environment::new(kind).await;
        let other = environment.start();
        let (mut owner, _) = refused(&environment, path).await;
        owner.kill();
        environment.accept().await;
        let later = eventually("the lease is over", async || {
            let later = other.post(path).key("k").send().await;
            let goes_on = later.status == 409 && later.problem() == "in-progress";
            (!goes_on).then_some(later)
        })
        .await;
        assert_eq!((later.status, later.is_replay()), (status, false), "{later:?}");
        assert_eq!(environment.marks("k", "effect").await, effects, "{path}");
    }
}
