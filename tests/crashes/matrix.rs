//! A process is killed at every step of the protocol, on every store, with both policies.

use crate::environment::{Environment, StoreKind};
use crate::expected::{Answer, Cell, Policy, expected};
use crate::step::Step;
use std::time::{Duration, Instant};
use tests::{Reply, eventually};

/// The lease of every route.
pub(crate) const LEASE: Duration = Duration::from_secs(1);

/// The number of times that a host may be too slow to restart a process within the lease.
const TRIES: usize = 10;

/// Makes a test of every cell.
macro_rules! every_cell {
    ($($name:ident: $step:ident,)*) => {
        every_cell!(@ memory Memory; $($name: $step,)*);
        every_cell!(@ sqlite Sqlite; $($name: $step,)*);
        every_cell!(@ redis Redis; $($name: $step,)*);
        every_cell!(@ postgres Postgres; $($name: $step,)*);
        every_cell!(@ mariadb MariaDb; $($name: $step,)*);
    };
    (@ $store:ident $kind:ident; $($name:ident: $step:ident,)*) => {
        mod $store {
            every_cell!(@ retry Retry on $kind; $($name: $step,)*);
            every_cell!(@ hold Hold on $kind; $($name: $step,)*);
        }
    };
    (@ $module:ident $policy:ident on $kind:ident; $($name:ident: $step:ident,)*) => {
        mod $module {
            use crate::{expected::Policy, step::Step, environment::StoreKind};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::matrix::holds(StoreKind::$kind, Step::$step, Policy::$policy).await;
                }
            )*
        }
    };
}

every_cell! {
    killed_before_the_claim: BeforeClaim,
    killed_after_the_claim: AfterClaim,
    killed_before_the_effect: BeforeEffect,
    killed_after_the_effect: AfterEffect,
    killed_before_the_outcome_is_stored: BeforeComplete,
    killed_after_the_outcome_was_stored: AfterComplete,
    killed_before_the_response: BeforeResponse,
}

// This guard has no lease, so there is no policy for an abandoned run.
mod transaction {
    macro_rules! every_step {
        ($($database:ident $kind:ident $($before_commit:ident)?,)*) => {$(
            every_cell!(@ $database Retry on $kind;
                killed_after_the_claim: AfterClaim,
                killed_before_the_effect: BeforeEffect,
                killed_after_the_effect: AfterEffect,
                $(killed_before_the_commit: $before_commit,)?
                killed_before_the_response: BeforeResponse,
            );
        )*};
    }

    every_step! {
        sqlite Transaction BeforeCommit,
        postgres TransactionInPostgres BeforeCommit,
        // One statement exchanges the record and commits, so there is no step in between.
        mariadb TransactionInMariaDb,
    }
}

/// Checks one cell of the table.
async fn holds(kind: StoreKind, step: Step, policy: Policy) {
    let expected = expected(kind, step, policy);
    for _ in 0..TRIES {
        if let Some(seen) = observe(kind, step, policy).await {
            return assert_eq!(seen, expected, "{kind:?}, killed {step}, {policy:?}");
        }
    }
    panic!("this host never restarted a process within {LEASE:?}");
}

/// The answers and effects; `None` if the restart took longer than the lease.
async fn observe(kind: StoreKind, step: Step, policy: Policy) -> Option<Cell> {
    let environment = Environment::new(kind).await;
    let path = path(kind, policy);
    let dying = environment.start_dying(step);
    // The claim comes later than this, so the lease lasts at least as long from here.
    let asked = Instant::now();
    let first = dying.post(path).key("k").try_send().await;
    assert!(first.is_err(), "the kill came before the answer: {first:?}");
    dying.dies().await;

    let process = environment.start();
    let retry = async || process.post(path).key("k").send().await;
    let at_once = retry().await;
    if asked.elapsed() >= LEASE {
        return None;
    }
    let later = eventually("the lease is over", async || {
        let later = retry().await;
        (answer(&later) != Answer::InProgress).then_some(later)
    })
    .await;
    // From then on the answer stays the same.
    let again = retry().await;
    assert_eq!((again.status, &again.body), (later.status, &later.body));
    assert_eq!(answer(&again) == Answer::Unknown, answer(&later) == Answer::Unknown);
    Some(Cell {
        at_once: answer(&at_once),
        later: answer(&later),
        effects: environment.effects("k").await,
    })
}

/// The guarded route that is asked.
fn path(kind: StoreKind, policy: Policy) -> &'static str {
    match (kind, policy) {
        (
            StoreKind::Transaction
            | StoreKind::TransactionInPostgres
            | StoreKind::TransactionInMariaDb,
            _,
        ) => "/transaction",
        (_, Policy::Retry) => "/retry",
        (_, Policy::Hold) => "/hold",
    }
}

pub(crate) fn answer(reply: &Reply) -> Answer {
    match reply.status {
        201 if reply.is_replay() => Answer::Replayed,
        201 => Answer::Ran,
        409 if reply.problem() == "in-progress" => Answer::InProgress,
        409 if reply.problem() == "outcome-unknown" => Answer::Unknown,
        _ => panic!("{reply:?}"),
    }
}
