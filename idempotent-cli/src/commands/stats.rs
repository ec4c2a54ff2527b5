//! `stats`: how many records there are, by operation and state.

use crate::app::{Hosts, build};
use crate::failure::{Ending, Failure};
use crate::options::Options;
use crate::output::{Answer, Output, lines, printable, table};
use crate::progress::Progress;
use idempotent_runtime::records::RecordView;
use serde::Serialize;
use std::collections::BTreeMap;

/// The number of records that are read at a time.
const LOOK: u32 = 1000;

/// The states, in about the order in which a record goes through them.
const STATES: [&str; 6] =
    ["issued", "running", "abandoned", "completed", "cancelled", "undecodable"];

#[derive(Default, Serialize)]
struct Stats {
    #[serde(flatten)]
    all: Count,
    operations: Vec<OfOperation>,
}

#[derive(Serialize)]
struct OfOperation {
    operation: String,
    #[serde(flatten)]
    count: Count,
}

#[derive(Default, Serialize)]
struct Count {
    records: u64,
    bytes: u64,
    states: BTreeMap<String, u64>,
}

impl Count {
    fn add(&mut self, state: &str, bytes: u64) {
        self.records += 1;
        self.bytes += bytes;
        *self.states.entry(state.to_owned()).or_default() += 1;
    }

    /// The cells of a line.
    fn cells(&self, name: &str) -> [String; STATES.len() + 3] {
        let mut cells = std::array::from_fn(|at| {
            let state = at.checked_sub(1).and_then(|at| STATES.get(at));
            state.and_then(|&state| self.states.get(state)).map_or_else(String::new, u64::to_string)
        });
        cells[0] = printable(name);
        cells[STATES.len() + 1] = self.records.to_string();
        cells[STATES.len() + 2] = self.bytes.to_string();
        cells
    }
}

impl Answer for Stats {
    fn for_people(&self) -> String {
        let [issued, running, abandoned, completed, cancelled, undecodable] = STATES;
        let mut rows = table([
            "operation",
            issued,
            running,
            abandoned,
            completed,
            cancelled,
            undecodable,
            "all",
            "bytes",
        ]);
        for OfOperation { operation, count } in &self.operations {
            rows.add_row(count.cells(operation));
        }
        rows.add_row(self.all.cells("all"));
        lines(&rows)
    }
}

/// Counts all records. One that changes meanwhile may count twice.
pub(crate) async fn run(options: &Options, output: &Output) -> Result<Ending, Failure> {
    let app = build(options, Hosts::One).await?;
    let progress = Progress::counting("records");
    let (records, mut after) = (app.records(), None);
    let (mut all, mut operations) = (Count::default(), BTreeMap::<String, Count>::new());
    loop {
        let page = records.page(LOOK, after.as_ref()).await?;
        for record in &page.records {
            count(record, &mut all, &mut operations);
        }
        progress.more(page.records.len() as u64);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    drop(progress);
    let of = |(operation, count)| OfOperation { operation, count };
    output.answer(&Stats { all, operations: operations.into_iter().map(of).collect() })?;
    Ok(Ending::Done)
}

fn count(record: &RecordView, all: &mut Count, operations: &mut BTreeMap<String, Count>) {
    let (state, bytes) = (record.state().stage().to_string(), record.size() as u64);
    all.add(&state, bytes);
    operations.entry(record.operation().to_owned()).or_default().add(&state, bytes);
}
