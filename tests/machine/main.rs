//! A model of keys, owners and lives, and two processes on every store that must agree with it.
//!
//! Steps are drawn at random: claims, endings, renewals, deaths, restarts, requests and answers that
//! are lost, time that passes. After each step, the engine's answer and every record in the store must be
//! as the model says. A failure is shrunk to the few steps that matter.
//! Invariants S1, S2, S3, S5, S6, S9, S10 and L1.

mod model;
mod place;
mod step;
mod system;

use idempotent_runtime::policy::{OnAbandoned, OnDuplicate};
use model::Model;
use place::{MariaDb, Memory, Postgres, Redis, Sqlite};
use proptest::test_runner::Config;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use step::{Key, Request, Step};
use system::Processes;

/// The number of sequences of steps that are tried, unless `PROPTEST_CASES` says otherwise.
fn cases(many: u32) -> Config {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let default = Config { failure_persistence: None, ..Config::default() };
    Config { cases: if asked { default.cases } else { many }, max_shrink_iters: 500, ..default }
}

/// The store forgot the first owner, and the second one ended in the same way as the first. The time of the claim in
/// the record shows that it is not the first one's.
#[test]
fn an_owner_that_was_forgotten_does_not_take_the_end_of_another_for_its_own() {
    let request = Request {
        process: 0,
        key: Key::One,
        content: 1,
        on_duplicate: OnDuplicate::Replay,
        on_abandoned: OnAbandoned::Retry,
    };
    let begin = || Step::Begin(request, None);
    let steps = vec![begin(), Step::Pass(5), begin(), Step::Bury(1, None), Step::Bury(0, None)];
    Processes::<Memory>::test_sequential(cases(1), Model::new(), steps, None);
}

prop_state_machine! {
    #![proptest_config(cases(96))]
    #[test]
    fn memory(sequential 1..48 => Processes<Memory>);
}

prop_state_machine! {
    #![proptest_config(cases(24))]
    #[test]
    fn sqlite(sequential 1..48 => Processes<Sqlite>);
}

prop_state_machine! {
    #![proptest_config(cases(24))]
    #[test]
    fn redis(sequential 1..48 => Processes<Redis>);
}

prop_state_machine! {
    #![proptest_config(cases(16))]
    #[test]
    fn postgres(sequential 1..48 => Processes<Postgres>);
}

prop_state_machine! {
    #![proptest_config(cases(16))]
    #[test]
    fn mariadb(sequential 1..48 => Processes<MariaDb>);
}
