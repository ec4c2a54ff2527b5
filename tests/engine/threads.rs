//! A host that cannot start a thread.

use crate::{ask, engine};
use idempotent_runtime::clock::SystemClock;
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::StoreErrorKind;
use idempotent_runtime::{BuildError, Idempotency, MemoryStore, Scope};
use std::env;
use std::process::Command;
use std::sync::Arc;

/// The default size of a thread's stack in this test: no host has so much memory.
const STACK: &str = "RUST_MIN_STACK";
const TOO_LARGE: &str = "1125899906842624";

#[test]
fn without_a_thread_that_keeps_leases_alive_nothing_is_built_and_nothing_runs() {
    if env::var(STACK).as_deref() != Ok(TOO_LARGE) {
        return in_a_process_without_threads(
            "threads::without_a_thread_that_keeps_leases_alive_nothing_is_built_and_nothing_runs",
        );
    }
    let built = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build();
    assert!(matches!(built, Err(BuildError::NoThread(_))), "{built:?}");
    let unbuilt = engine(MemoryStore::new(), Arc::new(SystemClock::new()));
    let asked = ask(OnAbandoned::Retry);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begun = runtime.block_on(unbuilt.begin(&asked));
    assert_eq!(begun.unwrap_err().kind(), StoreErrorKind::Unavailable);
}

/// Runs a test again in a process of its own. If the harness cannot start a thread, it runs the test on the first.
fn in_a_process_without_threads(test: &str) {
    let mut again = Command::new(env::current_exe().unwrap());
    let said = again.args([test, "--exact"]).env(STACK, TOO_LARGE).output().unwrap();
    let told = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success() && told.contains("1 passed"), "{told}");
}
