//! Compares the table of problems with the pages that people read.

use crate::http::answer::problem::ProblemKind;
use crate::http::openapi::refusals::{named, refusals};
use crate::policy::{Busy, Definition, KeyRequirement, OnAbandoned, OnDuplicate, Policy, Strategy};
use std::collections::BTreeSet;
use std::time::Duration;

/// Problems of every guard, which the pages do not list.
const EVERYWHERE: [ProblemKind; 5] = [
    ProblemKind::HostInvalid,
    ProblemKind::TooManyRuns,
    ProblemKind::ShuttingDown,
    ProblemKind::HandlerPanicked,
    ProblemKind::Misconfigured,
];

const PAGES: [(Strategy, &str); 10] = [
    (Strategy::RequestId, include_str!("../../../docs/strategies/request_id.md")),
    (Strategy::Token, include_str!("../../../docs/strategies/token.md")),
    (Strategy::DedupTable, DEDUP_TABLE),
    (Strategy::RowLock, include_str!("../../../docs/strategies/row_lock.md")),
    (Strategy::Version, include_str!("../../../docs/strategies/version.md")),
    (Strategy::State, include_str!("../../../docs/strategies/state.md")),
    (Strategy::Unique, include_str!("../../../docs/strategies/unique.md")),
    (Strategy::Lock, include_str!("../../../docs/strategies/lock.md")),
    (Strategy::Cache, include_str!("../../../docs/strategies/cache.md")),
    (Strategy::Async, include_str!("../../../docs/strategies/async.md")),
];

const DEDUP_TABLE: &str = include_str!("../../../docs/strategies/dedup_table.md");

/// The policy with all arguments that give a problem, as far as the page lists them.
fn widest(strategy: Strategy, page: &str) -> Policy {
    let takes = |argument: &str| page.contains(&format!("\n| `{argument}` |"));
    let mut policy = Policy::new(Definition::new("", "", ""), strategy);
    if takes("on_duplicate") {
        policy = policy.on_duplicate(OnDuplicate::Reject);
    }
    if takes("on_abandoned") {
        policy = policy.on_abandoned(OnAbandoned::Hold);
    }
    if takes("within") {
        policy = policy.within(Duration::from_secs(1));
    }
    policy
}

fn names(kinds: impl IntoIterator<Item = ProblemKind>) -> BTreeSet<&'static str> {
    let kinds = kinds.into_iter().filter(|kind| !EVERYWHERE.contains(kind));
    kinds.map(ProblemKind::name).collect()
}

/// The problems in a page's table of answers.
fn on_page(page: &str) -> BTreeSet<&'static str> {
    let answers = page.split("# Answers\n").nth(1).expect("a table of answers");
    let table = answers.split("\n\n").next().unwrap_or_default();
    let cells = table.lines().filter_map(|row| row.split('|').nth(1));
    names(cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).filter_map(named))
}

#[test]
fn each_page_has_the_problems_of_its_strategy() {
    for (strategy, page) in PAGES {
        let mut documented = on_page(page);
        if page.contains("the answers of [`dedup_table`]") {
            documented.extend(on_page(DEDUP_TABLE));
            if strategy.traits().busy == Busy::Locked {
                documented.remove(ProblemKind::InProgress.name());
            }
        }
        let mut table = names(refusals(&widest(strategy, page)));
        if page.contains("\n| `first_sent` |") {
            table.insert(ProblemKind::RetryTooLate.name());
        }
        if page.contains("\n| `owner` |") {
            table.insert(ProblemKind::ScopeMissing.name());
        }
        assert_eq!(documented, table, "{}", strategy.name());
    }
}

#[test]
fn a_row_without_a_key_has_no_problems_of_a_key() {
    for strategy in [Strategy::RowLock, Strategy::Version, Strategy::State] {
        let policy = Policy::new(Definition::new("", "", ""), strategy);
        let kinds = refusals(&policy.key_requirement(KeyRequirement::Unkeyed));
        assert!(kinds.contains(&ProblemKind::RowMissing));
        for kind in [ProblemKind::KeyReused, ProblemKind::NotReplayable, ProblemKind::ScopeMissing]
        {
            assert!(!kinds.contains(&kind), "{}: {}", strategy.name(), kind.name());
        }
    }
}
