//! The table of what a retry gets after its process died.

use crate::environment::StoreKind;
use crate::step::Step;
use Answer::{InProgress, Ran, Replayed, Unknown};
use std::fmt::Write;

/// The answer to a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The handler ran.
    Ran,
    /// A response that was stored.
    Replayed,
    /// 409: the lease of the dead process holds.
    InProgress,
    /// 409: an operator has to say whether it happened.
    Unknown,
}

/// The attribute's `on_abandoned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Retry,
    Hold,
}

/// The answers and effects after one death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The answer to a retry within the lease.
    pub(crate) at_once: Answer,
    /// The answer to a retry when the key is no longer in progress.
    pub(crate) later: Answer,
    /// The number of effects in the business database, after both retries.
    pub(crate) effects: i64,
}

/// The expectation for one step: the answer at once; later answer and effects with `retry`; the same with `hold`.
type Row = (Step, Answer, (Answer, i64), (Answer, i64));

/// With a store that outlives the process.
const KEPT: [Row; 7] = [
    (Step::BeforeClaim, Ran, (Replayed, 1), (Replayed, 1)),
    (Step::AfterClaim, InProgress, (Ran, 1), (Unknown, 0)),
    (Step::BeforeEffect, InProgress, (Ran, 1), (Unknown, 0)),
    (Step::AfterEffect, InProgress, (Ran, 2), (Unknown, 1)),
    (Step::BeforeComplete, InProgress, (Ran, 2), (Unknown, 1)),
    (Step::AfterComplete, Replayed, (Replayed, 1), (Replayed, 1)),
    (Step::BeforeResponse, Replayed, (Replayed, 1), (Replayed, 1)),
];

/// The same with records in the process that dies: every retry is a first request.
const FORGOTTEN: [Row; 7] = [
    (Step::BeforeClaim, Ran, (Replayed, 1), (Replayed, 1)),
    (Step::AfterClaim, Ran, (Replayed, 1), (Replayed, 1)),
    (Step::BeforeEffect, Ran, (Replayed, 1), (Replayed, 1)),
    (Step::AfterEffect, Ran, (Replayed, 2), (Replayed, 2)),
    (Step::BeforeComplete, Ran, (Replayed, 2), (Replayed, 2)),
    (Step::AfterComplete, Ran, (Replayed, 2), (Replayed, 2)),
    (Step::BeforeResponse, Ran, (Replayed, 2), (Replayed, 2)),
];

/// The same with the record in the handler's own transaction (`dedup_table`): a run that did not commit had no
/// effect.
const COMMITTED: [Row; 5] = [
    (Step::AfterClaim, Ran, (Replayed, 1), (Replayed, 1)),
    (Step::BeforeEffect, Ran, (Replayed, 1), (Replayed, 1)),
    (Step::AfterEffect, Ran, (Replayed, 1), (Replayed, 1)),
    (Step::BeforeCommit, Ran, (Replayed, 1), (Replayed, 1)),
    (Step::BeforeResponse, Replayed, (Replayed, 1), (Replayed, 1)),
];

/// The steps of a transaction, and the answer to a retry if the first request died at the step.
pub(crate) fn of_a_transaction(kind: StoreKind) -> impl Iterator<Item = (Step, Answer)> {
    // In MariaDB one statement exchanges the record and commits, so there is no step in between.
    let is_there =
        move |step| !matches!((kind, step), (StoreKind::TransactionInMariaDb, Step::BeforeCommit));
    let steps = COMMITTED.iter().map(|&(step, at_once, ..)| (step, at_once));
    steps.filter(move |(step, _)| is_there(*step))
}

const fn rows(kind: StoreKind) -> &'static [Row] {
    match kind {
        StoreKind::Memory | StoreKind::Zoo => &FORGOTTEN,
        StoreKind::Sqlite | StoreKind::Redis | StoreKind::Postgres | StoreKind::MariaDb => &KEPT,
        StoreKind::Transaction
        | StoreKind::TransactionInPostgres
        | StoreKind::TransactionInMariaDb => &COMMITTED,
    }
}

pub(crate) fn expected(kind: StoreKind, step: Step, policy: Policy) -> Cell {
    let row = rows(kind).iter().find(|(of, ..)| *of == step).expect("a row for every step");
    let (later, effects) = match policy {
        Policy::Retry => row.2,
        Policy::Hold => row.3,
    };
    Cell { at_once: row.1, later, effects }
}

impl Answer {
    const fn for_people(self) -> &'static str {
        match self {
            Self::Ran => "201, it runs",
            Self::Replayed => "201, replayed",
            Self::InProgress => "409 `in-progress`",
            Self::Unknown => "409 `outcome-unknown`",
        }
    }
}

/// The table for the documentation.
fn markdown() -> String {
    let mut text = String::from(
        "| records in | killed … | a retry at once | later, `\"retry\"` | effects \
         | later, `\"hold\"` | effects |\n| --- | --- | --- | --- | ---: | --- | ---: |\n",
    );
    let kinds = [
        ("SQLite, Redis, PostgreSQL, MariaDB", StoreKind::Redis),
        ("memory", StoreKind::Memory),
        ("the business transaction", StoreKind::Transaction),
    ];
    for (records, kind) in kinds {
        for &(step, ..) in rows(kind) {
            let [retry, hold] =
                [Policy::Retry, Policy::Hold].map(|policy| expected(kind, step, policy));
            let at_once = retry.at_once.for_people();
            write!(text, "| {records} | {step} | {at_once} ").expect("memory");
            for Cell { later, effects, .. } in [retry, hold] {
                write!(text, "| {} | {effects} ", later.for_people()).expect("memory");
            }
            text.push_str("|\n");
        }
    }
    text
}

#[test]
fn the_table_in_the_documentation_is_the_one_that_is_tested() {
    let (tested, documented) = (markdown(), include_str!("matrix.md"));
    assert!(tested == documented, "put this into tests/crashes/matrix.md:\n{tested}");
}
