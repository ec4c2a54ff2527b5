//! The protocol in a model checker: every order of events of a few owners, with answers that are
//! lost, messages that come twice or late, leases that end and processes that die.

mod protocol;

use protocol::{Compares, Protocol};
use stateright::{Checker, Model};

/// The number of states that a test has time for; not all states are explored.
const STATES: usize = 2_000_000;

#[test]
fn no_order_of_events_breaks_a_promise() {
    let model = Protocol { owners: 2, compares: Compares::TheWholeRecord };
    // The search is breadth first: every order of few events comes before any order of many.
    let checked = model.checker().threads(2).target_state_count(STATES).spawn_bfs().join();
    println!("{} states, {} events deep", checked.unique_state_count(), checked.max_depth());
    checked.assert_properties();
    assert!(checked.max_depth() >= 10, "{}", checked.max_depth());
}

#[test]
fn without_the_comparison_the_checker_finds_a_stale_owner_that_overwrites() {
    let model = Protocol { owners: 2, compares: Compares::Nothing };
    let checked = model.checker().threads(2).spawn_bfs().join();
    assert!(checked.discovery(protocol::S3).is_some(), "a broken protocol must be told from ours");
}
